"""`gamdss table`: a table of the paper, after the training of missing runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gamdss import demo
from gamdss.config import Config
from gamdss.config.command_line import Command, positional
from gamdss.config.pairs import format_pairs
from gamdss.data.composite import JOINT
from gamdss.errors import ConfigError, require
from gamdss.files import cache_folder, hold_folder
from gamdss.report.table import Table, markdown_with_caption
from gamdss.report.table_files import write_table
from gamdss.studies.tables.cells import paper_table
from gamdss.studies.tables.cost import cost_text, table_cost
from gamdss.studies.tables.plan import is_stress, read_plan
from gamdss.studies.tables.stress import measure, read_stress_plan, stress_table
from gamdss.studies.tables.train import finished_runs, roots, run_rows
from gamdss.training.ranks import held_by_first


@dataclass
class Options:
    """Write a table of the paper from its file, training the runs that are missing.

    Args:
        data_root: the dataset's folder; of several datasets, one each:
            `cas2=/data/CASME2,samm=...`; rows of omitted datasets show only finished runs.
        demo: a tiny version on small synthetic datasets, in minutes.
        output: folder of the table and its runs; `runs/table_<name>` if omitted.
        cache: folder for decoded frames and synthetic datasets.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        threads: CPU threads; 0 leaves the number to PyTorch.
        list: list the runs, which of them are finished, and how much training the others take by
            the published sizes of the datasets; nothing is trained.
        step_ms: with `--list`, milliseconds of a training step per sample as `gamdss bench`
            measures them, to estimate hours.
        stress: `stress.csv` for a table of errors of key frames; measured if omitted.
    """

    file: str = positional("the table's file, such as configs/tables/branches.yaml")
    data_root: str | None = None
    demo: bool = False
    output: str | None = None
    cache: str | None = None
    device: str = "auto"
    threads: int = 0
    list: bool = False
    step_ms: float | None = None
    stress: str | None = None


def run(options: Options) -> int:
    """Train or measure what is missing, write and print the table; returns 1 if a row failed."""
    file = Path(options.file).expanduser()
    name = f"{'demo_' if options.demo else ''}table_{file.stem}"
    output = Path(options.output).expanduser() if options.output else Path("runs") / name
    stress = is_stress(file)
    _check_used(options, file, stress)
    if options.list:
        return _listed(options, file, output)
    if stress:
        _stress(options, file, output)
        return 0
    return _trained(options, file, output)


def _check_used(options: Options, file: Path, stress: bool) -> None:
    """Refuse options that have no effect.

    Raises:
        ConfigError: one of them is given.
    """
    unused: tuple[str, ...] = ("stress",)
    where = "a table of runs"
    if stress:
        unused, where = ("data_root", "cache", "device", "threads"), "a table of key frames"
    if not options.list:
        unused += ("step_ms",)
    for name in unused:
        if getattr(options, name) != getattr(Options, name):
            place = "without --list" if name == "step_ms" else f"on {where}"
            flag = name.replace("_", "-")
            raise ConfigError(f"--{flag} has no effect {place}", file=file, remedy="Omit it.")


def _listed(options: Options, file: Path, output: Path) -> int:
    if is_stress(file) or options.demo:
        raise ConfigError(
            "--list is for tables of runs on datasets with published sizes",
            file=file,
            remedy="Leave out --demo." if options.demo else "Nothing is trained for this table.",
        )
    require(options.step_ms is None or options.step_ms > 0, "step_ms", options.step_ms, "above 0")
    plan = read_plan(file)
    folders = {} if options.data_root is None else roots(options.data_root, plan)
    costs = table_cost(plan, finished_runs(plan, output), lambda config: _root(config, folders))
    print(cost_text(costs, options.step_ms))
    return 0


def _root(config: Config, folders: Mapping[str, str]) -> str | None:
    """The `data_root` of a row's config among the folders of datasets; None if one is missing."""
    names = config.dataset.split(JOINT)
    if not set(names) <= set(folders):
        return None
    return folders[names[0]] if len(names) == 1 else format_pairs({n: folders[n] for n in names})


def _stress(options: Options, file: Path, output: Path) -> None:
    plan = read_stress_plan(file, options.demo)
    given = None  # read before there is a folder, since it may be refused
    if options.stress:
        given = stress_table(plan, Path(options.stress).expanduser(), file.stem)
    with hold_folder(output):
        table = given or stress_table(plan, measure(plan, output / "stress"), file.stem)
        _show(table, output)


def _trained(options: Options, file: Path, output: Path) -> int:
    if options.demo:
        demo.check_no_data(options.data_root)
    plan = read_plan(file, demo.TABLE if options.demo else None)
    cache = cache_folder(options.cache)
    # Finished runs are shown without data.
    finished_only = options.data_root is None and (output / "runs").is_dir()
    folders = {} if options.demo or finished_only else roots(options.data_root, plan)

    def root(config: Config) -> str | None:
        if options.demo:
            return demo.data_root(config, cache, demo.TABLE_DATASET)
        return _root(config, folders)

    overrides = {"device": options.device, "threads": options.threads, "cache": options.cache}
    with held_by_first(output):
        rows = run_rows(plan, output, root, overrides)
        if rows is None:
            return 0
        if finished_only and not options.demo and not any(row.runs for row in rows):
            roots(None, plan)  # raises an error: no data
        _show(paper_table(plan, rows, file.stem), output)
    failed = [row for row in rows if row.error is not None]
    for row in failed:
        print(f"row {row.row.key} is empty: {row.error}")
    return 1 if failed else 0


def _show(table: Table, output: Path) -> None:
    paths = write_table(table, output)
    print(markdown_with_caption(table) + "\n")
    print("\n".join(f"{path.suffix[1:]:<4} {path}" for path in paths))


COMMAND = Command(run, Options)
