"""Every config's data, read and reselected in its native layout."""

import csv
from pathlib import Path

import pytest
import yaml

from gamdss.data.dataset import open_dataset
from gamdss.data.key_frame_table import write_key_frames
from gamdss.data.specs import get_spec
from gamdss.experiment import TRAIN

ROOT = Path(__file__).parents[2]
CONFIGS = sorted([*ROOT.glob("configs/*.yaml"), *ROOT.glob("configs/original/*.yaml")])
SINGLE = [file for file in CONFIGS if "+" not in yaml.safe_load(file.read_text())["dataset"]]


@pytest.mark.slow
@pytest.mark.parametrize("file", SINGLE, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_data_of_every_config_is_read_and_reselected(file, made, tmp_path):
    asked = yaml.safe_load(file.read_text())
    root = made(asked["dataset"], None, None, asked["task"])
    words = ["--config", str(file), "--data-root", str(root), "--model.image-size", "32"]
    if asked["reselection"]["preset"] == "motion" and file.stem != "cas2_c5":
        words += ["--reselection.preset", "full"]  # one of them is enough to see `motion` run
    chosen = TRAIN.parse("train", words)[1]
    dataset = open_dataset(chosen, tmp_path, progress=False)
    task = get_spec(asked["dataset"]).task(asked["task"])
    assert dataset.annotations.classes == task.classes
    if task.units:
        assert dataset.annotations.targets.shape[1] == len(task.classes)
        assert dataset.annotations.targets.any(1).sum() > len(task.emotions)
    else:
        assert set(dataset.annotations.labels) == set(range(len(task.classes)))
    assert len(dataset.annotations.clips) == 2 * len(task.emotions)
    assert dataset.store.frames.shape[1:] == (3, 32, 32)
    write_key_frames(tmp_path / "keyframes.csv", dataset)
    with (tmp_path / "annotations.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["clip"] for row in rows] == [clip.name for clip in dataset.annotations.clips]
    assert [row["emotion"] for row in rows] == [c.emotion for c in dataset.annotations.clips]


def test_there_is_a_config_for_every_named_task():
    found = {str(file.relative_to(ROOT / "configs")) for file in CONFIGS}
    for name in ("cas2_c5", "cas2_c3", "samm_c5", "samm_c3", "cas3_c7", "cas3_c4"):
        assert {f"{name}.yaml", f"original/{name}.yaml"} <= found
        assert (ROOT / name.split("_")[0] / f"train_{name.split('_')[1]}.py").exists()
    for name in ("cas2_c5", "cas2_c3", "samm_c5", "samm_c3"):
        assert f"original/backbone_{name}.yaml" in found
    others = ("mmew_c6", "4dme_c5", "4dme_c3", "smic_c3", "casme2sq_c3", "cas1_c4", "dfme_c7")
    assert {f"{name}.yaml" for name in others} <= found
