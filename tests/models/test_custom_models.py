"""The Python blocks of gamdss/models/README.md run as they are."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import timm
from filmed import film

README = (Path(__file__).parents[2] / "gamdss" / "models" / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def block(word):
    return next(text for text in BLOCKS if word in text)


def shortened(code, *changes):
    for before, after in changes:
        assert before in code
        code = code.replace(before, after)
    return code


@pytest.mark.slow
def test_the_loop_trains_a_custom_model(small_dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    code = block("gamdss.two_phase(model)")
    assert len(code.strip().splitlines()) <= 35
    code = shortened(
        code,
        ("/data/CASME2", str(small_dataset)),
        ("image_size=224", "image_size=64"),
        ("range(30)", "range(3)"),
    )
    names = {}
    exec(code, names)
    shown = capsys.readouterr().out
    losses = [float(loss) for loss in re.findall(r"epoch \d: loss (\S+)", shown)]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    assert re.search(r"subject 01: [0-4] of 4 right", shown)
    bare = timm.create_model("resnet18", num_classes=5)
    assert len(list(names["net"].parameters())) == len(list(bare.parameters()))


def test_custom_clips(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    face = rng.integers(60, 190, (48, 48, 3), dtype=np.uint8)
    (tmp_path / "clips" / "01").mkdir(parents=True)
    for number in range(40, 95):
        cv2.imwrite(str(tmp_path / "clips" / "01" / f"img{number}.jpg"), face)
    film(tmp_path / "clips" / "02.mp4", [face] * 60, 30, "mp4v")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(block("gamdss.FrameSequence("), names)
    data = names["data"]
    assert data.classes == ("joy", "surprise")
    assert data[1][0].shape == (3, 224, 224)


@pytest.mark.parametrize("word", ["torch.randn(3, 2", "Patches(TemporalStream)", "weights_only"])
def test_blocks_without_data(word):
    exec(block(word), {})


def test_the_backbone_by_name():
    names = {}
    exec(block('backbone="resnet18"'), names)
    assert names["net"].temporal.num_features == 512
