"""A finished run as one page: its own files, figures, and the clips to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from gamdss.config import Config, flatten
from gamdss.data.composite import JOINT
from gamdss.metrics import interval_text
from gamdss.metrics.calibration import ClipPrediction
from gamdss.records import KEYS
from gamdss.report import tables
from gamdss.report.clip_cards import ClipPictures, card
from gamdss.report.figures import RunFigure, figures_of
from gamdss.report.page import Number, Page, Plot, embedded_file
from gamdss.report.page_warnings import warnings
from gamdss.report.style import DPI
from gamdss.report.table import Cell, Column, Table
from gamdss.report.tables import ORACLE_NOTE, epoch_name, result_note
from gamdss.report.unit_tables import measure_titles, unit_note
from gamdss.runs.attribution import attribute, has_captum
from gamdss.runs.finished import FinishedRun
from gamdss.runs.reopened import OpenedRun
from gamdss.training.results import RunResults
from gamdss.training.run_files import read_object, read_rows

# What earlier versions wrote in `keyframes.csv` for key frames that reselection left unchanged.
_KEPT_BEFORE = re.compile(r"(onset|apex|offset) kept: |kept as annotated: ")
# Files of a run that the page reads, and the columns that it needs.
_READ = {
    "annotations": ("subject", "clip", "row", "correction", "notes"),
    "keyframes": ("subject", "clip", "notes"),
    "composition": ("dataset", "class", "clips", "published"),
}
PAGE_STEPS = 16  # half of the steps of `gamdss attribution`: the page shows small maps
# Fields with paths of this machine, which the page does not show.
_PLACES = {
    *("data_root", "annotations", "clip_list", "output", "cache", "init_from"),
    *("model.weights", "protocol.split", "reselection.annotators"),
}


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
        # Only one clip of each kind: this takes as long as a hundred evaluations.
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
    """The whole page, from the run's own files.

    Args:
        record: the run.
        kinds: the clips to look at, by heading.
        pictures: of these clips, by clip id; empty without the run's data.

    Raises:
        RunError: a file of the run or a figure is missing or broken, or cannot be written.
    """
    results, config = record.results, record.config
    rows = {
        name: read_rows(record.path / f"{name}.csv", columns, [n for n in columns if n == "clips"])
        for name, columns in _READ.items()
    }
    key_frames = [_with_kept(row) for row in rows["keyframes"]]
    environment = read_object(record.path / "environment.json")
    plots, note = _figures(record)
    names = results.classes
    return Page(
        title=f"{results.dataset}, " + tables.class_count(results).replace(" ", "\u00a0"),
        extent=tables.extent(results),
        numbers=_numbers(results),
        selection=_selection(results),
        tables=_tables(results),
        warnings=warnings(results, config, rows["annotations"], key_frames, rows["composition"]),
        figures=plots,
        figures_note=note,
        clips_note=_clips_note(pictures, results),
        clips=[(k, [card(v, names, pictures.get(v.clip)) for v in kinds[k]]) for k in kinds],
        composition=_composition(rows["composition"], results),
        corrections=_corrections(rows["annotations"]),
        config=_config(config),
        config_note="Bold: not the default. Paths are omitted.",
        environment=_environment(environment),
        footer=f"Written by GAMDSS {environment.get('gamdss', '')}".strip() + ".",
    )


def _selection(results: RunResults) -> str:
    """Which networks the result is of, and what to compare it with."""
    if not results.scored:
        return result_note(results)
    notes = [result_note(results), ORACLE_NOTE]
    return " ".join([*notes, unit_note(results)] if results.of_units else notes)


def _numbers(results: RunResults) -> list[Number]:
    """The four measures as the run is evaluated, each with its interval and the oracle's."""
    if not results.scored:
        return [Number("Held-out score", "unknown", ["trained on everybody"])]
    found, evaluated, oracle = [], results.evaluated, results.evaluations["oracle"]
    for measure, name in measure_titles(results.task).items():
        ends = evaluated.intervals.get(measure)
        lines = [f"95% interval: {interval_text(ends)}"]
        lines.append(f"oracle: {oracle.measures[measure]:.3f}")
        value = f"{evaluated.measures[measure]:.3f}"
        found.append(Number(f"{name}, {epoch_name(results)}", value, lines))
    return found


def _tables(results: RunResults) -> list[Table]:
    """The tables of scores; none if nothing is held out."""
    if not results.scored:
        return []
    summary, *others = (show(results) for show in (tables.summary, tables.classes, tables.folds))
    return [summary, *tables.datasets(results), *others]


