"""`gamdss align`: raw frames -> aligned face crops."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gamdss.align.settings import AlignConfig
from gamdss.config.command_line import Command
from gamdss.errors import ConfigError, FrameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gamdss.align import Outcome
    from gamdss.report.contact_sheet import Cell

_SOURCES = "Give a folder or a video with --input, or a dataset with --dataset and --data-root."
SHEET_NAME = "contact_sheet.png"


@dataclass
class Options:
    """Find the face in raw frames and write aligned crops, which training reads.

    Args:
        input: a folder of frames, a tree of such folders (one per clip), or a video.
        dataset: name of a dataset, or a spec, in place of `input`.
        data_root: the dataset's folder.
        annotations: the dataset's workbook, if it is elsewhere.
        layout: the layout of the spec that is read; `raw` if omitted and the spec has one.
        pattern: path of a raw frame in place of the spec's layouts.
        output: the folder of the crops.
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


def run(options: Options, settings: AlignConfig) -> None:
    """Align, and report the result of each clip."""
    from gamdss.align import align_clips  # noqa: PLC0415
    from gamdss.align.sources import dataset_jobs, input_jobs  # noqa: PLC0415

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
    if all(outcome.pose is None for outcome in outcomes):
        raise FrameError(
            "no clip could be aligned",
            file=source.place,
            remedy="The reasons are above. Faces must be frontal; --yunet FILE names a detector "
            "that accepts more poses.",
        )


def _report(
    outcomes: Sequence[Outcome],
    output: Path,
    settings: AlignConfig,
    notes: Sequence[str],
    hint: str,
) -> str:
    """Write the table and the contact sheet; returns what the terminal shows."""
    from gamdss.align.summary import CSV_NAME, summary, write_csv  # noqa: PLC0415
    from gamdss.report.contact_sheet import contact_sheet  # noqa: PLC0415

    write_csv(output / CSV_NAME, outcomes)
    aligned = sum(outcome.pose is not None for outcome in outcomes)
    pages = contact_sheet(
        output / SHEET_NAME,
        [_cell(outcome, output) for outcome in outcomes],
        f"First crops: {aligned} of {len(outcomes)} clips aligned",
        (settings.height, settings.width),
    )
    lines = [summary(outcomes), "", *notes, f"table   {output / CSV_NAME}"]
    more = f" and {len(pages) - 1} more pages" if len(pages) > 1 else ""
    lines.append(f"sheet   {pages[0]}{more}")
    return "\n".join([*lines, hint] if hint else lines)


def _cell(outcome: Outcome, output: Path) -> Cell:
    from gamdss.data.frames import decode  # noqa: PLC0415
    from gamdss.report.contact_sheet import Cell  # noqa: PLC0415

    if outcome.pose is None:
        return Cell(outcome.id, lambda: None, "failed", failed=True)
    note = outcome.settings if outcome.status == "relaxed" else ""
    return Cell(outcome.id, lambda: decode(output / outcome.crop, colour=False)[..., ::-1], note)


COMMAND = Command(run, Options, AlignConfig)
