"""Nearest frames in place of missing key frames, as `--frames.missing nearest` takes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from gamdss.errors import FrameError
from gamdss.records import KEYS, KeyFrames

# A key frame may move by a quarter of its phase: a frame further away shows another strength of the
# expression. Phases of a few frames, as at 30 fps, may lack up to three in a row.
_LARGEST_SHARE = 4
_FEW_FRAMES = 3


def moved_to_nearest(annotated: KeyFrames, present: Iterable[int]) -> KeyFrames:
    """The key frames with those that are not present moved to the nearest frames, with notes.

    Raises:
        FrameError: the nearest frame is too far away, or two key frames would become one.
    """
    every = tuple(present)
    moved = {
        name: min(every, key=partial(_distance, number))
        for name, number in zip(KEYS, annotated.numbers, strict=True)
    }
    gone = [name for name in KEYS if moved[name] != getattr(annotated, name)]
    _require_near(annotated, {name: moved[name] for name in gone})
    _require_distinct(annotated, moved)
    notes = (
        f"annotated {name} frame {getattr(annotated, name)} missing: {moved[name]} taken"
        for name in gone
    )
    onset, apex, offset = moved.values()
    return replace(
        annotated,
        onset=onset,
        apex=apex,
        offset=offset,
        notes=(*annotated.notes, *notes),
        substituted=tuple(gone),
    )


def _require_near(annotated: KeyFrames, moved: dict[str, int]) -> None:
    onset, apex, offset = annotated.numbers
    for name, number in moved.items():
        before = getattr(annotated, name)
        rising = name == "onset" or (name == "apex" and number < apex)
        phase = apex - onset if rising else offset - apex
        limit = max(phase // _LARGEST_SHARE, _FEW_FRAMES)
        if _distance(number, before) > limit:
            raise FrameError(
                f"the annotated {name} frame {before} is missing, and the nearest one, {number}, "
                f"is {_distance(number, before)} frames away: more than {limit} and than a quarter "
                "of the phase",
                remedy=f"Restore the frame, or correct the {name}.",
            )


def _require_distinct(annotated: KeyFrames, moved: dict[str, int]) -> None:
    for first, second in (KEYS[:2], KEYS[1:]):
        before = getattr(annotated, first), getattr(annotated, second)
        if before[0] < before[1] and moved[first] >= moved[second]:
            gone = first if moved[first] != before[0] else second
            raise FrameError(
                f"the annotated {gone} frame {getattr(annotated, gone)} is missing, and with the "
                f"nearest one {first} and {second} ({before[0]} and {before[1]}) would both be "
                f"frame {moved[first]}",
                remedy=f"Restore the frame, or correct the {gone}.",
            )


def _distance(one: int, other: int) -> int:
    return abs(one - other)
