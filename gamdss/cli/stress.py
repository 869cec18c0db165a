"""`gamdss stress`: how far key frames are from the truth on synthetic clips, as a grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gamdss.config.command_line import Command
from gamdss.errors import require
from gamdss.studies.stress.cells import StressSizes, chosen_factors
from gamdss.studies.stress.numbers import stress_numbers
from gamdss.studies.stress.report import verdict, write_report


@dataclass
class Options:
    """Measure how far reselected key frames are from the truth on synthetic clips, as a grid.

    Args:
        output: folder of the cells, tables and figure.
        clips: clips per cell.
        cells: comma-separated factors, such as `noise,flicker`; all if empty.
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
    """Measure the missing cells, write tables and figure, and print the conclusions."""
    # Measuring loads OpenCV and matplotlib, which the other commands do not need.

    factors = chosen_factors(options.cells)
    sizes = StressSizes(options.clips, options.height, options.width, options.workers)
    output = Path(options.output).expanduser()
    numbers = stress_numbers(factors, sizes, output)
    table, text, figure = write_report(output, numbers, factors)
    print("\n".join(verdict(numbers, factors)))
    print(f"numbers  {table}\ntables   {text}\nfigure   {figure}")


COMMAND = Command(run, Options)
