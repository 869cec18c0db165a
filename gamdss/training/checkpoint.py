"""Files of a fold: weights, training state, predictions; never incomplete, never unpickled."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from gamdss.errors import CheckpointError
from gamdss.files import write_atomic
from gamdss.records import FoldResult


def save_weights(path: Path, net: nn.Module, about: dict[str, Any]) -> None:
    """Write the weights of a network as safetensors, with `about` (plain values) in the header."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    # Bytes, here and below: the writers of the libraries report a full disk by other errors.
    data = save(tensors, metadata={"gamdss": json.dumps(about, sort_keys=True)})
    write_atomic(path, lambda target: target.write_bytes(data))


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
            names = list(file.keys()) if with_weights else []
            about = json.loads((file.metadata() or {}).get("gamdss", "{}"))
            return dict(about), {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError) as error:
        raise _unusable(path, f"missing, incomplete or corrupt weights ({error})") from error


def _unusable(path: Path, problem: str) -> CheckpointError:
    remedy = "Delete this file and start the same command again: it resumes without it."
    return CheckpointError(problem, file=path, remedy=remedy)


def fit(path: Path, net: nn.Module, tensors: dict[str, Any]) -> None:
    """Load the state dict of the file `path`.

    Raises:
        CheckpointError: it is of another architecture; the error has the first names and shapes.
    """
    try:
        net.load_state_dict(tensors)
    except (RuntimeError, AttributeError, TypeError) as error:
        detail = str(error).strip().splitlines()[1:4]
        raise CheckpointError(
            "the weights are of another architecture: "
            + (" ".join(" ".join(line.split())[:200] for line in detail) or str(error)),
            file=path,
            remedy="Use the config that the run was trained with: config.yaml of its directory.",
        ) from error


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write the training state of an unfinished fold: only tensors and plain values."""
    data = io.BytesIO()
    torch.save(state, data)
    write_atomic(path, lambda target: target.write_bytes(data.getbuffer()))


def load_state(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a training state.

    Raises:
        CheckpointError: incomplete or corrupt, or not a training state.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, OSError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "empty"
        raise _unusable(path, f"incomplete or corrupt training state ({reason})") from error
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
    write_atomic(path, lambda target: np.savez_compressed(target, **arrays))


def load_result(path: Path) -> FoldResult:
    """Read the predictions of a fold.

    Raises:
        CheckpointError: missing, incomplete or corrupt.
    """
    try:
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
            )
    except Exception as error:  # a corrupt zip file raises errors of many types
        reason = f"{type(error).__name__}: {error}"
        raise _unusable(path, f"missing, incomplete or corrupt predictions ({reason})") from error
