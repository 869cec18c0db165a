"""Pictures of input features: one for each clip, and a strip of some clips with every feature.

All panels of a kind in the strip share one scale, shown in its legend, so that colours of different
clips, phases and methods can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from gamdss.config import Config
from gamdss.config.features import FeatureName
from gamdss.data.feature_files import FeatureJob, Written
from gamdss.data.key_frames import KeyFrameReader
from gamdss.errors import FrameError
from gamdss.features import FEATURES
from gamdss.files import write_bytes
from gamdss.records import KeyFrames
from gamdss.report.colours import (
    DEFORMED,
    SIGNED,
    motion_colours,
    robust_limit,
    value_colours,
)
from gamdss.report.style import (
    FAINT,
    INK,
    VERMILLION,
    axes_at,
    bare,
    house_style,
    save,
    text_at,
)

# Inches, placed by hand as in the film strip.
PANEL, GAP, LEFT, RIGHT = 1.3, 0.1, 0.25, 0.25
TOP, NAMES, HEADING, CAPTION, BELOW = 1.12, 0.5, 0.34, 0.3, 1.45
ARROWS = 9  # across a panel
CLIPS = 3
SIZE = 224  # pixels of a panel of the strip
SHOWN: tuple[FeatureName, ...] = (
    "difference",
    "grey-difference",
    "flow-dis",
    "flow-farneback",
    "flow-strain",
)


@dataclass(frozen=True, eq=False)
class StripPhase:
    """A phase of a clip.

    Args:
        caption: of the first panel, such as "onset 46".
        start: the onset or offset frame, RGB (S, S, 3) uint8.
        apex: the apex frame, RGB (S, S, 3) uint8.
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
    """Draw clips, each with a heading and its phases.

    Args:
        path: file to write.
        clips: headings and phases; all phases have the same features in the same order.
        chosen: the feature whose name is highlighted.
        note: a line under the title.

    Raises:
        FrameError: nothing to draw.
        RunError: the file cannot be written.
    """
    if not clips:
        raise FrameError("no clip to draw", remedy="Pass at least one clip.")
    names = list(clips[0][1][0].features)
    phases = sum(len(rows) for _, rows in clips)
    width = LEFT + (2 + len(names)) * (PANEL + GAP) + RIGHT
    height = TOP + NAMES + len(clips) * HEADING + phases * (PANEL + CAPTION) + BELOW
    figure = Figure(figsize=(width, height))
    text_at(figure, LEFT, height - 0.35, "Input features of the two phases", size=14, weight="bold")
    about = (
        "Each row is a phase from the onset or offset to the apex. Colour shows direction and\n"
        "strength of motion; red is brighter, blue darker; all rows share one scale."
    )
    words = f"{about} {note}" if note else about
    text_at(figure, LEFT, height - 0.65, words, color=FAINT, linespacing=1.5)
    limits = _limits([phase for _, rows in clips for phase in rows])
    top = height - TOP
    for column, name in enumerate(("start", "apex", *names)):
        style = {"color": VERMILLION, "weight": "bold"} if name == chosen else {"color": INK}
        middle = LEFT + column * (PANEL + GAP) + PANEL / 2
        lines = name.replace("flow-strain-", "flow-strain-\n").replace("grey-", "grey-\n")
        text_at(figure, middle, top - 0.42, lines, ha="center", va="bottom", size=9, **style)
    top -= NAMES
    for heading, rows in clips:
        text_at(figure, LEFT, top - 0.06, heading, size=10.5, weight="bold")
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
                if "strain" in kind.channels:
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
        elif "strain" in kind.channels:
            axes.imshow(value_colours(feature[2], limits.strain, signed=False))
            captions.append(f"mean strain {100 * feature[2].mean():.2f}%")
        else:
            axes.imshow(motion_colours(feature[:2], limits.motion))
            _arrows(axes, feature, limits.motion)
            captions.append(f"mean {feature[2].mean():.2f} px")
    for column, words in enumerate(captions):
        middle = LEFT + column * (PANEL + GAP) + PANEL / 2
        text_at(figure, middle, top - PANEL - 0.05, words, ha="center", size=8, color=FAINT)


