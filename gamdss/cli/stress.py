"""`gamdss stress`: key frames, or recognition, against the truth on synthetic clips."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gamdss.config.command_line import Command
from gamdss.errors import require
from gamdss.files import cache_folder
from gamdss.studies.recognition import report as recognition
from gamdss.studies.recognition.numbers import level_numbers
from gamdss.studies.recognition.settings import Sizes
from gamdss.studies.recognition.train import train_cells
from gamdss.studies.stress.cells import StressSizes, chosen_factors
from gamdss.studies.stress.clip import SEED
from gamdss.studies.stress.numbers import stress_numbers
from gamdss.studies.stress.report import verdict, write_report


@dataclass
class Options:
    """Measure how far reselected key frames are from the truth, on a grid of synthetic clips.

    `gamdss stress --recognition --help` shows the options of the recognition study.

    Args:
        output: folder of the cells, tables and figure.
        clips: clips per cell.
        cells: comma-separated factors, such as `noise,flicker`; all if empty.
        height: pixels of the synthetic frames.
        width: pixels of the synthetic frames.
        workers: processes; 0 takes one per processor, and never more than one per four clips.
        between_frames: the true key moments lie anywhere between frames, as in recordings; or
            exactly on frames.
        clips_seed: seed of people, clips and errors.
    """

    output: str = field(kw_only=True)
    clips: int = 40
    cells: str = ""
    height: int = 340
    width: int = 280
    workers: int = 0
    between_frames: bool = True
    clips_seed: int = SEED

    def __post_init__(self) -> None:
        require(self.clips >= 2, "clips", self.clips, "2 or more")
        require(self.workers >= 0, "workers", self.workers, "0 or more")
        require(self.clips_seed >= 0, "clips_seed", self.clips_seed, "0 or more")


def run(options: Options) -> None:
    """Measure the missing cells, write tables and figure, and print the conclusions."""
    factors = chosen_factors(options.cells)
    sizes = StressSizes(
        *(options.clips, options.height, options.width, options.workers),
        *(options.between_frames, options.clips_seed),
    )
    output = Path(options.output).expanduser()
    numbers = stress_numbers(factors, sizes, output)
    table, text, figure = write_report(output, numbers, factors)
    print("\n".join(verdict(numbers, factors)))
    print(f"numbers  {table}\ntables   {text}\nfigure   {figure}")


@dataclass
class RecognitionOptions:
    """Measure recognition on synthetic clips against the error of their annotator.

    Networks are trained on annotated key frames and on those of `motion`, both without and with
    jitter; on draws from its posterior; and on the true ones.

    Args:
        output: folder of the cells, tables and figure.
        recognition: measure recognition.
        cache: folder for synthetic datasets and decoded frames; the user's cache folder if
            omitted.
    """

    output: str = field(kw_only=True)
    recognition: bool = field(kw_only=True)
    cache: str | None = None


def run_recognition(options: RecognitionOptions, sizes: Sizes) -> None:
    """Train the missing cells, write tables and figure, and print the conclusions."""
    require(options.recognition, "recognition", False, "true, or omitted")
    output = Path(options.output).expanduser()
    trained = train_cells(sizes, output, cache_folder(options.cache))
    numbers = {level: level_numbers(trained, level) for level in sorted(sizes.levels)}
    table, text, figure = recognition.write_report(output, numbers, sizes)
    print("\n".join(recognition.conclusions(numbers, sizes)))
    print(f"numbers  {table}\ntables   {text}\nfigure   {figure}")


_RECOGNITION = Command(run_recognition, RecognitionOptions, Sizes)
COMMAND = Command(run, Options, variants={"--recognition": _RECOGNITION})
