"""Where reselection looks: the windows of the paper and of the original release, as data."""

from __future__ import annotations

import difflib
import operator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from gamdss.errors import AnnotationError, ConfigError


class Windows(NamedTuple):
    """Candidate frame numbers of each key frame, the annotated one first."""

    onset: tuple[int, ...]
    apex: tuple[int, ...]
    offset: tuple[int, ...]


@dataclass(frozen=True)
class Preset:
    """One way to reselect. A window is a share of a phase, truncated to whole frames.

    `r_rise = int(rise * (apex - onset))` and `r_fall = int(fall * (offset - apex))`.
    """

    summary: str
    """What is searched, in a sentence."""
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
    """Pair the annotated onset with the annotated apex only, never with another apex."""
    criterion: Literal["difference", "motion"] = "difference"
    """The largest image difference among candidates, or a fit of the whole clip's motion."""
    wrap: bool = False
    """Subtract modulo 256 as the release does on uint8 images (10 - 12 = 254)."""

    def __post_init__(self) -> None:
        for name, share in (("rise", self.rise), ("fall", self.fall)):
            # The comparison is false for NaN too.
            if isinstance(share, bool) or not 0.0 <= share <= 1.0:
                raise ConfigError(
                    f"reselection ratio ({name}) is {share!r}, not a share of a phase",
                    remedy="Give a number from 0 (annotation kept) to 1 (whole phase).",
                )

    @property
    def searches(self) -> bool:
        """Whether anything is searched at all."""
        return (
            self.criterion == "motion"
            or self.onset_after
            or self.apex_before
            or self.apex_after
            or self.offset_before
        )

    def span(self, onset: int, apex: int, offset: int) -> range:
        """Frames that `motion` looks at where they are there: a share of a phase at either end."""
        before = int(self.rise * (apex - onset))
        return range(max(0, onset - before), offset + int(self.fall * (offset - apex)) + 1)

    def windows(self, onset: int, apex: int, offset: int) -> Windows:
        """Candidates in the order in which they are tried; none lies outside its phase."""
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
# The release computes int(0.15 * d / 4); dividing by four is exact, so this is the same number.
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
        rise=0.5,
        fall=0.5,
        criterion="motion",
    ),
    "none": Preset("annotated key frames kept"),
    "original-full": _original(_FULL),
    "original-short": _original(_SHORT),
    "original-min-max": _original(_MIN_MAX),
    "original-max": _original(_MAX),
}


def resolve(preset: str | Preset, ratio: float | None = None) -> Preset:
    """The preset of that name (or the one given), its rise and fall replaced by `ratio` if any.

    Raises:
        ConfigError: unknown name; a ratio outside 0 to 1, or for a preset that searches nothing.
    """
    if isinstance(preset, str):
        if preset not in PRESETS:
            near = difflib.get_close_matches(preset, PRESETS, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise ConfigError(
                f"unknown reselection preset {preset!r}",
                remedy=f"{hint}Known presets: {', '.join(PRESETS)}.",
            )
        preset = PRESETS[preset]
    if ratio is None:
        return preset
    if not preset.searches:
        raise ConfigError(
            f"reselection ratio {ratio!r} given with a preset that keeps the annotation",
            remedy="Leave the ratio out, or choose a preset that searches, such as 'full'.",
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
    """Frame numbers that `reselect` will look at, sorted: candidates and the annotated three.

    `motion` looks at all frames from before the onset to after the offset that are there.

    Raises:
        AnnotationError, ConfigError: as `reselect` does.
    """
    rule = resolve(preset, ratio)
    onset, apex, offset = ordered_annotation(onset, apex, offset)
    if rule.criterion == "motion":
        return tuple(rule.span(onset, apex, offset))
    windows = rule.windows(onset, apex, offset)
    return tuple(sorted({number for window in windows for number in window}))
