"""`gamdss stress`: how far key frames are from the truth on made clips, as a grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gamdss.config.command_line import Command
from gamdss.errors import require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gamdss.studies.stress.figure import Panel
    from gamdss.studies.stress.grid import Factor
    from gamdss.studies.stress.numbers import CellNumbers


@dataclass
class Options:
    """Measure how far reselected key frames are from the truth on synthetic clips, as a grid.

    Args:
        output: folder of the cells, tables and figure.
        clips: clips of each cell.
        cells: factors, such as `noise,flicker`; all if empty.
        height: pixels of the synthetic frames.
        width: pixels of the synthetic frames.
        workers: processes; 0 takes one per processor.
    """

    output: str = field(kw_only=True)
    clips: int = 40
    cells: str = ""
    height: int = 340
    width: int = 280
    workers: int = 0

    def __post_init__(self) -> None:
        require(self.clips >= 2, "clips", self.clips, "2 or more")
        require(self.workers >= 0, "workers", self.workers, "0 or more")


def run(options: Options) -> None:
    """Measure what is missing, write tables and figure, and say in words what was found."""
    from gamdss.studies.stress.figure import stress_figure  # noqa: PLC0415
    from gamdss.studies.stress.grid import FACTORS, chosen_factors  # noqa: PLC0415
    from gamdss.studies.stress.numbers import cell_numbers  # noqa: PLC0415
    from gamdss.studies.stress.report import verdict, write_csv, write_markdown  # noqa: PLC0415
    from gamdss.studies.stress.run import StressSizes, stress  # noqa: PLC0415

    factors = chosen_factors(options.cells)
    sizes = StressSizes(options.clips, options.height, options.width, options.workers)
    output = Path(options.output).expanduser()
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


COMMAND = Command(run, Options)
