"""Every command that writes, on data as small as possible."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from killing import COARSE, contents, run

from gamdss.report import style
from gamdss.synthetic import SynthConfig, write_dataset

TINY = SynthConfig(
    subjects=2,
    clips_per_subject=2,
    emotions=["happiness", "surprise"],
    height=48,
    width=48,
    fps=50,
    amplitude=(2.0, 2.5),
    blink=0.0,
    seed=3,
)
TRAINING = [
    *("--reselection.preset", "full", "--model.image-size", "32", "--model.backbone", "test_vit"),
    *("--training.epochs", "2", "--training.batch-size", "4", "--training.checkpoint-every", "1"),
    *("--training.precision", "float32", "--threads", "1", "--device", "cpu"),
]
MORE = {
    "align": "--workers 1",
    "export": "--fold 01 --format pretrained",
    "features": "--size 32 --pictures",
    "predict": "--fps 50 --device cpu --draws 2",
    "recordings": "--recordings 1 --dataset casme2sq --subjects 2 --seconds 5 --height 40 "
    "--width 36 --speech 0 --micro [0,0] --macro [1,1]",
    "spot": "--workers 1",
    "stress": "--clips 2 --cells noise --height 48 --width 48 --workers 1",
    "synth": "--subjects 1 --clips-per-subject 2 --height 32 --width 32 --workers 1 --seed 4",
    "table": "--threads 1 --device cpu",
}
TABLE = {
    "title": "One row",
    "config": "base.yaml",
    "rows": [{"name": "both"}, {"name": "rising", "set": {"model.branches": "rising"}}],
}


@dataclass(frozen=True)
class Places:
    """Folders of a campaign: data that commands read, and caches that they share."""

    folder: Path
    data: Path
    cache: Path
    done: dict = field(default_factory=dict)

    def words(self, name, output):
        """The words of a command that writes to `output`."""
        data = ["--data-root", self.data, "--cache", self.cache]
        given = {
            "align": ["--input", self.data],
            "bias": data,
            "features": data,
            "spot": ["--input", self.data],
            "table": [self.folder / "one.yaml", *data],
            "train": [*data, *TRAINING],
        }.get(name, [])
        if name == "merge":
            given = [self.part("a"), self.part("b")]
        if name in ("export", "predict"):
            self.whole("train")
            given = [self.folder / "train_whole" / "out"]
        if name == "predict":
            given += ["--input", self.data]
        command = "synth" if name == "recordings" else name
        return [command, *given, *MORE.get(name, "").split(), "--output", output]

    def whole(self, name):
        """What the undisturbed command writes, and the number of its writes; run when first asked.

        The command's output is the folder `out` in `<name>_whole`.
        """
        if name not in self.done:
            above, log = self.folder / f"{name}_whole", self.folder / f"{name}.log"
            status, writes = run(self.words(name, above / "out"), log)
            assert status == 0, log.read_text()
            self.done[name] = contents(above), writes
        return self.done[name]

    def part(self, name):
        """A run with one of two folds, trained when first asked for."""
        output = self.folder / name
        fold = {"a": "01", "b": "02"}[name]
        if not (output / "folds" / fold / "predictions.npz").exists():
            words = [*self.words("train", output), "--folds", fold]
            status, _ = run(words, self.folder / f"{name}.log")
            assert status == 0, (self.folder / f"{name}.log").read_text()
        return output


@pytest.fixture(autouse=True)
def coarse_figures(monkeypatch):
    """Figures of this process are those of the commands that run in others."""
    for name, value in COARSE.items():
        monkeypatch.setitem(style._STYLE, name, value)


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("campaign")
    data = write_dataset(folder / "data", TINY, progress=False)
    shutil.rmtree(data / "true_annotation")
    base = dict(zip(TRAINING[::2], TRAINING[1::2], strict=True))
    values = {"task": "c5", "reselection": {"preset": "full"}, "model": {}, "training": {}}
    for name, value in base.items():
        group, _, field = name[2:].replace("-", "_").partition(".")
        if group in ("model", "training"):
            values[group][field] = yaml.safe_load(value)
    (folder / "base.yaml").write_text(yaml.safe_dump(values))
    (folder / "one.yaml").write_text(yaml.safe_dump(TABLE))
    return Places(folder, data, folder / "cache")
