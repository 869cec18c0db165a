"""Recognition of spotted micro-expressions: the score, and whom which networks classify."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from gamdss.data.long_emotions import label_class
from gamdss.errors import some
from gamdss.metrics import interval_text
from gamdss.metrics.strs import RecognisedRecording, StrsScore, strs_score
from gamdss.prediction.spot_dataset import SpottedVideo
from gamdss.prediction.trained_on import SYNTHETIC
from gamdss.runs.finished import FinishedRun


@dataclass(frozen=True)
class Recognition:
    """The spot-then-recognise score of a run's networks.

    Args:
        score: over the recordings of all subjects who have a network.
        classes: of the run.
        synthetic: whether the run was trained on synthetic clips.
        folds: number of networks of the run.
        used: number of networks that classify a subject, those that have not seen the subject, by
            subject; 0 leaves the subject's recordings out.
    """

    score: StrsScore
    classes: tuple[str, ...]
    synthetic: bool
    folds: int
    used: Mapping[str, int]

    @classmethod
    def of(cls, found: Sequence[SpottedVideo], run: FinishedRun) -> Recognition:
        """The score of spotted recordings."""
        used = {item.video.subject: len(item.folds) for item in found}
        score = recognition_score(found, run.classes)
        return cls(score, tuple(run.classes), run.results.synthetic, len(run.folds), used)

    @property
    def left_out(self) -> list[str]:
        """Subjects whom every network has seen, or may have seen."""
        return [subject for subject, count in self.used.items() if not count]

    @property
    def text(self) -> str:
        """The score, and which networks classified."""
        score = self.score
        counts = sorted(Counter(count for count in self.used.values() if count).items())
        networks = [
            f"{count} of {self.folds} for {people} subject{'s' if people > 1 else ''}"
            for count, people in counts
        ]
        return (
            f"STRS of micro-expressions {score.value:.3f} (95% interval: "
            f"{interval_text(score.interval)}): F1 of spotting "
            f"{score.spotting_f1:.3f} x F1 of recognition {score.analysis_f1:.3f} over "
            f"{score.pairs} spotted labels with a class. Classified by the networks that were not "
            f"trained on the subject: {', '.join(networks)}"
        )

    @property
    def warnings(self) -> list[str]:
        """Why the score does not hold for all recordings, or for real ones."""
        found, out = [SYNTHETIC] if self.synthetic else [], self.left_out
        if out:
            found.append(
                f"every network was, or may have been, trained on {len(out)} of {len(self.used)} "
                f"subjects ({some(out)}): their micro-expressions are not "
                "classified, and the STRS leaves their recordings out"
            )
        return found

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            **asdict(self.score),
            "classes": list(self.classes),
            "networks": self.folds,
            "networks_by_subject": dict(self.used),
            "subjects_left_out": self.left_out,
        }


def recognition_score(found: Sequence[SpottedVideo], classes: Sequence[str]) -> StrsScore:
    """Spot-then-recognise score of the micro-expressions, over recordings that have networks."""
    recordings = [
        RecognisedRecording(
            item.recording,
            tuple(label_class(event, classes) for event in item.video.events),
            tuple(predicted(chances) for chances in item.chances or [{}] * len(item.candidates)),
        )
        for item in found
        if item.folds
    ]
    return strs_score(recordings, classes)


def predicted(chances: Mapping[str, float]) -> str:
    """The most probable class; empty if the expression was not classified."""
    return max(chances, key=chances.__getitem__, default="")
