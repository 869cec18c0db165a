"""`gamdss report`: a finished run as one HTML page that opens from disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gamdss.config.command_line import Command, positional
from gamdss.errors import GamdssError
from gamdss.files import check_file
from gamdss.metrics.calibration import ClipPrediction, clip_predictions, notable
from gamdss.report.clip_cards import ClipPictures
from gamdss.report.page import write_page
from gamdss.report.run_page import clip_pictures, run_page
from gamdss.runs.finished import FinishedRun, read_run
from gamdss.runs.reopened import DataOptions, OpenedRun, open_run

CLIPS_OF_A_KIND = 2


@dataclass
class Options(DataOptions):
    """Write a finished run as one HTML page that needs no network and no other file.

    Args:
        output: the page; `report.html` in the run directory if omitted.
        frames: show faces of clips, which needs the data of the run; use false if it is not
            available.
        evidence: show where on the face the networks see their evidence, if captum is installed;
            the slowest part.
    """

    run: str = positional("a run directory as `gamdss train` leaves it")
    output: str | None = None
    frames: bool = True
    evidence: bool = True


def run(options: Options) -> None:
    """Write the page, and print where it is."""
    folder = Path(options.run).expanduser()
    output = Path(options.output).expanduser() if options.output else folder / "report.html"
    check_file(output, "--output")
    record = read_run(folder)
    kinds: dict[str, list[ClipPrediction]] = {}
    pictures: dict[str, ClipPictures] = {}
    if record.results.scored and not record.results.of_units:
        kinds = notable(clip_predictions(record.folds, record.selection), CLIPS_OF_A_KIND)
    if kinds and options.frames:
        pictures = clip_pictures(_opened(record, options), kinds, options.evidence)
    write_page(output, run_page(record, kinds, pictures))
    print(f"page  {output}")


def _opened(record: FinishedRun, options: Options) -> OpenedRun:
    try:
        return open_run(record, options)
    except GamdssError as error:
        remedy = error.remedy.rstrip()
        raise type(error)(
            error.problem,
            file=error.file,
            row=error.row,
            remedy=f"{remedy}\nOr omit the faces of clips, which need the data: --frames false",
        ) from error


COMMAND = Command(run, Options)
