"""Frozen values that are passed between the packages."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

KEYS = ("onset", "apex", "offset")
APEX_PHASE = ("apex_phase_first", "apex_phase_last")  # columns of tables
RELIABLE = 0.6  # quality of a fit below which it is unreliable
# The task whose targets are action units, several of which may move in one clip.
AU_TASK = "au"
# Those of the cross-dataset protocol of MEB (arXiv 2211.11425).
UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17)
UNIT_NAMES = tuple(f"AU{number}" for number in UNITS)


@dataclass(frozen=True, slots=True)
class KeyFrames:
    """Onset, apex and offset of a clip, as frame numbers in the dataset's own numbering.

    `intervals` has the (lowest, highest) frame of onset, apex and offset that contain the true
    one with a probability of 80%, where the preset estimates its uncertainty; otherwise it is
    empty. `apex_phase` has the first and last frame at nearly full strength (90%) of an expression
    that is held, whose apex, unless it was kept, is the middle of its time at full strength; None
    if it peaks, or if nothing was fitted.

    Four fields name key frames, in the order of `KEYS`. Statistics depend on these and never on
    the wording of a note:

    - `kept`: reselection left them unchanged because the motion does not locate them more
      precisely than the annotation;
    - `estimated`: not annotated (the apex is the midpoint of onset and offset);
    - `substituted`: the annotated frame is missing, and the nearest frame replaces it;
    - `uncertain`: the posterior of `motion` is broad or has modes far apart: its standard
      deviation is above a fifth of the phase.

    `notes` are for readers only: what was filled in, or skipped because a frame is missing.
    `quality` is the share of the motion level's variance that the course fitted by `motion`
    explains, 0 to 1; None for other presets, and if nothing was fitted.
    """

    onset: int
    apex: int
    offset: int
    notes: tuple[str, ...] = ()
    intervals: tuple[tuple[int, int], ...] = ()
    apex_phase: tuple[int, int] | None = None
    kept: tuple[str, ...] = ()
    estimated: tuple[str, ...] = ()
    substituted: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    quality: float | None = None

    @property
    def reliable(self) -> bool:
        """Whether no fit says that the key frames mean little."""
        return self.quality is None or self.quality >= RELIABLE

    @property
    def numbers(self) -> tuple[int, int, int]:
        """(onset, apex, offset)."""
        return self.onset, self.apex, self.offset


@dataclass(frozen=True, slots=True)
class Clip:
    """One annotated micro-expression.

    `subject` and `name` are text as normalised by the dataset's spec ("01", "EP02_01f"); `row` is
    the row of the workbook as a spreadsheet program counts it, for messages.

    `video` is the workbook's name of the recording, and `take` counts successive rows of one
    recording. `corrections` describes corrected mistakes of the workbook. `alternative` is a known
    correction that the workbook alone gives no reason to apply; it is used if the annotated frames
    are not among the clip's files. `fps` is the clip's own frame rate, 0 if the workbook has none;
    `workbook` is the name of the clip's workbook, if a dataset has several. `annotator` is who
    annotated it, "" if that is unknown.
    """

    dataset: str
    subject: str
    name: str
    annotated: KeyFrames
    emotion: str
    action_units: str = ""
    row: int = 0
    video: str = ""
    take: int = 1
    corrections: tuple[str, ...] = ()
    alternative: KeyFrames | None = None
    fps: float = 0.0
    workbook: str = ""
    annotator: str = ""

    @property
    def where(self) -> str:
        """The clip's row, for messages."""
        return f"row {self.row} of {self.workbook or 'the workbook'}"

    @property
    def id(self) -> str:
        """Unique within a dataset: subject/name."""
        return f"{self.subject}/{self.name}"

    @property
    def path_names(self) -> dict[str, str | int]:
        """Values of the fields in a spec's path templates."""
        digits = "".join(c for c in self.subject if c.isdecimal())
        return {
            "subject": self.subject,
            "number": int(digits or 0),
            "clip": self.name,
            "video": self.video or self.name,
            "take": "" if self.take == 1 else str(self.take),
            "emotion": self.emotion,
        }


def subject_of(clip: str) -> str:
    """The subject in the `id` of a clip: what is before the first slash."""
    return clip.partition("/")[0]


@dataclass(frozen=True, eq=False)
class FoldResult:
    """The result of a fold: held-out logits of every epoch, from which any epoch can be evaluated.

    `name` is what was held out: a subject, a dataset or a part, depending on the protocol. The fold
    `all` holds nothing out: N is 0. `clips` has N names `subject/name`, each of them in one fold
    only: intervals and the comparison of runs take the subject from before the first slash, and
    recognise clips by their names.

    Shapes, with E epochs, N held-out clips and C classes: `logits` (E, N, C) float32, `labels`
    (N,) int64, `train_loss` and `train_accuracy` (E,) float64. If training subjects were set aside
    to choose the epoch, `inner_clips` are their clips, with `inner_logits` (E, M, C) and
    `inner_labels` (M,).

    In the task of action units, C is their number, and labels are (N, C) and (M, C), 1 for each
    unit that moves and 0 for the others. `training_positives` (C,) then has the number of training
    clips of each unit; without it, every unit is taken as trained.
    """

    name: str
    clips: tuple[str, ...]
    labels: np.ndarray
    logits: np.ndarray
    train_loss: np.ndarray = field(default_factory=lambda: np.zeros(0))
    train_accuracy: np.ndarray = field(default_factory=lambda: np.zeros(0))
    inner_clips: tuple[str, ...] = ()
    inner_logits: np.ndarray | None = None
    inner_labels: np.ndarray | None = None
    training_positives: np.ndarray | None = None
