"""`gamdss merge`: runs that share a config, each with some folds, become one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from gamdss.cli.fields import cache_folder
from gamdss.cli.train import report
from gamdss.config.load import new_parser


def parser() -> ArgumentParser:
    """Options: the runs, and where the merged one goes."""
    options = new_parser(
        "merge run directories that hold different folds of one run, and report", "merge"
    )
    options.add_argument("runs", nargs="+", help="run directories of the same config and data")
    options.add_argument("--output", required=True, help="the directory of the merged run")
    options.add_argument("--data_root", help="the dataset's folder, if it lies elsewhere now")
    return options


def run(namespace: Any) -> None:
    """Copy the folds, and report as `gamdss train` does when it finds all of them finished."""
    from gamdss.runs.merge import merge  # noqa: PLC0415
    from gamdss.training.folds import train  # noqa: PLC0415

    output = Path(namespace.output).expanduser()
    config = merge([Path(run).expanduser() for run in namespace.runs], output)
    if namespace.data_root:
        config = replace(config, data_root=namespace.data_root)
    merged = train(config, output, cache_folder(config), only=())
    assert merged is not None
    print(report(merged))
