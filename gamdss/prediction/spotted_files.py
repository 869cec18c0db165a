"""Tables, scores and page of `gamdss spot --dataset`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gamdss.data.long_emotions import label_class
from gamdss.data.long_videos import LongVideos
from gamdss.files import write_csv, write_json
from gamdss.metrics import interval_text
from gamdss.metrics.spotting import IOU, Span, SpottingScore, iou, spotting_scores
from gamdss.prediction.spot_dataset import SpottedVideo
from gamdss.prediction.spotted_recognition import Recognition, predicted
from gamdss.records import KEYS
from gamdss.report.page import write_page
from gamdss.report.spotting_table import TITLES, score_cells, spotting_table
from gamdss.report.table import Column, Table
from gamdss.runs.finished import FinishedRun

_TEMPLATE = Path(__file__).parent / "spotting.html"
_SHARES = ("precision", "recall", "f1")
_RULE = f"MEGC: intersection over union of {IOU} or more, types apart, all recordings counted"
_SHOWN = 5


@dataclass(frozen=True)
class _SpottingPage:
    """Everything on the page."""

    title: str
    extent: str
    warnings: Sequence[str]
    tables: Sequence[Table]
    footer: str


def score_videos(found: Sequence[SpottedVideo]) -> dict[str, SpottingScore]:
    """Scores of micro- and macro-expressions and of both, over all recordings."""
    return spotting_scores([item.recording for item in found])


def write_spotted_videos(
    data: LongVideos,
    found: Sequence[SpottedVideo],
    output: Path,
    options: Mapping[str, object],
    run: FinishedRun | None = None,
) -> str:
    """Write predictions, labels, recordings, notes on rows, scores and page; returns a summary.

    Args:
        data: the dataset.
        found: its recordings, spotted.
        output: folder of the files.
        options: those that determine the labels; they are stored with the scores.
        run: the run that classified the micro-expressions.
    """
    classes = () if run is None else run.classes
    scores = score_videos(found)
    strs = None if run is None else Recognition.of(found, run)
    write_csv(output / "predictions.csv", _predictions(found, classes))
    write_csv(output / "labels.csv", _labels(found, classes))
    write_csv(output / "recordings.csv", _recordings(found, run))
    header = ("row", "name", "problem", "what was done")
    notes = [(note.row, note.name, note.kind, note.text) for note in data.notes]
    write_csv(output / "notes.csv", [header, *notes])
    values = {
        "dataset": data.spec.name,
        "workbook": data.workbook.name,
        "rule": _RULE,
        **options,
        "recordings": len(found),
        "recordings_without_face": sum(item.status == "no face" for item in found),
        "recordings_failed": {item.video.name: item.problem for item in found if item.problem},
        "subjects": len({item.video.subject for item in found}),
        "scores": {name: _values(score) for name, score in scores.items()},
        **({"strs": strs.as_dict()} if strs else {}),
    }
    write_json(output / "scores.json", values)
    warnings = [*_warnings(found), *_doubts(found), *(strs.warnings if strs else ())]
    _write_page(output / "spotting.html", data, scores, strs, warnings)
    lines = [data.summary, "", spotting_table({data.spec.title: scores}, "simple"), ""]
    lines += [strs.text, ""] if strs else []
    files = ("predictions.csv", "labels.csv", "recordings.csv", "notes.csv", "scores.json")
    paths = [str(output / name) for name in (*files, "spotting.html")]
    return "\n".join([*lines, *(f"warning: {text}" for text in warnings), *paths])


def _warnings(found: Sequence[SpottedVideo]) -> list[str]:
    failed = [item for item in found if item.status == "failed"]
    lost = sum(item.status == "no face" for item in found)
    warnings = [
        f"{item.video.name} could not be spotted: {item.problem}" for item in failed[:_SHOWN]
    ]
    warnings += [f"and {len(failed) - _SHOWN} more failed"] if len(failed) > _SHOWN else []
    warnings += [f"{lost} recordings show no face"] if lost else []
    return [*warnings, "all labels of these recordings are missed"] if warnings else []


def _doubts(found: Sequence[SpottedVideo]) -> list[str]:
    """What is doubtful about the frames of recordings."""
    doubts = [f"{item.video.name}: {text}" for item in found for text in item.warnings]
    more = len(doubts) - _SHOWN
    return doubts[:_SHOWN] + ([f"and {more} more, in recordings.csv"] if more > 0 else [])


def _write_page(
    path: Path,
    data: LongVideos,
    scores: Mapping[str, SpottingScore],
    strs: Recognition | None,
    warnings: Sequence[str],
) -> None:
    rows = [(name, *score_cells(score, ".3f")) for name, score in scores.items()]
    if strs:
        micro, interval = strs.score, interval_text(strs.score.interval)
        pairs = f"{micro.pairs} classified"
        rows.append(("STRS, micro", pairs, "", "", f"{micro.value:.3f}", interval))
    columns = [Column("", "label", key="type"), *map(Column, TITLES)]
    counted = Counter(note.kind for note in data.notes)
    tables = [Table(columns, rows, "Scores")]
    if counted:
        kinds = [Column("", "label", key="rows"), Column("rows of the workbook")]
        tables.append(Table(kinds, [(k, str(n)) for k, n in counted.items()], "Corrected rows"))
    page = _SpottingPage(
        title=f"Spotting in {data.spec.title}",
        extent=data.summary.partition("\n")[0],
        warnings=warnings,
        tables=tables,
        footer=f"{_RULE}. Intervals are for subjects drawn anew. "
        + (f"{strs.text}." if strs else ""),
    )
    write_page(path, page, _TEMPLATE)


def _predictions(
    found: Sequence[SpottedVideo], classes: Sequence[str]
) -> Iterator[tuple[object, ...]]:
    names = (*("class", *(f"probability_{name}" for name in classes)),) if classes else ()
    yield ("subject", "recording", "type", *KEYS, "score", "parts", "label", *names)
    for item in found:
        for one, chances in zip(
            item.candidates, item.chances or [{}] * len(item.candidates), strict=True
        ):
            span = Span(one.type, one.onset, one.offset)
            reached = [
                event.name
                for event, label in zip(item.video.events, item.recording.labels, strict=True)
                if event.type == one.type and iou(label, span) >= IOU
            ]
            place = (item.video.subject, item.video.name, one.type, one.onset, one.apex, one.offset)
            about = (one.score, " ".join(one.parts), " ".join(reached))
            shares = (chances.get(name, "") for name in classes)
            yield (*place, *about, *((predicted(chances), *shares) if classes else ()))


def _labels(found: Sequence[SpottedVideo], classes: Sequence[str]) -> Iterator[tuple[object, ...]]:
    about: tuple[object, ...] = ("action_units", "emotion", "row", "shift")
    yield ("subject", "recording", "name", "type", *KEYS, *about, *(["class"] if classes else []))
    for item in found:
        for event in item.video.events:
            place = (item.video.subject, item.video.name, event.name, event.type)
            frames = (event.onset, event.apex, event.offset)
            about = (event.action_units, event.emotion, str(event.row), str(item.video.shift))
            own = [label_class(event, classes) or ""] if classes else []
            yield (*place, *frames, *about, *own)


def _recordings(
    found: Sequence[SpottedVideo], run: FinishedRun | None
) -> Iterator[tuple[object, ...]]:
    more = () if run is None else ("folds",)
    header = ("subject", "recording", "status", "frames_with_face", "labels", "predictions")
    yield (*header, "problem", "warnings", *more)
    for item in found:
        counts = (item.seen, len(item.video.events), len(item.candidates))
        names = "all" if run and len(item.folds) == len(run.folds) else "; ".join(item.folds)
        about = (item.problem, "; ".join(item.warnings), *([names] if run else []))
        yield (item.video.subject, item.video.name, item.status, *counts, *about)


def _values(score: SpottingScore) -> dict[str, object]:
    counts = score.counts
    shares: dict[str, object] = {}
    for name, interval in zip(_SHARES, score.intervals, strict=True):
        shares[name] = getattr(counts, name)
        shares[f"{name}_interval"] = None if interval is None else list(interval)
    return {**asdict(counts), **shares}
