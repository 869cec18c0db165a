"""Exported networks give the same logits from the same frames, in other programs too."""

import json
import re

import cv2
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open
from torch import nn

from gamdss.cli import main
from gamdss.data.augment import normalise
from gamdss.data.key_frames import KeyFrameReader
from gamdss.errors import RunError
from gamdss.metrics import chosen_logits
from gamdss.models.retention import RetentionTables
from gamdss.models.temporal import TemporalStream
from gamdss.models.two_branch import TwoBranchNet
from gamdss.runs import export as exporting
from gamdss.runs.export import export
from gamdss.runs.finished import read_run
from gamdss.runs.reopened import DataOptions, open_run
from gamdss.runs.trained import Trained, load_trained

pytestmark = pytest.mark.slow

OPTIONS = DataOptions(device="cpu")


@pytest.fixture
def run(tiny_rmt, train_once):
    """A run of the paper's network, narrow, with one finished fold."""
    words = ("--model.backbone", "rmt", "--folds", "02", "--training.epochs", "1")
    return train_once("tiny_rmt", *words)


def images(count, size):
    generator = torch.Generator().manual_seed(count)
    shape = (2, count, 3, size, size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator).unbind()


def used(backbone, size, **options):
    """A network whose BatchNorms have seen some batches."""
    torch.manual_seed(0)
    net = TwoBranchNet(4, size, backbone=backbone, **options)
    onset, apex = (normalise(frames) for frames in images(4, size))
    for _ in range(2):
        net(onset, apex, onset)
    return net.eval()


def same_logits(file, net, names):
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [(i.name, i.type) for i in session.get_inputs()] == [(n, "tensor(uint8)") for n in names]
    for count in (1, 5):
        pair = images(count, net.image_size)
        (logits,) = session.run(
            ["logits"], dict(zip(names, (x.numpy() for x in pair), strict=True))
        )
        with torch.no_grad():
            normal = [normalise(frames) for frames in pair]
            frames = (None, *normal) if names[0] == "apex" else (*normal, None)
            expected = net.predict_logits(*frames)
        torch.testing.assert_close(torch.from_numpy(logits), expected, rtol=0, atol=1e-4)


def test_onnx_of_a_run_from_the_command_line(run, capsys):
    assert main(["export", str(run), "--fold", "02", "--format", "onnx"]) == 0
    file = run / "export" / "02.onnx"
    shown = capsys.readouterr().out
    assert f"onnx  {file}" in shown
    assert "onset: uint8 RGB (batch, 3, S, S), 0 to 255" in shown
    assert "S = 32" in shown
    trained = load_trained(run, "02")
    same_logits(file, trained.net, ("onset", "apex"))
    notes = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert json.loads(notes["classes"]) == trained.about["classes"]
    assert notes["fold"] == "02"


@pytest.mark.parametrize(
    ("backbone", "size", "branches"),
    [("test_resnet", 64, "both"), ("test_vit", 32, "falling")],  # larger ones only take longer
)
def test_onnx_of_backbones(backbone, size, branches, tmp_path):
    net = used(backbone, size, branches=branches)
    file = tmp_path / "network.onnx"
    assert export(Trained(net, {"classes": list("abcd")}), "onnx", file) <= 1e-4
    same_logits(file, net, ("apex", "offset") if branches == "falling" else ("onset", "apex"))


