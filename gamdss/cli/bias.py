"""`gamdss bias`: how far a dataset's annotated key frames lie from where the motion puts them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gamdss.config import Config
from gamdss.config.command_line import Command
from gamdss.files import cache_folder, write_atomic, write_json

if TYPE_CHECKING:
    from gamdss.studies.bias import Study
    from gamdss.studies.bias.sources import Joined


@dataclass
class Options:
    """Measure the bias and uncertainty of a dataset's annotation, and write a corrected one.

    Args:
        groups: a CSV file of subject,group (annotator, culture ...; each further column is another
            grouping; columns dataset and clip may stand beside subject).
        fps: frames per second, in place of the spec's.
    """

    groups: str | None = None
    fps: float | None = None


def run(options: Options, config: Config) -> None:
    """Reselect, measure, write and draw, and print where the results are."""
    # Reading datasets loads PyTorch and pandas: the other commands need not wait for them.
    from gamdss.studies.bias import read_groups, study  # noqa: PLC0415
    from gamdss.studies.bias.pictures import draw_all  # noqa: PLC0415
    from gamdss.studies.bias.sources import open_sources, warnings  # noqa: PLC0415
    from gamdss.studies.bias.tables import bias_markdown, bias_summary  # noqa: PLC0415

    name = Path(config.dataset).stem
    output = Path(config.output or f"runs/bias_{name}").expanduser()
    joined = open_sources(config, cache_folder(config.cache), options.fps)
    specs = {source.spec.name: source.spec for source in joined.sources}
    extra = []
    if options.groups is not None:
        file = Path(options.groups).expanduser()
        extra = read_groups(
            file,
            joined.shifts,
            lambda which, cell: specs[which].subject(cell) if which in specs else cell,
        )
    found = study(
        " + ".join(source.dataset.title for source in joined.sources),
        joined.shifts,
        extra,
        joined.truth,
        warnings(joined.sources, config.reselection.preset),
    )
    written = _write(output, found, joined)
    figures = draw_all(output, found, joined)
    text = bias_markdown(found, figures) + "\n"
    write_atomic(output / "bias.md", lambda target: target.write_text(text, encoding="utf-8"))
    print(bias_summary(found))
    print(f"\nreport   {output / 'bias.md'}")
    for book in written:
        print(f"workbook {book}")
    for figure in figures.values():
        print(f"figure   {output / figure}")


def _write(output: Path, found: Study, joined: Joined) -> list[Path]:
    """Tables for other programs; returns the corrected workbooks."""
    from gamdss.data.corrected_workbook import write_corrected  # noqa: PLC0415
    from gamdss.data.dataset import write_key_frames  # noqa: PLC0415
    from gamdss.studies.bias import write_shifts  # noqa: PLC0415

    write_json(output / "bias.json", found.as_dict())
    write_shifts(output / "shifts.csv", found.shifts)
    books = []
    for source in joined.sources:
        folder = output / source.spec.name if len(joined.sources) > 1 else output
        write_key_frames(folder / "keyframes.csv", source.dataset)
        original = source.dataset.annotations.workbook
        books.append(write_corrected(source.spec, original, folder, source.clips, source.keys))
    return books


COMMAND = Command(
    run,
    Options,
    Config,
    unused=(
        *("features", "model", "augmentation", "training", "protocol"),
        *("seed", "device", "threads", "tensorboard"),
    ),
    defaults={"reselection.preset": "motion", "task": "all"},
)
