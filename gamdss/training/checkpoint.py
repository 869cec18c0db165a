"""Files of a fold: weights, training state, predictions; never incomplete, never unpickled.

Each has a checksum that is verified when it is read: weights in the header, the others are zip
files, whose members have one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from gamdss.checksums import FIELD, checksum
from gamdss.errors import CheckpointError, first_line, unfit_weights
from gamdss.files import write_atomic, write_bytes
from gamdss.records import FoldResult


def save_weights(path: Path, net: nn.Module, about: dict[str, Any]) -> None:
    """Write the weights of a network as safetensors, with `about` (plain values) in the header."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    # One entry: safetensors writes several in a random order.
    text = json.dumps({**about, FIELD: _checksum(about, tensors)}, sort_keys=True)
    # Bytes, here and below: the writers of the libraries report a full disk by other errors.
    write_bytes(path, save(tensors, metadata={"gamdss": text}))


def load_weights(path: Path, net: nn.Module) -> dict[str, Any]:
    """Load weights into `net`; returns the `about` of `save_weights`.

    Raises:
        CheckpointError: missing, incomplete or corrupt, or of another architecture.
    """
    about, tensors = read_weights(path)
    fit(path, net, tensors)
    return about


def read_about(path: Path) -> dict[str, Any]:
    """The `about` of `save_weights`, without reading the weights.

    Raises:
        CheckpointError: missing, incomplete or corrupt.
    """
    return _read(path, with_weights=False)[0]


def read_weights(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The `about` of `save_weights` and the tensors by name; raises as `read_about`."""
    return _read(path, with_weights=True)


def _read(path: Path, with_weights: bool) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            header = file.metadata() or {}
            is_foreign = set(header) <= {"format"}  # what other libraries write
            about = {} if is_foreign else dict(json.loads(header["gamdss"]))
            names = list(file.keys()) if with_weights else []
            tensors = {name: file.get_tensor(name) for name in names}
        # Weights of earlier versions have no checksum, and no field of a similar name.
        expected = about.pop(FIELD, None)
        if expected is None and get_close_matches(FIELD, about, n=1, cutoff=0.8):
            raise ValueError("the header is damaged")
        if with_weights and expected not in (None, _checksum(about, tensors)):
            raise ValueError("the checksum does not match")
        return about, tensors
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise _unusable(path, f"missing, incomplete or corrupt weights ({error})") from error


def _checksum(about: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> str:
    """The checksum of a header, and of names, types, shapes and values of tensors."""
    parts: list[bytes | memoryview] = [json.dumps(about, sort_keys=True).encode()]
    for name, values in sorted(tensors.items()):
        parts.append(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        # As bytes: NumPy lacks some of PyTorch's types.
        parts.append(values.reshape(-1).view(torch.uint8).numpy().data)
    return checksum(parts)


def _unusable(path: Path, problem: str) -> CheckpointError:
    remedy = "Start the run's training command again: it trains this fold again."
    if not path.exists():  # finished folds may do without their weights, which are large
        remedy = f"Delete {path.parent} and start the training command again: it trains this fold."
    return CheckpointError(problem, file=path, remedy=remedy)


def _check_zip(path: Path) -> None:
    """Verify the checksum of every member of a zip file.

    Raises:
        BadZipFile: a member is damaged; other errors of a broken file are of many types.
    """
    with ZipFile(path) as file:
        broken = file.testzip()
    if broken is not None:
        raise BadZipFile(f"{broken} is corrupt")


def fit(path: Path, net: nn.Module, tensors: dict[str, Any]) -> None:
    """Load the state dict of the file `path`.

    Raises:
        CheckpointError: it is of another architecture; the error has the first names and shapes.
    """
    try:
        net.load_state_dict(tensors)
    except (RuntimeError, AttributeError, TypeError) as error:
        raise CheckpointError(
            f"the weights are of another architecture: {unfit_weights(error)}",
            file=path,
            remedy="Use the config that the run was trained with: config.yaml of its directory.",
        ) from error


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write the training state of an unfinished fold: only tensors and plain values."""
    data = io.BytesIO()
    torch.save(state, data)
    write_bytes(path, data.getbuffer())


def load_state(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a training state.

    Raises:
        CheckpointError: incomplete or corrupt, or not a training state.
    """
    try:
        _check_zip(path)
        state = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # a corrupt zip file raises errors of many types
        problem = f"incomplete or corrupt training state ({first_line(error)})"
        raise _unusable(path, problem) from error
    if not isinstance(state, dict) or "epoch" not in state:
        raise _unusable(path, "not a training state")
    return state


def save_result(path: Path, result: FoldResult) -> None:
    """Write the predictions of a fold as an .npz file of plain arrays."""
    arrays: dict[str, Any] = {
        "name": np.array(result.name),
        "clips": np.array(result.clips),
        "labels": result.labels,
        "logits": result.logits,
        "train_loss": result.train_loss,
        "train_accuracy": result.train_accuracy,
    }
    if result.inner_logits is not None and result.inner_labels is not None:
        arrays["inner_clips"] = np.array(result.inner_clips)
        arrays["inner_logits"], arrays["inner_labels"] = result.inner_logits, result.inner_labels
    if result.training_positives is not None:
        arrays["training_positives"] = result.training_positives
    write_atomic(path, lambda target: np.savez_compressed(target, **arrays))


def load_result(path: Path) -> FoldResult:
    """Read the predictions of a fold.

    Raises:
        CheckpointError: missing, incomplete or corrupt.
    """
    try:
        _check_zip(path)
        with np.load(path, allow_pickle=False) as arrays:
            return FoldResult(
                name=str(arrays["name"]),
                clips=tuple(str(clip) for clip in arrays["clips"]),
                labels=arrays["labels"],
                logits=arrays["logits"],
                train_loss=arrays["train_loss"],
                train_accuracy=arrays["train_accuracy"],
                inner_clips=tuple(str(clip) for clip in arrays.get("inner_clips", ())),
                inner_logits=arrays.get("inner_logits"),
                inner_labels=arrays.get("inner_labels"),
                training_positives=arrays.get("training_positives"),
            )
    except Exception as error:  # as above
        reason = f"{type(error).__name__}: {error}"
        raise _unusable(path, f"missing, incomplete or corrupt predictions ({reason})") from error
