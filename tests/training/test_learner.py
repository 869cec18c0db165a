"""The training step: compiled, captured and resumed it gives the numbers of the plain step."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gamdss.config import Config, ModelConfig, TrainingConfig
from gamdss.data import augment
from gamdss.models.depthwise import DWConv
from gamdss.training import convolutions
from gamdss.training import device as devices
from gamdss.training import learner as module
from gamdss.training.convolutions import suit_cuda
from gamdss.training.device import resolve
from gamdss.training.fold_data import FoldData
from gamdss.training.learner import Learner

pytestmark = pytest.mark.usefixtures("tiny_rmt")
CPU, CLIPS = torch.device("cpu"), 10
TRAINING = TrainingConfig(epochs=1, batch_size=4, precision="float32")
CONFIG = Config(device="cpu", model=ModelConfig(image_size=16), training=TRAINING)


def clips_on(device, size=16):
    torch.manual_seed(0)
    frames = torch.randint(0, 256, (3 * CLIPS, 3, size, size), dtype=torch.uint8)
    index = torch.arange(3 * CLIPS).view(CLIPS, 3).to(device)
    labels = (torch.arange(CLIPS) % 5).to(device)
    clips = tuple(map(str, range(CLIPS)))
    return FoldData(
        *("made", tuple("abcde"), frames.to(device)),
        *(index, labels, index, labels, clips),
    )


def learner_of(config, device=CPU):
    return Learner(config, 5, device, seed=1)


def compiling(**changes):
    return replace(CONFIG, training=replace(TRAINING, compile="on", **changes))


def steps(learner, data, sizes=(4, 2)):
    """Losses of a few steps, gradients of the last one, and logits."""
    torch.manual_seed(2)
    learner.net.train()
    found = []
    for size in sizes:
        found.append(learner.step(data, data.training[:size], data.training_labels[:size]).clone())
    gradients = [p.grad.flatten().cpu() for p in learner.net.parameters() if p.grad is not None]
    logits = learner.logits(data, data.training[:3])
    return torch.stack(found).cpu(), torch.cat(gradients), logits


def same(one, other, rtol=1e-5):
    """Equal within `rtol` of the norm, so that gradients near 0 count as little as they do."""
    for left, right in zip(one, other, strict=True):
        assert (left - right).norm() <= rtol * right.norm()


def steady(net, training, device):
    """AdamW whose step does not magnify gradients that are rounding errors."""
    rate, decay = training.learning_rate, training.weight_decay
    return torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=decay, eps=1e-2)


@pytest.fixture
def graphs(monkeypatch):
    """Compile by tracing alone, which shows breaks of the graph; lists the graphs."""
    monkeypatch.setattr(module, "optimizer", steady)
    found = []

    def backend(graph, _inputs):
        found.append(graph)
        return graph.forward

    torch._dynamo.reset()
    monkeypatch.setattr(module, "BACKEND", backend)
    return found


@pytest.mark.slow
def test_all_folds_share_one_graph_of_the_step_and_one_of_the_evaluation(graphs):
    data = clips_on(CPU)
    learner = learner_of(compiling())
    compiled = steps(learner, data)
    learner.restart(1)
    again = steps(learner, data)
    plain = steps(learner_of(CONFIG), data)
    same(compiled, plain)
    same(compiled, again, rtol=0)
    assert len(graphs) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("one_stage_rmt")
@pytest.mark.parametrize("change", ["one pass of features", "falling", "timm"])
def test_compiled_equals_plain(graphs, change):
    models = {"falling": {"branches": "falling"}, "timm": {"backbone": "test_resnet"}}
    size = 64 if change == "timm" else 16
    config = replace(compiling(), model=ModelConfig(image_size=size, **models.get(change, {})))
    data = clips_on(CPU, size)
    if change == "one pass of features":
        pairs = torch.arange(2 * CLIPS).view(CLIPS, 2)
        data = replace(
            data,
            training=torch.cat((data.training, pairs), dim=1),
            phase_features=torch.randn(2 * CLIPS, 3, size, size).half(),
            scale=torch.ones(3, 1, 1),
            is_vector=True,
        )
    # A last batch, which is not compiled, lies between compiled ones.
    sizes = (4, 2, 4, 2) if change == "timm" else (4, 4)
    both = []
    for setting in ("on", "off"):
        training = replace(config.training, compile=setting)
        learner = learner_of(replace(config, training=training))
        learner.net.one_pass = change == "one pass of features"
        both.append(steps(learner, data, sizes))
    same(*both, rtol=1e-4 if change == "timm" else 1e-5)
    assert len(graphs) == 2


def test_a_lack_of_memory_is_no_reason_to_compute_otherwise(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    learner, data = learner_of(compiling()), clips_on(CPU)
    for name, work in (
        ("_compiled_predict", lambda: learner.logits(data, data.training[:3])),
        ("_compiled_loss", lambda: steps(learner, data)),
    ):
        monkeypatch.setattr(learner, name, full)
        with pytest.raises(torch.OutOfMemoryError):
            work()
        assert getattr(learner, name) is full


def test_what_cannot_be_compiled_runs_as_it_is(monkeypatch, caplog):
    def broken(_graph, _inputs):
        raise RuntimeError("no compiler here")

    torch._dynamo.reset()
    monkeypatch.setattr(module, "BACKEND", broken)
    learner = learner_of(compiling())
    monkeypatch.setattr(learner, "_compiled_loss", partial(broken, None))
    monkeypatch.setattr(learner, "_compiled_predict", broken_call)
    data = clips_on(CPU)
    same(steps(learner, data), steps(learner_of(CONFIG), data), rtol=0)
    assert [record.message.partition(",")[0] for record in caplog.records] == [
        "the training step cannot be compiled",
        "the evaluation cannot be compiled",
    ]


def broken_call(*_):
    raise RuntimeError("no compiler here")


def test_compiled_code_of_earlier_learners_is_dropped_before_the_compiler_refuses_more(monkeypatch):
    dropped = []
    monkeypatch.setattr(torch.compiler, "reset", lambda: dropped.append(1))
    learner_of(CONFIG)
    assert not dropped
    learner_of(compiling())
    assert dropped


def test_batches_share_their_memory_and_nothing_else():
    data, learner = clips_on(CPU), learner_of(CONFIG)
    places = []
    for size in (2, 4, 3):
        drawn, index = torch.rand(4, size), data.training[-size:]
        batch = learner.batch(data, index, drawn)
        assert [len(values) for values in batch[:3]] == [size] * 3
        alone = data.batch(index, CONFIG.augmentation, drawn)
        for one, other in zip(batch[:3], alone[:3], strict=True):
            assert torch.equal(one, other)
        places.append(batch.onset.data_ptr())
    assert places[1] == places[2]
    other = clips_on(CPU, 24)
    assert learner.batch(other, other.training[:2], torch.rand(4, 2)).onset.shape[-1] == 24


def test_restarting_equals_a_new_learner():
    data = clips_on(CPU)
    used = learner_of(CONFIG)
    steps(used, data)
    address = next(used.net.parameters()).data_ptr()
    used.restart(1)
    same(steps(used, data), steps(learner_of(CONFIG), data), rtol=0)
    assert next(used.net.parameters()).data_ptr() == address


class NoReading(TorchDispatchMode):
    """Fails if a value is read back from the device, or a constant is copied to it."""

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        name = function.overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "lift_fresh", "nonzero"), name
        return function(*arguments, **(options or {}))


def capturable(net, training, device):
    """The optimiser of CUDA, on the CPU."""
    rate = torch.tensor(training.learning_rate, dtype=torch.float64)
    decay = training.weight_decay
    return torch.optim.AdamW(
        net.parameters(), lr=rate, weight_decay=decay, fused=True, capturable=True
    )


def test_the_step_of_cuda_reads_nothing_and_gives_the_same_numbers(monkeypatch):
    data = clips_on(CPU)
    plain = steps(learner_of(CONFIG), data)
    monkeypatch.setattr(module, "optimizer", capturable)
    monkeypatch.setattr(augment, "uses_opencv", lambda _: False)
    learner = learner_of(CONFIG)
    same(steps(learner, data), plain, rtol=0)
    index, labels = data.training[:4], data.training_labels[:4]
    learner.net.train()
    learner.set_rate(4e-4)
    with NoReading():
        learner.step(data, index, labels, torch.ones(5))
    assert learner.optimizer.param_groups[0]["lr"].item() == 4e-4


def test_a_loaded_optimiser_keeps_its_tensor_of_the_rate(monkeypatch):
    monkeypatch.setattr(module, "optimizer", capturable)
    data = clips_on(CPU)
    learner = learner_of(CONFIG)
    steps(learner, data)
    rate = learner.optimizer.param_groups[0]["lr"]
    learner.load_optimizer(learner.optimizer.state_dict())
    assert learner.optimizer.param_groups[0]["lr"] is rate


@pytest.mark.parametrize(("compiler", "expected"), [(True, "on"), (False, "off")])
def test_auto_compiles_on_cuda_with_a_compiler(monkeypatch, compiler, expected):
    monkeypatch.setattr(devices, "has_triton", lambda: compiler)
    monkeypatch.setattr(devices, "resolve_device", lambda _: torch.device("cuda"))
    auto = replace(CONFIG, training=replace(TRAINING, compile="auto"))
    assert resolve(auto).training.compile == expected
    monkeypatch.undo()
    assert resolve(auto).training.compile == "off"


def test_weights_are_stored_channels_last_and_stay_so():
    learner = learner_of(CONFIG)
    before = {name: value.clone() for name, value in learner.net.state_dict().items()}
    suit_cuda(learner.net, "float32")
    learner.restart(1)
    after = learner.net.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    convolutions = [value for value in learner.net.parameters() if value.ndim == 4]
    assert convolutions
    for weight in convolutions:
        assert weight.is_contiguous(memory_format=torch.channels_last)
        assert weight.is_leaf


@pytest.mark.parametrize(
    "problem", [None, ImportError("no triton_op"), RuntimeError("no compiler")]
)
def test_kernels_that_do_not_work_are_left_out(problem, monkeypatch, caplog):
    def use_kernels(layer):
        if problem is not None:
            raise problem
        layer.uses_kernels = True

    def convolve(layer, x):
        assert x.dtype == torch.bfloat16  # what kernels of the network are compiled for
        return x * layer.weight.sum()

    monkeypatch.setattr(DWConv, "use_kernels", use_kernels)
    monkeypatch.setattr(DWConv, "forward", convolve)
    monkeypatch.setattr(convolutions, "has_triton", lambda: True)
    net = learner_of(CONFIG).net
    drawn = torch.get_rng_state()
    suit_cuda(net, "bf16")
    assert torch.equal(torch.get_rng_state(), drawn)  # weights of units follow from it
    layers = [layer for layer in net.modules() if isinstance(layer, DWConv)]
    assert layers
    assert {layer.uses_kernels for layer in layers} == {problem is None}
    assert ("no compiler" in caplog.text) == isinstance(problem, RuntimeError)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
@pytest.mark.parametrize("backend", ["eager", "inductor"])
def test_a_captured_step_gives_the_numbers_of_one_that_is_not(monkeypatch, backend):
    monkeypatch.setattr(module, "BACKEND", backend)
    cuda = torch.device("cuda")
    config = replace(compiling(), device="cuda")
    devices.set_up(config)
    sizes = (4, 4, 4, 4, 4, 2, 4, 2, 2, 2, 2)
    data = clips_on(cuda)
    one, other = (learner_of(config, cuda) for _ in range(2))
    other._capturing = False
    same(steps(one, data, sizes), steps(other, data, sizes), rtol=0)
    for _ in range(4):  # from the plain calls to replayed ones
        logits = one.logits(data, data.training[:3])
    torch.testing.assert_close(logits, other.logits(data, data.training[:3]), rtol=0, atol=0)
    assert all(step.is_captured for step in one._captured.values())
    assert set(one._captured) == {0, 2, 4}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_on_cuda_compiled_equals_plain(monkeypatch):
    monkeypatch.setattr(module, "optimizer", steady)
    cuda = torch.device("cuda")
    on, off = replace(compiling(), device="cuda"), replace(CONFIG, device="cuda")
    devices.set_up(on)
    data = clips_on(cuda)
    one, other = (learner_of(config, cuda) for config in (on, off))
    one._capturing = False  # the optimiser is one of plain steps
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # both round as float32
    same(steps(one, data), steps(other, data), rtol=1e-4)
