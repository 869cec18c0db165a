"""A published list of clips names subjects and clips as its authors spell them."""

import pytest

from gamdss.data.clip_list import read_clip_list
from gamdss.data.specs import get_spec
from gamdss.errors import AnnotationError
from gamdss.records import Clip, KeyFrames

CLASSES = ("negative", "positive", "surprise")


def found(listed, dataset, subject, name):
    clip = Clip(dataset, subject, name, KeyFrames(1, 2, 3), "fear", "", 2)
    return listed.find(clip, subject)


def read(tmp_path, *lines):
    file = tmp_path / "list.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return read_clip_list(file, CLASSES)


def test_a_class_may_be_called_like_a_number(tmp_path):
    file = tmp_path / "list.csv"
    file.write_text("csv,a,clip1,2\ncsv,b,clip1,0")
    listed = read_clip_list(file, ("0", "1", "2"))
    assert found(listed, "csv", "a", "clip1") == "2"
    assert found(listed, "csv", "b", "clip1") == "0"


def test_subjects_with_the_same_number_are_two(tmp_path):
    listed = read(tmp_path, "csv,amy2,clip1,0", "csv,bob2,clip1,1", "csv,x 1 a,clip1,2")
    assert found(listed, "csv", "amy2", "clip1") == "negative"
    assert found(listed, "csv", "Bob02", "CLIP01") == "positive"
    assert found(listed, "csv", "2", "clip1") is None
    assert found(listed, "csv", "x 1 b", "clip1") is None


@pytest.mark.parametrize(
    ("dataset", "cell", "name", "line"),
    [  # lines in the form of MEGC2019's list
        ("cas2", 1, "EP02_01f", "casme2,sub01,EP02_01f,1"),
        ("cas2", "26", "EP18_50", "casme2,sub26,EP18_50,1"),
        ("samm", "006", "006_1_2", "samm,006,006_1_2,1"),
        ("samm", 6, "006_1_2", "samm,6,006_1_2,1"),
        ("smic", "s1", "s1_ne_01", "smic,s01,s01_ne_01,1"),
        ("smic", "s20", "s20_sur_02", "smic,s20,s20_sur_02,1"),
        ("cas3", "spNO.1", "a_17", "cas3,SPNO.01,a_17,positive"),
    ],
)
def test_spellings_of_published_lists_match(tmp_path, dataset, cell, name, line):
    assert found(read(tmp_path, line), dataset, get_spec(dataset).subject(cell), name) == "positive"


@pytest.mark.parametrize(
    ("cell", "name"), [("1", "positive"), ("01", "positive"), ("2", "surprise")]
)
def test_a_class_may_be_a_number(tmp_path, cell, name):
    assert found(read(tmp_path, f"smic,s1,a,{cell}"), "smic", "s1", "a") == name


@pytest.mark.parametrize("cell", ["3", "²", "9" * 5000])
def test_other_numbers_are_no_class(tmp_path, cell):
    with pytest.raises(AnnotationError, match="is not in the task"):
        read(tmp_path, f"smic,s1,a,{cell}")
