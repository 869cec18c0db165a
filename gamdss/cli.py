"""The command line: `gamdss train`, `synth` and `bench`; the scripts call the same commands."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser
from platformdirs import user_cache_path

from gamdss import __version__, demo
from gamdss.arguments import new_parser, parse
from gamdss.config import Config
from gamdss.data.synthetic import GROUND_TRUTH, SynthConfig, write_dataset
from gamdss.errors import ConfigError, GamdssError

DESCRIPTION = "Micro-expression recognition with reselected key frames and a two-phase network."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    A mistake of the user's ends in a message on standard error, not in a traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    if words == ["--version"]:
        print(f"gamdss {__version__}")
        return 0
    try:
        parsers = {name: parser() for name, (parser, _) in COMMANDS.items()}
        chosen = parse(parsers, _with_demo_settings(words), DESCRIPTION)
        _, run = COMMANDS[chosen.subcommand]
        run(chosen[chosen.subcommand])
    except GamdssError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; the same command continues the run", file=sys.stderr)
        return 130
    return 0


def train_script(config: Path) -> None:
    """What a script per dataset does: `gamdss train --config CONFIG` and the user's options."""
    sys.exit(main(["train", "--config", str(config), *sys.argv[1:]]))


def _train_parser() -> ArgumentParser:
    parser = new_parser(
        "train and judge a network, leaving one subject out, and draw its tables and figures",
        "train",
        Config,
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="run on a small made dataset, in minutes on a CPU; its settings come after the "
        "first --config, before all other options",
    )
    return parser


def _synth_parser() -> ArgumentParser:
    parser = new_parser(
        "make a dataset of synthetic clips with known key frames, in a dataset's native layout",
        "synth",
        SynthConfig,
    )
    parser.add_argument("--output", required=True, help="the folder to make")
    return parser


def _bench_parser() -> ArgumentParser:
    parser = new_parser(
        "measure how fast this machine trains a config, against the original's way",
        "bench",
        Config,
    )
    parser.add_argument("--repeats", type=int, default=5, help="pairs of timings for each figure")
    parser.add_argument("--subjects", type=int, default=26, help="folds of the estimated run")
    parser.add_argument("--clips", type=int, default=246, help="clips of the estimated run")
    parser.add_argument("--height", type=int, default=340, help="pixels of the made frames")
    parser.add_argument("--width", type=int, default=280, help="pixels of the made frames")
    parser.add_argument("--json", action="store_true", help="print plain values for machines")
    return parser


def _with_demo_settings(words: list[str]) -> list[str]:
    """The demo's settings as a config of their own, behind the first one."""
    if words[:1] != ["train"] or "--demo" not in words:
        return words
    place = 3 if words[1:2] == ["--config"] else 1
    return [*words[:place], "--config", str(demo.SETTINGS), *words[place:]]


def _values(namespace: Any, config: type) -> dict[str, Any]:
    return {field.name: namespace[field.name] for field in fields(config)}


def train(namespace: Any) -> None:
    """Train, judge, report, and say where the results lie."""
    # PyTorch takes seconds to load: only commands that compute wait for it.
    from gamdss.engine.loso import train as train_folds  # noqa: PLC0415
    from gamdss.report.run_report import read_truth, write_report  # noqa: PLC0415

    config = Config(**_values(namespace, Config))
    cache = _cache(config)
    if namespace.demo:
        if config.data_root is not None:
            raise ConfigError(
                f"--demo makes its own data, but --data-root is {config.data_root!r}",
                remedy="Leave out one of the two.",
            )
        config = replace(config, data_root=str(demo.dataset(cache)))
    name = f"{'demo_' if namespace.demo else ''}{config.dataset}_{config.task}"
    output = Path(config.output).expanduser() if config.output else Path("runs") / name
    run = train_folds(config, output, cache)
    if run is None:  # the first rank of the job reports
        return
    store = run.dataset.store
    shown = write_report(
        run.directory.path,
        run.results,
        run.folds,
        clips=run.dataset.annotations.clips,
        frames=store.frames,
        annotated=store.annotated,
        reselected=store.reselected,
        reselected_keys=store.reselected_keys,
        truth=read_truth(Path(config.data_root or "") / GROUND_TRUTH),
    )
    print(shown)


def synth(namespace: Any) -> None:
    """Make a synthetic dataset and say where it lies."""
    root = write_dataset(
        Path(namespace.output).expanduser(), SynthConfig(**_values(namespace, SynthConfig))
    )
    print(f"dataset: {root}\ntrue key frames: {root / GROUND_TRUTH}")


def bench(namespace: Any) -> None:
    """Measure and print a table, or plain values."""
    from gamdss.bench.run import BenchConfig, bench_table  # noqa: PLC0415
    from gamdss.bench.run import bench as measure  # noqa: PLC0415

    for name in ("repeats", "subjects", "clips"):
        if namespace[name] < 1:
            raise ConfigError(f"--{name} is {namespace[name]}", remedy="It must be 1 or more.")
    made = SynthConfig(subjects=2, height=namespace.height, width=namespace.width)
    sizes = BenchConfig(namespace.repeats, namespace.subjects, namespace.clips, made)
    config = Config(**_values(namespace, Config))
    values = measure(config, sizes, _cache(config), progress=not namespace.json)
    print(json.dumps(values, indent=2) if namespace.json else bench_table(values))


def _cache(config: Config) -> Path:
    return Path(config.cache).expanduser() if config.cache else user_cache_path("gamdss")


COMMANDS = {
    "train": (_train_parser, train),
    "synth": (_synth_parser, synth),
    "bench": (_bench_parser, bench),
}
