"""Predictions as one self-contained HTML page."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gamdss.errors import ConfigError
from gamdss.files import inside, safe_name
from gamdss.prediction.timeline import duration
from gamdss.report.page import Plot, embedded_file, write_page
from gamdss.report.style import DPI
from gamdss.report.table import Column, Table

_TEMPLATE = Path(__file__).parent / "page.html"
_LONGEST_END = "-999999.png"  # of a picture's name, after that of its recording
_SHORTENED = 40  # letters of at most four bytes
_NOT_PLAIN = re.compile(r"[^\w -]")
_OTHERS = {"blink": "blink", "head": "head movement", "speech": "spoken part"}
_FOOTER = (
    "Spread is the standard deviation of a probability over the networks of all folds and over "
    "draws of the key frames. Fit is the share of the motion level's variance that the fitted "
    "course explains; the key frames and the class of an unreliable fit mean little."
)


@dataclass(frozen=True)
class _RecordingPart:
    """A recording on the page: its timeline, then its cards, each read when it is written."""

    name: str
    summary: str
    warnings: Sequence[str]
    pictures: Iterable[Plot]


@dataclass(frozen=True)
class _PredictionPage:
    """Everything on the page."""

    title: str
    extent: str
    warnings: Sequence[str]
    recordings: Sequence[_RecordingPart]
    run: Table
    footer: str


def timeline_file(output: Path, name: str) -> Path:
    """The timeline of a recording."""
    return inside(output, f"timelines/{_path(name)}.png", "a recording")


def card_file(output: Path, name: str, number: int) -> Path:
    """The card of a prediction, counted from 1."""
    return inside(output, f"cards/{_path(name)}-{number}.png", "a recording")


def _path(name: str) -> str:
    """A recording's name for paths: parts that are too long, or no plain names, have a digest."""
    return "/".join(map(_part_of_path, name.split("/")))


def _part_of_path(part: str) -> str:
    try:
        safe_name(f"{part}{_LONGEST_END}", "a recording")
        return safe_name(part, "a recording")
    except ConfigError:
        digest = hashlib.sha256(os.fsencode(part)).hexdigest()[:12]
        return f"{re.sub(_NOT_PLAIN, '_', part)[:_SHORTENED]}-{digest}"


def write_prediction_page(output: Path, values: Mapping[str, Any]) -> Path:
    """Write `predictions.html` with the pictures of the folder; returns its path.

    Args:
        output: the folder, with its timelines and cards.
        values: those of `predictions.json`.

    Raises:
        RunError: a picture is missing, or the page cannot be written.
    """
    recordings = [_part(output, found) for found in values["recordings"]]
    count = sum(len(found["predictions"]) for found in values["recordings"])
    page = _PredictionPage(
        title="Predicted expressions",
        extent=f"{_counted(len(recordings), 'recording')}, {_counted(count, 'expression')}",
        warnings=values["warnings"],
        recordings=recordings,
        run=_run(values),
        footer=_FOOTER,
    )
    path = output / "predictions.html"
    write_page(path, page, _TEMPLATE)
    return path


def _part(output: Path, found: Mapping[str, Any]) -> _RecordingPart:
    name = found["name"]
    if found["problem"]:
        return _RecordingPart(name, found["problem"], [found["remedy"]], [])
    others = [item["kind"] for item in found["others"]]
    named = [_counted(others.count(kind), name) for kind, name in _OTHERS.items() if kind in others]
    seconds = duration(found)
    size = " x ".join(map(str, found["size"]))
    expressions = found["predictions"]
    summary = (
        f"{seconds:.1f} seconds, {found['fps']:.4g} frames per second, {size} pixels; "
        f"{_counted(len(found['stretches']), 'stretch', 'stretches')} with a face. "
        + (_counted(len(expressions), "expression") if expressions else "No expression")
        + (f"; not counted: {', '.join(named)}." if named else ".")
    )
    return _RecordingPart(name, summary, found["warnings"], _pictures(output, name, expressions))


def _pictures(output: Path, name: str, expressions: Sequence[Mapping[str, Any]]) -> Iterator[Plot]:
    yield _plot(timeline_file(output, name), "Timeline of the recording.")
    for number, item in enumerate(expressions, start=1):
        yield _plot(card_file(output, name, number), _caption(number, item), photographs=True)


def _caption(number: int, item: Mapping[str, Any]) -> str:
    chances = sorted(item["probabilities"].items(), key=lambda pair: -pair[1])
    listed = ", ".join(f"{name} {chance:.0%}" for name, chance in chances)
    flags = f" Keep in mind: {'; '.join(item['flags'])}." if item["flags"] else ""
    onset, apex, offset = item["seconds"]
    held = item["apex_phase_seconds"]
    phase = " (held from {:.2f} to {:.2f} s)".format(*held) if held else ""
    return (
        f"{number}. {item['label']}: {listed}. Onset {onset:.2f} s, apex {apex:.2f} s{phase}, "
        f"offset {offset:.2f} s; {', '.join(item['parts'])}; {item['face_share']:.0%} of the face "
        f"visible.{flags}"
    )


def _plot(file: Path, caption: str, photographs: bool = False) -> Plot:
    source, width, height = embedded_file(file, photographs)
    shown = round(96 * width / DPI) + 32
    return Plot(file.stem, source, width, height, shown, caption, caption)


def _run(values: Mapping[str, Any]) -> Table:
    run = values["run"]
    fitted = (
        "fitted to held-out logits"
        if values["calibrated"]
        else "not fitted, since no clips were held out: probabilities are not calibrated"
    )
    rows = [
        ("data", run["data"]["dataset"]),
        ("task", run["task"]),
        ("classes", ", ".join(run["classes"])),
        ("folds", f"{len(run['folds'])}, {run['protocol']}"),
        ("crops in training", _crops(run["training_crops"])),
        ("config", run["config"]),
        ("gamdss", run["gamdss"]),
        ("temperature", f"{values['temperature']:.3g}, {fitted}"),
        ("not sure below", f"{values['threshold']:.0%}"),
        ("draws of key frames", str(values["draws"])),
    ]
    return Table([Column("", "label"), Column("", "text", key="value", wrap=True)], rows)


def _crops(training: Mapping[str, Any]) -> str:
    """How the training frames were cropped, as far as the run knows."""
    texts = [
        f"{name}: "
        + (
            "not known"
            if crops is None
            else f"margin {crops['margin']}, {crops['width']} x {crops['height']}, "
            f"{(crops.get('detector') or 'dlib').partition(' ')[0]}"
        )
        for name, crops in training.items()
    ]
    return "; ".join(texts) or "not known"


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"
