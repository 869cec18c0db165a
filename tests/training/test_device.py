"""The device of a run, and what is set for its process."""

import cv2
import pytest
import torch

from gamdss.config import Config, TrainingConfig
from gamdss.training import device


@pytest.mark.parametrize(("fast", "precision"), [(True, "bf16"), (False, "float32")])
def test_auto_precision_follows_from_the_device(monkeypatch, fast, precision):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: fast, raising=False)
    resolved = device.resolve(Config(device="auto", training=TrainingConfig(precision="auto")))
    assert (resolved.device, resolved.training.precision) == ("cpu", precision)


@pytest.mark.parametrize(("name", "rank", "expected"), [("cuda", 3, 1), ("cuda:0", 3, 0)])
def test_the_gpu_of_a_rank_is_the_current_one_and_its_attention_deterministic(
    monkeypatch, name, rank, expected
):
    """Graphs and Triton's kernels run on the current device, whatever their tensors' device."""
    current, fused = [], {}
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    for kind in ("flash", "mem_efficient", "cudnn"):
        change = f"enable_{kind}_sdp"
        keep = lambda on, kind=kind: fused.update({kind: on})  # noqa: E731
        monkeypatch.setattr(torch.backends.cuda, change, keep)
    target = device.set_up(Config(device=name), local_rank=rank)
    assert current == [target] == [torch.device("cuda", expected)]
    assert fused == {"flash": False, "mem_efficient": False, "cudnn": False}


def test_a_cpu_keeps_its_attention(monkeypatch):
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: pytest.fail("there is none"))
    before = torch.backends.cuda.flash_sdp_enabled()
    assert device.set_up(Config(device="cpu")) == torch.device("cpu")
    assert torch.backends.cuda.flash_sdp_enabled() == before


def test_opencv_takes_one_thread():
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(2)
        device.set_up(Config(device="cpu"))
        assert cv2.getNumThreads() == 1
    finally:
        cv2.setNumThreads(before)
