"""`gamdss train`, which the scripts per dataset call too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from gamdss import demo
from gamdss.arguments import new_parser
from gamdss.commands.fields import build, cache_folder
from gamdss.config import Config
from gamdss.data.specs import get_spec
from gamdss.data.synthetic import GROUND_TRUTH
from gamdss.errors import ConfigError


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
    from gamdss.engine.loso import train as train_folds  # noqa: PLC0415
    from gamdss.report.run_report import read_truth, write_report  # noqa: PLC0415

    config = build(namespace, Config)
    cache = cache_folder(config)
    if namespace.demo:
        if config.data_root is not None:
            raise ConfigError(
                f"--demo makes its own data, but --data-root is {config.data_root!r}",
                remedy="Leave out one of the two.",
            )
        emotions = list(get_spec(config.dataset, config.annotations).task(config.task).emotions)
        root = demo.dataset(cache, config.dataset, emotions)
        config = replace(config, data_root=str(root), annotations=None)
    name = f"{'demo_' if namespace.demo else ''}{Path(config.dataset).stem}_{config.task}"
    output = Path(config.output).expanduser() if config.output else Path("runs") / name
    finished = train_folds(config, output, cache)
    if finished is None:  # the first rank of the job reports
        return
    store = finished.dataset.store
    shown = write_report(
        finished.directory.path,
        finished.results,
        finished.folds,
        clips=finished.dataset.annotations.clips,
        frames=store.frames,
        annotated=store.annotated,
        reselected=store.reselected,
        reselected_keys=store.reselected_keys,
        truth=read_truth(Path(config.data_root or "") / GROUND_TRUTH),
    )
    print(shown)
