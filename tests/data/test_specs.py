"""Specs: shipped ones are consistent, custom ones are read, invalid ones are explained."""

import re

import pytest
import yaml

from gamdss.cli import main
from gamdss.config import Config, FramesConfig, ReselectionConfig
from gamdss.data.annotations import read_annotations
from gamdss.data.dataset import open_dataset
from gamdss.data.specs import FOLDER, get_spec, spec_names
from gamdss.data.specs.spec import ROLES
from gamdss.data.workbook import find_workbook
from gamdss.errors import AnnotationError, ConfigError
from gamdss.synthetic import SynthConfig, write_dataset

README = (FOLDER / "README.md").read_text("utf-8")
OWN = next(
    text for kind, text in re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL) if kind == "yaml"
)


@pytest.fixture
def own(tmp_path):
    """The custom spec of the package README."""
    file = tmp_path / "lab.yaml"
    file.write_text(OWN, encoding="utf-8")
    return file


def test_ten_datasets_are_supported():
    names = ("4dme", "cas1", "cas2", "cas3", "cas3c", "casme2sq", "dfme", "mmew", "samm", "smic")
    assert spec_names() == names


@pytest.mark.parametrize("name", spec_names())
def test_a_shipped_spec_is_consistent(name):
    spec = get_spec(name)
    assert spec.reference
    assert spec.request_page.startswith("http")
    assert spec.notes
    assert spec.fps > 0
    assert set(spec.columns) <= set(ROLES)
    headers = {(text or "").lower() for text in spec.header}
    for role, names in spec.columns.items():
        assert {text.lower() for text in names} & headers, role
    counts = spec.expected.get("emotions", {})
    assert set(counts) <= set(spec.emotions)
    for task, sizes in spec.expected.get("tasks", {}).items():
        emotions = spec.task(task).emotions
        if set(emotions) <= set(counts):
            ends = [[min(as_list(counts[e])), max(as_list(counts[e]))] for e in emotions]
            for size in as_list(sizes):
                assert sum(low for low, _ in ends) <= size <= sum(high for _, high in ends), task
    lines = (FOLDER / f"{name}.yaml").read_text("utf-8").splitlines()
    assert len(lines) <= 110


def as_list(value):
    return value if isinstance(value, list) else [value]


def test_tasks_of_the_original_keep_its_class_order():
    assert get_spec("samm").task("c5").classes == (
        *("anger", "contempt", "happiness", "surprise", "others"),
    )
    assert get_spec("cas3").task("c7").classes == (
        *("anger", "disgust", "fear", "happiness", "sadness", "surprise", "others"),
    )
    c4 = get_spec("cas3").task("c4")
    assert c4.classes == ("happiness", "surprise", "others", "negative")
    assert [c4.label(name) for name in ("anger", "disgust", "fear", "sadness")] == [3] * 4


@pytest.mark.parametrize(
    ("name", "cell", "subject"),
    [
        ("cas2", 1, "01"),
        ("cas2", "sub01", "01"),
        ("cas2", 1.0, "01"),
        ("samm", 6, "006"),
        ("samm", "006", "006"),
        ("smic", "s01", "s1"),
        ("smic", 1, "s1"),
        ("cas3", "spNo.149", "spNO.149"),
        ("dfme", "sub0003", "sub0003"),
        ("4dme", "S13", "S13"),
    ],
)
def test_spellings_of_a_subject_are_unified(name, cell, subject):
    assert get_spec(name).subject(cell) == subject


@pytest.mark.parametrize(
    ("name", "cell", "emotion"),
    [
        ("samm", "Other", "others"),
        ("samm", " others ", "others"),
        ("cas3", "happy", "happiness"),
        ("cas3", "Happiness", "happiness"),
        ("cas3", "SAD", "sadness"),
        ("4dme", "Surprise+Positive", "surprise+positive"),
        ("4dme", "Surprise+boredom", None),
        ("cas2", "boredom", None),
    ],
)
def test_spellings_of_an_emotion_are_unified(name, cell, emotion):
    assert get_spec(name).emotion(cell) == emotion