def _figures(record: FinishedRun) -> tuple[list[list[Plot]], str]:
    """Figures in groups that stand side by side, and how to draw those that are missing."""
    groups: dict[str, list[Plot]] = {}
    absent = []
    for figure in figures_of(record.results):
        file = record.path / figure.file
        if figure.draw is not None and not file.is_file():  # an earlier version did not draw it
            figure.draw(record.results, record.folds, file)
        if file.is_file():
            plot = _plot(figure, file, record.results)
            groups.setdefault(figure.beside or figure.name, []).append(plot)
        elif figure.command:
            absent.append(f"“{figure.command} RUN”")
    note = f"More figures: {' and '.join(absent)}, then write this page again." if absent else ""
    return list(groups.values()), note


def _plot(figure: RunFigure, file: Path, results: RunResults) -> Plot:
    source, width, height = embedded_file(file)
    result = result_note(results)
    caption = figure.caption.format(epoch=epoch_name(results), result=result)
    return Plot(
        anchor=f"figure-{figure.name}",
        source=source,
        width=width,
        height=height,
        shown=round(96 * width / DPI) + 32,
        alt=f"{caption} {figure.words(results)}".strip(),
        caption=caption,
    )


def _clips_note(pictures: Mapping[str, ClipPictures], results: RunResults) -> str:
    if not results.scored:
        return "No clip is held out."
    if results.of_units:
        return "Clips of a run of action units are listed in results.json, not shown here."
    text = (
        f"Held-out clips by the probability that the {epoch_name(results)}'s network gives to its "
        "prediction; the true class is in bold. "
    )
    if pictures:
        text += "Phases show the change of brightness: red is brighter, blue darker. "
    if any(clip.maps for clip in pictures.values()):
        text += (
            f"Evidence: integrated gradients ({PAGE_STEPS} steps) from the clip without motion to "
            "the clip, over the apex face, smoothed; red is evidence for the predicted class, blue "
            "against it, in one scale per clip. The number is the change of its logit by all "
            "motion together."
        )
    if not pictures:
        text += "Written without the run's data: no faces are shown."
    return text


def _composition(rows: Sequence[Mapping[str, str]], results: RunResults) -> Table:
    """Clips of each dataset and class, and their published number."""
    names = ("dataset", "class", "clips")
    body = [[*(row[name] for name in names), row["published"] or "not known"] for row in rows]
    kind = "action unit" if results.of_units else "class"
    columns = [Column("dataset", "label"), Column(kind, "label")]
    columns += [Column("clips here"), Column("clips published")]
    if results.of_units:  # a clip counts for each of its units: a sum would count it several times
        return Table(columns, body, "Clips of each action unit")
    total = str(sum(int(row["clips"]) for row in rows))
    last = [Cell(text, bold=True) for text in ("all", "", total, "")]
    return Table(columns, [*body, last], "Clips of each class")


def _corrections(rows: Sequence[Mapping[str, str]]) -> Table | None:
    """Clips with corrected workbook rows or with notes; None if there are none."""
    body = [
        [f"{row['subject']}/{row['clip']}", row["row"], row["correction"], row["notes"]]
        for row in rows
        if row["correction"] or row["notes"]
    ]
    columns = [Column("clip", "label"), Column("row")]
    columns += [Column(title, "text", wrap=True) for title in ("correction", "note")]
    return Table(columns, body, "Clips that differ from the workbook") if body else None


def _config(config: Config) -> Table:
    """Every field without a path, and its default; values that differ from it are bold."""
    defaults = flatten(Config().as_dict())
    rows = []
    # A dataset may be the file of a spec.
    dataset = JOINT.join(PurePath(part).name for part in config.dataset.split(JOINT))
    for name, value in flatten(config.as_dict() | {"dataset": dataset}).items():
        if name not in _PLACES:
            texts = [_plain(value), _plain(defaults.get(name))]
            bold = texts[0] != texts[1]
            rows.append([Cell(text, bold=bold) for text in (name, *texts)])
    columns = [Column("field", "label"), Column("value", "text"), Column("default", "text")]
    return Table(columns, rows, "Fields of the run")


def _environment(values: Mapping[str, Any]) -> Table:
    """Versions, device, commit and seed; for a merged run, of each part."""
    parts = values.get("merged") or {}
    named = {f"part {i}": part for i, part in enumerate(parts.values(), start=1)} or dict(values)
    rows = [[name, _plain(value)] for name, value in flatten(named).items()]
    columns = [Column("", "label", wrap=True), Column("", "text", wrap=True)]
    return Table(columns, rows, "What the numbers were computed with")


def _plain(value: Any) -> str:
    """A field's value as in YAML."""
    if value is None:
        return "—"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _with_kept(row: dict[str, str]) -> dict[str, str]:
    """A row of `keyframes.csv`; earlier versions named unchanged key frames only in the notes."""
    if "kept" in row:
        return row
    notes = row["notes"].split("; ")
    kept = [match[1] or " ".join(KEYS) for note in notes if (match := _KEPT_BEFORE.match(note))]
    rest = [note for note in notes if not _KEPT_BEFORE.match(note)]
    return {**row, "notes": "; ".join(rest), "kept": " ".join(kept)}
