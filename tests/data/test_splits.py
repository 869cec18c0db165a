"""Protocols: who is trained on, held out or set aside, and what is refused."""

import os
from dataclasses import replace

import numpy as np
import pytest

from gamdss.config import ProtocolConfig
from gamdss.data.inner_subjects import set_aside
from gamdss.data.splits import Fold, Labelled, check_duplicates, digest, make_folds, matching_fold
from gamdss.errors import ConfigError, FoldError
from gamdss.records import Clip, KeyFrames


def clip(subject, name="a", dataset="cas2"):
    return Clip(dataset, subject, name, KeyFrames(1, 2, 3), "happiness", row=7)


def labelled(subjects, labels=None, datasets=None):
    datasets = datasets or ["cas2"] * len(subjects)
    clips = tuple(
        clip(s, f"c{i}", d) for i, (s, d) in enumerate(zip(subjects, datasets, strict=True))
    )
    return Labelled(clips, tuple(labels or [0] * len(subjects)), ("a", "b", "c"))


def folds_of(data, seed=0, **protocol):
    return make_folds(ProtocolConfig(**protocol), data, seed)


def assert_apart(folds, data):
    for fold in folds:
        trained = {data.clips[i].subject for i in fold.training}
        assert not trained & {data.clips[i].subject for i in fold.held_out}


def test_each_subject_is_held_out_once_and_never_trained_on():
    data = labelled(["02", "01", "02", "03", "01"])
    folds = folds_of(data)
    assert [f.name for f in folds] == ["01", "02", "03"]
    assert folds[1].held_out == (0, 2)
    assert folds[1].training == (1, 3, 4)
    for fold in folds:
        assert sorted(fold.training + fold.held_out) == [0, 1, 2, 3, 4]
    assert_apart(folds, data)


def test_one_subject_only():
    with pytest.raises(FoldError, match=r"only one subject \(01\)"):
        folds_of(labelled(["01", "01"], [0, 1]))


def test_a_class_that_only_one_subject_has():
    with pytest.raises(FoldError, match="all clips of class b are held out together in 02"):
        folds_of(labelled(["01", "02", "02", "03"], [0, 1, 0, 0]))


def test_parts_have_whole_subjects_and_balanced_classes():
    subjects = [f"{i // 4:02d}" for i in range(80)]
    data = labelled(subjects, [i % 2 for i in range(80)])
    folds = folds_of(data, name="kfold", parts=5)
    assert [f.name for f in folds] == ["part1", "part2", "part3", "part4", "part5"]
    assert_apart(folds, data)
    assert sorted(i for f in folds for i in f.held_out) == list(range(80))
    for fold in folds:
        assert 4 <= sum(data.labels[i] for i in fold.held_out) <= 12
    assert folds == folds_of(data, name="kfold", parts=5)
    assert folds != folds_of(data, name="kfold", parts=5, seed=1)
    assert folds == folds_of(data, name="kfold", parts=5, seed=2**32)
    with pytest.raises(FoldError, match="20 subjects cannot be divided into 21 parts"):
        folds_of(data, name="kfold", parts=21)


def test_the_digest_of_folds_changes_with_names_sides_and_clips():
    data = labelled(["01", "02", "03"])
    fold, other = Fold("a", (0, 1), (2,)), Fold("a", (0,), (1, 2))
    found = [digest([fold], data.clips), digest([other], data.clips)]
    found += [digest([replace(fold, name="b")], data.clips), digest([fold, fold], data.clips)]
    found.append(digest([fold], labelled(["01", "02", "04"]).clips))
    assert len(set(found)) == 5
    assert digest([fold], data.clips) == found[0]


