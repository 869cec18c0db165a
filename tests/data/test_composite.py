"""Several datasets in one run, from their native layouts."""

import csv
import json

import pytest

from gamdss.cli import main
from gamdss.config import Config, ReselectionConfig
from gamdss.data.composite import sources
from gamdss.data.dataset import open_dataset
from gamdss.errors import ConfigError
from gamdss.synthetic import SynthConfig, write_dataset

pytestmark = pytest.mark.slow

EMOTIONS = {
    "smic": ["positive", "negative", "surprise"],
    "cas2": ["happiness", "disgust", "surprise"],
    "samm": ["happiness", "anger", "surprise"],
}


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("composite")
    for seed, (name, emotions) in enumerate(EMOTIONS.items()):
        made = SynthConfig(
            dataset=name,
            subjects=2,
            clips_per_subject=3,
            emotions=emotions,
            height=48,
            width=40,
            fps=40,
            seed=seed,
        )
        write_dataset(folder / name, made, progress=False)
    return ",".join(f"{name}={folder / name}" for name in EMOTIONS)


@pytest.fixture(scope="module")
def words(roots, tmp_path_factory):
    cache = str(tmp_path_factory.mktemp("cache"))
    small = [
        "--reselection.preset",
        "full",
        "--model.image-size",
        "32",
        "--model.backbone",
        "test_vit",
        "--training.epochs",
        "1",
        "--training.batch-size",
        "8",
    ]
    place = ["--device", "cpu", "--threads", "1", "--cache", cache]
    about = ["--config", "configs/megc2019.yaml", "--data-root", roots]
    return ["train", *about, *small, *place]


def rows(path):
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_subjects_of_different_datasets_do_not_collide(words, tmp_path, capsys, caplog):
    output = tmp_path / "run"
    assert main([*words, "--output", str(output)]) == 0
    results = json.loads((output / "results.json").read_text())
    assert results["clips"] == 18
    assert results["subjects"] == len(results["folds"]) == 6
    assert [f["held_out"] for f in results["folds"]] == [
        *("cas2-01", "cas2-02", "samm-001", "samm-002", "smic-s1", "smic-s2")
    ]
    assert results["classes"] == ["negative", "positive", "surprise"]
    counted = rows(output / "composition.csv")
    assert {(r["dataset"], r["class"], r["clips"]) for r in counted} >= {
        ("cas2", "negative", "2"),
        ("smic", "surprise", "2"),
    }
    assert {r["published"] for r in counted if r["dataset"] == "smic"} == {"70", "51", "43"}
    assert "cas2, negative: 2 clips, but 88 published" in caplog.text
    assert "SMIC-HS's layout + Synthetic clips in CASME II" in capsys.readouterr().out
    assert len(rows(output / "annotations.csv")) == 18


def test_one_dataset_is_left_out_at_a_time(words, tmp_path):
    output = tmp_path / "run"
    words = [w if w != "configs/megc2019.yaml" else "configs/cross_dataset.yaml" for w in words]
    assert main([*words, "--output", str(output)]) == 0
    results = json.loads((output / "results.json").read_text())
    assert [f["held_out"] for f in results["folds"]] == ["cas2", "samm", "smic"]
    assert [f["clips"] for f in results["folds"]] == [6, 6, 6]
    assert results["protocol"] == "leaving one dataset out"


def make_list(path, clips):
    named = {"cas2": "casme2"}
    lines = [
        f"{named.get(c.dataset, c.dataset)},sub{int(c.subject.split('-')[1].strip('s')):02d},"
        f"{c.name},{label}"
        for c, label in clips
    ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def config(roots, **changes):
    search = ReselectionConfig(preset="full")
    about = {"dataset": "smic+cas2+samm", "task": "megc2019", "data_root": roots}
    return Config(**about, reselection=search, **changes)


def test_a_list_chooses_clips_and_classes_and_reports_differences(roots, tmp_path, caplog):
    whole = open_dataset(config(roots), tmp_path / "cache", progress=False)
    read = whole.annotations
    pairs = list(zip(read.clips, read.labels, strict=True))
    changed = (pairs[0][0], (pairs[0][1] + 1) % 3)
    listed = make_list(tmp_path / "list.csv", [changed, *pairs[2:]])
    with (tmp_path / "list.csv").open("a") as more:
        more.write("samm,099,099_1_1,2\n")
    part = open_dataset(config(roots, clip_list=listed), tmp_path / "cache", progress=False)
    assert part.annotations.clips == (read.clips[0], *read.clips[2:])
    assert part.annotations.labels == (changed[1], *read.labels[2:])
    assert len(part.store.annotated) == len(part.store.contents) == 17
    assert f"1 clip(s) not in the list, left out: {read.clips[1].id.split('-', 1)[1]}" in (
        caplog.text
    )
    assert "1 clip(s) with another class" in caplog.text
    assert "1 clip(s) of the list are not among the task's clips" in caplog.text


def test_a_broken_list_is_explained(words, tmp_path, capsys):
    for line, message in (
        ("smic,s1,x", "the line has 3 cells"),
        ("smic,s1,x,7", "class '7' is not in the task"),
        ("smic,s1,x,0", "none of the 6 clips of smic is in the list"),
    ):
        (tmp_path / "list.csv").write_text(line + "\n")
        output = ["--output", str(tmp_path / "run")]
        assert main([*words, *output, "--clip-list", str(tmp_path / "list.csv")]) == 2
        assert message in capsys.readouterr().err


def test_frames_of_all_parts_are_found(roots, tmp_path):
    whole = open_dataset(config(roots), tmp_path, progress=False)
    assert len(set(whole.store.contents)) == 18
    assert whole.store.annotated.max() < len(whole.store.frames)
    parts = [open_dataset(part, tmp_path, progress=False) for part in sources(config(roots))]
    last = parts[-1].store
    joined = whole.store
    expected = last.frames[last.annotated[-1]]
    assert (joined.frames[joined.annotated[-1]] == expected).all()


def test_folders_must_match_the_datasets(roots):
    for text in ("/data", "smic=/a,cas2=/b", f"{roots},mmew=/x"):
        with pytest.raises(ConfigError, match=r"smic=/data/SMIC,cas2=/data/CAS2,samm="):
            sources(config(text))


def test_tasks_must_have_the_same_classes(roots, tmp_path):
    with pytest.raises(ConfigError, match="megc2019"):
        open_dataset(
            Config(dataset="smic+cas2+samm", task="c3", data_root=roots), tmp_path, progress=False
        )
