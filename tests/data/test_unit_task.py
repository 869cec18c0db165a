"""The task `au` on native workbooks: what is read, left out and refused."""

import datetime

import numpy as np
import openpyxl
import pytest

from gamdss.config import Config, TrainingConfig
from gamdss.data.action_units import parse_action_units, unit_labels, units_text
from gamdss.data.annotations import read_annotations
from gamdss.data.check import check_dataset
from gamdss.data.composite import composition, join_annotations
from gamdss.data.dataset import open_dataset
from gamdss.data.key_frame_dataset import KeyFrameDataset
from gamdss.data.specs import get_spec, spec_names
from gamdss.data.specs.reader import read_spec
from gamdss.errors import AnnotationError, ConfigError
from gamdss.records import UNIT_NAMES, UNITS

SIZES = ("cas1", "cas2", "samm", "mmew", "4dme")


def read(name, root):
    spec = get_spec(name)
    return read_annotations(spec, root / spec.workbooks[0], "au")


@pytest.mark.parametrize("name", SIZES)
def test_units_are_those_that_the_workbook_codes(name, made):
    found = read(name, made(name))
    assert found.classes == UNIT_NAMES
    assert found.targets.shape == (len(found.clips), len(UNITS))
    for clip, row in zip(found.clips, found.targets, strict=True):
        moving = {unit for unit, moves in zip(UNITS, row, strict=True) if moves}
        assert moving == parse_action_units(clip.action_units).numbers & set(UNITS)
    assert 0 < found.targets.mean() < 0.5


def test_clips_without_a_coded_unit_are_left_out(made, tmp_path):
    spec, root = get_spec("cas2"), made("cas2")
    book = openpyxl.load_workbook(root / spec.workbooks[0])
    sheet = book.active
    column = [cell.value for cell in sheet[1]].index("Action Units") + 1
    sheet.cell(2, column).value = None
    sheet.cell(3, column).value = "25"  # coded, but none of the twelve
    book.save(tmp_path / "book.xlsx")
    found = read_annotations(spec, tmp_path / "book.xlsx", "au")
    whole = read("cas2", root)
    assert found.clips[0].row == 3
    assert len(found.clips) == len(whole.clips) - 1
    assert not found.targets[0].any()
    assert found.class_name(0) == "none"
    assert "1 clip(s) have no coded action unit and are left out" in found.warnings
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, column).value = None
    book.save(tmp_path / "book.xlsx")
    with pytest.raises(AnnotationError, match="no row has an action unit"):
        read_annotations(spec, tmp_path / "book.xlsx", "au")


def with_unit_cell(root, folder, value):
    """A copy of the workbook whose row 2 has this cell of action units."""
    spec = get_spec("cas2")
    book = openpyxl.load_workbook(root / spec.workbooks[0])
    column = [cell.value for cell in book.active[1]].index("Action Units") + 1
    book.active.cell(2, column).value = value
    book.save(folder / "book.xlsx")
    return folder / "book.xlsx"


@pytest.mark.parametrize("date", [datetime.datetime(2026, 4, 15), "2026-04-15"])
def test_a_date_is_no_action_units(made, tmp_path, date):
    root = made("cas2")
    file = with_unit_cell(root, tmp_path, date)
    message = (
        r"book\.xlsx, row 2: clip .*Action Units is '2026-04-15', a date.*\n?.*as text and restore"
    )
    for task, learned in (("au", False), ("c3", True)):
        with pytest.raises(AnnotationError, match=message):
            read_annotations(get_spec("cas2"), file, task, auxiliary_units=learned)
    learning = Config(data_root=str(root), annotations=str(file), task="c3")
    learning.training = TrainingConfig(au_weight=0.5)
    with pytest.raises(AnnotationError, match=message):
        open_dataset(learning, tmp_path, progress=False)
    assert read_annotations(get_spec("cas2"), file, "c3").clips  # which do not learn them
    for task in ("au", "c3"):
        config = Config(data_root=str(root), annotations=str(file), task=task)
        found = check_dataset(get_spec("cas2"), config, "none", progress=False).faults
        (fault,) = (fault for fault in found if fault.kind == "date as action units")
        assert (fault.row, fault.stops) == (2, task == "au")
        assert "action units not understood" not in {fault.kind for fault in found}


