"""The benchmark measures, compares and estimates; its baseline does what the original does."""

import json

import cv2
import numpy as np
import pytest
import torch

from gamdss.cli import main
from gamdss.config import (
    AugmentationConfig,
    Config,
    FramesConfig,
    ProtocolConfig,
    TrainingConfig,
)
from gamdss.data.annotations import read_annotations
from gamdss.data.decoding import decode
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import get_spec
from gamdss.models.two_branch import TwoBranchNet
from gamdss.reselection import PRESETS
from gamdss.studies.speed import bench, original_way, timing
from gamdss.studies.speed.original_way import OriginalWay
from gamdss.studies.speed.timing import Rates, SpeedComparison, Work, count
from gamdss.synthetic import SynthConfig

TINY = ("--model.image-size", "32", "--training.batch-size", "4", "--height", "64", "--width", "64")
TINY += ("--model.backbone", "test_vit", "--reselection.preset", "full")


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return ["bench", *TINY, "--repeats", "2", "--threads", "1", "--cache", str(cache)]


@pytest.mark.slow
def test_everything_is_measured(arguments, capsys):
    assert main([*arguments, "--json", "--clips", "100", "--subjects", "5"]) == 0
    values = json.loads(capsys.readouterr().out)
    names = [c["name"] for c in values["comparisons"]]
    assert names == ["data work", "training step", "evaluation", "store, against decoding once"]
    for figure in values["comparisons"]:
        assert 0 < figure["low"] <= figure["ratio"] <= figure["high"]
        assert figure["here"] > 0
    assert values["peak_memory_mb"] > 100
    assert 0 < values["roofline"]["share_of_matrix_rate"] < 1
    assert values["estimate"]["seconds"] > 0


# Seconds per unit of the baseline and here, by what is compared.
PLANTED = {
    "data work": (0.010, 0.001),
    "training step": (0.100, 0.020),
    "evaluation": (0.030, 0.005),
    "store, against decoding once": (0.200, 0.400),
}


def planted(name, unit, _baseline, _here, _repeats):
    before, after = PLANTED[name]
    ratio = before / after
    return SpeedComparison(name, unit, before, after, ratio, ratio - 0.5, ratio + 1)


@pytest.mark.slow
def test_the_table_follows_from_the_timings(arguments, capsys, monkeypatch):
    monkeypatch.setattr(bench, "compare", planted)
    monkeypatch.setattr(
        bench, "count", lambda _step, _samples: Work(flop=8e9, bytes=0.5e9, operators=300)
    )
    monkeypatch.setattr(
        bench, "measure_rates", lambda *_: Rates(flop=1e12, bytes=1e10, launch=2e-6)
    )
    assert main([*arguments, "--clips", "100", "--subjects", "5", "--training.epochs", "200"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith(tuple(PLANTED))]
    assert [" ".join(row.split()) for row in rows] == [
        "data work sample and epoch 10.00 1.00 10.00 (9.50 to 11.00)",
        "training step sample and step 100.00 20.00 5.00 (4.50 to 6.00)",
        "evaluation sample 30.00 5.00 6.00 (5.50 to 7.00)",
        "store, against decoding once clip 200.00 400.00 0.50 (0.00 to 1.50)",
    ]
    text = " ".join(lines)
    assert "32 pixels, batches of 4" in text
    # Each of 5 folds trains 80 of 100 clips. Here an epoch takes 400 x 20 ms + 100 x 5 ms = 8.5 s,
    # and the store 100 x 400 ms = 40 s. The original's way prepares every sample of every epoch:
    # 400 x (10 + 100) ms + 100 x (10 + 30) ms = 48 s.
    assert (
        "A run of 5 folds, 100 clips and 200 epochs takes about 0:29:00 here; "
        "the release's way 2:40:00." in text
    )
    # 8 GFLOP at 1000 GFLOP/s take 8 ms, 0.5 GB at 10 GB/s take 50 ms; 8 GFLOP in 20 ms are 40%.
    # 300 operators of each of 4 samples are 1200; at 2 microseconds each, a sample takes 0.6 ms.
    assert "is 8.0 GFLOP and, operator by operator, 0.50 GB" in text
    assert "per sample, in 1200 kernels" in text
    assert "reaches 1000 GFLOP/s, a copy 10.0 GB/s, and a launch takes 2.0 microseconds" in text
    assert "at least 50.00 ms per sample, bound by bandwidth" in text
    assert "reaches 40% of the matrix rate and 250% of the bandwidth" in text


def test_an_estimate_of_one_subject_trains_nothing():
    comparisons = [planted(name, "", None, None, 1) for name in PLANTED]
    sizes = bench.BenchConfig(1, subjects=1, clips=10, synthetic=SynthConfig())
    found = bench.estimate(2, sizes, comparisons)
    assert found.seconds == pytest.approx(2 * 10 * 0.005 + 10 * 0.4)
    assert found.seconds_original_way == pytest.approx(2 * 10 * 0.04)
    assert found.seconds_of_data_work == 0


def test_work_is_counted_from_the_operators():
    left, right = torch.randn(8, 16, requires_grad=True), torch.randn(16, 4)
    work = count(lambda: left.view(8, 16) @ right, 2)
    assert work.flop == 2 * 8 * 16 * 4 / 2
    assert work.bytes == 4 * (8 * 16 + 16 * 4 + 8 * 4) / 2
    assert work.operators == 1 / 2
    back = count(lambda: (left @ right).sum().backward(), 1)
    assert back.flop == 2 * (2 * 8 * 16 * 4)
    assert back.bytes > 2 * work.bytes


def test_the_longest_floor_is_the_bound():
    rates = Rates(flop=10, bytes=5, launch=0.1)
    least = rates.least(Work(flop=20, bytes=5, operators=30))
    assert least == pytest.approx({"compute": 2, "bandwidth": 1, "launches": 3})


def test_a_depthwise_convolution_is_not_counted_as_a_full_one():
    conv = torch.nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False)
    image = torch.randn(2, 8, 5, 5, requires_grad=True)
    forward = 2 * 2 * 25 * 8 * 9
    assert count(lambda: conv(image), 1).flop == forward
    assert count(lambda: conv(image).sum().backward(), 1).flop == 3 * forward


