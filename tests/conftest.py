"""A small made dataset and settings with which the real path runs in seconds."""

import pytest

from gamdss.data.synthetic import SynthConfig, write_dataset

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


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """The same numbers whatever the machine, and no quarrel between parallel workers."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory):
    """Root of a made CASME II: 3 subjects, 12 clips, 2 emotions. Not to be changed."""
    return write_dataset(tmp_path_factory.mktemp("made") / "cas2", SMALL, progress=False)


@pytest.fixture(scope="session")
def small_options(tmp_path_factory):
    """Options that train on it in seconds."""
    return (
        *("--cache", str(tmp_path_factory.mktemp("cache"))),
        *("--model.image-size", "32"),
        *("--training.epochs", "2"),
        *("--training.batch-size", "4"),
        *("--training.precision", "float32"),
        *("--threads", "1"),
    )
