"""How far annotated key frames lie from reselected ones: bias, uncertainty, and tests of both."""

from gamdss.studies.bias.groups import Grouping, groupings
from gamdss.studies.bias.pooling import pool
from gamdss.studies.bias.shifts import Shifts, join_shifts, measure_shifts, write_shifts
from gamdss.studies.bias.significance import compare_groups, offsets_against
from gamdss.studies.bias.study import Bias, BiasStudy, bias_of_groups, study_shifts

__all__ = [
    "Bias",
    "BiasStudy",
    "Grouping",
    "Shifts",
    "bias_of_groups",
    "compare_groups",
    "groupings",
    "join_shifts",
    "measure_shifts",
    "offsets_against",
    "pool",
    "study_shifts",
    "write_shifts",
]
