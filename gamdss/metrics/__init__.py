"""Measures of a run with their intervals, comparison of runs, the original's own report."""

from gamdss.metrics.bootstrap import CONFIDENCE, FEWEST, enough, too_few
from gamdss.metrics.comparison import Comparison, Difference, McNemar, compare
from gamdss.metrics.intervals import (
    interval_text,
    intervals,
    seed_mean,
    unit_intervals,
    wilson,
)
from gamdss.metrics.original import OriginalReport, original_report
from gamdss.metrics.scores import MEASURES, ClassScores, Measures, Scores, scores
from gamdss.metrics.selection import (
    OracleEpochs,
    Predictions,
    Selection,
    accuracy_by_epoch,
    chosen_logits,
    decided,
    inner_epoch,
    oracle_epochs,
    predictions,
)

__all__ = [
    "CONFIDENCE",
    "FEWEST",
    "MEASURES",
    "ClassScores",
    "Comparison",
    "Difference",
    "McNemar",
    "Measures",
    "OracleEpochs",
    "OriginalReport",
    "Predictions",
    "Scores",
    "Selection",
    "accuracy_by_epoch",
    "chosen_logits",
    "compare",
    "decided",
    "enough",
    "inner_epoch",
    "interval_text",
    "intervals",
    "oracle_epochs",
    "original_report",
    "predictions",
    "scores",
    "seed_mean",
    "too_few",
    "unit_intervals",
    "wilson",
]
