"""`gamdss bench`: how fast this machine is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from gamdss.cli.fields import build, cache_folder
from gamdss.config import Config
from gamdss.config.load import new_parser
from gamdss.errors import ConfigError
from gamdss.synthetic import SynthConfig


def parser() -> ArgumentParser:
    """Options: the fields of `Config`, and what to measure on."""
    options = new_parser(
        "measure how fast this machine trains a config, against the original's way",
        "bench",
        Config,
    )
    options.add_argument("--repeats", type=int, default=5, help="pairs of timings for each figure")
    options.add_argument("--subjects", type=int, default=26, help="folds of the estimated run")
    options.add_argument("--clips", type=int, default=246, help="clips of the estimated run")
    options.add_argument("--height", type=int, default=340, help="pixels of the made frames")
    options.add_argument("--width", type=int, default=280, help="pixels of the made frames")
    options.add_argument("--json", action="store_true", help="print plain values for machines")
    options.add_argument("--growth", help="measure how time grows instead; the picture to write")
    return options


def run(namespace: Any) -> None:
    """Measure and print a table, or plain values."""
    from gamdss.studies.speed.run import BenchConfig, bench_table  # noqa: PLC0415
    from gamdss.studies.speed.run import bench as measure  # noqa: PLC0415

    config = build(namespace, Config)
    if namespace.growth:
        _growth(config, Path(namespace.growth).expanduser())
        return
    for name in ("repeats", "subjects", "clips"):
        if namespace[name] < 1:
            raise ConfigError(f"--{name} is {namespace[name]}", remedy="It must be 1 or more.")
    made = SynthConfig(subjects=2, height=namespace.height, width=namespace.width)
    sizes = BenchConfig(namespace.repeats, namespace.subjects, namespace.clips, made)
    values = measure(config, sizes, cache_folder(config), progress=not namespace.json)
    print(json.dumps(values, indent=2) if namespace.json else bench_table(values))


def _growth(config: Config, file: Path) -> None:
    from gamdss.studies.speed.growth import growth  # noqa: PLC0415
    from gamdss.studies.speed.growth_figure import growth_figure  # noqa: PLC0415
    from gamdss.training import device  # noqa: PLC0415

    config = device.resolve(config)
    growth_figure(growth(config, device.set_up(config)), file)
    print(f"growth  {file}")