def test_a_network_of_features_takes_the_feature(inner_flow_run, tmp_path, capsys):
    """Over the draws of its clips, it gives the run's own predictions of its chosen epoch."""
    file = tmp_path / "network.pt"
    words = ["export", str(inner_flow_run), "--fold", "02", "--format", "torchscript"]
    assert main([*words, "--output", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "motion: float32 (batch, 3, S, S), flow-dis from onset to apex: u (pixels) * " in shown

    opened = open_run(read_run(inner_flow_run), OPTIONS)
    trainer = opened.trained(next(fold for fold in opened.folds if fold.name == "02"))
    data = trainer.data
    assert data.phase_features is opened.inputs.phase_features  # not loaded again for each fold
    chances = []
    for index in data.held_out_draws.unbind(1):
        onset, phases = data.frames[index[:, 0]], data.batch(index).phase_features
        chances.append(torch.jit.load(file)(onset, phases[:, 0]).detach().softmax(1))
    recorded = torch.from_numpy(chosen_logits(opened.run.fold("02"), "inner"))
    torch.testing.assert_close(sum(chances) / 2, recorded.softmax(1), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["finished_run", "inner_flow_run"])
def test_the_example_of_a_model_card_runs(name, request, tmp_path, monkeypatch, capsys):
    run = request.getfixturevalue(name)
    words = ["export", str(run), "--fold", "02", "--format", "pretrained"]
    assert main([*words, "--output", str(tmp_path)]) == 0
    with pytest.raises(RunError, match="these are weights"):
        read_run(tmp_path)
    monkeypatch.chdir(tmp_path)
    card = (tmp_path / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    capsys.readouterr()
    names = {}
    exec(code, names)
    assert "tensor([[" in capsys.readouterr().out
    config = read_run(run).config
    size = names["net"].image_size
    reader = KeyFrameReader(True, size, config.frames, config.reselection)
    seen = [reader.resize(cv2.cvtColor(face, cv2.COLOR_RGB2BGR)) for face in names["faces"]]
    frames = normalise(torch.stack([torch.from_numpy(image) for image in seen]))
    prepared = torch.cat([names[key] for key in ("onset", "apex", "offset")])
    torch.testing.assert_close(prepared, frames)
    assert "bilinear interpolation with antialiasing" in " ".join(card.split())
    assert ("flow-dis from onset to apex: u (pixels)" in card) == (name == "inner_flow_run")


def test_torchscript_runs_without_this_project(run, tmp_path):
    trained = load_trained(run, "02")
    file = tmp_path / "network.pt"
    export(trained, "torchscript", file)
    notes = {"gamdss.json": ""}
    program = torch.jit.load(file, _extra_files=notes)
    assert json.loads(notes["gamdss.json"])["classes"] == trained.about["classes"]
    onset, apex = images(5, 32)
    expected = trained.net.predict_logits(normalise(onset), normalise(apex), None)
    torch.testing.assert_close(program(onset, apex), expected, rtol=0, atol=1e-4)


def test_safetensors_hold_all_weights(run, tmp_path, capsys):
    file = tmp_path / "weights.safetensors"
    words = ["export", str(run), "--fold", "02", "--format", "safetensors"]
    assert main([*words, "--output", str(file)]) == 0
    with safe_open(file, framework="pt") as weights:
        about = json.loads(weights.metadata()["gamdss"])
        names = set(weights.keys())
    net = load_trained(run, "02").net
    assert names == set(net.state_dict())
    assert about["image_size"] == 32
    assert about["model"]["backbone"] == "rmt"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["RUN", "--fold", "07"], "no finished fold '07'\nFinished folds: 02."),
        (["nowhere", "--fold", "02"], "there is no such run"),
        (["RUN", "--fold", "02", "--format", "tflite"], "--format is 'tflite'"),
        (
            ["RUN", "--fold", "02", "--output", "."],
            ".: this is a folder\nName a file with --output",
        ),
        (
            ["RUN", "--fold", "02", "--output", "/"],
            "/: this is a folder\nName a file with --output",
        ),
    ],
)
def test_mistakes_are_named(words, message, run, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [str(run) if word == "RUN" else word for word in words]
    assert main(["export", *words]) == 2
    assert message in capsys.readouterr().err


def test_without_a_fold_the_finished_ones_are_named(finished_run, run, tmp_path, capsys):
    words = ["--format", "safetensors", "--output", str(tmp_path / "weights.safetensors")]
    assert main(["export", str(finished_run), *words]) == 2
    assert "--fold is missing\nFinished folds: 01, 02, 03." in capsys.readouterr().err
    assert main(["export", str(run), *words]) == 0  # it has one
    assert (tmp_path / "weights.safetensors").is_file()


def test_a_graph_that_computes_something_else_is_not_left(run, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "TOLERANCE", -1.0)
    with pytest.raises(RunError, match="logits differ by"):
        export(load_trained(run, "02"), "torchscript", tmp_path / "network.pt")
    assert list(tmp_path.iterdir()) == []


class Wilful(TemporalStream):
    """Its operations depend on the image, which no exporter of graphs can trace."""

    num_features, reduction = 8, 16

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 8, 16, 16)

    def forward_features(self, x):
        return self.embed(x) if float(x.sum()) > 1e9 else self.embed(-x)


def test_an_error_names_a_network_that_cannot_be_exported(tmp_path):
    net = TwoBranchNet(3, 32, temporal=Wilful()).eval()
    about = {"model": {"backbone": "wilful"}}
    file = tmp_path / "network.onnx"
    file.write_text("earlier")
    message = r"backbone wilful cannot be exported as onnx \(\w+: .*\)\n.*torchscript, safetensors"
    with pytest.raises(RunError, match=message):
        export(Trained(net, about), "onnx", file)
    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]
    assert file.read_text() == "earlier"


def test_the_network_is_left_as_it_was(tmp_path):
    net = TwoBranchNet(3, 32).eval()
    tables = [module for module in net.modules() if isinstance(module, RetentionTables)]
    assert tables
    export(Trained(net, {}), "torchscript", tmp_path / "network.pt")
    assert not any(table.in_reals for table in tables)


def test_missing_packages_are_named(run, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnx" else name)
    with pytest.raises(exporting.ConfigError, match=r"needs onnx\n.*\.\[export\]"):
        export(load_trained(run, "02"), "onnx", tmp_path / "network.onnx")


def test_a_run_with_a_backbone_is_rebuilt(finished_run, tmp_path):
    """`gamdss train --model.backbone` from the command line to the file that is left."""
    trained = load_trained(finished_run, "02")
    assert trained.net.temporal.name == "test_vit"
    assert trained.net.difference.num_batches_tracked > 0
    assert trained.about["image_size"] == 32
    assert export(trained, "safetensors", tmp_path / "weights.safetensors") == 0
