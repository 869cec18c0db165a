"""The shift of every key frame of every clip, with its uncertainty.

A shift is reselected minus annotated, as in `keyframes.csv`. The annotation's error is its
negative: above 0 the key frame was labelled late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from gamdss.errors import AnnotationError
from gamdss.files import write_csv
from gamdss.records import KEYS, Clip, KeyFrames
from gamdss.reselection.motion.annotator import FIXED, Annotator

UNITS = ("frames", "ms", "percent")


@dataclass(frozen=True, eq=False)
class Shifts:
    """N clips: whose they are, and arrays (N, 3) with a column for onset, apex and offset.

    `annotated` and `reselected` are frame numbers; `low` and `high` the ends of the 80% interval
    of the true frame, NaN where the reselection states none; `kept` where the motion does not
    locate the key frame more precisely, so that it is unchanged; `labelled` where an annotator
    gave the frame (False for a midpoint, or the frame nearest to a missing one). `expected` is the
    mean and `expected_width` the standard deviation of the prior of the true frame. `fps` (N,) is
    NaN where it is unknown.
    """

    dataset: np.ndarray
    subject: np.ndarray
    clip: np.ndarray
    emotion: np.ndarray
    annotated: np.ndarray
    reselected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    kept: np.ndarray
    labelled: np.ndarray
    expected: np.ndarray
    expected_width: np.ndarray
    fps: np.ndarray

    def __len__(self) -> int:
        return len(self.clip)

    @property
    def people(self) -> np.ndarray:
        """Subjects as `dataset/subject`, (N,): the same number in two datasets is two people."""
        return np.array([f"{d}/{s}" for d, s in zip(self.dataset, self.subject, strict=True)])

    @property
    def frames(self) -> np.ndarray:
        """Reselected minus annotated in frames, (N, 3)."""
        return (self.reselected - self.annotated).astype(float)

    @property
    def phases(self) -> np.ndarray:
        """Length in frames of each key frame's phase, (N, 3); NaN for an empty one.

        The annotated rising phase for onset and apex, the falling one for the offset.
        """
        onset, apex, offset = self.annotated.T.astype(float)
        lengths = np.stack([apex - onset, apex - onset, offset - apex], axis=1)
        return np.where(lengths > 0, lengths, np.nan)

    @property
    def located(self) -> np.ndarray:
        """Where an annotated key frame was reselected rather than kept, (N, 3)."""
        return self.labelled & ~self.kept

    def scale(self, unit: str) -> np.ndarray:
        """The value of one frame in a unit of `UNITS`, (N, 3)."""
        if unit == "frames":
            return np.ones((len(self), 3))
        if unit == "ms":
            return np.repeat((1000 / self.fps)[:, None], 3, axis=1)
        return np.asarray(100 / self.phases)

    def at(self, chosen: np.ndarray) -> Shifts:
        """The clips of a mask or an index."""
        return Shifts(*(getattr(self, field.name)[chosen] for field in fields(self)))


def measure_shifts(
    clips: Sequence[Clip],
    reselected: Sequence[KeyFrames],
    fps: float | Sequence[float],
    annotators: Sequence[Annotator] = (),
) -> Shifts:
    """The shifts of one dataset.

    Args:
        clips: as annotated.
        reselected: their key frames after reselection, in the same order.
        fps: frames per second, of all clips or of each; 0 if unknown.
        annotators: the errors that reselection expected in each clip; the fixed ones if omitted.

    Raises:
        AnnotationError: there are no clips, or a different number of key frames.
    """
    if not clips or len(clips) != len(reselected):
        raise AnnotationError(
            f"{len(clips)} clips, but reselected key frames of {len(reselected)}",
            remedy="Give at least one clip, and reselected key frames for each.",
        )
    ends = np.full((len(clips), 3, 2), np.nan)
    for place, keys in enumerate(reselected):
        if keys.intervals:
            ends[place] = keys.intervals
    rates = np.broadcast_to(np.asarray(fps, dtype=float), len(clips))
    given = [clip.annotated for clip in clips]
    unlabelled = [(*keys.estimated, *keys.substituted) for keys in given]
    annotated = np.array([keys.numbers for keys in given])
    expected = annotators or [FIXED] * len(clips)
    priors = [who.prior(numbers) for who, numbers in zip(expected, annotated, strict=True)]
    return Shifts(
        dataset=np.array([clip.dataset for clip in clips]),
        subject=np.array([clip.subject for clip in clips]),
        clip=np.array([clip.name for clip in clips]),
        emotion=np.array([clip.emotion for clip in clips]),
        annotated=annotated,
        reselected=np.array([keys.numbers for keys in reselected]),
        low=ends[..., 0],
        high=ends[..., 1],
        kept=np.array([[name in keys.kept for name in KEYS] for keys in reselected]),
        labelled=np.array([[name not in names for name in KEYS] for names in unlabelled]),
        expected=np.array([mean for mean, _ in priors]),
        expected_width=np.array([width for _, width in priors]),
        fps=np.where(rates > 0, rates, np.nan),
    )


def join_shifts(parts: Sequence[Shifts]) -> Shifts:
    """The shifts of several datasets as one."""
    joined = (np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(Shifts))
    return Shifts(*joined)


def write_shifts(path: Path, shifts: Shifts) -> None:
    """Write `shifts.csv`: a row for each key frame of each clip; unknown values are blank.

    Raises:
        RunError: the file cannot be written.
    """
    about = ("dataset", "subject", "clip", "emotion", "key_frame", "annotated", "reselected")
    ends_of: tuple[str, ...] = ("low", "high", "interval_ms", "kept", "labelled")
    rows: list[tuple[object, ...]] = [(*about, *(f"shift_{u}" for u in UNITS), *ends_of)]
    scales = [shifts.scale(unit) for unit in UNITS]
    for i in range(len(shifts)):
        who = (shifts.dataset[i], shifts.subject[i], shifts.clip[i], shifts.emotion[i])
        for k, name in enumerate(KEYS):
            moved = [_field(shifts.frames[i, k] * scale[i, k]) for scale in scales]
            width = _field((shifts.high[i, k] - shifts.low[i, k]) * scales[1][i, k])
            ends = (_field(shifts.low[i, k]), _field(shifts.high[i, k]), width)
            marks = ("yes" if x[i, k] else "no" for x in (shifts.kept, shifts.labelled))
            numbers = (shifts.annotated[i, k], shifts.reselected[i, k])
            rows.append((*who, name, *numbers, *moved, *ends, *marks))
    write_csv(path, rows)


def _field(value: float) -> str:
    return "" if np.isnan(value) else f"{value + 0.0:.6g}"