def test_datasets_are_held_out_whole():
    data = labelled(["s-1", "c-1", "c-2", "s-1"], datasets=["smic", "cas2", "cas2", "smic"])
    folds = folds_of(data, name="leave-one-dataset-out")
    assert [f.name for f in folds] == ["cas2", "smic"]
    assert folds[1] == Fold("smic", training=(1, 2), held_out=(0, 3))
    one = folds_of(data, name="hold-out-dataset", held_out="smic")
    assert one == folds[1:]
    with pytest.raises(FoldError, match=r"'samm'(.|\n)*cas2, smic"):
        folds_of(data, name="hold-out-dataset", held_out="samm")
    with pytest.raises(FoldError, match="only one dataset"):
        folds_of(labelled(["1", "2"]), name="leave-one-dataset-out")


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_split_from_a_file(tmp_path):
    data = labelled(["01", "02", "03", "04"])
    split = write(tmp_path / "s.csv", "subject,part", "01,train", "02,testB", "03,testA", "04,")
    folds = folds_of(data, name="fixed", split=split)
    assert folds == (Fold("testA", (0,), (2,)), Fold("testB", (0,), (1,)))
    split = write(tmp_path / "c.csv", "Subject, clip ,PART", "01,c0,Train", "02,,test")
    assert folds_of(data, name="fixed", split=split) == (Fold("test", (0,), (1,)),)


@pytest.mark.parametrize("spellings", [("1", "02"), ("sub01", "Sub2"), ("1.0", "S 2")])
def test_a_split_recognises_other_spellings(tmp_path, spellings):
    data = labelled(["01", "02"])
    lines = [f"{spellings[0]},C00,train", f"{spellings[1]},,test"]
    split = write(tmp_path / "s.csv", "subject,clip,part", *lines)
    assert folds_of(data, name="fixed", split=split) == (Fold("test", (0,), (1,)),)


def test_a_line_that_may_be_of_two_subjects_fits_none(tmp_path):
    data = labelled(["p1", "s1", "02"])
    split = write(tmp_path / "s.csv", "subject,part", "p1,train", "s1,train", "2,test")
    assert folds_of(data, name="fixed", split=split) == (Fold("test", (0, 1), (2,)),)
    split = write(tmp_path / "s.csv", "subject,part", "1,train", "2,test")
    with pytest.raises(FoldError, match="row 2: '1' fits none of the clips, and 2 clip"):
        folds_of(data, name="fixed", split=split)


def test_clips_are_never_left_out_of_a_split_silently(tmp_path, caplog):
    data = labelled(["01", "02", "03"])
    lines = ["subject,clip,part", "01,,train", "02,,test"]
    split = write(tmp_path / "s.csv", *lines, "03,c3,test")
    message = r"s\.csv, row 4: '03/c3' fits none of the clips, and 1 clip\(s\) .* such as 03/c2"
    with pytest.raises(FoldError, match=message):
        folds_of(data, name="fixed", split=split)
    folds = (Fold("test", (0,), (1,)),)
    assert folds_of(data, name="fixed", split=write(tmp_path / "s.csv", *lines)) == folds
    assert "1 of 3 clip(s) are in no part" in caplog.text
    # A clip's own line wins over its subject's, also with a blank part.
    split = write(tmp_path / "s.csv", *lines, "02,c1,", "03,,test")
    assert folds_of(data, name="fixed", split=split) == (Fold("test", (0,), (2,)),)
    # A line for each clip, and one of a subject without clips in the task.
    split = write(tmp_path / "s.csv", *lines, "03,,test", "04,,test")
    assert folds_of(data, name="fixed", split=split) == (Fold("test", (0,), (1, 2)),)
    assert "1 line(s) fit none of the clips, the first in row 5 (04)" in caplog.text


def test_a_subject_on_both_sides_of_a_split_is_refused(tmp_path):
    data = labelled(["01", "02", "01"])
    split = write(tmp_path / "s.csv", "subject,clip,part", "01,c0,train", "02,,train", "01,c2,test")
    with pytest.raises(FoldError, match="subject 01 is trained on and held out"):
        folds_of(data, name="fixed", split=split)


