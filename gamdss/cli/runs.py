"""What commands on finished runs share: their options, which run is meant, and its data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from gamdss.cli import train
from gamdss.cli.fields import build, cache_folder
from gamdss.config import Config
from gamdss.config.load import checked, parse
from gamdss.errors import ConfigError, RunError
from gamdss.files import read_yaml

if TYPE_CHECKING:
    from gamdss.runs.finished import FinishedRun
    from gamdss.runs.reopened import OpenedRun


def add_data_options(options: ArgumentParser) -> None:
    """Where the run's data lies now, and where networks compute."""
    options.add_argument("--data_root", help="the dataset's folder, if it lies elsewhere now")
    options.add_argument("--cache", help="folder of decoded frames; the run's where left out")
    options.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")


def add_demo_options(options: ArgumentParser) -> None:
    """Which run is meant where none is named."""
    options.add_argument(
        "--experiment",
        help="a config: its run under runs/ is taken where no RUN is named, and a RUN must be of "
        "its dataset and task",
    )
    options.add_argument(
        "--demo",
        action="store_true",
        help="take the run of `gamdss train --demo`, and make it first if it is not there",
    )


def chosen_runs(named: list[str], namespace: Any) -> list[FinishedRun]:
    """The runs that are named, or the one of `--experiment` or `--demo`.

    Raises:
        ConfigError: none is named, or one is of another dataset or task than `--experiment`.
        RunError: there is no such run, or it is not finished.
    """
    from gamdss.runs.finished import read_run  # noqa: PLC0415

    asked = _experiment(namespace.experiment)
    if named:
        if namespace.demo:
            raise ConfigError(
                f"--demo makes its own run, but {named[0]} is named",
                remedy="Leave out one of the two.",
            )
        runs = [read_run(Path(name).expanduser()) for name in named]
        for run in runs if namespace.experiment else ():
            _check_same(run, asked, namespace.experiment)
        return runs
    if namespace.demo:
        return [read_run(_demo(namespace, asked))]
    if namespace.experiment is None:
        raise ConfigError("no run is named", remedy=_how_to_get_one(asked, None))
    path = Path("runs") / _name(asked)
    if not path.is_dir():
        raise RunError(
            "there is no run to draw",
            file=path,
            remedy=_how_to_get_one(asked, namespace.experiment),
        )
    return [read_run(path)]


def open_data(run: FinishedRun, namespace: Any) -> OpenedRun:
    """The run with its data and networks; options as `add_data_options` has them."""
    from gamdss.runs.reopened import open_run  # noqa: PLC0415

    config = replace(run.config, cache=namespace.cache or run.config.cache)
    return open_run(run, cache_folder(config), namespace.data_root, namespace.device)


def _experiment(file: str | None) -> Config:
    if file is None:
        return Config()
    path = Path(file).expanduser()
    values = read_yaml(path, "the config", "--experiment")
    if not isinstance(values, dict):
        raise ConfigError("this is no config", file=file, remedy="Check --experiment.")
    return checked(Config, values, path)


def _name(config: Config) -> str:
    return f"{Path(config.dataset).stem}_{config.task}"


def _check_same(run: FinishedRun, asked: Config, file: str) -> None:
    here, wanted = ((c.dataset, c.task) for c in (run.config, asked))
    if here != wanted:
        raise ConfigError(
            f"this run is of {' '.join(here)}, {Path(file).name} of {' '.join(wanted)}",
            file=run.path,
            remedy="Name a run of that config, or leave --experiment out: `gamdss tsne RUN`.",
        )


def _how_to_get_one(asked: Config, file: str | None) -> str:
    config = f"--config {_short(file)} " if file else ""
    return (
        f"Train one: gamdss train {config}--data-root /data/{asked.dataset.upper()}\n"
        "and name its directory if it is not in runs/. To see the picture on a made dataset, "
        "without any data: add --demo"
    )


def _short(file: str) -> Path:
    """A path as it was given, or from here if it is below."""
    path = Path(file)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _demo(namespace: Any, asked: Config) -> Path:
    """The run directory of the demo, trained first if it is not finished.

    Raises:
        RunError: it holds a finished run of another config.
    """
    path = Path("runs") / f"demo_{_name(asked)}"
    config = ["--config", namespace.experiment] if namespace.experiment else []
    words = ["train", *config]
    words += ["--cache", namespace.cache] if namespace.cache else []
    words += ["--device", namespace.device, "--output", str(path), "--demo"]
    parsers = {"train": train.parser()}
    chosen = parse(parsers, train.with_demo_settings(words), "the demo")["train"]
    if (path / "results.json").is_file():
        _check_config(path, build(chosen, Config), ["gamdss", "train", *config, "--demo"])
    else:
        train.run(chosen)
    return path


def _check_config(path: Path, config: Config, command: list[str]) -> None:
    from gamdss.training.run_files import differences, read_config  # noqa: PLC0415

    found = differences(read_config(path), config, machine=False)
    other = [f"{n}: {there!r} there, {now!r} now" for n, (there, now) in found.items()]
    if other:
        raise RunError(
            "the demo's run is of another config:\n  " + "\n  ".join(other),
            file=path,
            remedy=f"Remove it, or make another ({' '.join(command)} --output DIR) and name DIR.",
        )
