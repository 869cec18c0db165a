"""Differences of settings in words."""

from gamdss.config.changes import changes


def test_each_difference_is_named_with_both_values():
    stored = {"seed": 1, "sizes": {"people": 8, "clips": 5}, "old": True}
    assert changes(stored, stored) == ""
    current = {"seed": 1, "sizes": {"people": 9, "clips": 5}, "new": 2}
    assert changes(stored, current) == (
        "sizes.people: 8 stored, 9 current; new: None stored, 2 current; "
        "old: True stored, None current"
    )