def test_a_split_of_a_spreadsheet_program_is_read(tmp_path):
    split = tmp_path / "s.csv"
    split.write_text("subject;part\r\n01;train\r\n02;test\r\n", encoding="utf-16")
    (fold,) = folds_of(labelled(["01", "02"]), name="fixed", split=str(split))
    assert list(fold.held_out) == [1]


def test_broken_split_files_are_explained(tmp_path):
    data = labelled(["01", "02"])
    for lines, message in (
        (["person,part", "01,train"], "column subject is missing"),
        (["subject,part,Part", "01,train,a"], "two columns are called part"),
        (["subject,part", "01,train", "01,test"], "row 3: 01 is in part 'train' and in 'test'"),
        (["subject,part", "01,train", "02,training"], "row 3: part 'training' would be held out"),
        (["subject,part", "01,train", "02,train"], "2 clips are in part 'train', and 0 other"),
    ):
        split = write(tmp_path / "s.csv", *lines)
        with pytest.raises(FoldError, match=message):
            folds_of(data, name="fixed", split=split)
    with pytest.raises(FoldError, match="cannot be read"):
        folds_of(data, name="fixed", split=str(tmp_path / "absent.csv"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(FoldError, match="a pipe or a device"):
            folds_of(data, name="fixed", split=str(tmp_path / "pipe"))


@pytest.mark.parametrize("part", ["../../elsewhere", "/tmp/elsewhere", ".."])
def test_a_part_that_is_a_path_is_refused(tmp_path, part):
    split = write(tmp_path / "s.csv", "subject,part", "01,train", f"02,{part}")
    with pytest.raises(ConfigError, match=r"s\.csv, row 3: part is .*\nChoose a plain name"):
        folds_of(labelled(["01", "02"]), name="fixed", split=split)
    with pytest.raises(ConfigError, match="the name of a fold"):
        folds_of(labelled(["01", part]))


def test_all_trains_one_network_on_everybody():
    (fold,) = folds_of(labelled(["01", "01", "02"]), name="all")
    assert fold == Fold("all", (0, 1, 2), ())


def test_a_protocol_names_the_options_it_needs():
    for name, flag in (("fixed", "--protocol.split"), ("hold-out-dataset", "--protocol.held-out")):
        with pytest.raises(ConfigError, match=flag):
            ProtocolConfig(name=name)


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"split": "s.csv"}, "split"),
        ({"name": "fixed", "split": "s.csv", "held_out": "cas2"}, "held-out"),
    ],
)
def test_an_option_that_the_protocol_does_not_use_is_refused(values, flag):
    with pytest.raises(ConfigError, match=rf"--protocol\.{flag} is .*\nIt must be omitted"):
        ProtocolConfig(**values)


def test_a_planted_duplicate_is_found():
    data = labelled(["01", "02", "03"])
    folds = folds_of(data)
    check_duplicates(folds, data.clips, ["a", "b", "c"])
    refused = r"01/c0 \(row 7\), which has a frame of clip 03/c2"
    for third in ("a", "xa"):  # all frames, or one of them
        with pytest.raises(FoldError, match=refused):
            check_duplicates(folds, data.clips, ["a", "b", third])
    # Twins of one subject are always on the same side.
    same = labelled(["01", "01", "02"])
    check_duplicates(folds_of(same), same.clips, ["a", "a", "b"])


@pytest.mark.parametrize("twins", [("1", "sub01"), ("S1", "1"), ("p1", "1"), ("S1", "Subject 01")])
def test_a_person_with_and_without_a_prefix_is_not_on_both_sides(twins):
    with pytest.raises(FoldError, match=r"subject .+ \(row 7\).+may be one person"):
        folds_of(labelled([*twins, "2"]))
    composite = labelled([f"cas2-{name}" for name in twins] + ["samm-1"], datasets=PAIR)
    with pytest.raises(FoldError, match="may be one person"):
        folds_of(composite)


