"""Times of the training step in several ways; on a CPU nothing is captured, nor a kernel listed."""

import sys

import pytest

from gamdss.config import Config, ModelConfig, TrainingConfig
from gamdss.studies.speed import steps

pytestmark = pytest.mark.usefixtures("tiny_rmt")
CONFIG = Config(
    device="cpu", model=ModelConfig(image_size=16), training=TrainingConfig(batch_size=2)
)


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(steps, "_TIMES", 2)
    monkeypatch.setattr(steps, "_REPEATS", 2)


def test_a_way_is_measured_and_shown(tmp_path):
    found = steps.measure("plain", CONFIG, tmp_path)
    for least, middle, most in (found.step, found.last_batch, found.evaluation):
        assert 0 < least <= middle <= most
    assert found.prepared > 0
    assert found.kernels == {}
    assert steps.report({"plain": found}, 3).splitlines()[2].startswith("plain ")


def test_kernels_are_shown_with_their_sum():
    times = steps.StepTimes(
        *([(0.001, 0.002, 0.003)] * 3), 9.0, {"gemm": (2.5, 4), "add": (0.5, 1)}
    )
    text = steps.report({"compiled": times}, 1)
    assert "2.00 (1.00 to 3.00)" in text
    assert "compiled: 5 kernels a step, 3.00 ms" in text
    assert "gemm" in text
    assert "add" not in text


def test_the_command_prints_a_table(monkeypatch, capsys):
    monkeypatch.setattr(
        sys, "argv", ["steps", "--device=cpu", "--image-size=16", "--batch-size=2", "--ways=0"]
    )
    steps.main()
    assert "last batch" in capsys.readouterr().out
