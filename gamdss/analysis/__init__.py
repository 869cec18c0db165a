"""How far annotated key frames lie from reselected ones: bias, uncertainty, and tests of both."""

from gamdss.analysis.bias import Bias, bias_of_groups
from gamdss.analysis.differences import Difference, compare_groups
from gamdss.analysis.groups import Grouping, groupings, read_groups
from gamdss.analysis.offsets import OffsetTest, offsets_against
from gamdss.analysis.pooling import Pooled, pool
from gamdss.analysis.shifts import UNITS, Shifts, join_shifts, measure_shifts, write_shifts
from gamdss.analysis.study import Study, study
from gamdss.records import KEYS

__all__ = [
    "KEYS",
    "UNITS",
    "Bias",
    "Difference",
    "Grouping",
    "OffsetTest",
    "Pooled",
    "Shifts",
    "Study",
    "bias_of_groups",
    "compare_groups",
    "groupings",
    "join_shifts",
    "measure_shifts",
    "offsets_against",
    "pool",
    "read_groups",
    "study",
    "write_shifts",
]
