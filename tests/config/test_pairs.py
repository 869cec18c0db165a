"""Options with a value for each name."""

import pytest

from gamdss.config.pairs import format_pairs, parse_pairs
from gamdss.errors import ConfigError

NAMES = ["cas2", "samm", "smic"]


def test_values_by_name():
    found = parse_pairs("samm = /b=c, cas2=/a", "data-root", NAMES)
    assert found == {"samm": "/b=c", "cas2": "/a"}
    assert parse_pairs(format_pairs(found), "data-root", NAMES) == found


@pytest.mark.parametrize("text", ["cas2", "cas2=", "casme=/a", "cas2=/a,", "cas2=/a,cas2=/b"])
def test_wrong_pairs_are_refused_with_an_example(text):
    with pytest.raises(ConfigError, match="--data-root is") as refused:
        parse_pairs(text, "data-root", NAMES)
    assert "cas2=/data/CAS2,samm=/data/SAMM" in refused.value.remedy
