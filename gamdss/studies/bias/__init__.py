"""How far annotated key frames lie from reselected ones: bias, uncertainty, and tests of both."""

from gamdss.records import KEYS
from gamdss.studies.bias.bias import Bias, bias_of_groups
from gamdss.studies.bias.differences import Difference, compare_groups
from gamdss.studies.bias.groups import Grouping, groupings, read_groups
from gamdss.studies.bias.offsets import OffsetTest, offsets_against
from gamdss.studies.bias.pooling import Pooled, pool
from gamdss.studies.bias.shifts import UNITS, Shifts, join_shifts, measure_shifts, write_shifts
from gamdss.studies.bias.study import Study, study

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
