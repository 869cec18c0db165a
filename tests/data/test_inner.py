"""Which training subjects are set aside: whole ones, every time the same, no class with them."""

import numpy as np
import pytest

from gamdss.config import ProtocolConfig
from gamdss.data.inner import set_aside
from gamdss.data.splits import Labelled, make_folds
from gamdss.errors import FoldError
from gamdss.records import Clip, KeyFrames


def made(labels_by_subject):
    clips, labels = [], []
    for subject, of in labels_by_subject.items():
        for number, label in enumerate(of):
            clips.append(Clip("cas2", subject, f"EP{number}", KeyFrames(1, 2, 3), "x"))
            labels.append(label)
    return Labelled(tuple(clips), tuple(labels), ("a", "b", "c"))


def many(seed=0):
    rng = np.random.default_rng(seed)
    return made(
        {f"{i:02d}": rng.choice(3, rng.integers(3, 12), p=[0.6, 0.3, 0.1]) for i in range(20)}
    )


@pytest.mark.parametrize("share", [0.1, 0.2, 0.35])
def test_whole_subjects_balanced_and_always_the_same(share):
    data = many()
    fold = make_folds(ProtocolConfig(), data, 0)[3]
    rest, aside = set_aside(fold, data, share, 5)
    assert sorted([*rest, *aside]) == sorted(fold.training)
    assert not {data.clips[i].subject for i in rest} & {data.clips[i].subject for i in aside}
    assert fold.name not in {data.clips[i].subject for i in aside}
    assert len(aside) / len(fold.training) == pytest.approx(share, abs=0.06)
    labels = np.array(data.labels)
    every = np.bincount(labels[list(fold.training)], minlength=3) / len(fold.training)
    found = np.bincount(labels[list(aside)], minlength=3) / len(aside)
    assert np.abs(every - found).max() < 0.12
    assert set_aside(fold, data, share, 5) == (rest, aside)
    assert len({set_aside(fold, data, share, seed)[1] for seed in range(5)}) > 1


def test_no_class_is_set_aside_altogether():
    data = made({"01": [0, 1], "02": [0, 1, 2, 2], "03": [0, 1], "04": [0, 1], "05": [0, 2]})
    fold = next(f for f in make_folds(ProtocolConfig(), data, 0) if f.name == "05")
    for seed in range(10):
        _, aside = set_aside(fold, data, 0.25, seed)
        assert "02" not in {data.clips[i].subject for i in aside}


def test_where_nobody_can_be_set_aside():
    two = made({"01": [0, 1], "02": [0, 1]})
    with pytest.raises(FoldError, match=r"trains on one subject or clip \(02\)"):
        set_aside(make_folds(ProtocolConfig(), two, 0)[0], two, 0.2, 0)
    apart = made({"01": [0, 1], "02": [0, 0], "03": [1, 1]})
    with pytest.raises(FoldError, match="a class goes with them"):
        set_aside(make_folds(ProtocolConfig(), apart, 0)[0], apart, 0.5, 0)
