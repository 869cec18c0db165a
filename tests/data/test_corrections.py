"""Known mistakes: corrected and listed where a cell is wrong, unchanged elsewhere, optional."""

import csv
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from gamdss.config import FramesConfig
from gamdss.data.annotations import read_annotations, scan_annotations, write_annotations
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import Correction, get_spec
from gamdss.errors import AnnotationError, FrameError

# The owners' public workbooks are not part of this repository.
HERE = Path(__file__).parents[2]
FIXTURES = Path(os.environ.get("GAMDSS_FIXTURES", HERE.parent / "shared" / "fixtures"))
ANNOTATIONS = FIXTURES / "annotations"
needs_workbooks = pytest.mark.skipif(
    not ANNOTATIONS.is_dir(), reason="the owners' workbooks are not here (GAMDSS_FIXTURES)"
)

# Rows of the public workbook that the corrections are for, as they stand there.
PART_A = [
    ["spNO.1", "a", "355", "359", "360", "5", "II", "others"],
    ["spNO.1", "a", "400", "400", "410", "R12", "I", "Others"],
    ["spNO.149", "d", "112", "83", "358", "T28+14", "VII", "fear"],
    ["spNO.214", "c", "5", "5", "3460", "17+4", "VII", "disgust"],
    ["spNO.216", "d", "3647", "2668", "2694", "38", "VII", "happy"],
    ["spNO.216", "e", "0", "0", "25", "14", "VII", "sad"],
    ["spNO.40", "e", "1812", "1824", "0", "18", "VII", "surprise"],
    ["spNO.40", "e", "2327", "2363", "0", "14", "VII", "anger"],
]
CORRECTED = {
    "spNO.149/d_112": (112, 123, 358),
    "spNO.214/c_5": (5, 5, 34),
    "spNO.216/d_3647": (2647, 2668, 2694),
    "spNO.216/e_0": (1, 1, 25),
    "spNO.40/e_1812": (1812, 1824, 1845),
    "spNO.40/e_2327": (2327, 2363, 2403),
}


def write(file, header, rows, sheet="Sheet1"):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in [header, *rows]:
        book.active.append(row)
    book.save(file)
    return file


@pytest.fixture
def part_a(tmp_path):
    spec = get_spec("cas3")
    return write(tmp_path / spec.workbooks[0], list(spec.header), PART_A, "label")


@pytest.fixture
def samm(tmp_path):
    spec = get_spec("samm")

    def make(*cells):
        rows = [[*c[:2], 1, *c[2:5], c[5], "Micro - 1/2", c[6], "Anger", 7] for c in cells]
        return write(tmp_path / spec.workbooks[0], list(spec.header), rows)

    return make


def test_a_small_part_a(part_a):
    spec = get_spec("cas3")
    read = read_annotations(spec, part_a, "c7")
    keys = {clip.id: clip.annotated.numbers for clip in read.clips}
    assert {name: keys[name] for name in CORRECTED} == CORRECTED
    assert keys["spNO.1/a_355"] == (355, 359, 360)
    assert len(read.clips) == 8
    corrected = next(line for line in read.warnings if "known mistake" in line)
    assert corrected.startswith(
        "7 known mistake(s) corrected: spNO.149/d_112 (row 4): apex 83 -> 123"
    )
    assert [clip.corrections for clip in read.clips if clip.id == "spNO.40/e_1812"] == [
        ("offset 0 -> 1845 (meb and the owners' part_A_v2.xls)",)
    ]
    with pytest.raises(
        AnnotationError, match=r"row 4: .*onset after apex[\s\S]*row 6: [\s\S]*row 8"
    ):
        read_annotations(spec, part_a, "c7", corrections=False)


def test_case_is_ignored_by_default(part_a):
    spec = get_spec("cas3")
    assert Counter(c.emotion for c in read_annotations(spec, part_a, "c7").clips)["others"] == 2
    exact = read_annotations(spec, part_a, "c7", exact_emotions=True)
    assert Counter(clip.emotion for clip in exact.clips)["others"] == 1
    assert any("'Others' (1)" in line for line in exact.warnings)


