"""Groups of subjects from a CSV file."""

from dataclasses import replace

import pytest

from gamdss.config import Config, ReselectionConfig
from gamdss.data.dataset import open_dataset, read_clips
from gamdss.data.specs import get_spec
from gamdss.data.subject_groups import read_annotators, read_group_file
from gamdss.errors import AnnotationError
from gamdss.studies.bias.groups import require_own_names

CLIPS = [("cas2", "01", "a"), ("cas2", "02", "a"), ("cas2", "02", "b")]


def written(tmp_path, text):
    file = tmp_path / "groups.csv"
    file.write_text(text, encoding="utf-8")
    return file


def padded(dataset, cell):
    return cell.zfill(2) if dataset == "cas2" else cell


def test_groups_are_found_by_subject_or_clip(tmp_path):
    table = read_group_file(written(tmp_path, "Subject,site,coder\n1,x,A\n\n2,y,B\n"), "--groups")
    assert table.names == ("site", "coder")
    assert table.labels("coder", CLIPS, padded) == ["A", "B", "B"]
    by_clip = written(tmp_path, "subject,clip,coder\n01,a,A\n02,a,A\n02,b,B\n")
    assert read_group_file(by_clip, "--groups").labels("coder", CLIPS) == ["A", "A", "B"]


def test_one_file_serves_several_datasets(tmp_path):
    file = written(tmp_path, "dataset,subject,coder\nsamm,1,C\ncas2,1,A\ncas2,2,B\n")
    assert read_annotators(file, CLIPS, padded) == ["A", "B", "B"]
    assert read_annotators(file, [("samm", "1", "a")], padded) == ["C"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_files_of_spreadsheet_programs_are_read(tmp_path, encoding, delimiter):
    file = tmp_path / "groups.csv"
    text = "subject,coder\r\n1,Zoë\r\n2,B\r\n".replace(",", delimiter)
    file.write_text(text, encoding=encoding, newline="")
    assert read_annotators(file, CLIPS, padded) == ["Zoë", "B", "B"]


def test_annotators_of_few_clips_are_named_once(small_dataset, tmp_path, monkeypatch, caplog):
    file = written(tmp_path, "subject,coder\n1,A\n2,A\n3,B\n")
    reselection = ReselectionConfig(annotators=str(file))
    config = replace(Config(), dataset="cas2", task="c5", reselection=reselection)
    read_clips(config, get_spec("cas2"), small_dataset, False)
    (said,) = [r.getMessage() for r in caplog.records if "annotators" in r.getMessage()]
    assert said.startswith(f"{file}: ")
    assert "fewer than 12" in said
    assert said.endswith("(clips: A 4, B 0)")
    caplog.clear()
    monkeypatch.setattr("gamdss.data.annotators.LEAST_CLIPS", 0)
    read_clips(config, get_spec("cas2"), small_dataset, False)
    assert "annotators" not in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the columns are none"),
        ("subject\n1\n", "the columns are subject"),
        ("subject,coder\n1,A\n\n1,B\n2,A\n", r"row 4: 01 is in 'B', but in 'A' in an earlier row"),
        ("subject,coder\n1,A\n", r"2 clip\(s\) have no coder: of cas2/02"),
        ("subject,coder\n1,A\n2,\n", r"2 clip\(s\) have no coder"),
        ("subject,coder,site\n1,A,x\n2,A,x\n", "by subject in one column"),
        ("subject,clip,coder\n1,a,A\n", "by subject in one column"),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    file = written(tmp_path, text)
    with pytest.raises(AnnotationError, match=message) as caught:
        read_annotators(file, CLIPS, padded)
    assert caught.value.remedy
    assert str(file) in str(caught.value)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    with pytest.raises(AnnotationError, match="cannot be read"):
        read_group_file(tmp_path / "none.csv", "--groups")
    file = tmp_path / "binary.csv"
    file.write_bytes(b"\xff\xfe\x00subjec")
    with pytest.raises(AnnotationError, match="not a CSV file"):
        read_group_file(file, "--groups")


def test_subjects_of_several_datasets_need_a_column(tmp_path):
    file = written(tmp_path, "subject,coder\n06,A\n006,B\n")
    clips = [("cas2", "06", "a"), ("samm", "006", "a")]
    with pytest.raises(AnnotationError, match="several datasets, but there is no column `dataset`"):
        read_group_file(file, "--groups").labels("coder", clips)
    reselection = ReselectionConfig(annotators=str(file))
    config = Config(dataset="cas2+samm", task="megc2019", data_root="cas2=a,samm=b")
    with pytest.raises(AnnotationError, match=r"(?s)no column `dataset`.*such as cas2"):
        open_dataset(replace(config, reselection=reselection), tmp_path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("subject,Coder,coder", "two columns are called coder"),
        ("subject,round 1,round-1", "called round 1, round-1, which is too similar"),
        ("subject,emotion", "called emotion, as clips are grouped anyway"),
    ],
)
def test_columns_of_groups_have_names_of_their_own(tmp_path, header, message):
    file = written(tmp_path, f"{header}\n1,A,B\n")
    with pytest.raises(AnnotationError, match=message):
        require_own_names(read_group_file(file, "--groups"))
