"""The fastest form of retention on a GPU, by measurement; one choice for a run.

Forms round differently, so that the choice is stored with the run, for its other ranks and for
resuming. A form whose gradients are not the same bytes each time, or wrong, is left out.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock
from torch import Tensor, nn
from tqdm import tqdm

from gamdss.config import Config
from gamdss.files import write_json
from gamdss.models.retention import FORMS, RetentionTables
from gamdss.training.captured import capture
from gamdss.training.run_files import read_json

log = logging.getLogger(__name__)
_REPEATS = 10
_KERNELS = 2  # to be increased when a form changes, so that earlier measurements are not used
_TOLERANCE = 0.02  # of gradients; in bfloat16 forms differ by 0.6%


def use_fastest(
    net: nn.Module, config: Config, file: Path, cache: Path, progress: bool = False
) -> None:
    """Let every stage of the paper's stream mix by its fastest form.

    Args:
        net: on its device; a network without retention does not change.
        config: the resolved config, for the batch and the precision.
        file: JSON of the seconds by stage and form; written if it does not exist.
        cache: folder of earlier measurements on this kind of device; new ones are added.
        progress: show a progress bar while measuring.

    Raises:
        RunError: the file is incomplete or corrupt.
    """
    stages = [module for module in net.modules() if isinstance(module, RetentionTables)]
    if not stages:
        return
    training = config.training
    samples = training.batch_size * (2 if config.model.branches == "both" else 1)
    dtype = torch.bfloat16 if training.precision == "bf16" else torch.float32
    measured = cache / "retention" / f"{_key(stages, config, samples)}.json"
    for folder in (file.parent, measured.parent):
        folder.mkdir(parents=True, exist_ok=True)
    # Ranks on other machines may have other caches, but they have the same file.
    with FileLock(file.with_suffix(".lock")), FileLock(measured.with_suffix(".lock")):
        if not measured.exists() and not file.exists():
            bar = tqdm(stages, desc="forms of retention", unit="stage", disable=not progress)
            compiles = training.compile == "on"
            found = [measure(tables, samples, dtype, compiles) for tables in bar]
            write_json(file, [stage.seconds for stage in found])
            if all(stage.lasting for stage in found):
                write_json(measured, [stage.seconds for stage in found])
        if not file.exists():
            write_json(file, read_json(measured))
    for tables, seconds in zip(stages, read_json(file), strict=True):
        tables.use(min(seconds, key=seconds.__getitem__), dtype)


def _key(stages: Sequence[RetentionTables], config: Config, samples: int) -> str:
    """A name for what the seconds depend on."""
    training, device = config.training, stages[0].turns.device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    shapes = [(tables.turns.shape, tables.decomposed) for tables in stages]
    fused = torch.backends.cuda.flash_sdp_enabled()  # which one of the forms is without
    software = torch.__version__, _KERNELS
    about = (name, software, training.precision, training.compile, fused, samples, shapes)
    return hashlib.blake2b(repr(about).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Measured:
    """Seconds of forward and backward by form; forms that do not work are left out.

    `lasting`: whether other runs would find the same; not if memory was short, or no form works.
    """

    seconds: dict[str, float]
    lasting: bool


def measure(tables: RetentionTables, samples: int, dtype: torch.dtype, compiles: bool) -> Measured:
    """Measure the forms of a stage.

    Args:
        tables: of a stage, on its device.
        samples: in a batch.
        dtype: of the maps.
        compiles: measure as compiled code and a CUDA graph, as training then runs.
    """
    shape = (samples, *tables.resolution, 3, len(tables.decays), 2 * tables.turns.shape[-2])
    qkv = torch.randn(shape, device=tables.turns.device, dtype=dtype, requires_grad=True)
    upstream = torch.randn_like(qkv[:, :, :, :2]).unbind(3)
    expected = torch.autograd.grad(tables.packed(qkv), qkv, upstream)[0]
    found, lasting = {}, True
    for form in tables.forms:
        trial = copy.deepcopy(tables)
        try:
            trial.use(form, dtype)
            run = _gradients(trial, qkv, upstream, compiles)
            _check(run, expected)
            found[form] = _seconds(_captured(run) if compiles else run)
        except Exception as error:  # the compiler raises errors of many kinds
            short = "out of memory" in str(error)  # a card may be shared
            lasting = lasting and not short
            level = logging.WARNING if short else logging.INFO
            log.log(level, "retention in the form %r is left out: %s", form, error)
    if not found:
        log.warning("no form of retention could be measured; %r is used", FORMS[0])
    return Measured(found or {FORMS[0]: 0.0}, lasting and bool(found))


def _gradients(
    tables: RetentionTables, qkv: Tensor, upstream: Sequence[Tensor], compiles: bool
) -> Callable[[], Tensor]:
    """Forward and backward of a form; returns the gradient of the packed maps."""
    mix = tables.packed
    if compiles:
        torch.compiler.reset()  # which compiles one function only a few times
        mix = torch.compile(mix, fullgraph=True, dynamic=False)
    return lambda: torch.autograd.grad(mix(qkv), qkv, upstream)[0]


def _check(run: Callable[[], Tensor], expected: Tensor) -> None:
    """Refuse a form whose gradients are not those of the first one, or not always the same."""
    found = run()
    if not torch.equal(found, run()):
        raise RuntimeError("its gradients differ from run to run")
    off = (found - expected).float().norm() / expected.float().norm()
    if not off < _TOLERANCE:  # nor NaN
        raise RuntimeError(f"its gradients are {off:.1%} off those of the form {FORMS[0]!r}")


def _seconds(run: Callable[[], object]) -> float:
    """The fastest of a few runs."""
    taken = []
    for _ in range(_REPEATS):
        torch.cuda.synchronize()
        started = time.perf_counter()
        run()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return min(taken)


def _captured(run: Callable[[], Tensor]) -> Callable[[], object]:
    """`run` as a CUDA graph; it has run before."""
    return capture(run)[0].replay