def _arrows(axes: Axes, flow: np.ndarray, limit: float) -> None:
    """Thin arrows on a grid, at most as long as a cell is wide; none where nothing moves."""
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
    """The colour wheel, and bars for differences and strain, if they are drawn."""
    kinds = [FEATURES[name] for name in names]
    left, low, side = LEFT + 0.55, 0.3, 0.85
    if any(kind.flow is not None and "strain" not in kind.channels for kind in kinds):
        axes = axes_at(figure, left, low, side, side)
        y, x = np.mgrid[-1:1:201j, -1:1:201j]
        wheel = motion_colours(np.stack((x, y)), 1.0)
        axes.imshow(np.where((np.hypot(x, y) <= 1)[..., None], wheel, 1.0))
        axes.set_axis_off()
        text_at(figure, left + side + 0.15, low + side / 2 + 0.22, "motion", size=9)
        rim = f"rim: {limits.motion:.2g} px"
        text_at(figure, left + side + 0.15, low + side / 2, rim, size=8, color=FAINT)
        left += side + 1.75
    if any(kind.flow is None for kind in kinds):
        end = limits.difference
        _bar(figure, left, "difference, grey levels", SIGNED, (-end, end))
        left += 3.1
    if any("strain" in kind.channels for kind in kinds):
        _bar(figure, left, "strain, percent", DEFORMED, (0, 100 * limits.strain))


def _bar(figure: Figure, left: float, words: str, colours: str, ends: tuple[float, float]) -> None:
    axes = axes_at(figure, left, 0.62, 2.4, 0.13)
    bar = figure.colorbar(
        ScalarMappable(Normalize(*ends), colours), cax=axes, orientation="horizontal"
    )
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=2)
    text_at(figure, left, 1.02, words, size=9)


def _panel(figure: Figure, column: int, top: float) -> Axes:
    axes = axes_at(figure, LEFT + column * (PANEL + GAP), top - PANEL, PANEL, PANEL)
    bare(axes)
    return axes


def clip_picture(name: FeatureName) -> Callable[[Path, np.ndarray], None]:
    """Draws features (2, C, H, W) of a clip, rising above falling, in a scale of the clip.

    A flow has a panel for motion and one for its third channel, a difference has one panel.
    """
    kind = FEATURES[name]

    def rgb(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
        if kind.flow is None:
            return value_colours(values.mean(axis=0), limits[0], signed=True)
        flow = motion_colours(values[:2], limits[0])
        return np.concatenate((flow, value_colours(values[2], limits[1], signed=False)), axis=1)

    def draw(file: Path, values: np.ndarray) -> None:
        motion = values if kind.flow is None else np.hypot(values[:, 0], values[:, 1])
        limits = np.array([robust_limit(motion, 0.1), robust_limit(values[:, -1], 1e-3)])
        rows = np.concatenate([rgb(phase, limits) for phase in values])
        image = np.rint(255 * rows[..., ::-1]).astype(np.uint8)
        # As bytes: OpenCV's own writer leaves half a picture on a full disk without an error.
        _, data = cv2.imencode(".png", image)
        write_bytes(file, data.tobytes())

    return draw


def draw_strip(path: Path, written: Sequence[Written], config: Config) -> None:
    """Draw the first clips of different labels, with every feature that needs no extra package."""
    firsts: dict[str, Written] = {}
    for one in written:
        firsts.setdefault(one.job.label, one)
    chosen = [*firsts.values(), *(one for one in written if one not in firsts.values())][:CLIPS]
    wanted = config.features.name
    names = SHOWN if wanted in SHOWN else (*SHOWN, wanted)
    clips = [(_heading(one.job), _phases(one, names, config)) for one in chosen]
    factor = config.features.magnification
    note = f"Motion magnified {factor:g} times." if factor > 1 else ""
    feature_strip(path, clips, wanted, note)


def _heading(job: FeatureJob) -> str:
    clip = job.item.clip
    return f"Subject {clip.subject}, clip {clip.name}: {clip.emotion}"


def _phases(one: Written, names: Sequence[FeatureName], config: Config) -> list[StripPhase]:
    item, keys = one.job.item, one.keys or KeyFrames(*one.job.item.clip.annotated.numbers)
    old = one.job.reader
    readers = {
        name: KeyFrameReader(
            old.colour, SIZE, old.frames, old.reselection, replace(config.features, name=name)
        )
        for name in names
    }
    images = old.images(item)
    pairs = ((keys.onset, keys.apex), (keys.offset, keys.apex))
    values = {name: reader.phase_features(item, images, pairs) for name, reader in readers.items()}
    faces = {n: readers[names[0]].resize(images[n]).transpose(1, 2, 0) for n in keys.numbers}
    return [
        StripPhase(
            caption=f"{end} {start}",
            start=faces[start],
            apex_caption=f"apex {apex}",
            apex=faces[apex],
            features={name: feature[number] for name, feature in values.items()},
        )
        for number, (end, (start, apex)) in enumerate(zip(("onset", "offset"), pairs, strict=True))
    ]
