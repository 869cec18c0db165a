"""A table's runs: those that are done are read, the others are trained or continued."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.specs import get_spec
from gamdss.engine import device
from gamdss.engine.dataset import no_data
from gamdss.engine.finished import FinishedRun, read_run
from gamdss.engine.loso import train
from gamdss.engine.ranks import find_ranks
from gamdss.engine.run import differences, read_config
from gamdss.errors import ConfigError, GamdssError
from gamdss.tables.plan import Plan, Row


@dataclass(frozen=True, eq=False)
class RowRuns:
    """A row's runs, one for each seed; none where `reason` says why there are none.

    `failed` says that the reason is a mistake, and not just a dataset that nobody named.
    """

    row: Row
    runs: tuple[FinishedRun, ...] = ()
    reason: str = ""
    failed: bool = False


def roots(text: str | None, plan: Plan) -> dict[str, str]:
    """The folder of each dataset from `--data-root`: a path, or `cas2=/data/CASME2,samm=...`.

    Raises:
        ConfigError: one path for several datasets, or a dataset that the table does not have.
        DataRootError: nothing for any of them.
    """
    names = plan.datasets
    if text is None:
        raise no_data(get_spec(names[0], None))
    if "=" not in text:
        if len(names) > 1:
            example = ",".join(f"{name}=/data/{name.upper()}" for name in names[:2])
            raise ConfigError(
                f"--data-root is {text!r}, the table has datasets {', '.join(names)}",
                remedy=f"Give each its folder: {example}. Those left out are left empty.",
            )
        return {names[0]: text}
    pairs = [part.partition("=") for part in text.split(",")]
    found = {name.strip(): path.strip() for name, _, path in pairs}
    for name, path in found.items():
        if name not in names or not path:
            raise ConfigError(
                f"--data-root is {text!r}",
                remedy=f"Give it as {names[0]}=/data/{names[0].upper()}; the table has "
                f"{', '.join(names)}.",
            )
    return found


def run_rows(
    plan: Plan,
    output: Path,
    cache: Path,
    root: Callable[[Config], str | None],
    overrides: Mapping[str, object],
    progress: bool = True,
) -> list[RowRuns] | None:
    """Every row's runs; a row that cannot be trained says why, and the others go on.

    Args:
        plan: the table.
        output: its folder; runs go to `runs/<row>_seed<n>` in it.
        cache: folder of decoded frames.
        root: the data root of a config, None where there is none.
        overrides: fields of the config for all rows, such as `device`.
        progress: show progress bars.

    Returns:
        The rows in order; None on ranks other than the first of a job.
    """
    ranks = find_ranks(str(output))
    found = []
    bar = tqdm(plan.rows, desc="table", unit="row", disable=not (progress and ranks.rank == 0))
    for row in bar:
        bar.set_postfix_str(row.key)
        data_root = root(row.config)
        if data_root is None:
            found.append(RowRuns(row, reason=f"no folder given for {row.config.dataset}"))
            continue
        config = replace(row.config, data_root=data_root, **overrides)  # type: ignore[arg-type]
        try:
            runs = [_run(replace(config, seed=s), output, row, cache, progress) for s in plan.seeds]
        except GamdssError as error:
            # Ranks would wait for each other if one went on alone.
            if ranks.count > 1:
                raise
            reason = str(error).splitlines()[0]
            found.append(RowRuns(row, reason=reason, failed=True))
            continue
        found.append(RowRuns(row, tuple(run for run in runs if run is not None)))
    return found if ranks.rank == 0 else None


def _run(config: Config, output: Path, row: Row, cache: Path, progress: bool) -> FinishedRun | None:
    """A run as it is on the disk, trained before if need be; None on ranks that do not report."""
    path = output / "runs" / f"{row.folder}_seed{config.seed}"
    if not _is_done(path, config) and train(config, path, cache, progress) is None:
        return None
    return read_run(path)


def _is_done(path: Path, config: Config) -> bool:
    """Whether the run is finished; of another config it is left to `train` to say so."""
    if not (path / "results.json").exists():
        return False
    wanted = device.resolve(config).as_dict()
    return not differences(read_config(path / "config.yaml"), wanted)
