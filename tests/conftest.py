"""A small synthetic dataset and settings with which the real path runs in seconds."""

import gc
import os
import shutil
from functools import cache
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # of BLAS, which reads it when NumPy is imported

import pytest
from filelock import FileLock

from gamdss.cli import main
from gamdss.data.specs import get_spec
from gamdss.synthetic import SynthConfig, write_dataset

SMALL = SynthConfig(
    subjects=3,
    clips_per_subject=4,
    emotions=["happiness", "surprise"],
    height=72,
    width=64,
    fps=60,
    amplitude=(2.0, 2.5),
    noise=1.0,
    drift=0.1,
    blink=0.0,
    seed=3,
)


# Started first, so that no worker waits for them at the end.
LONGEST = ("test_ranks.py", "test_resume.py", "test_tour.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_configure():
    gc.disable()


def pytest_collection_finish():
    """Spare the collector what stays until the end: modules, and the tests themselves."""
    gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_unconfigure():
    gc.unfreeze()


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Calls `write(folder)` in one of the parallel workers, and gives the folder to all."""
    own = tmp_path_factory.getbasetemp()
    place = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def folder(name, write):
        with FileLock(place / f"{name}.lock"):
            if not (place / f"{name}.done").exists():
                write(place / name)
                (place / f"{name}.done").touch()
        return place / name

    return folder


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """The same numbers whatever the machine, and no quarrel between parallel workers."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_dataset(once):
    """Root of a made CASME II: 3 subjects, 12 clips, 2 emotions. Not to be changed."""
    return once("cas2", lambda folder: write_dataset(folder, SMALL, progress=False))


@pytest.fixture(scope="session")
def small_options(tmp_path_factory):
    """Options that train a small network on it in a second."""
    return (
        *("--cache", str(tmp_path_factory.mktemp("cache"))),
        *("--reselection.preset", "full"),
        *("--model.backbone", "test_vit", "--model.image-size", "32"),
        *("--training.epochs", "2"),
        *("--training.batch-size", "4"),
        *("--training.precision", "float32"),
        *("--threads", "1"),
    )


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Writes tiny clips of two people in any dataset's layout, each once; not to be changed.

    The two people are the same in all of them, and are painted once.
    """
    from gamdss.synthetic import dataset

    folder = tmp_path_factory.mktemp("layouts")
    paint_once = cache(dataset.render_face)

    @cache
    def write(name, layout=None, clips=None, task=None, faults=()):
        spec = get_spec(name)
        emotions = list(spec.task(task or next(iter(spec.tasks))).emotions)
        config = SynthConfig(
            dataset=name,
            layout=layout,
            subjects=2,
            clips_per_subject=clips or len(emotions),
            emotions=emotions,
            faults=list(faults),
            height=32,
            width=32,
            fps=40,
            margin_ms=50,
            seed=4,
        )
        place = folder / f"{spec.name}-{layout}-{clips}-{task}-{len(faults)}"
        with pytest.MonkeyPatch.context() as patch:  # only while it writes
            patch.setattr(dataset, "render_face", paint_once)
            return write_dataset(place, config, progress=False)

    return write


@pytest.fixture(scope="session")
def train_once(once, small_dataset, small_options, tmp_path_factory):
    """Trains on it in one of the workers; each has a copy of the run."""

    def train(name, *words):
        command = ["train", "--data-root", str(small_dataset), *small_options, *words]

        def write(folder):
            assert main([*command, "--output", str(folder)]) == 0

        return Path(shutil.copytree(once(name, write), tmp_path_factory.mktemp(name) / "run"))

    return train


@pytest.fixture(scope="session")
def finished_run(train_once):
    """Directory of a finished run on it. Tests may add files to it, and not change its own."""
    return train_once("finished")


@pytest.fixture(scope="session")
def inner_flow_run(train_once):
    """A finished run on draws of key frames, evaluated by `inner`, whose temporal stream sees flow.

    It is not to be changed.
    """
    words = ("--training.selection", "inner", "--features.name", "flow-dis", "--device", "cpu")
    draws = ("--reselection.draws", "3", "--reselection.test-draws", "2")
    return train_once("inner", *words, *draws, "--reselection.jitter", "0.3")


@pytest.fixture
def data(small_dataset, tmp_path):
    """A copy of the synthetic dataset that a test may break."""
    return Path(shutil.copytree(small_dataset, tmp_path / "data"))


@pytest.fixture
def refused(capsys, caplog, small_options, tmp_path):
    """Run `gamdss train` on a broken dataset: it must say why in one message, and stop."""

    def run(root, *words):
        output = tmp_path / "run"
        code = main(
            ["train", "--data-root", str(root), *small_options, "--output", str(output), *words]
        )
        shown = capsys.readouterr().err
        assert code == 2
        assert shown.count("error: ") == 1
        assert "Traceback" not in shown
        message = shown[shown.index("error: ") :]
        assert not (output / "results.json").exists()
        return message

    return run


def _stages(monkeypatch, dims, decomposed):
    sizes = {"DIMS": dims, "DEPTHS": (1,) * len(dims), "DECOMPOSED": decomposed}
    stream = {"RMTStream.num_features": dims[-1], "RMTStream.reduction": 2 ** len(dims)}
    for name, value in {**sizes, **stream}.items():
        monkeypatch.setattr(f"gamdss.models.rmt.{name}", value)


@pytest.fixture
def tiny_rmt(monkeypatch):
    """The paper's stream with two narrow stages: one of rows and columns, one of all pixels."""
    _stages(monkeypatch, (8, 16), (True, False))


@pytest.fixture
def one_stage_rmt(tiny_rmt, monkeypatch):
    """The paper's stream with one narrow stage of all pixels: compiled in half the time."""
    _stages(monkeypatch, (8,), (False,))
