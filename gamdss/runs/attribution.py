"""Where on the face a network sees its evidence: integrated gradients.

Source: Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017, with Captum.
The baseline is the clip without motion: apex = onset in the rising phase, offset = apex in the
falling one; for a network on phase features, such as optical flow, a feature of zeros. So a map
adds up to the change of the class's logit by the motion. The face itself is the same at both ends
of the path and contributes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gamdss.errors import ConfigError
from gamdss.models.two_branch import TwoBranchNet
from gamdss.runs.reopened import OpenedRun
from gamdss.training.fold import FoldTrainer

_AT_ONCE = 8


@dataclass(frozen=True, eq=False)
class PhaseMap:
    """One phase: `values` (S, S), positive where motion is evidence for the class.

    `change` is the logit minus that of the clip without motion; `error` is how far the sum of
    `values` is from it, because the integral is computed in steps.
    """

    values: np.ndarray
    change: float
    error: float


@dataclass(frozen=True, eq=False)
class Attribution:
    """A held-out clip: the faces (3, S, S, 3) uint8 of its key frames, and a map by phase."""

    clip: str
    faces: np.ndarray
    phases: dict[str, PhaseMap]


def attribute(opened: OpenedRun, clips: dict[str, int], steps: int) -> list[Attribution]:
    """Attribute the logit of a class to the pixels, for held-out clips.

    Args:
        opened: a finished run with its data.
        clips: class index by clip id; each clip is evaluated by the fold that holds it out.
        steps: points on the path from the clip without motion to the clip.

    Raises:
        ConfigError: Captum is not installed.
        KeyError: no fold holds out a clip.
        CheckpointError: a checkpoint is missing, incomplete or corrupt, or of another network.
    """
    require_captum()
    ids = [clip.id for clip in opened.dataset.annotations.clips]
    wanted = dict(clips)
    found = {}
    for fold in tqdm(opened.folds, desc="evidence in folds", unit="fold"):
        here = [place for place, i in enumerate(fold.held_out) if ids[i] in wanted]
        trainer = opened.trained(fold) if here else None
        for place in here:
            assert trainer is not None
            name = ids[fold.held_out[place]]
            found[name] = _clip(trainer, place, wanted.pop(name), steps)
    return [found[name] for name in clips]


def has_captum() -> bool:
    """Whether Captum is installed."""
    return find_spec("captum") is not None


def require_captum() -> None:
    """Raise ConfigError if Captum is not installed."""
    if not has_captum():
        raise ConfigError(
            "attribution maps need the package captum",
            remedy="In the clone: pip install -e '.[visual]'",
        )


def _clip(trainer: FoldTrainer, place: int, target: int, steps: int) -> Attribution:
    index = trainer.data.held_out[place : place + 1]
    onset, apex, offset, features = trainer.data.batch(index)
    net = trainer.net
    phases = {}
    for number, name, logits, face, moved in (
        (0, "rising", net.rising, onset, apex),
        (1, "falling", net.falling, apex, offset),
    ):
        if net.branches not in ("both", name):
            continue
        if features is None:
            phases[name] = _phase(logits, face, moved, face, target, steps)
        else:
            seen = features[:, number]  # (1, 3, S, S)
            phases[name] = _phase(
                _from_feature(net), face, seen, torch.zeros_like(seen), target, steps
            )
    faces = trainer.data.frames[index[0, :3]].cpu().numpy().transpose(0, 2, 3, 1)
    return Attribution(trainer.data.held_out_clips[place], faces, phases)


def _from_feature(net: TwoBranchNet) -> Callable[[Tensor, Tensor], Tensor]:
    """The logits of a face and the feature of its phase."""
    return lambda face, feature: net.branch(temporal=feature, spatial=face)


def _phase(
    logits: Callable[[Tensor, Tensor], Tensor],
    face: Tensor,
    moved: Tensor,
    still: Tensor,
    target: int,
    steps: int,
) -> PhaseMap:
    """Integrate the gradient of `logits(face, x)` from x = `still` to `moved`, (1, C, S, S)."""
    from captum.attr import IntegratedGradients  # noqa: PLC0415

    def of_batch(batch: Tensor) -> Tensor:
        return logits(face.expand(len(batch), -1, -1, -1), batch)

    values, error = IntegratedGradients(of_batch).attribute(
        moved,
        baselines=still,
        target=target,
        n_steps=steps,
        internal_batch_size=_AT_ONCE,
        return_convergence_delta=True,
    )
    with torch.inference_mode():
        change = (of_batch(moved) - of_batch(still))[0, target]
    summed = values.detach().sum(1)[0].double().cpu().numpy()
    return PhaseMap(summed, float(change), float(error.abs().max()))
