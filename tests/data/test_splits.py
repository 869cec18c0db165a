"""Leaving one subject out."""

import pytest

from gamdss.data.splits import leave_one_subject_out
from gamdss.errors import FoldError


def test_each_subject_is_held_out_once_and_never_trained_on():
    subjects = ["02", "01", "02", "03", "01"]
    folds = leave_one_subject_out(subjects, [0, 0, 0, 0, 0], ["a"])
    assert [f.subject for f in folds] == ["01", "02", "03"]
    assert folds[1].held_out == (0, 2)
    assert folds[1].training == (1, 3, 4)
    for fold in folds:
        assert sorted(fold.training + fold.held_out) == [0, 1, 2, 3, 4]
        assert {subjects[i] for i in fold.held_out} == {fold.subject}
        assert fold.subject not in {subjects[i] for i in fold.training}


def test_one_subject_only():
    with pytest.raises(FoldError, match=r"one subject only \(01\)"):
        leave_one_subject_out(["01", "01"], [0, 1], ["a", "b"])


def test_a_class_that_only_one_subject_has():
    with pytest.raises(FoldError, match="subject 02 has the only clips of class b"):
        leave_one_subject_out(["01", "02", "02", "03"], [0, 1, 0, 0], ["a", "b"])
