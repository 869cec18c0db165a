"""Film strip: key frames before and after reselection, and the differences the network sees.

Two rows for each clip, annotated and reselected: the three faces, then the two phases as signed
differences. Both rows share one colour scale, so that stronger motion looks stronger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamdss.errors import FrameError
from gamdss.records import KEYS, Clip, KeyFrames
from gamdss.report.colours import SIGNED, change, robust_limit
from gamdss.report.style import (
    BLUE,
    FAINT,
    INK,
    VERMILLION,
    axes_at,
    bare,
    house_style,
    save,
    text_at,
)

# Inches. Placed by hand: texts never overlap, whatever the number of clips.
FACE, GAP, SIDE, TOP = 1.5, 0.16, 1.15, 1.35
HEADING, CAPTION, BETWEEN = 0.62, 0.5, 0.4
LEFT = [SIDE + i * (FACE + GAP) + 0.35 * (i > 2) for i in range(5)]
BAR, WIDTH = LEFT[-1] + FACE + 0.25, LEFT[-1] + FACE + 1.15
BLOCK = HEADING + 2 * (FACE + CAPTION) + BETWEEN

SHOWN = 4  # clips
PHASES = ("rising: apex − onset", "falling: apex − offset")


@dataclass(frozen=True, eq=False)
class Row:
    """One choice of a clip's key frames: faces (3, S, S, 3) uint8 and their numbers."""

    name: str
    colour: str
    faces: np.ndarray
    keys: KeyFrames

    @property
    def differences(self) -> np.ndarray:
        """apex - onset and apex - offset in grey levels, (2, S, S) float64."""
        onset, apex, offset = self.faces
        return np.stack([change(onset, apex), change(offset, apex)])


@house_style()
def film_strip(
    path: Path,
    clips: Sequence[Clip],
    frames: np.ndarray,
    annotated: np.ndarray,
    reselected: np.ndarray,
    reselected_keys: Sequence[KeyFrames],
    truth: Mapping[str, KeyFrames] | None = None,
) -> None:
    """Draw the clips whose key frames moved most; the first of equals.

    Args:
        path: file to write.
        clips: N clips, in the order of the index.
        frames: uint8 RGB (M, 3, S, S).
        annotated: (N, 3) index into `frames`: onset, apex, offset as annotated.
        reselected: (N, 3), as reselected.
        reselected_keys: the N clips' frame numbers as reselected.
        truth: true frame numbers by clip id, for synthetic clips.

    Raises:
        FrameError: no clip to draw, or index and frame numbers of different length.
        RunError: the file cannot be written.
    """
    lengths = {len(x) for x in (clips, annotated, reselected, reselected_keys)}
    if len(lengths) != 1 or not len(clips):
        raise FrameError(
            f"key frames of {sorted(lengths)} clips",
            remedy="Pass an index and frame numbers for every clip, and one clip or more.",
        )
    pairs = zip(clips, reselected_keys, strict=True)
    shifts = np.array([_shift(clip.annotated, keys) for clip, keys in pairs])
    chosen = np.argsort(-shifts, kind="stable")[:SHOWN]
    height = TOP + BLOCK * len(chosen)
    figure = Figure(figsize=(WIDTH, height))
    words = _title(int((shifts > 0).sum()), len(clips), len(chosen), truth is not None)
    text_at(figure, SIDE - 0.95, height - 0.4, words[0], size=14, weight="bold")
    text_at(figure, SIDE - 0.95, height - 0.7, words[1], color=FAINT, linespacing=1.5)
    for place, number in enumerate(chosen):
        clip = clips[number]
        rows = (
            Row("annotated", BLUE, _faces(frames, annotated[number]), clip.annotated),
            Row(
                "reselected",
                VERMILLION,
                _faces(frames, reselected[number]),
                reselected_keys[number],
            ),
        )
        top = height - TOP - place * BLOCK
        _clip(figure, top, clip, rows, truth.get(clip.id) if truth else None)
    save(figure, path)


def _shift(annotated: KeyFrames, reselected: KeyFrames) -> int:
    """Frames moved by all three key frames together."""
    return sum(abs(b - a) for a, b in zip(annotated.numbers, reselected.numbers, strict=True))


def _faces(frames: np.ndarray, index: np.ndarray) -> np.ndarray:
    return np.asarray(frames[index]).transpose(0, 2, 3, 1)  # (3, 3, S, S) -> (3, S, S, 3)


