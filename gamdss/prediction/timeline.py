"""A recording over time: stretches with a face, expressions, and other motion."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gamdss.prediction.ensemble import NOT_SURE
from gamdss.report.style import FAINT, INK, class_style, house_style, save

_ROWS = ("micro", "macro", "blink", "head", "speech", "face")
_UNSURE = "#B8B8B8"
# Longer recordings continue in the panel below, of this many seconds, or longer so that the panels
# are not too many.
_SECONDS, _MOST_PANELS = 120, 15


def duration(found: Mapping[str, Any]) -> float:
    """Seconds of a recording; of a result of an earlier version, without gaps in its frames."""
    return float(found.get("duration", found["frames"] / found["fps"]))


@house_style()
def draw_timeline(path: Path, found: Mapping[str, Any], classes: Sequence[str]) -> None:
    """Draw the timeline of a recording.

    Args:
        path: file to write.
        found: `RecordingPredictions.as_dict()`.
        classes: names of the classes, for their colours.

    Raises:
        RunError: the file cannot be written.
    """
    colours = {name: class_style(number)[0] for number, name in enumerate(classes)}
    colours[NOT_SURE] = _UNSURE
    total = max(duration(found), 1e-3)
    length = max(_SECONDS, math.ceil(total / _MOST_PANELS))
    panels = math.ceil(total / length)
    figure = Figure(figsize=(11, 1.4 + 2.2 * panels), layout="constrained")
    for place, axes in enumerate(figure.subplots(panels, squeeze=False)[:, 0]):
        first = place * length
        _panel(axes, found, colours, (first, min(total, length) + first))
    axes.set_xlabel("seconds")
    count = len(found["predictions"])
    what = "no expression" if not count else f"{count} expression{'s' * (count > 1)}"
    figure.axes[0].set_title(f"{found['name']}: {what}", weight="bold")
    if count:
        figure.legend(handles=_legend(found, colours), loc="outside lower center", ncols=6)
    save(figure, path)


def _panel(
    axes: Axes, found: Mapping[str, Any], colours: Mapping[str, str], shown: tuple[float, float]
) -> None:
    """What is between the seconds `shown`."""

    def within(seconds: Sequence[float]) -> bool:
        return seconds[0] < shown[1] and seconds[-1] >= shown[0]

    for row in range(len(_ROWS)):
        axes.axhline(-row, color="#EEEEEE", linewidth=0.8, zorder=0)
    for item in filter(lambda item: within(item["seconds"]), found["others"]):
        onset, offset = item["seconds"]
        row = -_ROWS.index(item["kind"])
        axes.barh(row, offset - onset, left=onset, height=0.3, color=FAINT, zorder=2)
    for number, item in enumerate(found["predictions"], start=1):
        if within(item["seconds"]):
            _expression(axes, number, item, colours)
    for start, end in (stretch["seconds"] for stretch in found["stretches"]):
        axes.barh(1 - len(_ROWS), end - start, left=start, height=0.12, color=INK)
    axes.set_yticks([-row for row in range(len(_ROWS))], _ROWS)
    axes.set_ylim(-len(_ROWS) + 0.3, 0.8)
    axes.set_xlim(*shown)


def _legend(found: Mapping[str, Any], colours: Mapping[str, str]) -> list[Patch | Line2D]:
    labels = dict.fromkeys(item["label"] for item in found["predictions"])
    handles: list[Patch | Line2D] = [Patch(color=colours[name], label=name) for name in labels]
    if any(not item["reliable"] for item in found["predictions"]):
        handles.append(Patch(fill=False, hatch="////", edgecolor=INK, label="unreliable fit"))
    return [*handles, Line2D([], [], color=INK, linewidth=1.6, label="apex")]


def _expression(
    axes: Axes, number: int, item: Mapping[str, Any], colours: Mapping[str, str]
) -> None:
    onset, apex, offset = item["seconds"]
    row, colour = -_ROWS.index(item["type"]), colours[item["label"]]
    style: dict[str, Any] = {"color": colour}
    if not item["reliable"]:
        style = {"facecolor": "white", "edgecolor": colour, "hatch": "////", "linewidth": 1}
    axes.barh(row, offset - onset, left=onset, height=0.5, zorder=3, **style)
    axes.plot([apex, apex], [row - 0.3, row + 0.3], color=INK, linewidth=1.6, zorder=4)
    axes.annotate(
        str(number), (apex, row + 0.32), ha="center", va="bottom", size=8, annotation_clip=True
    )
