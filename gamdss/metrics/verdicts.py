"""What the networks that a run is judged by say of each held-out clip, and how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gamdss.metrics import Selection, chosen_logits
from gamdss.metrics.calibration import probabilities
from gamdss.records import FoldResult


@dataclass(frozen=True, eq=False)
class Verdict:
    """One held-out clip: its true and predicted class, and the classes' probabilities (C,)."""

    clip: str
    fold: str
    label: int
    chances: np.ndarray

    @property
    def predicted(self) -> int:
        """The most probable class."""
        return int(self.chances.argmax())

    @property
    def confidence(self) -> float:
        """Its probability."""
        return float(self.chances.max())

    @property
    def right(self) -> bool:
        """Whether it is the true one."""
        return self.predicted == self.label


def verdicts(folds: Sequence[FoldResult], selection: Selection) -> list[Verdict]:
    """Every held-out clip of a run at a selection, the most certain first."""
    found = [
        Verdict(clip, fold.name, int(label), chances)
        for fold in folds
        for clip, label, chances in zip(
            fold.clips, fold.labels, probabilities(chosen_logits(fold, selection)), strict=True
        )
    ]
    return sorted(found, key=lambda verdict: (-verdict.confidence, verdict.clip))


def telling(found: Sequence[Verdict], count: int) -> dict[str, list[Verdict]]:
    """Which clips to look at, `count` of each kind, none of them twice.

    Args:
        found: as `verdicts` orders them.
        count: clips of a kind, at most.
    """
    right = [v for v in found if v.right][:count]
    wrong = [v for v in found if not v.right][:count]
    rest = [v for v in found[::-1] if v not in right and v not in wrong][:count]
    kinds = {
        "Most certain, and right": right,
        "Most certain, and wrong": wrong,
        "Least certain": rest,
    }
    return {name: clips for name, clips in kinds.items() if clips}
