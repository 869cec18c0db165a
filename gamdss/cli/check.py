"""`gamdss check`: whether a dataset is all there, before anything is trained on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from jsonargparse import ArgumentParser

from gamdss.cli.fields import build
from gamdss.config import Config
from gamdss.config.load import new_parser
from gamdss.data.specs import get_spec
from gamdss.errors import ConfigError

NOT_TRAINABLE = 1


def parser() -> ArgumentParser:
    """Options: the fields of `Config`, how much to decode, and how much to show."""
    options = new_parser(
        "read a dataset's workbook and frames, and list all that is wrong with them",
        "check",
        Config,
    )
    options.add_argument(
        "--decode",
        choices=("keys", "all", "none"),
        default="keys",
        help="frames to decode: the annotated key frames, every frame, or none",
    )
    options.add_argument("--rows", type=int, default=3, help="rows to show of each kind of fault")
    return options


def run(namespace: Any) -> int:
    """Print the table; the exit status is 0 if the dataset can be trained on, else 1."""
    from gamdss.data.check import check_dataset  # noqa: PLC0415
    from gamdss.report.check_report import check_text  # noqa: PLC0415

    config = build(namespace, Config)
    spec = get_spec(config.dataset, config.annotations)
    if config.data_root is None:
        raise ConfigError("--data-root is missing", remedy=f"Give the folder of {spec.title}.")
    if config.task == Config.task and config.task not in spec.tasks:
        config = replace(config, task=next(iter(spec.tasks)))
    spec.task(config.task)
    found = check_dataset(spec, config, namespace.decode)
    print(check_text(found, namespace.rows))
    return 0 if found.trainable else NOT_TRAINABLE
