"""A recording over time: stretches with a face, expressions, and other motion."""

from __future__ import annotations

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
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots()
    colours = {name: class_style(number)[0] for number, name in enumerate(classes)}
    colours[NOT_SURE] = _UNSURE
    for row, name in enumerate(_ROWS):
        axes.axhline(-row, color="#EEEEEE", linewidth=0.8, zorder=0)
        _others(axes, found, name, -row)
    for number, item in enumerate(found["predictions"], start=1):
        _expression(axes, number, item, colours)
    for stretch in found["stretches"]:
        start, end = stretch["seconds"]
        axes.barh(1 - len(_ROWS), end - start, left=start, height=0.12, color=INK)
    axes.set_yticks([-row for row in range(len(_ROWS))], _ROWS)
    axes.set_ylim(-len(_ROWS) + 0.3, 0.8)
    axes.set_xlim(0, max(found["frames"] / found["fps"], 1e-3))
    axes.set_xlabel("seconds")
    count = len(found["predictions"])
    what = "no expression" if not count else f"{count} expression{'s' * (count > 1)}"
    axes.set_title(f"{found['name']}: {what}", weight="bold")
    shown = [*dict.fromkeys(item["label"] for item in found["predictions"])]
    handles: list[Patch | Line2D] = [Patch(color=colours[name], label=name) for name in shown]
    if any(not item["reliable"] for item in found["predictions"]):
        handles.append(Patch(fill=False, hatch="////", edgecolor=INK, label="unreliable fit"))
    handles.append(Line2D([], [], color=INK, linewidth=1.6, label="apex"))
    figure.legend(handles=handles, loc="outside lower center", ncols=6)
    save(figure, path)


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
    axes.annotate(str(number), (apex, row + 0.32), ha="center", va="bottom", size=8)


def _others(axes: Axes, found: Mapping[str, Any], kind: str, row: int) -> None:
    numbers = [item for item in found["others"] if item["kind"] == kind]
    for item in numbers:
        onset, offset = item["seconds"]
        axes.barh(row, offset - onset, left=onset, height=0.3, color=FAINT, zorder=2)