PAIR = ["cas2", "cas2", "samm"]


@pytest.mark.parametrize("names", [("p1", "s1"), ("a1", "b1"), ("1", "11"), ("1a", "1b")])
def test_different_people_are_told_apart(names):
    assert len(folds_of(labelled(names))) == 2
    composite = labelled([f"cas2-{name}" for name in names] + ["samm-1"], datasets=PAIR)
    assert len(folds_of(composite)) == 3


def test_a_fold_may_be_named_without_its_zeros():
    assert matching_fold("1", ["001", "002"]) == "001"
    assert matching_fold("S1", ["s01", "s02"]) == "s01"
    assert matching_fold("1", ["1", "01"]) == "1"
    assert matching_fold("001", ["1", "01"]) is None  # either of two
    assert matching_fold("3", ["001", "002"]) is None


def divided(labels_by_subject):
    """Clips with these labels, by subject."""
    subjects = [who for who, labels in labels_by_subject.items() for _ in labels]
    labels = [int(label) for labels in labels_by_subject.values() for label in labels]
    return labelled(subjects, labels)


def many(seed=0):
    rng = np.random.default_rng(seed)
    return divided(
        {f"{i:02d}": rng.choice(3, rng.integers(3, 12), p=[0.6, 0.3, 0.1]) for i in range(20)}
    )


@pytest.mark.parametrize("share", [0.1, 0.2, 0.35])
def test_whole_subjects_are_set_aside_balanced_and_reproducible(share):
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


def test_no_class_is_set_aside_completely():
    data = divided({"01": [0, 1], "02": [0, 1, 2, 2], "03": [0, 1], "04": [0, 1], "05": [0, 2]})
    fold = next(f for f in make_folds(ProtocolConfig(), data, 0) if f.name == "05")
    for seed in range(10):
        _, aside = set_aside(fold, data, 0.25, seed)
        assert "02" not in {data.clips[i].subject for i in aside}


def test_when_no_subject_can_be_set_aside():
    two = divided({"01": [0, 1], "02": [0, 1]})
    with pytest.raises(FoldError, match=r"trains on one subject or clip \(02\)"):
        set_aside(make_folds(ProtocolConfig(), two, 0)[0], two, 0.2, 0)
    apart = divided({"01": [0, 1], "02": [0, 0], "03": [1, 1]})
    with pytest.raises(FoldError, match="removes all clips of a class"):
        set_aside(make_folds(ProtocolConfig(), apart, 0)[0], apart, 0.5, 0)


def with_units(subjects, units):
    data = labelled(subjects)
    return Labelled(data.clips, data.labels, ("AU1", "AU2", "AU4"), np.array(units))


def test_clips_of_units_are_balanced_by_their_rarest_unit():
    data = with_units(list("abcd"), [[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 0, 1]])
    assert data.strata.tolist() == [1, 0, 3, 2]


def test_a_unit_may_be_on_one_side_only_but_not_all_of_them():
    data = with_units(["01", "01", "02", "02"], [[1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]])
    assert [fold.held_out for fold in folds_of(data)] == [(0, 1), (2, 3)]
    assert folds_of(data, name="kfold", parts=2)
    alone = with_units(["01", "02"], [[1, 0, 0], [0, 1, 0]])
    with pytest.raises(FoldError, match="no action unit has clips to train on and to evaluate"):
        folds_of(alone)
    assert folds_of(alone, name="all")


def test_subjects_set_aside_leave_the_most_units():
    rng = np.random.default_rng(1)
    subjects = [f"{i // 4:02d}" for i in range(40)]
    units = rng.integers(0, 2, (40, 3))
    units[:, 2] = [subject == "05" for subject in subjects]
    data = with_units(subjects, units)
    for seed in range(5):
        rest, aside = set_aside(folds_of(data)[0], data, 0.2, seed)
        assert "05" not in {data.clips[i].subject for i in aside}
        assert units[list(rest)].any(0).all()
