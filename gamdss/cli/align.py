"""`gamdss align`: raw frames -> aligned face crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gamdss.align import Outcome, align_clips
from gamdss.align.clip import ALIGNED, LOST, RELAXED
from gamdss.align.settings import AlignConfig
from gamdss.align.sources import dataset_jobs, input_jobs
from gamdss.align.summary import CSV_NAME, summary, write_outcomes
from gamdss.config.command_line import Command
from gamdss.data.decoding import decode
from gamdss.errors import ConfigError, FrameError
from gamdss.report.contact_sheet import Cell, contact_sheet

_SOURCES = "Give a folder or a video with --input, or a dataset with --dataset and --data-root."
SHEET_NAME = "contact_sheet.png"
_LOST = (
    "Look at the contact sheet. Cut clips whose face is lost to the frames with the face, or leave "
    "them out."
)
_REMEDIES = 5  # shown, since those of missing frames differ from clip to clip
REPORT = "_report"  # the folder of the table and the sheet: beside the output, with this ending


@dataclass
class Options:
    """Find the face in raw frames and write aligned crops, which training reads.

    Args:
        input: a video, a folder of frames, or a tree of them (one clip each).
        dataset: name of a dataset, or a spec, in place of `input`.
        data_root: the dataset's folder.
        annotations: the dataset's workbook, if it is elsewhere.
        layout: the layout of the spec that is read; `raw` if omitted and the spec has one.
        pattern: path of a raw frame in place of the spec's layouts.
        output: the folder of the crops; the table and the contact sheet are written beside it.
    """

    output: str = field(kw_only=True)
    input: str | None = None
    dataset: str | None = None
    data_root: str | None = None
    annotations: str | None = None
    layout: str | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        names = ("dataset", "data_root", "annotations", "layout", "pattern")
        given = [f"--{n.replace('_', '-')}" for n in names if getattr(self, n) is not None]
        if self.input is not None and given:
            raise ConfigError(f"--input and {given[0]} are both given", remedy=_SOURCES)
        if self.input is None:
            missing = [n for n in ("dataset", "data_root") if getattr(self, n) is None]
            if missing:
                what = "--input" if not given else f"--{missing[0].replace('_', '-')}"
                raise ConfigError(f"{what} is missing", remedy=_SOURCES)


def run(options: Options, settings: AlignConfig) -> int:
    """Align, and report the result of each clip; returns 1 if one failed or its face is lost."""
    output = Path(options.output).expanduser()
    if options.input is not None:
        source = input_jobs(Path(options.input).expanduser(), output)
    else:
        source = dataset_jobs(
            options.dataset or "",
            options.data_root or "",
            options.annotations,
            options.layout,
            options.pattern,
        )
    done = align_clips(source.jobs, settings, output) if source.jobs else []
    outcomes = source.in_order(done)
    hint = source.finish(output) if done else ""
    print(_report(outcomes, output, settings, source.notes, hint))
    bad = [outcome for outcome in outcomes if outcome.status not in (ALIGNED, RELAXED)]
    remedies = "\n".join(list(dict.fromkeys(filter(None, map(_remedy, bad))))[:_REMEDIES])
    if len(bad) == len(outcomes):
        raise FrameError("no clip could be aligned", file=source.place, remedy=remedies)
    if bad:
        print(f"\n{len(bad)} of {len(outcomes)} clips could not be aligned\n{remedies}")
    return int(bool(bad))


def _remedy(outcome: Outcome) -> str:
    return _LOST if outcome.status == LOST else outcome.remedy


def _report(
    outcomes: Sequence[Outcome],
    output: Path,
    settings: AlignConfig,
    notes: Sequence[str],
    hint: str,
) -> str:
    """Write the table and the contact sheet; returns what the terminal shows."""
    # Not among the crops, where every reader of frames would take the sheet for one of them.
    place = output.resolve()
    folder = place.with_name(f"{place.name}{REPORT}")
    if (output / CSV_NAME).is_file():  # of an earlier version
        for old in (output / CSV_NAME, *output.glob(f"{Path(SHEET_NAME).stem}*.png")):
            old.unlink()
    write_outcomes(folder / CSV_NAME, outcomes)
    aligned = sum(outcome.status in (ALIGNED, RELAXED) for outcome in outcomes)
    pages = contact_sheet(
        folder / SHEET_NAME,
        [_cell(outcome, output) for outcome in outcomes],
        f"First, middle and last crop: {aligned} of {len(outcomes)} clips aligned",
        (3 * settings.height, settings.width),
    )
    lines = [summary(outcomes), "", *notes, f"table   {folder / CSV_NAME}"]
    more = f" and {len(pages) - 1} more pages" if len(pages) > 1 else ""
    lines.append(f"sheet   {pages[0]}{more}")
    return "\n".join([*lines, hint] if hint else lines)


def _cell(outcome: Outcome, output: Path) -> Cell:
    """The first, middle and last crop of a clip, and what the check of its frames found."""
    if outcome.pose is None:
        return Cell(outcome.id, lambda: None, "failed", failed=True)

    def picture() -> np.ndarray:
        names = (outcome.crop, *outcome.later)
        crops = [decode(output / name, colour=False)[..., ::-1] for name in names]
        return np.concatenate([*crops, *crops[-1:] * (3 - len(crops))])

    relaxed = outcome.status == RELAXED
    note = "relaxed" if relaxed else "face"
    if outcome.seen is not None and outcome.drift is not None:
        note = f"{note} {outcome.seen:.0%}, drift {outcome.drift:.0f} px"
    return Cell(outcome.id, picture, note, outcome.status == LOST, quiet=not relaxed)


COMMAND = Command(run, Options, AlignConfig)
