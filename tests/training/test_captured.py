"""Captures of CUDA graphs that fail; PyTorch's CUDA is a stand-in, but for the tests of a GPU."""

from contextlib import contextmanager

import pytest
import torch

from gamdss.training import captured


class Cuda:
    """As much of `torch.cuda` as a capture uses; `fails` breaks captures by `torch.cuda.graph`."""

    def __init__(self, fails):
        self.fails, self.device, self.events = fails, 0, []
        self.stream_now = "main"

    def Stream(self, device):  # noqa: N802
        return f"side of {device}"

    def CUDAGraph(self):  # noqa: N802
        return Graph(self.events)

    def current_device(self):
        return self.device

    def current_stream(self):
        return self.stream_now

    def set_stream(self, stream):
        self.stream_now = stream

    def synchronize(self):
        self.events.append("synchronize")

    @contextmanager
    def stream(self, stream):
        before, self.stream_now = self.stream_now, stream
        yield
        self.stream_now = before

    @contextmanager
    def graph(self, _, stream):
        self.stream_now = stream  # also after a failure, as in earlier releases
        yield
        if self.fails:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.stream_now = "main"


class Graph:
    """Notes the captures that begin and end."""

    def __init__(self, events):
        self.events = events

    def capture_begin(self):
        self.events.append("begin")

    def capture_end(self):
        self.events.append("end")


@pytest.fixture
def cuda(monkeypatch):
    def install(fails):
        fake = Cuda(fails)
        monkeypatch.setattr(captured.torch, "cuda", fake)
        monkeypatch.setattr(captured.torch, "zeros", lambda *_, **__: torch.ones(1))
        captured._side_stream.cache_clear()
        monkeypatch.setattr(captured, "_failed", [])
        return fake

    yield install
    captured._side_stream.cache_clear()


def test_a_capture_is_on_a_stream_of_the_gpu_that_is_current(cuda):
    fake, seen = cuda(fails=False), []
    for fake.device in (0, 1, 1):
        captured.capture(lambda: seen.append(fake.stream_now) or torch.ones(1))
    assert seen == ["side of 0", "side of 1", "side of 1"]


def test_after_a_failed_capture_the_step_runs_as_it_is(cuda, monkeypatch, caplog):
    fake = cuda(fails=True)
    step = captured.CapturedStep(lambda x: x + 1)
    monkeypatch.setattr(step, "_calls", captured._WARM_UP)
    for _ in range(2):
        assert step(torch.tensor(1)) == 2
    assert step.failed
    assert not step.is_captured
    assert fake.stream_now == "main"
    assert fake.events == ["synchronize", "begin", "end"]  # the generator leaves the capture
    assert len(captured._failed) == 1
    assert caplog.text.count("not captured as a CUDA graph") == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_draws_and_captures_work_after_a_capture_that_reads_back():
    weights = torch.ones(4, device="cuda")
    step = captured.CapturedStep(lambda x: x * weights.sum().item())
    for _ in range(captured._WARM_UP + 2):
        assert step(weights).sum().item() == 16
    assert step.failed
    assert torch.nn.functional.dropout(weights, 0.5).shape == (4,)
    graph, result = captured.capture(lambda: torch.nn.functional.dropout(weights, 0.5))
    graph.replay()
    assert result.shape == (4,)
