"""Windows around annotated key frames: presets, exact image differences, and the search.

The presets are those of the paper (arXiv 2603.04766) and of its release. Reselection takes the
pair of onset and apex that differs most, then the offset that differs most from that apex.

Squares of uint8 differences are integers, which float64 sums exactly up to 2**53. So equal
differences compare equal, and the order of the search decides ties.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import cv2
import numpy as np

from gamdss.errors import AnnotationError, ConfigError, did_you_mean, is_between


class Windows(NamedTuple):
    """Candidate frame numbers of each key frame, the annotated one first."""

    onset: tuple[int, ...]
    apex: tuple[int, ...]
    offset: tuple[int, ...]


@dataclass(frozen=True)
class Preset:
    """A way to reselect. A window is a share of a phase, truncated to whole frames.

    `r_rise = int(rise * (apex - onset))` and `r_fall = int(fall * (offset - apex))`.
    """

    summary: str
    """What is searched, in one sentence."""
    rise: float = 0.0
    """Share of the rising phase, 0 to 1."""
    fall: float = 0.0
    """Share of the falling phase, 0 to 1."""
    onset_after: bool = False
    """Search the onset up to onset + r_rise."""
    apex_before: bool = False
    """Search the apex back to apex - r_rise."""
    apex_after: bool = False
    """Search the apex up to apex + r_fall."""
    offset_before: bool = False
    """Search the offset back to offset - r_fall."""
    onset_moves: bool = False
    """Whether the annotated onset is compared with the annotated apex only."""
    criterion: Literal["difference", "motion"] = "difference"
    """The largest image difference among candidates, or a fit to the motion of the whole clip."""
    wrap: bool = False
    """Subtract uint8 images modulo 256, as the release does (10 - 12 = 254)."""

    def __post_init__(self) -> None:
        for name, share in (("rise", self.rise), ("fall", self.fall)):
            if not is_between(share, 0, 1):  # not NaN either
                raise ConfigError(
                    f"the reselection ratio ({name}) is {share!r}",
                    remedy="It must be a share of a phase, from 0 (keep the annotation) to 1.",
                )

    @property
    def searches(self) -> bool:
        """Whether any key frame can move."""
        return (
            self.criterion == "motion"
            or self.onset_after
            or self.apex_before
            or self.apex_after
            or self.offset_before
        )

    def span(self, onset: int, offset: int) -> range:
        """Frames that `motion` uses if present: the clip, and a share of its length at either end.

        A wrong apex does not shorten them. Numbers below 0 are only among them from the onset on.
        """
        length = offset - onset
        first = max(min(0, onset), onset - int(self.rise * length))
        return range(first, offset + int(self.fall * length) + 1)

    def windows(self, onset: int, apex: int, offset: int) -> Windows:
        """Candidates in the order of the search; none is outside its phase."""
        rise = int(self.rise * (apex - onset))
        fall = int(self.fall * (offset - apex))
        after = range(1, fall + 1) if self.apex_after else ()
        before = range(1, rise + 1) if self.apex_before else ()
        return Windows(
            onset=(onset, *(onset + i for i in range(1, rise + 1) if self.onset_after)),
            apex=(apex, *(apex - i for i in before), *(apex + i for i in after)),
            offset=(offset, *(offset - i for i in range(1, fall + 1) if self.offset_before)),
        )


_FULL = Preset(
    "onset after the onset, apex before the apex, offset before the offset, a tenth of a phase",
    rise=0.1,
    fall=0.1,
    onset_after=True,
    apex_before=True,
    offset_before=True,
)
# The release computes int(0.15 * d / 4); division by 4 is exact, so the result is the same.
_SHORT = Preset(
    "onset after the onset, apex before the apex, 3.75% of the rising phase; offset kept",
    rise=0.15 / 4,
    onset_after=True,
    apex_before=True,
)
_MIN_MAX = Preset(
    "apex after the apex, 52% of the falling phase; onset and offset kept",
    fall=0.52,
    apex_after=True,
)
_MAX = Preset(
    "onset moved by up to 32% of the rising phase, apex by up to 48% of the falling; offset kept",
    rise=0.32,
    fall=0.48,
    onset_after=True,
    apex_after=True,
    onset_moves=True,
)


def _original(preset: Preset) -> Preset:
    return replace(preset, summary=f"{preset.summary} (modulo 256, as released)", wrap=True)


# Which frames `reselect` looks at, and by what criterion, by name; `Preset` explains the fields.
PRESETS: dict[str, Preset] = {
    "full": _FULL,
    "short": _SHORT,
    "min-max": _MIN_MAX,
    "max": _MAX,
    "both-sides": replace(
        _FULL,
        summary="the paper's figure: onset after, apex on both sides, offset before; a tenth",
        apex_after=True,
    ),
    "motion": Preset(
        "a model of rise and fall fitted to the clip's own motion, with the annotation as prior",
        rise=0.6,
        fall=0.6,
        criterion="motion",
    ),
    "none": Preset("annotated key frames kept"),
    "original-full": _original(_FULL),
    "original-short": _original(_SHORT),
    "original-min-max": _original(_MIN_MAX),
    "original-max": _original(_MAX),
}


def resolve(preset: str | Preset, ratio: float | None = None) -> Preset:
    """The preset of this name (or the given one), with `ratio` as its rise and fall if given.

    Raises:
        ConfigError: unknown name; a ratio outside 0 to 1, or for a preset that searches nothing.
    """
    if not isinstance(preset, Preset):
        if not isinstance(preset, str) or preset not in PRESETS:
            raise ConfigError(
                f"unknown reselection preset {preset!r}",
                remedy=f"{did_you_mean(str(preset), PRESETS)}Presets: {', '.join(PRESETS)}.",
            )
        preset = PRESETS[preset]
    if ratio is None:
        return preset
    if not preset.searches:
        raise ConfigError(
            f"reselection ratio {ratio!r} given with a preset that keeps the annotation",
            remedy="Omit the ratio, or choose a preset that searches, such as 'full'.",
        )
    return replace(preset, rise=ratio, fall=ratio)


def ordered_annotation(onset: int, apex: int, offset: int) -> tuple[int, int, int]:
    """The three numbers as plain integers with onset <= apex <= offset, or an AnnotationError."""
    received = f"onset {onset!r}, apex {apex!r}, offset {offset!r}"
    try:
        first, middle, last = (operator.index(number) for number in (onset, apex, offset))
    except TypeError:
        raise AnnotationError(
            f"{received}: a frame number is not an integer",
            remedy="Give frame numbers of the dataset's own numbering as integers.",
        ) from None
    if not first <= middle <= last:
        raise AnnotationError(
            f"{received}: not in order",
            remedy="Correct the annotation so that onset <= apex <= offset.",
        )
    return first, middle, last


def needed_frames(
    onset: int,
    apex: int,
    offset: int,
    preset: str | Preset = "full",
    ratio: float | None = None,
) -> tuple[int, ...]:
    """Sorted numbers of the frames that `reselect` uses: candidates and the annotated frames.

    `motion` uses all frames from before the onset to after the offset.

    Args:
        onset, apex, offset: annotated frame numbers.
        preset: a name in `PRESETS`, or a preset.
        ratio: in place of the preset's shares of a phase (of `motion`, of the clip's length).

    Raises:
        AnnotationError, ConfigError: as `reselect` does.
    """
    rule = resolve(preset, ratio)
    onset, apex, offset = ordered_annotation(onset, apex, offset)
    if rule.criterion == "motion":
        return tuple(rule.span(onset, offset))
    windows = rule.windows(onset, apex, offset)
    return tuple(sorted({number for window in windows for number in window}))


def squared_differences(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], *, wrap: bool = False
) -> np.ndarray:
    """Squared L2 norm of `second - first` for every pair of flattened images.

    Args:
        first: A images (P,) uint8, or floats unless `wrap`.
        second: B images of the same type.
        wrap: subtract modulo 256 as the release does; then the order matters.

    Returns:
        (A, B) float64, exact for uint8.
    """
    return np.array([[_squared_difference(a, b, wrap) for b in second] for a in first])


def _squared_difference(image: np.ndarray, other: np.ndarray, wrap: bool) -> float:
    if image.dtype != np.uint8:
        moved = np.subtract(other, image, dtype=np.float64)
        return float(moved @ moved)
    # One pass over the pixels, 60 times as fast as a matrix product of floats. OpenCV squares a
    # root, so the result is rounded back to an integer.
    if wrap:
        return float(np.rint(cv2.norm(other - image, cv2.NORM_L2SQR)))
    return float(np.rint(cv2.norm(other, image, cv2.NORM_L2SQR)))


def search(
    images: Mapping[int, np.ndarray], windows: Windows, preset: Preset
) -> tuple[int, int, int]:
    """Onset, apex and offset: the pair that differs most, then the offset farthest from it.

    Args:
        images: the candidates (P,) by frame number; those that are missing are skipped.
        windows: candidate numbers.
        preset: how pairs are formed and differences computed.
    """
    present = Windows(*(tuple(n for n in window if n in images) for window in windows))
    onset, apex = _best_pair(images, present, preset)
    return onset, apex, _best_offset(images, present.offset, apex, preset)


def _best_pair(
    images: Mapping[int, np.ndarray], windows: Windows, preset: Preset
) -> tuple[int, int]:
    annotated = windows.onset[0], windows.apex[0]
    if len(windows.onset) == len(windows.apex) == 1:
        return annotated
    # The search is in row-major order, except for the annotated pair, which goes first.
    onsets, apexes = (*windows.onset[1:], windows.onset[0]), windows.apex
    found = squared_differences(_pick(images, onsets), _pick(images, apexes), wrap=preset.wrap)
    found[np.greater.outer(onsets, apexes)] = -1.0
    if preset.onset_moves:
        found[-1, 1:] = -1.0
    if found[-1, 0] == found.max():
        return annotated
    row, column = np.unravel_index(found.argmax(), found.shape)
    return onsets[row], apexes[column]


def _best_offset(
    images: Mapping[int, np.ndarray], window: Sequence[int], apex: int, preset: Preset
) -> int:
    offsets = [number for number in window if number >= apex]
    if len(offsets) == 1:
        return offsets[0]
    # apex - offset, as in the release: modulo 256 the order matters.
    found = squared_differences(_pick(images, offsets), _pick(images, [apex]), wrap=preset.wrap)
    return offsets[int(found.argmax())]


def _pick(images: Mapping[int, np.ndarray], numbers: Sequence[int]) -> list[np.ndarray]:
    return [images[number] for number in numbers]
