"""The trained network of a fold as a file for other programs: ONNX, TorchScript, safetensors."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gamdss.config.features import FeaturesConfig
from gamdss.data.augment import MEAN, STD
from gamdss.errors import ConfigError, GamdssError, RunError, first_line
from gamdss.features import FEATURES, scale
from gamdss.files import write_atomic
from gamdss.models.retention import RetentionTables
from gamdss.models.two_branch import TwoBranchNet, build_network, without_start
from gamdss.records import AU_TASK
from gamdss.training.checkpoint import load_weights, read_about, save_weights
from gamdss.training.run_files import read_config
from gamdss.version import __version__

SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "safetensors": ".safetensors"}
TOLERANCE = 1e-4
UNITS_OUT = "logits (batch, action units); a unit moves where its logit is above 0"
_BATCHES = (2, 3)  # sizes for tracing and for checking
_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


class PredictingBranch(nn.Module):
    """The branch that predicts, after the normalisation of frames.

    Inputs are two key frames of a clip, uint8 RGB (B, 3, S, S) in 0 to 255: onset and apex, or
    apex and offset if the network has only the falling branch. A network on phase features takes
    the first of them and `motion`, float32 (B, 3, S, S): the feature of the phase times its factors
    (`gamdss.features.scale`), since a graph cannot compute optical flow.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, net: TwoBranchNet, from_features: bool = False) -> None:
        super().__init__()
        self.net = net
        self.from_features = from_features
        self.inputs = ("apex", "offset") if net.branches == "falling" else ("onset", "apex")
        if from_features:
            self.inputs = (self.inputs[0], "motion")
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", mean / std)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return logits (B, classes), float32."""
        first = first.float() * self.scale - self.shift
        if self.from_features:
            return self.net.branch(temporal=second, spatial=first)
        second = second.float() * self.scale - self.shift
        if self.net.branches == "falling":
            return self.net.falling(first, second)
        return self.net.rising(first, second)

    def example(self, batch: int) -> tuple[Tensor, Tensor]:
        """Random inputs of the right shapes."""
        size = self.net.image_size
        generator = torch.Generator().manual_seed(batch)
        shape = (2, batch, 3, size, size)
        first, second = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        if self.from_features:
            second = torch.randn(second.shape, generator=generator)
        return first, second


@dataclass(frozen=True, eq=False)
class Trained:
    """The network of a fold in evaluation mode, and plain values that describe it."""

    net: TwoBranchNet
    about: dict[str, Any]
    from_features: bool = False


def choose_fold(run: Path, fold: str | None) -> str:
    """A finished fold by its name, or the only one.

    Raises:
        RunError: not a run, no finished fold of this name, or several and no name; the error lists
            those that are finished.
    """
    read_config(run)
    done = sorted(path.parent.name for path in run.glob("folds/*/checkpoint.safetensors"))
    if fold is None and len(done) == 1:
        return done[0]
    if fold is None or fold not in done:
        missing = "the run has no finished fold" + ("" if fold is None else f" {fold!r}")
        raise RunError(
            "--fold is missing" if fold is None and done else missing,
            file=run,
            remedy=f"Finished folds: {', '.join(done) or 'none'}.",
        )
    return fold


def load_trained(run: Path, fold: str) -> Trained:
    """The network of a finished fold, from the run's config and the fold's checkpoint.

    Raises:
        RunError: as `choose_fold`.
        CheckpointError: the checkpoint is incomplete or corrupt, or of another network.
    """
    config = read_config(run)
    file = run / "folds" / choose_fold(run, fold) / "checkpoint.safetensors"
    classes = read_about(file).get("classes", [])
    net = build_network(without_start(config.model), len(classes)).eval()
    load_weights(file, net)
    from_features = config.features.stored
    branch = PredictingBranch(net, from_features)
    about = {
        "gamdss": __version__,
        "classes": classes,
        "dataset": config.dataset,
        "task": config.task,
        "fold": fold,
        "model": asdict(config.model),
        "features": asdict(config.features),
        "inputs": [_input(name, branch, config.features) for name in branch.inputs],
        "image_size": net.image_size,
        "output": UNITS_OUT if config.task == AU_TASK else "logits (batch, classes)",
    }
    return Trained(net, about, from_features)


def _input(name: str, branch: PredictingBranch, features: FeaturesConfig) -> str:
    """A description of an input of the graph."""
    if name != "motion":
        return f"{name}: uint8 RGB (batch, 3, S, S), 0 to 255"
    kind = FEATURES[features.name]
    factors = scale(features.name, branch.net.image_size)
    channels = ", ".join(
        f"{channel} ({unit}) * {times:.4g}"
        for channel, unit, times in zip(kind.channels, kind.units, factors, strict=True)
    )
    phase = "offset to apex" if branch.net.branches == "falling" else "onset to apex"
    factor = features.magnification
    magnified = f", magnified {factor:g} times" if factor > 1 else ""
    repeated = ", three times" if len(kind.channels) == 1 else ""
    return (
        f"motion: float32 (batch, 3, S, S), {features.name} from {phase}{magnified}: "
        f"{channels}{repeated}"
    )