def test_corrections_are_listed_in_the_run(part_a, tmp_path):
    write_annotations(tmp_path / "a.csv", read_annotations(get_spec("cas3"), part_a, "c7").clips)
    with (tmp_path / "a.csv").open(newline="") as lines:
        rows = {f"{row['subject']}/{row['clip']}": row for row in csv.DictReader(lines)}
    assert rows["spNO.149/d_112"]["correction"] == "apex 83 -> 123 (meb)"
    assert rows["spNO.149/d_112"]["action_units"] == "T28+14"
    assert rows["spNO.1/a_355"]["correction"] == ""
    assert rows["spNO.1/a_355"]["row"] == "2"


@needs_workbooks
def test_part_a_as_published():
    spec = get_spec("cas3")
    file = ANNOTATIONS / spec.workbooks[0]
    scan = scan_annotations(spec, file)
    assert (len(scan.clips), scan.faults) == (860, ())
    assert len({clip.id for clip in scan.clips}) == 860
    assert Counter(clip.emotion for clip in scan.clips) == {
        name: count[0] for name, count in spec.expected["emotions"].items()
    }
    keys = {clip.id: clip.annotated.numbers for clip in scan.clips}
    assert {name: keys[name] for name in CORRECTED} == CORRECTED
    assert sum(bool(clip.corrections) for clip in scan.clips) == 6
    for task, clips, subjects in (("c7", 860, 94), ("c4", 860, 94), ("c3", 699, 88)):
        read = read_annotations(spec, file, task)
        assert (len(read.clips), len(read.subjects)) == (clips, subjects)
    for task in ("c7", "c4"):
        exact = read_annotations(spec, file, task, exact_emotions=True)
        assert (len(exact.clips), len(exact.subjects)) == (857, 93)
    with pytest.raises(AnnotationError, match="row 130"):
        read_annotations(spec, file, "c7", corrections=False)


@needs_workbooks
def test_part_c_as_published():
    spec = get_spec("cas3c")
    read = read_annotations(spec, ANNOTATIONS / spec.workbooks[0], "c4")
    assert (len(read.clips), len(read.subjects), read.warnings) == (165, 30, ())
    counts = Counter(clip.emotion for clip in read.clips)
    assert counts == {"negative": 99, "surprise": 30, "others": 20, "positive": 16}
    assert read.clips[0].id == "01/1"
    assert read.clips[0].annotated.numbers == (373, 379, 385)


def test_a_small_part_c(tmp_path):
    spec = get_spec("cas3c")
    rows = [[1, 1, 373, 385, "R4,5", "negative"], [4, 11, 13939, 13948, "4，11", "surprise"]]
    file = write(tmp_path / spec.workbooks[0], list(spec.header), rows, "mockCrimeME")
    read = read_annotations(spec, file, "c4", strict=True)
    assert [clip.id for clip in read.clips] == ["01/1", "04/11"]
    assert [clip.annotated.apex for clip in read.clips] == [379, 13943]


def test_an_apex_outside_the_clip_is_corrected_and_a_valid_one_kept(samm):
    file = samm(
        ["028", "028_4_1", 1071, 1200, 1134, 64, "1"],
        ["032", "032_3_2", 5126, 5127, 5207, 82, "1"],
        ["032", "032_3_1", 4896, None, 4970, 75, "1"],
    )
    read = read_annotations(get_spec("samm"), file, "c5")
    assert [clip.annotated.apex for clip in read.clips] == [1105, 5127, 4945]
    assert [len(clip.corrections) for clip in read.clips] == [1, 0, 1]


def test_an_offset_follows_from_the_duration(samm):
    file = samm(
        ["013", "013_1_9", 5658, 5700, 5793, 82, "1"],
        ["006", "006_1_2", 10, 20, 99, 21, "1"],
        ["006", "006_1_3", 10, 20, 30, 21, "1"],
    )
    read = read_annotations(get_spec("samm"), file, "c5")
    # An offset that is in order is kept if its frame exists: the duration may be wrong.
    assert [clip.annotated.offset for clip in read.clips] == [5739, 99, 30]
    assert read.clips[1].alternative.offset == 30
    assert read.clips[2].alternative is None
    assert any("offset 99 is not onset + duration - 1" in text for text in read.warnings)
    plain = read_annotations(get_spec("samm"), file, "c5", corrections=False)
    assert [clip.annotated.offset for clip in plain.clips] == [5793, 99, 30]
    file = samm(["006", "006_1_2", 10, 20, 5, 21, "1"], ["006", "006_1_3", 10, 20, 30, 21, "1"])
    (first, _) = read_annotations(get_spec("samm"), file, "c5").clips
    assert first.corrections == ("offset 5 -> 30 (the sheet's duration is 21)",)


