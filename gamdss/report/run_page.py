"""A finished run as one page: its own files, figures, and the clips to look at."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from gamdss.config import Config
from gamdss.errors import RunError
from gamdss.metrics.calibration import ClipPrediction
from gamdss.records import KEYS
from gamdss.report import page_tables as tables
from gamdss.report.clip_cards import ClipPictures, card
from gamdss.report.page import Page
from gamdss.report.page_figures import figures
from gamdss.report.page_warnings import warnings
from gamdss.report.tables import ORACLE_NOTE, RESULT_NOTES, extent, judged_epoch
from gamdss.runs.attribution import attribute, has_captum
from gamdss.runs.finished import FinishedRun
from gamdss.runs.reopened import OpenedRun
from gamdss.training.run_files import read_json

# What earlier versions wrote in `keyframes.csv` of key frames that reselection left unchanged.
_KEPT_BEFORE = re.compile(r"(onset|apex|offset) kept: |kept as annotated: ")
PAGE_STEPS = 16  # half of what `gamdss attribution` takes: the page shows the maps small


def clip_pictures(
    opened: OpenedRun, kinds: Mapping[str, Sequence[ClipPrediction]], evidence: bool
) -> dict[str, ClipPictures]:
    """Key frames of the clips to look at, as the networks saw them, and the networks' evidence."""
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


def run_page(
    record: FinishedRun,
    kinds: Mapping[str, Sequence[ClipPrediction]],
    pictures: Mapping[str, ClipPictures],
) -> Page:
    """Everything the page says, out of the run's own files."""
    results, config = record.results, record.config.as_dict()
    files = ("annotations", "keyframes", "composition")
    rows = {name: _rows(record.path / f"{name}.csv") for name in files}
    clips, composition = rows["annotations"], rows["composition"]
    key_frames = [_with_kept(row) for row in rows["keyframes"]]
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
        warnings=warnings(results, config, clips, key_frames, composition),
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


def _with_kept(row: dict[str, str]) -> dict[str, str]:
    """A row of `keyframes.csv`; earlier versions named unchanged key frames only in the notes."""
    if "kept" in row:
        return row
    notes = row["notes"].split("; ")
    kept = [match[1] or " ".join(KEYS) for note in notes if (match := _KEPT_BEFORE.match(note))]
    rest = [note for note in notes if not _KEPT_BEFORE.match(note)]
    return {**row, "notes": "; ".join(rest), "kept": " ".join(kept)}


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
