"""`gamdss check`: all faults of a dataset, before anything is trained on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gamdss.config import Config
from gamdss.config.command_line import Command
from gamdss.data.check import check_dataset
from gamdss.data.composite import JOINT
from gamdss.data.sheets import collector_paused
from gamdss.data.specs import get_spec
from gamdss.errors import ConfigError
from gamdss.report.check_report import check_text

NOT_TRAINABLE = 1


@dataclass
class Options:
    """Check the workbook and frames of a dataset, and list all faults.

    Args:
        decode: frames to decode: the annotated key frames, every frame, or none.
        rows: how many rows to show of each kind of fault.
    """

    decode: Literal["keys", "all", "none"] = "keys"
    rows: int = 3


@collector_paused()  # until a long table is no longer in memory
def run(options: Options, config: Config) -> int:
    """Print the table; returns 0 if the dataset can be trained on, else 1."""
    if JOINT in config.dataset:
        raise ConfigError(
            f"--dataset {config.dataset} has several datasets",
            remedy=f"Check each on its own: {', '.join(config.dataset.split(JOINT))}.",
        )
    spec = get_spec(config.dataset, config.annotations, config.data_root)
    if config.data_root is None:
        raise ConfigError("--data-root is missing", remedy=f"Give the folder of {spec.title}.")
    if config.task == Config.task and config.task not in spec.tasks:
        config = replace(config, task=next(iter(spec.tasks)))
    spec.task(config.task)
    found = check_dataset(spec, config, options.decode)
    print(check_text(found, options.rows))
    return 0 if found.trainable else NOT_TRAINABLE


# Nothing is reselected or trained.
UNUSED = (
    *("reselection", "features", "model", "augmentation", "training", "protocol"),
    *("output", "cache", "clip_list", "init_from", "init_from_seen", "seed"),
    *("device", "threads", "tensorboard"),
)
COMMAND = Command(run, Options, Config, UNUSED)