def export(trained: Trained, form: str, file: Path) -> float:
    """Write the network, read it back and compare its logits.

    `onnx` and `torchscript` contain the branch that predicts, for any batch size, with the inputs
    of `PredictingBranch`; `safetensors` contains all weights by their names in the network.

    Returns:
        The largest difference of the file's logits from those of the network.

    Raises:
        ConfigError: packages are missing.
        RunError: the file cannot be written, the network cannot be exported in this form, or the
            file does not give the same logits; an existing file is then kept.
    """
    branch = PredictingBranch(trained.net, trained.from_features).eval()
    expected = branch(*branch.example(_BATCHES[1])).detach()
    write, read = _FORMS[form]
    difference = float("nan")

    def write_and_check(target: Path) -> None:
        nonlocal difference
        write(branch, trained, target)
        difference = float((read(branch, target) - expected).abs().max())
        if not difference <= TOLERANCE:
            raise RunError(
                f"the exported network's logits differ by {difference:.2g} from the network's",
                file=file,
                remedy="Try another --format, and report the backbone and the package versions.",
            )

    with _in_reals(branch), _explained(trained, form):
        write_atomic(file, write_and_check)
    return difference


@contextlib.contextmanager
def _in_reals(net: nn.Module) -> Iterator[None]:
    """Compute without complex numbers, which exported graphs cannot contain."""
    tables = [module for module in net.modules() if isinstance(module, RetentionTables)]
    before = [table.in_reals for table in tables]
    for table in tables:
        table.in_reals = True
    try:
        yield
    finally:
        for table, value in zip(tables, before, strict=True):
            table.in_reals = value


@contextlib.contextmanager
def _explained(trained: Trained, form: str) -> Iterator[None]:
    """Turn the exporters' errors, which are of many types, into one RunError."""
    try:
        yield
    except (GamdssError, MemoryError):
        raise
    except Exception as error:
        stream = trained.net.temporal
        backbone = trained.about.get("model", {}).get("backbone") or type(stream).__name__
        raise RunError(
            f"the backbone {backbone} cannot be exported as {form} "
            f"({type(error).__name__}: {first_line(error)})",
            remedy=f"Use another --format: {', '.join(name for name in SUFFIXES if name != form)}.",
        ) from error


def _write_onnx(branch: PredictingBranch, trained: Trained, file: Path) -> None:
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f"--format onnx needs {', '.join(missing)}",
            remedy="In the clone: pip install -e '.[export]'",
        )
    batch = torch.export.Dim("batch", min=1, max=2**16)
    with _quiet():
        program = torch.onnx.export(
            branch,
            branch.example(_BATCHES[0]),
            dynamo=True,
            input_names=list(branch.inputs),
            output_names=["logits"],
            dynamic_shapes=({0: batch}, {0: batch}),
        )
    assert program is not None
    program.model.metadata_props.update(_texts(trained.about))
    program.save(file)


def _run_onnx(branch: PredictingBranch, file: Path) -> Tensor:
    import onnxruntime  # noqa: PLC0415

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    given = dict(zip(branch.inputs, branch.example(_BATCHES[1]), strict=True))
    (logits,) = session.run(None, {name: values.numpy() for name, values in given.items()})
    return torch.from_numpy(logits)


def _write_torchscript(branch: PredictingBranch, trained: Trained, file: Path) -> None:
    with _quiet():
        traced = torch.jit.trace(branch, branch.example(_BATCHES[0]))
        data = io.BytesIO()  # the writer of TorchScript reports a full disk by other errors
        torch.jit.save(traced, data, _extra_files={"gamdss.json": json.dumps(trained.about)})
    file.write_bytes(data.getbuffer())


def _run_torchscript(branch: PredictingBranch, file: Path) -> Tensor:
    with _quiet():
        program = torch.jit.load(file)
    logits: Tensor = program(*branch.example(_BATCHES[1])).detach()
    return logits


def _write_safetensors(branch: PredictingBranch, trained: Trained, file: Path) -> None:
    save_weights(file, branch.net, trained.about)


def _run_safetensors(branch: PredictingBranch, file: Path) -> Tensor:
    load_weights(file, branch.net)
    return branch(*branch.example(_BATCHES[1])).detach()


def _texts(about: dict[str, Any]) -> dict[str, str]:
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in about.items()}


@contextlib.contextmanager
def _quiet() -> Any:
    """Silence the exporters' warnings, logs and prints."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


Write = Callable[[PredictingBranch, Trained, Path], None]
Read = Callable[[PredictingBranch, Path], Tensor]
_FORMS: dict[str, tuple[Write, Read]] = {
    "onnx": (_write_onnx, _run_onnx),
    "torchscript": (_write_torchscript, _run_torchscript),
    "safetensors": (_write_safetensors, _run_safetensors),
}
