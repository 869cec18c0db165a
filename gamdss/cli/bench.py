"""`gamdss bench`: how fast this machine trains."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from gamdss.config import Config
from gamdss.config.command_line import Command
from gamdss.errors import ConfigError, require
from gamdss.files import cache_folder, check_file
from gamdss.report.style import check_suffix
from gamdss.studies.speed.bench import BenchConfig, bench, bench_table
from gamdss.studies.speed.growth import growth, growth_figure
from gamdss.synthetic import SynthConfig


@dataclass
class Options:
    """Measure how fast this machine trains a config, against the release's way.

    Args:
        repeats: pairs of timings per measurement.
        subjects: folds of the estimated run.
        clips: clips of the estimated run.
        height: pixels of the synthetic frames.
        width: pixels of the synthetic frames.
        json: print plain values for other programs.
        growth: instead, measure how training time grows, and draw it to this file.
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
        for item in fields(self):
            given = item.name != "growth" and getattr(self, item.name) != item.default
            if self.growth is not None and given:
                raise ConfigError(f"--{item.name} has no effect with --growth", remedy="Omit it.")


def run(options: Options, config: Config) -> None:
    """Measure and print a table or plain values, or measure and draw growth."""
    if options.growth:
        file = Path(options.growth).expanduser()
        check_file(file, "--growth")
        check_suffix(file)
        growth_figure(growth(config), file)
        print(f"growth  {file}")
        return
    clips = SynthConfig(subjects=2, height=options.height, width=options.width)
    sizes = BenchConfig(options.repeats, options.subjects, options.clips, clips)
    found = bench(config, sizes, cache_folder(config.cache), progress=not options.json)
    print(json.dumps(asdict(found), indent=2) if options.json else bench_table(found))


# Everything is measured on synthetic clips.
UNUSED = (
    *("dataset", "task", "data_root", "annotations", "clip_list", "output"),
    *("corrections", "case_sensitive_emotions", "strict", "reselection.annotators"),
    *("frames.layout", "frames.pattern", "frames.missing", "frames.workers"),
    *("init_from", "init_from_seen", "tensorboard"),
)
COMMAND = Command(run, Options, Config, UNUSED)