def test_clips_of_two_emotions_belong_to_no_task(made, tmp_path):
    import openpyxl

    spec = get_spec("4dme")
    root = made("4dme", "cropped", 3)
    book = openpyxl.load_workbook(find_workbook(spec, root))
    book.active.cell(2, spec.header.index("Emotion") + 1).value = "Surprise+Positive"
    book.active.append([None, None, "total", None, 3, 4, 5])
    book.active.append([None, None, None, None, 3, 4, 5])
    book.save(tmp_path / "w.xlsx")
    with pytest.raises(AnnotationError, match="row 8: sub_ID is blank"):
        read_annotations(spec, tmp_path / "w.xlsx", "c5")
    book.active.delete_rows(8)
    book.save(tmp_path / "w.xlsx")
    read = read_annotations(spec, tmp_path / "w.xlsx", "c5")
    assert len(read.clips) == 5
    assert any("1 clip(s) have an emotion that task c5 leaves out" in w for w in read.warnings)
    assert any("1 row(s) without subject and clip" in w for w in read.warnings)


def test_the_subject_may_come_from_the_clip_name(made, tmp_path):
    import openpyxl

    spec = get_spec("dfme")
    root = made("dfme", "native", 3)
    book = openpyxl.load_workbook(find_workbook(spec, root))
    book.active.delete_cols(1)
    book.save(tmp_path / "w.xlsx")
    read = read_annotations(spec, tmp_path / "w.xlsx", "c7")
    assert read.subjects == ("sub0001", "sub0002")


def test_a_custom_dataset_is_one_file(own, tmp_path, capsys):
    spec = get_spec(str(own))
    assert spec.name == "lab"
    config = SynthConfig(
        dataset=str(own), subjects=2, clips_per_subject=3, height=32, width=32, fps=40, seed=4
    )
    root = write_dataset(tmp_path / "made", config, progress=False)
    assert main(["check", "--dataset", str(own), "--data-root", str(root)]) == 0
    assert "This can be trained on." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tilte": "x"}, "unknown field tilte"),
        ({"tasks": None}, "missing field tasks"),
        ({"tasks": {"c2": ["joy", "calm"]}}, "calm is not among them"),
        ({"tasks": {"c1": ["joy"]}}, "two classes"),
        ({"columns": {"whom": "Person"}}, "known roles are subject, clip"),
        ({"columns": {"subject": None}}, "must be a text or a list"),
        ({"columns": {"clip": "Clip"}}, "columns has no subject, onset, offset, emotion; subject"),
        ({"expected": {"emotions": 5}}, "expected.emotions is of type int"),
        ({"expected": {"classes": {"c3": 5}}}, "expected.classes.c3 is of type int"),
        ({"layouts": {"a": {"folders": "x"}}}, "must have folders and file"),
        ({"layouts": {"a": {"folders": "{who}", "file": "{frame}.jpg"}}}, "known names are"),
        ({"workbooks": "../other.xlsx"}, "must be a path in the dataset's folder"),
        ({"layouts": ["a"]}, "layouts is of type list"),
        ({"subject": "{number:02x!}"}, "cannot be filled"),
        ({"subject": "{number:9999999999}"}, "with '9999999999' is not a name and a width"),
        ({"clip": "{clip.__class__}"}, "'clip.__class__' with '' is not a name"),
        ({"layouts": {"a": {"folders": "{clip!r}", "file": "{frame}.jpg"}}}, "'clip' with ''"),
        ({"writing": {"clip": "{whom}"}}, "known names are"),
        ({"writing": {"subject": "{number:{number}}"}}, "with '{number}' is not a name"),
        ({"fps": "fast"}, "fps is 'fast'"),
        ({"form": "pdf"}, "form is 'pdf'"),
        ({"corrections": [{"row": 1, "apex": 2}]}, "a correction needs"),
        ({"corrections": [{"clip": "a/b"}]}, "a correction needs"),
        ({"writing": {"colour": 1}}, "writing may have"),
        ({"writing": {"clips_per_video": "two"}}, "writing.clips_per_video must have"),
        ({"corrections": 3}, "not iterable"),
        ({"corrections": [{"clip": "a/b", "apex": 2, "was": [3]}]}, "was is of type list"),
    ],
)
def test_an_invalid_spec_is_explained(own, change, message):
    values = yaml.safe_load(OWN) | change
    own.write_text(yaml.safe_dump(values))
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        get_spec(str(own))
    assert str(caught.value).startswith(f"{own}: invalid dataset spec: ")


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", ""])
def test_a_spec_that_is_not_a_mapping(own, text):
    own.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(str(own))):
        get_spec(str(own))
    with pytest.raises(ConfigError, match="cannot be read"):
        get_spec(str(own.with_name("absent.yaml")))


