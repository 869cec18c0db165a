"""`gamdss stress`: how far key frames are from the truth on made clips, as a grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from gamdss.config.load import new_parser
from gamdss.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gamdss.studies.stress.figure import Panel
    from gamdss.studies.stress.grid import Factor
    from gamdss.studies.stress.numbers import CellNumbers


def parser() -> ArgumentParser:
    """Options: which factors, how much, and where to write."""
    options = new_parser(
        "measure how far reselected key frames are from the truth on made clips, as a grid",
        "stress",
    )
    options.add_argument("--output", required=True, help="folder of the cells, tables and figure")
    options.add_argument("--clips", type=int, default=40, help="clips of each cell")
    options.add_argument("--cells", default="", help="factors, such as noise,flicker; all if empty")
    options.add_argument("--height", type=int, default=340, help="pixels of the made frames")
    options.add_argument("--width", type=int, default=280, help="pixels of the made frames")
    options.add_argument("--workers", type=int, default=0, help="processes; 0: one a processor")
    return options


def run(namespace: Any) -> None:
    """Measure what is missing, write tables and figure, and say in words what was found."""
    from gamdss.studies.stress.figure import stress_figure  # noqa: PLC0415
    from gamdss.studies.stress.grid import FACTORS, chosen_factors  # noqa: PLC0415
    from gamdss.studies.stress.numbers import cell_numbers  # noqa: PLC0415
    from gamdss.studies.stress.report import verdict, write_csv, write_markdown  # noqa: PLC0415
    from gamdss.studies.stress.run import StressSizes, stress  # noqa: PLC0415

    for name, least in (("clips", 2), ("workers", 0)):
        if namespace[name] < least:
            raise ConfigError(
                f"--{name} is {namespace[name]}", remedy=f"It must be {least} or more."
            )
    factors = chosen_factors(namespace.cells)
    sizes = StressSizes(namespace.clips, namespace.height, namespace.width, namespace.workers)
    output = Path(namespace.output).expanduser()
    measured = stress(factors, sizes, output)
    numbers = {name: cell_numbers(cell["clips"]) for name, cell in measured.items()}
    table, text, figure = (output / f"stress.{suffix}" for suffix in ("csv", "md", "png"))
    write_csv(numbers, factors, table)
    write_markdown(numbers, factors, figure.name, text)
    panels = [_panel(FACTORS[factor], numbers) for factor in factors]
    stress_figure(panels, figure)
    print("\n".join(verdict(numbers, factors)))
    print(f"numbers  {table}\ntables   {text}\nfigure   {figure}")


def _panel(factor: Factor, numbers: Mapping[str, CellNumbers]) -> Panel:
    import numpy as np  # noqa: PLC0415

    from gamdss.studies.stress.figure import Panel  # noqa: PLC0415
    from gamdss.studies.stress.numbers import KEYS  # noqa: PLC0415

    cells = [numbers[name] for _, name in factor.levels]

    def ends(way: str, key: str) -> np.ndarray:
        found = [cell.errors[way][key] for cell in cells]
        return np.array([(e.mean, e.low, e.high) for e in found]).T

    return Panel(
        title=factor.title,
        labels=tuple(label for label, _ in factor.levels),
        errors={way: {key: ends(way, key) for key in KEYS} for way in cells[0].errors},
        fails={key: np.array([cell.fails(key) for cell in cells]) for key in KEYS},
    )
