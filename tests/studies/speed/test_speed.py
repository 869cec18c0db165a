"""The benchmark measures, compares and estimates; its baseline does what the original does."""

import json

import cv2
import numpy as np
import pytest
import torch

from gamdss.cli import main
from gamdss.config import AugmentationConfig
from gamdss.data.annotations import read_annotations
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import get_spec
from gamdss.models.two_branch import TwoBranchNet
from gamdss.studies.speed.original_way import OriginalWay
from gamdss.studies.speed.timing import compare
from gamdss.studies.speed.work import count

TINY = ("--model.image-size", "32", "--training.batch-size", "4", "--height", "64", "--width", "64")
TINY += ("--reselection.preset", "full")


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return ["bench", *TINY, "--repeats", "2", "--threads", "1", "--cache", str(cache)]


def test_the_values_are_measured_and_consistent(printed, capsys):
    assert main([*printed, "--json", "--clips", "100", "--subjects", "5"]) == 0
    values = json.loads(capsys.readouterr().out)
    names = [c["name"] for c in values["comparisons"]]
    assert names == ["data work", "training step", "evaluation", "store, against decoding once"]
    for figure in values["comparisons"]:
        assert 0 < figure["low"] <= figure["ratio"] <= figure["high"]
        assert figure["here"] > 0
    _, step, evaluation, store = (c["here"] for c in values["comparisons"])
    expected = 199 * (100 * 4 * step + 100 * evaluation) + 100 * store
    assert values["estimate"]["seconds"] == pytest.approx(expected)
    assert values["peak_memory_mb"] > 100
    roof = values["roofline"]
    assert 0 < roof["share_of_matrix_rate"] < 1
    arithmetic = roof["gflop"] / roof["matrix_gflop_per_second"]
    traffic = roof["gigabytes"] / roof["copy_gigabytes_per_second"]
    assert roof["least_seconds"] == pytest.approx(max(arithmetic, traffic))


def test_the_table_names_machine_and_ratios(printed, capsys):
    assert main(printed) == 0
    shown = capsys.readouterr().out
    for text in ("training step", "ratio (range of pairs)", "26 folds, 246 clips", "Peak memory"):
        assert text in shown


def test_work_is_counted_from_the_operators():
    left, right = torch.randn(8, 16, requires_grad=True), torch.randn(16, 4)
    work = count(lambda: left.view(8, 16) @ right, 2)
    assert work.flop == 2 * 8 * 16 * 4 / 2
    assert work.bytes == 4 * (8 * 16 + 16 * 4 + 8 * 4) / 2
    back = count(lambda: (left @ right).sum().backward(), 1)
    assert back.flop == 2 * (2 * 8 * 16 * 4)
    assert back.bytes > 2 * work.bytes


def test_a_depthwise_convolution_is_counted_as_such():
    conv = torch.nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
    image = torch.randn(2, 8, 5, 5, requires_grad=True)
    forward = 2 * 2 * 25 * 8 * 9
    assert count(lambda: conv(image), 1).flop == forward
    assert count(lambda: conv(image).sum().backward(), 1).flop == 3 * forward


def test_growth_is_measured_and_drawn(monkeypatch, tmp_path, capsys):
    small = {"clips": (8, 16), "epochs": (1, 2), "folds": (1, 2), "side": (16, 32)}
    monkeypatch.setattr("gamdss.studies.speed.growth.REPEATS", 1)
    monkeypatch.setattr("gamdss.studies.speed.growth._VALUES", small)
    monkeypatch.setattr(
        "gamdss.studies.speed.growth._SMALLEST", {**{k: v[0] for k, v in small.items()}}
    )
    file = tmp_path / "growth.png"
    assert main(["bench", "--growth", str(file), "--device", "cpu", "--threads", "1"]) == 0
    assert cv2.imread(str(file)).shape[1] > 1000
    assert str(file) in capsys.readouterr().out


def test_a_wrong_size_is_named(capsys):
    assert main(["bench", "--repeats", "0"]) == 2
    assert "--repeats is 0" in capsys.readouterr().err


def test_the_baseline_shows_the_network_what_the_original_shows(small_dataset):
    spec = get_spec("cas2")
    read = read_annotations(spec, small_dataset / spec.workbooks[0], "c5")
    finder = FrameFinder(spec, small_dataset)
    net = TwoBranchNet(5, 32)
    still = AugmentationConfig(flip=0, rotation=0, crop_padding=0)
    way = OriginalWay([finder.find(c) for c in read.clips], read.labels, net, 32, still)
    batch = way.batch([0, 1], np.random.default_rng(0))
    assert batch.shape == (2, 3, 3, 32, 32)
    assert torch.equal(batch, way.batch([0, 1], np.random.default_rng(9)))
    before = net.head.classify.weight.clone()
    way.step(batch, [0, 1])
    assert not torch.equal(before, net.head.classify.weight)
    assert way.evaluate(batch).shape == (2,)


def test_a_comparison_pairs_its_timings():
    calls = []
    figure = compare("x", "u", (lambda: calls.append("a"), 1), (lambda: calls.append("b"), 2), 3)
    assert calls == ["a", "b"] * 4
    assert figure.low <= figure.ratio <= figure.high
