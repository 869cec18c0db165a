"""`gamdss table`: a table of the paper, with what is missing trained first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from gamdss import demo
from gamdss.cli.train import made
from gamdss.config.load import new_parser
from gamdss.errors import ConfigError
from gamdss.files import cache_folder
from gamdss.report.paper_files import paper_markdown, write_table

if TYPE_CHECKING:
    from gamdss.config import Config
    from gamdss.report.paper_table import PaperTable


def parser() -> ArgumentParser:
    """Options: the table's file, where the data lies, where the table goes."""
    options = new_parser(
        "make a table of the paper from its file, training the runs that are missing", "table"
    )
    options.add_argument("file", help="the table's file, such as configs/tables/branches.yaml")
    options.add_argument(
        "--data_root",
        help="the dataset's folder; of several datasets, each one's: cas2=/data/CASME2,samm=...; "
        "rows of datasets that are left out show finished runs only",
    )
    options.add_argument(
        "--demo", action="store_true", help="a tiny version on small made datasets, in minutes"
    )
    options.add_argument("--output", help="folder of the table and its runs; runs/table_<name>")
    options.add_argument("--cache", help="folder for decoded frames and made datasets")
    options.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    options.add_argument("--threads", type=int, default=0, help="CPU threads; 0: PyTorch's number")
    options.add_argument(
        "--list",
        action="store_true",
        help="list the runs, which are finished, and how much training the others take by the "
        "published sizes of the datasets; train nothing",
    )
    options.add_argument(
        "--step_ms",
        type=float,
        help="with --list: milliseconds of a training step for each sample, as `gamdss bench` "
        "measures them on your machine, for hours",
    )
    options.add_argument("--stress", help="stress.csv for a table of key frames' errors")
    return options


def run(namespace: Any) -> int:
    """Train or measure what is missing, write the table, and show it; 1 if a row failed."""
    from gamdss.studies.tables.plan import is_stress  # noqa: PLC0415

    file = Path(namespace.file).expanduser()
    name = f"{'demo_' if namespace.demo else ''}table_{file.stem}"
    output = Path(namespace.output).expanduser() if namespace.output else Path("runs") / name
    if namespace.list:
        return _listed(namespace, file, output)
    if is_stress(file):
        _show(_stress(namespace, file, output), output)
        return 0
    return _trained(namespace, file, output)


def _listed(namespace: Any, file: Path, output: Path) -> int:
    from gamdss.studies.tables.cost import cost_text, table_cost  # noqa: PLC0415
    from gamdss.studies.tables.plan import is_stress, read_plan  # noqa: PLC0415
    from gamdss.studies.tables.train import finished_runs  # noqa: PLC0415

    if is_stress(file) or namespace.demo:
        raise ConfigError(
            "--list is for tables of runs on datasets with published sizes",
            file=file,
            remedy="Leave out --demo." if namespace.demo else "Nothing is trained for this table.",
        )
    if namespace.step_ms is not None and not namespace.step_ms > 0:
        raise ConfigError(f"--step-ms is {namespace.step_ms}", remedy="It must be above 0.")
    plan = read_plan(file)
    print(cost_text(table_cost(plan, finished_runs(plan, output)), namespace.step_ms))
    return 0


def _stress(namespace: Any, file: Path, output: Path) -> PaperTable:
    from gamdss.studies.tables.stress import measure, read_stress_plan, stress_table  # noqa: PLC0415

    plan = read_stress_plan(file, namespace.demo)
    if namespace.stress:
        numbers = Path(namespace.stress).expanduser()
    else:
        numbers = measure(plan, output / "stress")
    return stress_table(plan, numbers, file.stem)


def _trained(namespace: Any, file: Path, output: Path) -> int:
    from gamdss.data.composite import write_paths  # noqa: PLC0415
    from gamdss.studies.tables.cells import paper_table  # noqa: PLC0415
    from gamdss.studies.tables.plan import read_plan  # noqa: PLC0415
    from gamdss.studies.tables.train import roots, run_rows  # noqa: PLC0415

    if namespace.demo and namespace.data_root is not None:
        raise ConfigError(
            f"--demo makes its own data, but --data-root is {namespace.data_root!r}",
            remedy="Leave out one of the two.",
        )
    plan = read_plan(file, demo.TABLE if namespace.demo else None)
    cache = cache_folder(namespace.cache)
    # Finished runs are shown without their data.
    finished_only = namespace.data_root is None and (output / "runs").is_dir()
    folders = {} if namespace.demo or finished_only else roots(namespace.data_root, plan)

    def root(config: Config) -> str | None:
        if namespace.demo:
            return made(config, cache, demo.TABLE_DATASET)
        names = config.dataset.split("+")
        if not set(names) <= set(folders):
            return None
        return write_paths({name: folders[name] for name in names})

    overrides = {"device": namespace.device, "threads": namespace.threads}
    rows = run_rows(plan, output, cache, root, overrides)
    if rows is None:
        return 0
    if finished_only and not namespace.demo and not any(row.runs for row in rows):
        roots(None, plan)  # says that there is no data
    _show(paper_table(plan, rows, file.stem), output)
    failed = [row for row in rows if row.error is not None]
    for row in failed:
        print(f"row {row.row.key} is empty: {row.error}")
    return 1 if failed else 0


def _show(table: PaperTable, output: Path) -> None:
    paths = write_table(table, output)
    print(paper_markdown(table))
    print("\n".join(f"{path.suffix[1:]:<4} {path}" for path in paths))
