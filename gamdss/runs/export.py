"""The trained network of a fold as a file for other programs: ONNX, TorchScript, safetensors."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gamdss.errors import ConfigError, GamdssError, RunError, first_line
from gamdss.files import write_atomic
from gamdss.models.retention import RetentionTables
from gamdss.runs.trained import PredictingBranch, Trained
from gamdss.training.checkpoint import load_weights, save_weights

SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "safetensors": ".safetensors"}
TOLERANCE = 1e-4
_BATCHES = (2, 3)  # sizes for tracing and for checking
_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


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
