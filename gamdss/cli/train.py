"""`gamdss train`, which the scripts per dataset call too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from gamdss import demo
from gamdss.cli.fields import build, cache_folder
from gamdss.config import Config
from gamdss.config.load import new_parser
from gamdss.data.specs import get_spec
from gamdss.errors import ConfigError

if TYPE_CHECKING:
    from gamdss.training.folds import Run


def parser() -> ArgumentParser:
    """Options: the fields of `Config`, and `--demo`."""
    options = new_parser(
        "train and judge a network, leaving one subject out, and draw its tables and figures",
        "train",
        Config,
    )
    options.add_argument(
        "--demo",
        action="store_true",
        help="run on a small made dataset, in minutes on a CPU; its settings come after the "
        "first --config, before all other options",
    )
    options.add_argument(
        "--folds",
        help="train only these held-out subjects (A,B,...); another start with the same --output, "
        "or `gamdss merge` of several outputs, completes the run",
    )
    return options


def with_demo_settings(words: list[str]) -> list[str]:
    """The demo's settings as a config of their own, behind the first one."""
    if words[:1] != ["train"] or "--demo" not in words:
        return words
    place = 3 if words[1:2] == ["--config"] else 1
    return [*words[:place], "--config", str(demo.SETTINGS), *words[place:]]


def run(namespace: Any) -> None:
    """Train, judge, report, and say where the results lie."""
    # PyTorch takes seconds to load: only commands that compute wait for it.
    from gamdss.training.folds import train as train_folds  # noqa: PLC0415

    config = build(namespace, Config)
    cache = cache_folder(config)
    if namespace.demo:
        if config.data_root is not None:
            raise ConfigError(
                f"--demo makes its own data, but --data-root is {config.data_root!r}",
                remedy="Leave out one of the two.",
            )
        config = replace(config, data_root=made(config, cache), annotations=None)
    name = f"{'demo_' if namespace.demo else ''}{Path(config.dataset).stem}_{config.task}"
    output = Path(config.output).expanduser() if config.output else Path("runs") / name
    only = None if namespace.folds is None else [f.strip() for f in namespace.folds.split(",")]
    finished = train_folds(config, output, cache, only=only)
    if finished is not None:  # the first rank of a job reports
        print(report(finished))


def made(config: Config, cache: Path, settings: Path | None = None) -> str:
    """The demo's data root: made clips in the layout of each dataset."""
    from gamdss.data.composite import JOINT, write_paths  # noqa: PLC0415

    roots = {}
    for name in config.dataset.split(JOINT):
        emotions = list(get_spec(name, config.annotations).task(config.task).emotions)
        roots[name] = str(demo.dataset(cache, name, emotions, settings))
    return write_paths(roots)


def report(run: Run) -> str:
    """What the terminal shows: tables and figures of a finished run, or what is missing."""
    from gamdss.report.run_report import write_report  # noqa: PLC0415

    if run.missing:
        done, total = len(run.folds), len(run.folds) + len(run.missing)
        return (
            f"{done} of {total} folds are finished in {run.directory.path}\n"
            f"missing: {', '.join(run.missing)}"
        )
    store = run.dataset.store
    return write_report(
        run.directory.path,
        run.results,
        run.folds,
        clips=run.dataset.annotations.clips,
        frames=store.frames,
        annotated=store.annotated,
        reselected=store.reselected,
        reselected_keys=store.reselected_keys,
        truth=run.dataset.truth,
    )