@pytest.mark.slow
def test_growth_is_measured_and_drawn(monkeypatch, tmp_path, capsys):
    small = {"clips": (8, 16), "epochs": (1, 2), "folds": (1, 2), "side": (32, 48)}
    monkeypatch.setattr("gamdss.studies.speed.growth.REPEATS", 1)
    monkeypatch.setattr("gamdss.studies.speed.growth._VALUES", small)
    monkeypatch.setattr(
        "gamdss.studies.speed.growth._SMALLEST", {**{k: v[0] for k, v in small.items()}}
    )
    file = tmp_path / "growth.png"
    words = ["bench", "--growth", str(file), "--device", "cpu", "--threads", "1"]
    assert main([*words, "--model.backbone", "test_vit"]) == 0
    assert cv2.imread(str(file)).shape[1] > 1000
    assert str(file) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--repeats", "0"], "--repeats is 0"),
        (["--dataset", "samm", "--data-root", "x"], "--dataset has no effect"),
        (["--data-root=x"], "--data-root has no effect"),
        (["--frames.layout", "raw"], "--frames.layout has no effect"),
        (["--growth", "g.png", "--clips", "9"], "--clips has no effect with --growth"),
        (["--growth", "g.png", "--json"], "--json has no effect with --growth"),
    ],
)
def test_a_wrong_option_is_named(capsys, words, shown):
    assert main(["bench", *words]) == 2
    assert shown in capsys.readouterr().err


@pytest.mark.parametrize(("name", "shown"), [("g.jpg", "'.jpg'"), ("f.png", "this is a folder")])
def test_the_file_of_growth_is_checked_before_anything_is_measured(
    name, shown, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("gamdss.cli.bench.growth", lambda _: pytest.fail("measured"))
    (tmp_path / "f.png").mkdir()
    assert main(["bench", "--growth", str(tmp_path / name)]) == 2
    assert shown in capsys.readouterr().err


def test_a_config_of_another_dataset_is_measured_on_synthetic_clips(tmp_path):
    config = Config(
        **{"dataset": "samm", "task": "c3", "clip_list": "clips.csv", "init_from": "runs/x"},
        frames=FramesConfig(layout="native", workers=1),
        protocol=ProtocolConfig("kfold", parts=10),
        training=TrainingConfig(selection="inner"),
    )
    found = bench._on_synthetic_clips(config, "cas2", tmp_path)
    assert found == Config(dataset="cas2", task="c5", data_root=str(tmp_path))


def test_the_baseline_shows_the_network_what_the_original_shows(small_dataset, monkeypatch):
    spec = get_spec("cas2")
    read = read_annotations(spec, small_dataset / spec.workbooks[0], "c5")
    finder = FrameFinder(spec, small_dataset)
    net = TwoBranchNet(5, 32)
    still = AugmentationConfig(flip=0, rotation=0, crop_padding=0)
    way = OriginalWay([finder.find(c) for c in read.clips], read.labels, net, 32, still)
    read = []
    monkeypatch.setattr(
        original_way, "decode", lambda file, _: read.append(file) or decode(file, True)
    )
    batch = way.batch([0, 1], np.random.default_rng(0))
    expected = 0
    for item in (way.clips[0], way.clips[1]):
        windows = PRESETS["original-full"].windows(*item.clip.annotated.numbers)
        expected += len(windows.onset) * len(windows.apex) + len(windows.offset) + 5
    assert len(read) == expected
    assert batch.shape == (2, 3, 3, 32, 32)
    assert torch.equal(batch, way.batch([0, 1], np.random.default_rng(9)))
    before = net.head.classify.weight.clone()
    way.step(batch, [0, 1])
    assert not torch.equal(before, net.head.classify.weight)
    assert way.evaluate(batch).shape == (2,)


def test_a_comparison_pairs_its_timings(monkeypatch):
    calls = []
    # The first pair is the warm-up.
    clock = iter([99, 99, 2, 1, 6, 2, 8, 1])

    def seconds(work):
        work()
        return next(clock)

    monkeypatch.setattr(timing, "seconds", seconds)
    baseline, here = (lambda: calls.append("a"), 1), (lambda: calls.append("b"), 2)
    found = timing.compare("x", "u", baseline, here, 3)
    assert calls == ["a", "b"] * 4
    # Per unit 2, 6, 8 against 0.5, 1, 0.5, so that the ratios are 4, 6, 16.
    assert found == SpeedComparison("x", "u", baseline=6, here=0.5, ratio=6, low=4, high=16)
