"""`gamdss report`: a finished run as one page of HTML that opens from disk."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from gamdss.cli.runs import add_data_options, open_data
from gamdss.config import Config
from gamdss.config.load import new_parser
from gamdss.errors import ConfigError, GamdssError, RunError

if TYPE_CHECKING:
    from gamdss.metrics.calibration import ClipPrediction
    from gamdss.report.clip_cards import ClipPictures
    from gamdss.report.page import Page
    from gamdss.runs.finished import FinishedRun
    from gamdss.runs.reopened import OpenedRun

CLIPS_OF_A_KIND = 2
PAGE_STEPS = 16  # half of what `gamdss attribution` takes: the page shows the maps small


def parser() -> ArgumentParser:
    """Options: the run, and how much of the page needs its data."""
    options = new_parser(
        "write a finished run as one HTML page that needs no network and no other file", "report"
    )
    options.usage = "gamdss report RUN [options]"
    options.add_argument("run", help="a run directory as `gamdss train` leaves it")
    options.add_argument("--output", help="the page; report.html in the run if left out")
    options.add_argument(
        "--frames",
        type=bool,
        default=True,
        help="show faces of clips, which needs the run's data; false where it is not at hand",
    )
    options.add_argument(
        "--evidence",
        type=bool,
        default=True,
        help="show where on the face the networks see their evidence, where captum is installed; "
        "the slowest part",
    )
    add_data_options(options)
    return options


def run(namespace: Any) -> None:
    """Gather, render, and say where the page lies."""
    from gamdss.metrics.calibration import clip_predictions, notable  # noqa: PLC0415
    from gamdss.report.page import write_page  # noqa: PLC0415
    from gamdss.runs.finished import read_run  # noqa: PLC0415

    folder = Path(namespace.run).expanduser()
    output = Path(namespace.output).expanduser() if namespace.output else folder / "report.html"
    if output.is_dir():
        raise ConfigError(
            "--output is a folder", file=output, remedy="Name a file: --output report.html"
        )
    record = read_run(folder)
    kinds = notable(clip_predictions(record.folds, record.selection), CLIPS_OF_A_KIND)
    pictures: dict[str, ClipPictures] = {}
    if namespace.frames:
        pictures = _pictures(_opened(record, namespace), kinds, namespace.evidence)
    write_page(output, page(record, kinds, pictures))
    print(f"page  {output}")


def _opened(record: FinishedRun, namespace: Any) -> OpenedRun:
    try:
        return open_data(record, namespace)
    except GamdssError as error:
        remedy = error.remedy.rstrip()
        raise type(error)(
            error.problem,
            file=error.file,
            row=error.row,
            remedy=f"{remedy}\nWithout the faces of clips, the page needs no data: --frames false",
        ) from error


def _pictures(
    opened: OpenedRun, kinds: Mapping[str, Sequence[ClipPrediction]], evidence: bool
) -> dict[str, ClipPictures]:
    """Key frames of the clips to look at, as the networks saw them, and the networks' evidence."""
    from gamdss.report.clip_cards import ClipPictures  # noqa: PLC0415
    from gamdss.runs.attribution import attribute, has_captum  # noqa: PLC0415

    dataset = opened.dataset
    everywhere = opened.config.reselection.clips == "all"
    keys = dataset.store.reselected_keys if everywhere else dataset.store.annotated_keys
    index = dataset.store.reselected if everywhere else dataset.store.annotated
    chosen = {verdict.clip: verdict.predicted for kind in kinds.values() for verdict in kind}
    found = {}
    if evidence and has_captum():
        # Of one clip of each kind: it takes as long as a hundred evaluations.
        first = {kind[0].clip: kind[0].predicted for kind in kinds.values()}
        found = {item.clip: item for item in attribute(opened, first, PAGE_STEPS)}
    pictures = {}
    for place, clip in enumerate(dataset.annotations.clips):
        if clip.id in chosen:
            phases = found[clip.id].phases if clip.id in found else {}
            pictures[clip.id] = ClipPictures(
                faces=dataset.store.frames[index[place]].transpose(0, 2, 3, 1),
                keys=keys[place],
                annotated=clip.annotated,
                maps={name: phase.values for name, phase in phases.items()},
                changes={name: phase.change for name, phase in phases.items()},
            )
    return pictures


def page(
    record: FinishedRun,
    kinds: Mapping[str, Sequence[ClipPrediction]],
    pictures: Mapping[str, ClipPictures],
) -> Page:
    """Everything the page says, out of the run's own files."""
    from gamdss.report import page_tables as tables  # noqa: PLC0415
    from gamdss.report.clip_cards import card  # noqa: PLC0415
    from gamdss.report.page import Page  # noqa: PLC0415
    from gamdss.report.page_figures import figures  # noqa: PLC0415
    from gamdss.report.page_warnings import warnings  # noqa: PLC0415
    from gamdss.report.tables import ORACLE_NOTE, RESULT_NOTES, extent, judged_epoch  # noqa: PLC0415
    from gamdss.runs.finished import read_json  # noqa: PLC0415

    results, config = record.results, record.config.as_dict()
    rows = {n: _rows(record.path / f"{n}.csv") for n in ("annotations", "keyframes", "composition")}
    clips, composition = rows["annotations"], rows["composition"]
    environment = read_json(record.path / "environment.json")
    plots, note = figures(record.path, results, record.folds)
    names = results["classes"]
    return Page(
        title=f"{results['dataset']}, {len(names)}\u00a0classes\u00a0({results['task']})",
        extent=extent(results),
        numbers=tables.numbers(results),
        selection=f"{RESULT_NOTES[results['selection']]} {ORACLE_NOTE}",
        summary=tables.summary(results),
        classes=tables.classes(results),
        folds=tables.folds(results),
        warnings=warnings(results, config, clips, rows["keyframes"], composition),
        figures=plots,
        figures_note=note,
        clips_note=_clips_note(pictures, judged_epoch(results)),
        clips=[(k, [card(v, names, pictures.get(v.clip)) for v in kinds[k]]) for k in kinds],
        composition=tables.composition(composition),
        corrections=tables.corrections(clips),
        config=tables.config(config, Config().as_dict()),
        config_note="Bold: not the default. Where files lie is left out.",
        environment=tables.environment(environment),
        footer=f"Written by GAMDSS {environment.get('gamdss', '')}".strip() + ".",
    )


def _clips_note(pictures: Mapping[str, ClipPictures], epoch: str) -> str:
    text = (
        f"Held-out clips by the probability that the {epoch}'s network gives to its "
        "prediction; the true class is in bold. "
    )
    if pictures:
        text += "Phases show the change of brightness: red is brighter, blue darker. "
    if any(clip.maps for clip in pictures.values()):
        text += (
            f"Evidence: integrated gradients ({PAGE_STEPS} steps) from the clip without motion to "
            "the clip, over the apex face, smoothed; red speaks for the predicted class, blue "
            "against it, in one scale per clip, and the number is what all motion together "
            "changes in its logit."
        )
    if not pictures:
        text += "Made without the run's data: no faces are shown."
    return text


def _rows(file: Path) -> list[dict[str, str]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))
    except OSError as error:
        raise RunError(
            "this file of the run is missing",
            file=file,
            remedy="Start the run again: it writes what is missing.",
        ) from error