def test_words_that_are_no_action_units_are_reported(made, tmp_path):
    file = with_unit_cell(made("cas2"), tmp_path, "4+eye blink")
    found = read_annotations(get_spec("cas2"), file, "au").warnings
    (warning,) = (text for text in found if "no action units" in text)
    assert "1 clip(s)" in warning
    assert "'4+eye blink' (row 2 of the workbook: 'eye blink')" in warning
    plain = read_annotations(get_spec("cas2"), file, "c3").warnings  # which do not learn them
    assert not any("no action units" in text for text in plain)


def test_what_is_certain_counts():
    assert units_text(unit_labels("AU4(k)+L7"), UNIT_NAMES) == "AU7"
    assert units_text(unit_labels("(R6 or R12)+R15"), UNIT_NAMES) == "AU15"
    assert units_text(unit_labels(4.0), UNIT_NAMES) == "AU4"
    assert unit_labels("soft focus") is None


def test_every_dataset_with_a_column_has_the_task():
    with_task = {name for name in spec_names() if "au" in get_spec(name).task_names}
    assert with_task == set(spec_names()) - {"smic"}
    with pytest.raises(ConfigError, match="SMIC-HS has no task called 'au'"):
        get_spec("smic").task("au")
    with pytest.raises(ConfigError, match=r"Use one of: c5, .*, au\."):
        get_spec("cas2").task("c9")


def test_its_name_is_reserved(tmp_path):
    from gamdss.data.specs import FOLDER

    text = (FOLDER / "cas2.yaml").read_text("utf-8").replace("  c3:", "  au:")
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"tasks\.au is the name of the task of action units"):
        read_spec(tmp_path / "mine.yaml")


def test_a_composite_counts_the_clips_of_each_unit(made):
    parts = [read(name, made(name)) for name in ("cas2", "samm")]
    joined = join_annotations(parts)
    assert np.array_equal(joined.targets, np.concatenate([part.targets for part in parts]))
    counts = {(dataset, unit): clips for dataset, unit, clips, _ in composition(joined, {})}
    assert counts["samm", "AU4"] == parts[1].targets[:, UNITS.index(4)].sum()
    assert len(counts) == 2 * len(UNITS)


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        ({"training": TrainingConfig(sampling="balanced")}, "training.sampling"),
        ({"training": TrainingConfig(au_weight=1.0)}, "training.au-weight"),
        ({"clip_list": "list.csv"}, "clip-list"),
    ],
)
def test_what_needs_one_class_is_refused(values, flag):
    with pytest.raises(ConfigError, match=f"--{flag} is .*\n.*with --task au"):
        Config(task="au", **values)


def opened(made, tmp_path, name="cas2", **training):
    config = Config(dataset=name, data_root=str(made(name)), task="c3")
    config.model.image_size, config.reselection.preset = 32, "none"
    config.training = TrainingConfig(**training)
    return open_dataset(config, tmp_path, progress=False)


def test_changed_units_are_changed_data_where_they_are_learned(made, tmp_path):
    plain, helped = opened(made, tmp_path), opened(made, tmp_path, au_weight=0.5)
    assert plain.annotations.units == "unused"
    assert helped.annotations.units == "auxiliary"
    assert helped.annotations.targets.ndim == 1
    assert plain.about()["labels"] != helped.about()["labels"]


def test_an_auxiliary_loss_needs_units(made, tmp_path):
    with pytest.raises(AnnotationError, match=r"--training\.au-weight needs action units"):
        opened(made, tmp_path, "smic", au_weight=0.5)


def test_a_custom_loop_gets_the_units(made, tmp_path):
    data = KeyFrameDataset(
        "cas2",
        made("cas2"),
        task="au",
        preset="none",
        image_size=32,
        cache=tmp_path,
        progress=False,
    )
    label = data[0][3]
    assert label.shape == (len(UNITS),)
    assert data.classes == UNIT_NAMES
