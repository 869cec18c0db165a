"""The fastest form of retention on a GPU, by measurement; one choice for a run.

Forms round differently, so that the choice is stored with the run, for its other ranks and for
resuming. A form whose gradients are not the same bytes each time is left out.
"""

from __future__ import annotations

import copy
import logging
import time
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import nn

from gamdss.config import Config
from gamdss.files import write_json
from gamdss.models.retention import FORMS, RetentionTables
from gamdss.training.run_files import read_json

log = logging.getLogger(__name__)
_REPEATS = 10


def use_fastest(net: nn.Module, config: Config, file: Path) -> None:
    """Let every stage of the paper's stream mix by its fastest form.

    Args:
        net: on its device; a network without retention does not change.
        config: the resolved config, for the batch and the precision.
        file: JSON of the seconds by stage and form; measured and written if it does not exist.

    Raises:
        RunError: the file is incomplete or corrupt.
    """
    stages = [module for module in net.modules() if isinstance(module, RetentionTables)]
    if not stages:
        return
    samples = config.training.batch_size * (2 if config.model.branches == "both" else 1)
    dtype = torch.bfloat16 if config.training.precision == "bf16" else torch.float32
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        if not file.exists():
            write_json(file, [measure(tables, samples, dtype) for tables in stages])
    for tables, seconds in zip(stages, read_json(file), strict=True):
        tables.use(min(seconds, key=seconds.__getitem__), dtype)


def measure(tables: RetentionTables, samples: int, dtype: torch.dtype) -> dict[str, float]:
    """Seconds of forward and backward by form, compiled; forms that do not work are left out."""
    height, width = tables.resolution
    shape = (3, samples, height, width, len(tables.decays), 2 * tables.turns.shape[-2])
    inputs = torch.randn(shape, device=tables.turns.device, dtype=dtype, requires_grad=True)
    found = {}
    for form in FORMS:
        trial = copy.deepcopy(tables)
        trial.use(form, dtype)
        try:
            found[form] = _seconds(torch.compile(trial, fullgraph=True, dynamic=False), inputs)
        except Exception as error:  # the compiler raises errors of many kinds
            log.info("retention in the form %r is left out: %s", form, error)
    return found or {FORMS[0]: 0.0}


def _seconds(mix: Any, inputs: torch.Tensor) -> float:
    """The fastest of a few runs, after two whose gradients must be the same bytes."""

    def run() -> torch.Tensor:
        return torch.autograd.grad(mix(*inputs).float().square().sum(), inputs)[0]

    if not torch.equal(run(), run()):
        raise RuntimeError("its gradients differ from run to run")
    taken = []
    for _ in range(_REPEATS):
        torch.cuda.synchronize()
        started = time.perf_counter()
        run()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - started)
    return min(taken)