PATTERN = "frames/{subject}/{clip}/{frame}.png"


@pytest.fixture
def table(tmp_path):
    """A plain table with matching frames."""
    import cv2
    import numpy as np

    rng = np.random.default_rng(0)
    lines = ["subject,clip,onset,apex,offset,emotion,au"]
    for subject in ("anna", "ben"):
        for index, emotion in enumerate(("Happy", "surprise", "sad"), start=1):
            folder = tmp_path / "frames" / subject / f"c{index}"
            folder.mkdir(parents=True)
            for number in range(3, 10):
                image = rng.integers(0, 255, (32, 32), dtype=np.uint8)
                cv2.imwrite(str(folder / f"{number:03d}.png"), image)
            lines.append(f"{subject},c{index},3,{5 + index % 2},9,{emotion},4+L12")
    file = tmp_path / "clips.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_a_plain_table_is_a_dataset(table, capsys):
    spec = get_spec("csv", table)
    assert spec.tasks["c3"].classes == ("happiness", "sadness", "surprise")
    read = read_annotations(spec, table, "c3")
    assert read.subjects == ("anna", "ben")
    assert read.clips[0].action_units == "4+L12"
    words = ["check", "--dataset", "csv", "--annotations", str(table), "--task", "c3"]
    words += ["--data-root", str(table.parent)]
    assert main([*words, "--frames.pattern", PATTERN]) == 0
    assert "file named otherwise" not in (shown := capsys.readouterr().out)  # 003 is 3
    assert "This can be trained on." in shown
    assert main([*words, "--data-root", str(table.parent / "frames")]) == 0


