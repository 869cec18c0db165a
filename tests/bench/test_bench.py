"""The benchmark measures, compares and estimates; its baseline does what the original does."""

import json

import numpy as np
import pytest
import torch

from gamdss.bench.original_way import OriginalWay
from gamdss.bench.timing import compare
from gamdss.cli import main
from gamdss.config import AugmentationConfig
from gamdss.data.annotations import read_annotations
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import get_spec
from gamdss.models.two_branch import TwoBranchNet

TINY = ("--model.image-size", "32", "--training.batch-size", "4", "--height", "64", "--width", "64")


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


def test_the_table_names_machine_and_ratios(printed, capsys):
    assert main(printed) == 0
    shown = capsys.readouterr().out
    for text in ("training step", "ratio (range of pairs)", "26 folds, 246 clips", "Peak memory"):
        assert text in shown


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
