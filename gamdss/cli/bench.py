"""`gamdss bench`: how fast this machine is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from gamdss.config import Config
from gamdss.config.command_line import Command
from gamdss.errors import require
from gamdss.files import cache_folder
from gamdss.synthetic import SynthConfig


@dataclass
class Options:
    """Measure how fast this machine trains a config, against the original's way.

    Args:
        repeats: pairs of timings for each figure.
        subjects: folds of the estimated run.
        clips: clips of the estimated run.
        height: pixels of the synthetic frames.
        width: pixels of the synthetic frames.
        json: print plain values for other programs.
        growth: measure how time grows instead, and draw it in this file.
    """

    repeats: int = 5
    subjects: int = 26
    clips: int = 246
    height: int = 340
    width: int = 280
    json: bool = False
    growth: str | None = None

    def __post_init__(self) -> None:
        for name in ("repeats", "subjects", "clips"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")


def run(options: Options, config: Config) -> None:
    """Measure and print a table, or plain values."""
    from gamdss.studies.speed.run import BenchConfig, bench_table  # noqa: PLC0415
    from gamdss.studies.speed.run import bench as measure  # noqa: PLC0415

    if options.growth:
        _growth(config, Path(options.growth).expanduser())
        return
    clips = SynthConfig(subjects=2, height=options.height, width=options.width)
    sizes = BenchConfig(options.repeats, options.subjects, options.clips, clips)
    values = measure(config, sizes, cache_folder(config.cache), progress=not options.json)
    print(json.dumps(values, indent=2) if options.json else bench_table(values))


def _growth(config: Config, file: Path) -> None:
    from gamdss.studies.speed.growth import growth  # noqa: PLC0415
    from gamdss.studies.speed.growth_figure import growth_figure  # noqa: PLC0415
    from gamdss.training import device  # noqa: PLC0415

    config = device.resolve(config)
    growth_figure(growth(config, device.set_up(config)), file)
    print(f"growth  {file}")


COMMAND = Command(run, Options, Config)