def test_a_plain_table_is_found_in_the_datasets_folder(table, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    words = ["--dataset", "csv", "--annotations", table.name, "--data-root", str(table.parent)]
    assert main(["check", "--task", "c3", *words, "--frames.pattern", PATTERN]) == 0
    frames, search = FramesConfig(pattern=PATTERN), ReselectionConfig(preset="full")
    asked = Config(*("csv", "c3", str(table.parent), table.name), frames=frames, reselection=search)
    assert len(open_dataset(asked, tmp_path / "cache", progress=False).annotations.clips) == 6
    with pytest.raises(AnnotationError, match="cannot be read"):
        get_spec("csv", "absent.csv", table.parent)


def test_a_plain_table_needs_little(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("Subject,Filename,Onset,Offset,Emotion\n1,a,1,5,boredom\n2,b,1,5,Interest\n")
    spec = get_spec("csv", file)
    read = read_annotations(spec, file, "c2")
    assert read.classes == ("boredom", "interest")
    assert [clip.annotated.apex for clip in read.clips] == [3, 3]
    assert spec.task_names == ("c2",)
    with pytest.raises(
        ConfigError, match=r"'au': it has no column of action units\nUse one of: c2"
    ):
        spec.task("au")
    file.write_text("subject,clip,onset,offset,emotion,au\n1,a,1,5,joy,6\n2,b,1,5,fear,\n")
    assert get_spec("csv", file).task_names == ("c2", "au")


def test_an_emotion_of_a_plain_table_may_contain_a_plus(tmp_path):
    file = tmp_path / "t.csv"
    emotions = ("calm+tense", "Calm+Tense", "Fear + Happy", "fear+happy", "joy", "joy+ease")
    rows = [f"{n % 2},c{n},1,5,{emotion}\n" for n, emotion in enumerate(emotions)]
    file.write_text("subject,clip,onset,offset,emotion\n" + "".join(rows))
    read = read_annotations(get_spec("csv", file), file, "c4")
    assert read.classes == ("calm+tense", "fear+happiness", "joy", "joy+ease")
    assert read.labels == (0, 0, 1, 1, 2, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,clip\n1,a", "has no column 'emotion'"),
        ("", "has no column 'emotion'"),
        ("subject,clip,onset,offset,emotion\n1,a,1,5,joy", r"has 1 emotion\(s\) \(joy\)"),
    ],
)
def test_an_invalid_plain_table(tmp_path, text, message):
    file = tmp_path / "t.csv"
    file.write_text(text)
    with pytest.raises(AnnotationError, match=message):
        get_spec("csv", file)


def test_marks_of_a_missing_label_are_no_emotions_of_a_plain_table(tmp_path):
    labels = ("joy", "/", "fear", "n/a", "none", "-", "")
    rows = [f"{n},c,1,5,{label}\n" for n, label in enumerate(labels)]
    file = tmp_path / "t.csv"
    file.write_text("subject,clip,onset,offset,emotion\n" + "".join(rows))
    spec = get_spec("csv", file)
    assert list(spec.tasks) == ["c3"]
    read = read_annotations(spec, file, "c3")
    assert [clip.emotion for clip in read.clips] == ["joy", "fear", "none"]
    assert any("3 row(s) with unknown emotion left out" in text for text in read.warnings)


@pytest.mark.parametrize("before", [0, 100])  # rows, so that the header's width is known
def test_a_cell_beyond_the_header_of_a_plain_table_is_refused(tmp_path, before):
    rows = [f"{n},c,1,5,{('joy', 'fear')[n % 2]},,  \n" for n in range(2 + before)]
    file = tmp_path / "t.csv"
    file.write_text("subject,clip,onset,offset,emotion\n" + "".join(rows))
    assert list(get_spec("csv", file).tasks) == ["c2"]
    file.write_text(file.read_text() + "x,c,1,5,fear, anger\nx,d,1,5,fear,,9\n")
    with pytest.raises(AnnotationError) as caught:
        get_spec("csv", file)
    shown = str(caught.value)
    assert f"t.csv, row {4 + before}: 'anger' lies beyond the 5 columns of the header" in shown
    assert "1 further row(s)" in shown


def written_emotions(file, *emotions):
    rows = [f"{n % 2},c{n},1,5,{emotion}\n" for n, emotion in enumerate(emotions)]
    file.write_text("subject,clip,onset,offset,emotion\n" + "".join(rows))
    return file


def test_an_emotion_that_may_be_misspelled_is_reported(tmp_path):
    names = ("joy", "surprise", "Suprise", "fear", "negative2", "calm", "calms", "Happy", "sad")
    file = written_emotions(tmp_path / "t.csv", *names)
    spec = get_spec("csv", file)
    read = read_annotations(spec, file, "c9")
    assert "1 row(s) with an emotion that may be misspelled" in (text := " ".join(read.warnings))
    assert "'Suprise' is like 'surprise' (row 4)" in text
    with pytest.raises(AnnotationError, match=r"row 4: clip 0/c2: emotion 'Suprise' is like"):
        read_annotations(spec, file, "c9", strict=True)


def test_which_classes_c3_of_a_plain_table_has_is_reported(tmp_path, caplog):
    file = written_emotions(tmp_path / "t.csv", "happy", "surprise", "anger")
    assert read_annotations(get_spec("csv", file), file, "c3").warnings == (
        "c3 has a class for each emotion of the table: anger, happiness, surprise",
    )
    file = written_emotions(tmp_path / "t.csv", "happy", "surprise", "anger", "fear")
    spec = get_spec("csv", file)
    assert read_annotations(spec, file, "c3").warnings == (
        "c3 groups the emotions of the table: positive (happiness), surprise (surprise), "
        "negative (anger, fear)",
    )
    assert read_annotations(spec, file, "c4").warnings == ()


def test_a_plain_table_in_another_format(tmp_path):
    file = tmp_path / "t.csv"
    file.write_bytes("subject,emotion\nAndré,joy\n".encode("cp1252"))
    with pytest.raises(AnnotationError, match=r"row 2: .*not in UTF-8, which 'André'"):
        get_spec("csv", file)
    file.write_bytes(b"\0emotion\xff")
    with pytest.raises(AnnotationError, match="not a CSV file"):
        get_spec("csv", file)


def test_a_plain_table_must_be_given(tmp_path):
    with pytest.raises(ConfigError, match="--annotations FILE"):
        get_spec("csv")
    with pytest.raises(AnnotationError, match="cannot be read"):
        get_spec("csv", tmp_path / "absent.csv")


@pytest.mark.parametrize(
    ("name", "task"),
    [("cas2", "c7"), ("samm", "c8"), ("cas3", "c7"), ("mmew", "c7"), ("smic", "c3")],
)
def test_the_widest_task_has_most_emotions_then_most_classes_then_comes_first(name, task):
    assert get_spec(name).widest_task == task
