"""Every dataset in every layout: synthetic clips are written, found and read again."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gamdss.config import FramesConfig
from gamdss.data.annotations import read_annotations
from gamdss.data.decoding import decode
from gamdss.data.frames import FrameFinder, with_layouts
from gamdss.data.specs import Layout, get_spec, spec_names
from gamdss.data.truth import GROUND_TRUTH
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError, ConfigError, DataRootError, FrameError

LAYOUTS = [(name, layout) for name in spec_names() for layout in get_spec(name).layouts]
# As the reference of native forms spells them.
EXAMPLES = {
    ("cas1", "cropped"): "Cropped/sub01/EP01_1/reg_EP01_1-0*.jpg",
    ("cas1", "raw"): "CASME_raw_selected/sub01/EP01_1/EP01_1-*.jpg",
    ("cas2", "cropped"): "Cropped/sub01/EP01_01/reg_img*.jpg",
    ("cas2", "raw"): "CASME2_RAW_selected/sub01/EP01_01/img*.jpg",
    ("samm", "cropped"): "SAMM_CROP/001/001_1_1/001_00*.jpg",
    ("samm", "native"): "SAMM/001/001_1_1/001_00*.jpg",
    ("smic", "cropped"): "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_0*/reg_image0*.bmp",
    ("smic", "raw"): "HS/s1/micro/surprise/s1_sur_0*/image0*.bmp",
    ("smic", "long"): "SMIC-E_raw image/HS_long/SMIC-HS-E/s01/s1_sur_0*/image0*.jpg",
    ("mmew", "native"): "Micro_Expression/surprise/S01-02-00*/1.jpg",
    ("4dme", "cropped"): "gray_micro_crop/S01/S01_1st_001_01_1/Frame_000000*.jpg",
    ("4dme", "raw"): "gray_micro/S01/S01_1st_001_01_1/Frame_000000*.jpg",
    ("cas3", "clips"): "Part_A_ME_clip/frame/spNo.1_a_*/*.jpg",
    ("cas3", "cut"): "ME_A/spNO.1/a2/color/*.jpg",
    ("cas3", "videos"): "part_A/spNO.1/a/color/*.jpg",
    ("cas3", "flat"): "spNO.1/a/*.jpg",
    ("cas3c", "cut"): "ME_C/01/1/color/*.jpg",
    ("cas3c", "videos"): "part_C/part_C/01/a/color/*.jpg",
    (
        "casme2sq",
        "cropped",
    ): "CAS(ME)2_longVideoFaceCropped/longVideoFaceCropped/s1/1_0101/img_*.jpg",
    ("casme2sq", "raw"): "rawpic/s1/1_0102/img*.jpg",
    ("dfme", "native"): "train_data/sub0001_01/000*.png",
}


def test_every_layout_has_an_example():
    assert set(EXAMPLES) == set(LAYOUTS)


@pytest.mark.parametrize(("name", "layout"), LAYOUTS, ids=map("-".join, LAYOUTS))
def test_clips_are_found_where_they_were_written(made, name, layout):
    spec = get_spec(name)
    root = made(name, layout, 3)
    assert list(root.glob(EXAMPLES[name, layout]))
    task = next(iter(spec.tasks))
    read = read_annotations(spec, find_workbook(spec, root), task)
    with (root / GROUND_TRUTH).open(newline="") as lines:
        truth = list(csv.DictReader(lines))
    assert [clip.id for clip in read.clips] == [f"{r['subject']}/{r['clip']}" for r in truth]
    assert [clip.emotion for clip in read.clips] == [row["emotion"] for row in truth]
    finder = FrameFinder(spec, root)
    assert finder.layout_name == layout
    used = set()
    for clip, row in zip(read.clips, truth, strict=True):
        files = finder.find(clip).files
        numbers = list(files)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert {clip.annotated.onset, clip.annotated.offset} <= set(numbers)
        if "apex" in spec.columns:
            assert clip.annotated.apex == int(row["annotated_apex"])
        else:
            onset, apex, offset = clip.annotated.numbers
            assert apex == (onset + offset) // 2
            assert "no apex" in clip.annotated.notes[0]
        if spec.layout(layout).whole_video:
            assert (numbers[0], numbers[-1]) == (clip.annotated.onset, clip.annotated.offset)
        assert not used & set(files.values())
        used |= set(files.values())
    assert decode(next(iter(files.values())), spec.colour).shape == (32, 32, 3)


def test_all_clips_use_one_layout_which_can_be_chosen(made):
    spec, root = get_spec("cas3"), made("cas3", "videos", 3)
    assert FrameFinder(spec, root, FramesConfig(layout="videos")).layout_name == "videos"
    pattern = "part_A/{subject}/{video}/color/{frame}.jpg"
    finder = FrameFinder(spec, root, FramesConfig(pattern=pattern))
    assert finder.layout_name == "pattern"
    read = read_annotations(spec, find_workbook(spec, root), "c7")
    assert len(finder.find(read.clips[0]).files) > len(
        FrameFinder(spec, root).find(read.clips[0]).files
    )


def test_two_kinds_of_crops_are_never_mixed(made, tmp_path):
    """A clip missing from one folder of crops is not taken from another, nor from raw frames."""
    spec, root = get_spec("cas2"), Path(shutil.copytree(made("cas2", "cropped", 3), tmp_path / "c"))
    shutil.copytree(root / "Cropped", root / "Cropped_original")
    shutil.copytree(root / "Cropped", root / "CASME2_RAW_selected")
    shutil.rmtree(root / "Cropped/sub01/EP01_01")
    clips = read_annotations(spec, find_workbook(spec, root), "c5").clips
    with pytest.raises(FrameError, match=r"Cropped/sub01/EP01_01: .*has no folder"):
        FrameFinder(spec, root).find(clips[0])
    raw = FrameFinder(spec, root, FramesConfig(layout="raw"))
    assert raw.find(clips[0]).folder == root / "CASME2_RAW_selected/sub01/EP01_01"


def test_takes_of_a_video_are_counted_as_their_folders_are(made):
    read = read_annotations(
        get_spec("cas3"), find_workbook(get_spec("cas3"), made("cas3", "cut", 3)), "c7"
    )
    assert [clip.take for clip in read.clips] == [1, 2, 3] * 2
    assert {clip.video for clip in read.clips} == {"a"}
    assert len({clip.id for clip in read.clips}) == 6


def test_folders_replace_a_workbook_if_the_spec_says_so(made, tmp_path):
    spec, root = get_spec("smic"), Path(shutil.copytree(made("smic", "raw", 3), tmp_path / "smic"))
    before = read_annotations(spec, find_workbook(spec, root), "c3")
    (root / spec.workbooks[0]).unlink()
    assert find_workbook(spec, root) == root
    read = read_annotations(spec, root, "c3")
    known = {clip.id: clip.emotion for clip in before.clips}
    assert {clip.id: clip.emotion for clip in read.clips} == known
    finder = FrameFinder(spec, root)
    for clip in read.clips:
        files = finder.find(clip).files
        assert (clip.annotated.onset, clip.annotated.offset) == (min(files), max(files))
    empty = root / "HS/s1/micro/negative/s1_ne_99"
    empty.mkdir()
    with pytest.raises(
        AnnotationError, match=r"s1_ne_99: clip s1/s1_ne_99: its folder has no frame"
    ):
        read_annotations(spec, root, "c3")


def test_casme_pads_frame_numbers_in_some_clips_only_and_has_a_second_apex(made, tmp_path):
    import openpyxl

    spec, root = get_spec("cas1"), Path(shutil.copytree(made("cas1", "raw", 3), tmp_path / "c"))
    for file in (root / "CASME_raw_selected/sub01/EP01_1").iterdir():
        name, _, number = file.stem.rpartition("-")
        file.rename(file.with_name(f"{name}-{int(number)}.jpg"))
    workbook = find_workbook(spec, root)
    book = openpyxl.load_workbook(workbook)
    for row in range(2, 8):
        book.active.cell(row, spec.header.index("ApexF2") + 1).value = 999
    book.save(workbook)
    finder = FrameFinder(spec, root)
    for clip in read_annotations(spec, workbook, "c4").clips:
        assert set(clip.annotated.numbers) <= set(finder.find(clip).files)


def test_mmew_keeps_others_in_a_folder_called_repression(made, tmp_path):
    spec = get_spec("mmew")
    root = Path(shutil.copytree(made("mmew", None, None, "c7"), tmp_path / "mmew"))
    others = root / "Micro_Expression/others"
    others.rename(others.with_name("repression"))
    finder = FrameFinder(spec, root)
    clips = read_annotations(spec, find_workbook(spec, root), "c7").clips
    folders = {clip.emotion: finder.find(clip).folder.parent.name for clip in clips}
    assert folders["others"] == "repression"
    assert folders["anger"] == "anger"


def test_columns_go_by_other_known_names_in_another_order(tmp_path):
    spec = get_spec("dfme")
    file = tmp_path / "t.csv"
    file.write_text("Emotion,apex frame,Offset,Filename,OnsetFrame\n Fear ,9,12,sub0003_01,5\n")
    (clip,) = read_annotations(spec, file, "c7").clips
    assert clip.id == "sub0003/sub0003_01"
    assert clip.annotated.numbers == (5, 9, 12)
    assert clip.emotion == "fear"


def test_clips_are_read_from_the_folders_of_the_layout_that_is_asked_for(tmp_path):
    places = {"cropped": "SMIC_all_cropped/HS", "raw": "SMIC_all_raw/HS"}
    clips = {"cropped": ["s1_ne_01"], "raw": ["s1_ne_01", "s1_ne_02"]}
    for layout, place in places.items():
        for name in clips[layout]:
            folder = tmp_path / place / "s1/micro/negative" / name
            folder.mkdir(parents=True)
            for number in range(1, 5 if layout == "raw" else 4):
                (folder / f"image{number:06d}.bmp").touch()
    for layout, names in clips.items():
        spec = with_layouts(get_spec("smic"), FramesConfig(layout=layout))
        found = read_annotations(spec, tmp_path, "c3").clips
        assert [clip.name for clip in found] == names
        assert {clip.annotated.offset for clip in found} == {4 if layout == "raw" else 3}
    own = Layout(("{emotion}/{clip}",), "{frame}.bmp", ("SMIC_all_raw/HS/s1/micro",))
    named = replace(get_spec("smic"), subject_in_clip="s([0-9]+)", layouts={"own": own})
    assert {clip.subject for clip in read_annotations(named, tmp_path, "c3").clips} == {"s1"}
    for frames in (
        FramesConfig(layout="long"),
        FramesConfig(pattern="{subject}/{clip}/{frame}.bmp"),
    ):
        with pytest.raises(DataRootError, match=r"(?s)no SMIC-HS workbook, and .* do not say"):
            read_annotations(with_layouts(get_spec("smic"), frames), tmp_path, "c3")
    with pytest.raises(ConfigError, match="a layout and a pattern"):
        FramesConfig(layout="raw", pattern="{clip}/{frame}.bmp")
