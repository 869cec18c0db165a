"""Figures of a run with their intervals, runs compared, what the original would have printed."""

from gamdss.metrics.comparison import Comparison, Difference, McNemar, compare
from gamdss.metrics.intervals import CONFIDENCE, intervals, seed_mean, wilson
from gamdss.metrics.original import OriginalReport, original_report
from gamdss.metrics.resampling import MEASURES
from gamdss.metrics.scores import ClassScores, Scores, scores
from gamdss.metrics.selection import (
    OracleEpochs,
    Predictions,
    Selection,
    accuracy_by_epoch,
    chosen_logits,
    inner_epoch,
    oracle_epochs,
    predictions,
)

__all__ = [
    "CONFIDENCE",
    "MEASURES",
    "ClassScores",
    "Comparison",
    "Difference",
    "McNemar",
    "OracleEpochs",
    "OriginalReport",
    "Predictions",
    "Scores",
    "Selection",
    "accuracy_by_epoch",
    "chosen_logits",
    "compare",
    "inner_epoch",
    "intervals",
    "oracle_epochs",
    "original_report",
    "predictions",
    "scores",
    "seed_mean",
    "wilson",
]
