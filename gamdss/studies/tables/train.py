"""A table's runs: finished ones are read, the others are trained or resumed."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gamdss.config import Config
from gamdss.config.pairs import format_pairs, parse_pairs
from gamdss.data.dataset import no_data, open_dataset
from gamdss.data.specs import get_spec
from gamdss.data.splits import Labelled, digest, make_folds
from gamdss.errors import ConfigError, GamdssError, RunError
from gamdss.files import cache_folder
from gamdss.runs.finished import FinishedRun, read_run
from gamdss.studies.tables.plan import Plan
from gamdss.studies.tables.rows import Row
from gamdss.training.folds import train
from gamdss.training.initial import find_start, weights_digests
from gamdss.training.ranks import find_ranks
from gamdss.training.run_data import require_same_data
from gamdss.training.run_files import differences

log = logging.getLogger("gamdss")

# Fields of a config that do not affect its data, or only in part.
_NO_DATA = {
    *("output", "cache", "seed", "device", "threads", "tensorboard"),
    *("model", "augmentation", "training", "protocol"),
}


@dataclass(frozen=True, eq=False)
class RowRuns:
    """A row's runs, one for each seed; if there are none, `reason` says why in a line.

    `error` is the full reason if it is a mistake, not just a dataset without a folder.
    """

    row: Row
    runs: tuple[FinishedRun, ...] = ()
    reason: str = ""
    error: GamdssError | None = None


def roots(text: str | None, plan: Plan) -> dict[str, str]:
    """The folder of each dataset from `--data-root`: a path, or `cas2=/data/CASME2,samm=...`.

    Raises:
        ConfigError: one path for several datasets, or a dataset that the table does not have.
        DataRootError: no folder is given.
    """
    names = plan.datasets
    if text is None:
        raise no_data(get_spec(names[0], None))
    if "=" not in text:
        if len(names) > 1:
            example = format_pairs({name: f"/data/{name.upper()}" for name in names[:2]})
            raise ConfigError(
                f"--data-root is {text!r}, the table has datasets {', '.join(names)}",
                remedy=f"Give each its folder: {example}. Of omitted ones, only finished runs are "
                "shown.",
            )
        return {names[0]: text}
    return parse_pairs(text, "data-root", names)


def run_rows(
    plan: Plan,
    output: Path,
    root: Callable[[Config], str | None],
    overrides: Mapping[str, object],
    progress: bool = True,
) -> list[RowRuns] | None:
    """Every row's runs; a row that cannot be trained has a reason, and the others continue.

    Args:
        plan: the table.
        output: its folder; runs go to `runs/<row>_seed<n>` in it.
        root: the data root of a config, None if there is none.
        overrides: fields of the config for all rows, such as `device`.
        progress: show progress bars.

    Returns:
        The rows in order; None on ranks other than the first of a job.
    """
    ranks = find_ranks()
    shown = progress and ranks.rank == 0
    datasets = _Datasets(shown)
    found = []
    bar = tqdm(plan.rows, desc="table", unit="row", disable=not shown)
    with _warned_once():
        for row in bar:
            bar.set_postfix_str(row.key)
            config = replace(row.config, data_root=root(row.config), **overrides)  # type: ignore[arg-type]
            try:
                runs = [
                    _run(replace(config, seed=seed), _path(output, row, seed), datasets)
                    for seed in plan.seeds
                ]
            except GamdssError as error:
                # Ranks would wait for each other if one continued alone.
                if ranks.count > 1 and config.data_root is not None:
                    raise
                reason = error.problem.splitlines()[0].rstrip(":")
                mistake = None if config.data_root is None else error
                found.append(RowRuns(row, reason=reason, error=mistake))
                continue
            found.append(RowRuns(row, tuple(run for run in runs if run is not None)))
    return found if ranks.rank == 0 else None


def finished_runs(plan: Plan, output: Path) -> list[int]:
    """How many runs of each row are finished and complete; data is not checked.

    Args:
        plan: the table.
        output: its folder.
    """
    return [
        sum(
            _is_finished(_path(output, row, seed), replace(row.config, seed=seed))
            for seed in plan.seeds
        )
        for row in plan.rows
    ]


def _path(output: Path, row: Row, seed: int) -> Path:
    return output / "runs" / f"{row.folder}_seed{seed}"


def _is_finished(path: Path, config: Config) -> bool:
    try:
        _finished(path, config)
    except GamdssError:
        return False
    return True


@dataclass(frozen=True, eq=False)
class _Datasets:
    """The `data.json` values and the clips of the datasets opened so far, each opened once."""

    progress: bool
    opened: dict[str, tuple[dict[str, Any], Labelled]] = field(default_factory=dict)

    def about(self, config: Config) -> dict[str, Any]:
        """The values of `data.json` of a run with this config on current data and weights."""
        values = {name: v for name, v in config.as_dict().items() if name not in _NO_DATA}
        values["model"] = config.model.image_size
        values["units"] = config.training.au_weight > 0
        del values["reselection"]["clips"]
        key = json.dumps(values, sort_keys=True)
        if key not in self.opened:
            dataset = open_dataset(config, cache_folder(config.cache), self.progress)
            self.opened[key] = dataset.about(), dataset.labelled
        about, labelled = self.opened[key]
        folds = make_folds(config.protocol, labelled, config.seed)
        weights = {}
        with suppress(GamdssError, OSError):  # a finished run does not need them any more
            weights = weights_digests(config, find_start(config), folds)
        return about | {"folds": digest(folds, labelled.clips)} | weights


def _run(config: Config, path: Path, datasets: _Datasets) -> FinishedRun | None:
    """A run as it is on disk, trained first if needed; None on ranks that do not report."""
    try:
        run = _finished(path, config)
    except GamdssError as error:
        if config.data_root is None:
            raise _no_folder(config, path, error) from error
        # This resumes the run, or refuses it with the reason.
        if train(config, path, progress=datasets.progress) is None:
            return None
        return read_run(path)
    if config.data_root is not None:
        require_same_data(path / "data.json", datasets.about(config))
    return run


def _finished(path: Path, config: Config) -> FinishedRun:
    """The run at `path`, complete and with this config.

    Raises:
        GamdssError: missing, unfinished, broken, or with another config.
    """
    run = read_run(path)
    other = differences(run.config, config, machine=False)
    if other:
        raise RunError(f"its config differs ({', '.join(other)})", file=path)
    return run


def _no_folder(config: Config, path: Path, error: GamdssError) -> RunError:
    """Why a row without a folder is empty, and what is wrong with its runs if there are any."""
    problem = f"no folder given for {config.dataset}"
    seeds = path.name.removesuffix(str(config.seed))
    if any(path.parent.glob(f"{seeds}*")):
        problem += f"; {path.name}: {error.problem}"
    return RunError(problem, remedy="Give the dataset's folder with --data-root.")


@contextmanager
def _warned_once() -> Iterator[None]:
    """Show each warning once, however many rows are on the same data."""
    shown: set[str] = set()

    def is_new(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        return not (message in shown or shown.add(message))  # type: ignore[func-returns-value]

    log.addFilter(is_new)
    try:
        yield
    finally:
        log.removeFilter(is_new)