def test_action_units_are_corrected_if_they_are_the_known_wrong_ones(samm):
    file = samm(
        ["011", "011_4_2", 1, 2, 9, 9, "L12 or L14"],
        ["014", "014_5_2", 1, 2, 9, 9, "R14B"],
    )
    read = read_annotations(get_spec("samm"), file, "c5")
    assert [clip.action_units for clip in read.clips] == ["L14", "R14B"]


def test_a_correction_by_row_requires_its_table_and_row(tmp_path):
    spec = get_spec("cas2")
    rows = [[i, f"EP{i:02d}_1", None, 10, "/", 30, None, "4", "disgust"] for i in range(1, 4)]
    file = write(tmp_path / "CASME2-coding.xlsx", list(spec.header), rows)

    def apexes(**about):
        rule = Correction({"apex": 13}, "somebody", row=1, **about)
        read = read_annotations(replace(spec, corrections=(rule,)), file, "c5")
        return [clip.annotated.apex for clip in read.clips]

    assert apexes(rows=3) == [20, 13, 20]
    assert apexes(rows=3, where={"subject": 2, "emotion": "disgust"}) == [20, 13, 20]
    assert apexes(rows=3, where={"subject": 5}) == [20, 20, 20]
    assert apexes(rows=4) == [20, 20, 20]


def test_a_correction_that_does_not_match_the_clip_is_not_applied(tmp_path):
    spec = get_spec("cas2")
    row = [4, "EP12_01f", None, 10, "/", 30, None, "4", "disgust"]
    file = write(tmp_path / "CASME2-coding.xlsx", list(spec.header), [row])
    (clip,) = read_annotations(spec, file, "c5").clips
    assert clip.annotated.apex == 20  # the known apex is 279
    assert clip.corrections == ()


def test_a_correction_is_used_if_the_annotated_frames_do_not_exist(tmp_path):
    spec = get_spec("cas2")
    row = [1, "EP02_1", None, 10, 20, 60, None, "4", "disgust"]
    file = write(tmp_path / "CASME2-coding.xlsx", list(spec.header), [row])
    folder = tmp_path / "Cropped/sub01/EP02_1"
    folder.mkdir(parents=True)
    for number in range(10, 41):
        (folder / f"reg_img{number}.jpg").touch()
    rule = Correction({"apex": 22, "offset": 40}, "somebody", row=0, rows=1)
    known = replace(spec, corrections=(rule,))
    (clip,) = read_annotations(known, file, "c5").clips
    assert clip.annotated.numbers == (10, 20, 60)
    found = FrameFinder(known, tmp_path).find(clip).clip
    assert found.annotated.numbers == (10, 22, 40)
    assert found.corrections[0].startswith("10/20/60 -> 10/22/40: known correction (somebody)")
    with pytest.raises(FrameError, match=r"offset frame 60 is missing[\s\S]*--frames.missing"):
        FrameFinder(spec, tmp_path).find(replace(clip, alternative=None))
    near = FrameFinder(spec, tmp_path, FramesConfig(missing="nearest"))
    with pytest.raises(FrameError, match=r"nearest one, 40, is 20 frames away: more than 10 "):
        near.find(replace(clip, alternative=None))
    for number in (51, 52):
        (folder / f"reg_img{number}.jpg").touch()
    near = FrameFinder(spec, tmp_path, FramesConfig(missing="nearest"))
    moved = near.find(replace(clip, alternative=None)).clip.annotated
    assert moved.numbers == (10, 20, 52)
    assert moved.notes == ("annotated offset frame 60 missing: 52 taken",)
