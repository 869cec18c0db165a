"""Feature strip: a clip's phases, start and apex, and every input feature of them side by side.

All panels of a kind share one scale, which the legend below shows: colours of different clips,
phases and methods compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from gamdss.config.features import FeatureName
from gamdss.errors import FrameError
from gamdss.features import FEATURES
from gamdss.report.feature_colours import (
    DEFORMED,
    SIGNED,
    motion_colours,
    robust_limit,
    value_colours,
)
from gamdss.report.style import FAINT, INK, VERMILLION, bare, house_style, save

# Inches, placed by hand as in the film strip.
PANEL, GAP, LEFT, RIGHT = 1.3, 0.1, 0.25, 0.25
TOP, NAMES, HEADING, CAPTION, BELOW = 1.12, 0.5, 0.34, 0.3, 1.45
ARROWS = 9  # across a panel


@dataclass(frozen=True, eq=False)
class StripPhase:
    """A phase of a clip.

    Args:
        caption: of the first panel, such as "onset 46".
        start: the weak end's frame, RGB (S, S, 3) uint8.
        apex: the apex frame, like it.
        apex_caption: such as "apex 59".
        features: by name, (C, S, S) in the units of `gamdss.features.FEATURES`.
    """

    caption: str
    start: np.ndarray
    apex_caption: str
    apex: np.ndarray
    features: Mapping[FeatureName, np.ndarray]


@dataclass(frozen=True)
class _Limits:
    """The ends of the scales: grey levels, pixels, strain."""

    difference: float
    motion: float
    strain: float


@house_style()
def feature_strip(
    path: Path, clips: Sequence[tuple[str, Sequence[StripPhase]]], chosen: str, note: str = ""
) -> None:
    """Draw clips, each a heading and its phases.

    Args:
        path: file to write.
        clips: headings and phases; all phases have the same features in the same order.
        chosen: the feature whose name stands out.
        note: a line under the title.

    Raises:
        FrameError: nothing to draw.
        RunError: the file cannot be written.
    """
    if not clips:
        raise FrameError("no clip to draw", remedy="Give at least one.")
    names = list(clips[0][1][0].features)
    phases = sum(len(rows) for _, rows in clips)
    width = LEFT + (2 + len(names)) * (PANEL + GAP) + RIGHT
    height = TOP + NAMES + len(clips) * HEADING + phases * (PANEL + CAPTION) + BELOW
    figure = Figure(figsize=(width, height))
    _text(figure, LEFT, height - 0.35, "Input features of the two phases", size=14, weight="bold")
    about = (
        "Each row is a phase from its weak end (onset or offset) to the apex. Colour is "
        "direction and strength of motion,\nred is brighter, blue darker; one scale for all rows."
    )
    words = f"{about} {note}" if note else about
    _text(figure, LEFT, height - 0.65, words, color=FAINT, linespacing=1.5)
    limits = _limits([phase for _, rows in clips for phase in rows])
    top = height - TOP
    for column, name in enumerate(("start", "apex", *names)):
        style = {"color": VERMILLION, "weight": "bold"} if name == chosen else {"color": INK}
        middle = LEFT + column * (PANEL + GAP) + PANEL / 2
        lines = name.replace("flow-strain-", "flow-strain-\n").replace("grey-", "grey-\n")
        _text(figure, middle, top - 0.42, lines, ha="center", va="bottom", size=9, **style)
    top -= NAMES
    for heading, rows in clips:
        _text(figure, LEFT, top - 0.06, heading, size=10.5, weight="bold")
        top -= HEADING
        for phase in rows:
            _row(figure, top, phase, limits)
            top -= PANEL + CAPTION
    _legend(figure, limits, names)
    save(figure, path)


def _limits(phases: Sequence[StripPhase]) -> _Limits:
    kinds: dict[str, list[np.ndarray]] = {"difference": [], "motion": [], "strain": []}
    for phase in phases:
        for name, feature in phase.features.items():
            kind = FEATURES[name]
            if kind.flow is None:
                kinds["difference"].append(feature.ravel())
            else:
                kinds["motion"].append(np.hypot(feature[0], feature[1]).ravel())
                if kind.third == "strain":
                    kinds["strain"].append(feature[2].ravel())
    ends = {"difference": 1.0, "motion": 0.1, "strain": 0.01}
    found = {
        name: robust_limit(np.concatenate(values), ends[name]) if values else ends[name]
        for name, values in kinds.items()
    }
    return _Limits(**found)


def _row(figure: Figure, top: float, phase: StripPhase, limits: _Limits) -> None:
    panels = [phase.start, phase.apex]
    for column, picture in enumerate(panels):
        _panel(figure, column, top).imshow(picture)
    captions = [phase.caption, phase.apex_caption]
    for column, (name, feature) in enumerate(phase.features.items(), start=2):
        kind = FEATURES[name]
        axes = _panel(figure, column, top)
        if kind.flow is None:
            values = feature.mean(axis=0)
            axes.imshow(value_colours(values, limits.difference, signed=True))
            captions.append(f"mean {np.abs(values).mean():.2f}")
        elif kind.third == "strain":
            axes.imshow(value_colours(feature[2], limits.strain, signed=False))
            captions.append(f"mean strain {100 * feature[2].mean():.2f}%")
        else:
            axes.imshow(motion_colours(feature[:2], limits.motion))
            _arrows(axes, feature, limits.motion)
            captions.append(f"mean {feature[2].mean():.2f} px")
    for column, words in enumerate(captions):
        middle = LEFT + column * (PANEL + GAP) + PANEL / 2
        _text(figure, middle, top - PANEL - 0.05, words, ha="center", size=8, color=FAINT)


def _arrows(axes: Axes, flow: np.ndarray, limit: float) -> None:
    """Thin arrows on a grid, the longest as long as the grid is wide; still places have none."""
    height, width = flow.shape[1:]
    rows, columns = (
        np.linspace(0, n, ARROWS, endpoint=False, dtype=int) + n // (2 * ARROWS)
        for n in (height, width)
    )
    x, y = np.meshgrid(columns, rows)
    u, v = flow[0][y, x], flow[1][y, x]
    length = np.maximum(np.hypot(u, v), 1e-9)
    seen = length > 0.15 * limit
    shorter = np.minimum(1, limit / length) * (width / ARROWS) / limit
    axes.quiver(
        *(part[seen] for part in (x, y, u * shorter, v * shorter)),
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.008,
        headwidth=4,
        color=INK,
        alpha=0.75,
    )


def _legend(figure: Figure, limits: _Limits, names: Sequence[FeatureName]) -> None:
    """The wheel, and a bar for differences and one for strain, where they are drawn."""
    kinds = [FEATURES[name] for name in names]
    left, low, side = LEFT + 0.55, 0.3, 0.85
    if any(kind.flow is not None and kind.third != "strain" for kind in kinds):
        axes = _axes(figure, left, low, side, side)
        y, x = np.mgrid[-1:1:201j, -1:1:201j]
        wheel = motion_colours(np.stack((x, y)), 1.0)
        axes.imshow(np.where((np.hypot(x, y) <= 1)[..., None], wheel, 1.0))
        axes.set_axis_off()
        _text(figure, left + side + 0.15, low + side / 2 + 0.22, "motion", size=9)
        rim = f"rim: {limits.motion:.2g} px"
        _text(figure, left + side + 0.15, low + side / 2, rim, size=8, color=FAINT)
        left += side + 1.75
    if any(kind.flow is None for kind in kinds):
        end = limits.difference
        _bar(figure, left, "difference, grey levels", SIGNED, (-end, end))
        left += 3.1
    if any(kind.third == "strain" for kind in kinds):
        _bar(figure, left, "strain, percent", DEFORMED, (0, 100 * limits.strain))


def _bar(figure: Figure, left: float, words: str, colours: str, ends: tuple[float, float]) -> None:
    axes = _axes(figure, left, 0.62, 2.4, 0.13)
    bar = figure.colorbar(
        ScalarMappable(Normalize(*ends), colours), cax=axes, orientation="horizontal"
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=2)
    _text(figure, left, 1.02, words, size=9)


def _panel(figure: Figure, column: int, top: float) -> Axes:
    axes = _axes(figure, LEFT + column * (PANEL + GAP), top - PANEL, PANEL, PANEL)
    bare(axes)
    return axes


def _axes(figure: Figure, left: float, low: float, width: float, height: float) -> Axes:
    total = figure.get_size_inches()
    return figure.add_axes((left / total[0], low / total[1], width / total[0], height / total[1]))


def _text(figure: Figure, x: float, y: float, words: str, **style: object) -> None:
    width, height = figure.get_size_inches()
    options = {"va": "top", **style}
    figure.text(x / width, y / height, words, **options)  # type: ignore[arg-type]
