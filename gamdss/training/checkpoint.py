"""Weights and training state on disk: whole or not there, never unpickled into objects."""

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
    """Write a network's weights as safetensors, with `about` (plain values) in its header."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in net.state_dict().items()}
    header = {"gamdss": json.dumps(about, sort_keys=True)}
    # Bytes, here and below: the libraries' own writers meet a full disk with errors of their own.
    whole = save(tensors, metadata=header)
    write_atomic(path, lambda target: target.write_bytes(whole))


def load_weights(path: Path, net: nn.Module) -> dict[str, Any]:
    """Load weights into `net`; returns what `save_weights` was told about them.

    Raises:
        CheckpointError: missing, truncated, or of another architecture.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = json.loads((file.metadata() or {}).get("gamdss", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise _broken(path, error) from error
    fit(path, net, tensors)
    return dict(about)


def read_about(path: Path) -> dict[str, Any]:
    """What `save_weights` was told about the weights, without reading them.

    Raises:
        CheckpointError: missing or truncated.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return dict(json.loads((file.metadata() or {}).get("gamdss", "{}")))
    except (SafetensorError, OSError, ValueError) as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"this is no whole safetensors file ({error})", file=path, remedy=_AGAIN)


def fit(path: Path, net: nn.Module, tensors: dict[str, Any]) -> None:
    """Load a state dict, or say which names and shapes do not fit."""
    try:
        net.load_state_dict(tensors)
    except (RuntimeError, AttributeError, TypeError) as error:
        detail = str(error).strip().splitlines()[1:4]
        raise CheckpointError(
            "the weights are of another architecture: "
            + (" ".join(" ".join(line.split())[:200] for line in detail) or str(error)),
            file=path,
            remedy="Use the config the run was trained with (config.yaml beside its folds).",
        ) from error


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write the training state of an unfinished fold: tensors and plain values only."""
    whole = io.BytesIO()
    torch.save(state, whole)
    write_atomic(path, lambda target: target.write_bytes(whole.getbuffer()))


def load_state(path: Path, device: torch.device) -> dict[str, Any]:
    """Read a training state.

    Raises:
        CheckpointError: truncated, or not a training state.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, OSError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "empty"
        raise CheckpointError(
            f"this is no whole training state ({reason})", file=path, remedy=_AGAIN
        ) from error
    if not isinstance(state, dict) or "epoch" not in state:
        raise CheckpointError("this is not a training state", file=path, remedy=_AGAIN)
    return state


def save_result(path: Path, result: FoldResult) -> None:
    """Write a fold's predictions as an .npz of plain arrays."""
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
    """Read a fold's predictions.

    Raises:
        CheckpointError: truncated, or without the arrays of a fold.
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
    except Exception as error:  # the zip reader raises many kinds for a broken file
        raise CheckpointError(
            f"these are no whole predictions ({type(error).__name__}: {error})",
            file=path,
            remedy=_AGAIN,
        ) from error


_AGAIN = "Delete this file and start the run again: it continues without it."