def _clip(
    figure: Figure, top: float, clip: Clip, rows: tuple[Row, Row], truth: KeyFrames | None
) -> None:
    """The block of one clip, its upper edge `top` inches above the lower edge of the figure."""
    heading = f"Subject {clip.subject}, clip {clip.name}: {clip.emotion}"
    keys = rows[1].keys
    if keys.quality is not None:
        heading += f", fit {keys.quality:.2f}{'' if keys.reliable else ' (unreliable)'}"
    text_at(figure, SIDE - 0.95, top - 0.12, heading, size=11, weight="bold")
    style: dict[str, Any] = {"ha": "center", "va": "bottom", "color": FAINT, "size": 9}
    for left, name in zip(LEFT, (*KEYS, *PHASES), strict=True):
        text_at(figure, left + FACE / 2, top - HEADING + 0.1, name, **style)
    limit = robust_limit(np.array([row.differences for row in rows]), 1.0)
    for number, row in enumerate(rows):
        low = top - HEADING - number * (FACE + CAPTION) - FACE
        captions = [frame_text(row.keys, rows[0].keys, truth, i) for i in range(3)]
        axes = _row(figure, low, row, captions, limit)
    _scale(figure, axes, top)


def _row(
    figure: Figure, low: float, row: Row, captions: Sequence[tuple[str, bool]], limit: float
) -> Axes:
    """Faces with their captions (bold if moved) and differences; the axes of the last one."""
    style: dict[str, Any] = {"ha": "right", "va": "center", "color": row.colour, "weight": "bold"}
    text_at(figure, SIDE - 0.12, low + FACE / 2, row.name, **style)
    for left, face, (words, moved) in zip(LEFT[:3], row.faces, captions, strict=True):
        _picture(figure, left, low).imshow(face)
        style = {"color": row.colour, "weight": "bold"} if moved else {"color": INK}
        place = left + FACE / 2, low - 0.06
        text_at(figure, *place, words, ha="center", size=9, linespacing=1.35, **style)
    for left, difference in zip(LEFT[3:], row.differences, strict=True):
        axes = _picture(figure, left, low)
        axes.imshow(difference, cmap=SIGNED, vmin=-limit, vmax=limit)
        words = f"mean change {np.abs(difference).mean():.2f}"
        text_at(figure, left + FACE / 2, low - 0.06, words, ha="center", size=9)
    return axes


def _scale(figure: Figure, axes: Axes, top: float) -> None:
    """The clip's colour scale, beside its differences."""
    high = 2 * FACE + CAPTION
    low = top - HEADING - high
    place = axes_at(figure, BAR, low + high / 5, 0.12, 0.6 * high)
    bar = figure.colorbar(axes.images[0], cax=place)
    bar.ax.spines["outline"].set_visible(False)
    bar.ax.tick_params(labelsize=8, length=2)
    bar.set_label("brighter or darker, grey levels", fontsize=8, color=FAINT)


def _picture(figure: Figure, left: float, low: float) -> Axes:
    axes = axes_at(figure, left, low, FACE, FACE)
    bare(axes)
    return axes


def _title(moved: int, clips: int, shown: int, with_truth: bool) -> tuple[str, str]:
    """A headline, and two lines on how to read the figure."""
    if moved:
        which = (
            "the one with the largest shift"
            if shown == 1
            else f"the {shown} with the largest shifts"
        )
        headline = f"Reselection moved key frames of {moved} of {clips} clips; here {which}"
    else:
        which = "the first clip" if shown == 1 else f"the first {shown} of {clips}"
        headline = f"Reselection moved no key frame; here {which}"
    truth = " “True” is the true frame of a synthetic clip." if with_truth else ""
    return headline, (
        "Annotated and reselected onset, apex and offset, with frame numbers"
        f"{'; in brackets the move' if moved else ''}.{truth}\n"
        "Right: how brightness changes in the rising and the falling phase, in one colour scale "
        "per clip: stronger colour, stronger motion."
    )


def frame_text(
    keys: KeyFrames, annotated: KeyFrames, truth: KeyFrames | None, which: int
) -> tuple[str, bool]:
    """Caption of key frame 0, 1 or 2 (onset, apex, offset), and whether it was moved."""
    number = keys.numbers[which]
    shift = number - annotated.numbers[which]
    text = f"frame {number} ({shift:+d})" if shift else f"frame {number}"
    if KEYS[which] in annotated.substituted and not shift:
        text += ", substituted"  # the annotated frame is missing
    if truth is not None:
        error = number - truth.numbers[which]
        error_text = f"{abs(error)} {'late' if error > 0 else 'early'}" if error else "exact"
        text += f"\ntrue {truth.numbers[which]}: {error_text}"
    return text, shift != 0
