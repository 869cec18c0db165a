"""Everything a finished run shows: figures, `results.md`, and what the terminal prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gamdss.files import write_atomic
from gamdss.records import Clip, FoldResult, KeyFrames
from gamdss.report.confusion import confusion_figure
from gamdss.report.curves import learning_curves
from gamdss.report.film_strip import film_strip
from gamdss.report.per_subject import per_subject_figure
from gamdss.report.reliability import reliability_figure
from gamdss.report.tables import results_markdown, summary_table

FIGURES = {
    "confusion matrix": "confusion.png",
    "learning curves": "curves.png",
    "accuracy by subject": "per_subject.png",
    "reliability": "reliability.png",
    "film strip": "film_strip.png",
}


def write_report(
    folder: Path,
    results: Mapping[str, Any],
    folds: Sequence[FoldResult],
    clips: Sequence[Clip],
    frames: np.ndarray,
    annotated: np.ndarray,
    reselected: np.ndarray,
    reselected_keys: Sequence[KeyFrames],
    truth: Mapping[str, KeyFrames] | None = None,
) -> str:
    """Draw the figures, write `results.md`, and return the table and paths for the terminal.

    Args:
        folder: the run directory, with `results.json`.
        results: the values of `results.json`.
        folds: the folds' results.
        clips: the clips, in the order of the arrays.
        frames: uint8 RGB (M, 3, S, S); `annotated` and `reselected` (N, 3) index it.
        annotated: index of the annotated key frames.
        reselected: index of the reselected key frames.
        reselected_keys: their frame numbers.
        truth: true key frames by clip id, where the clips were made.
    """
    confusion_figure(results, folder / FIGURES["confusion matrix"])
    learning_curves(folds, folder / FIGURES["learning curves"])
    per_subject_figure(results, folds, folder / FIGURES["accuracy by subject"])
    reliability_figure(results, folds, folder / FIGURES["reliability"])
    film_strip(
        folder / FIGURES["film strip"],
        clips,
        frames,
        annotated,
        reselected,
        [clip.annotated for clip in clips],
        reselected_keys,
        truth,
    )
    text = results_markdown(results, FIGURES)
    write_atomic(folder / "results.md", lambda target: target.write_text(text, encoding="utf-8"))
    files = {"results": "results.json", "tables": "results.md", **FIGURES}
    width = max(len(name) for name in files)
    paths = [f"{name:<{width}}  {folder / file}" for name, file in files.items()]
    return "\n".join([summary_table(results), "", *paths])
