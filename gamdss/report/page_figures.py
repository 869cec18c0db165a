"""Figures of the page: drawn anew where a run lacks them, embedded with captions and alt texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gamdss.records import FoldResult
from gamdss.report.confusion import confusion_figure
from gamdss.report.curves import learning_curves
from gamdss.report.page import Plot, embedded_file
from gamdss.report.per_subject import per_subject_figure
from gamdss.report.reliability import reliability_figure
from gamdss.report.style import DPI
from gamdss.report.tables import RESULT_NOTES, judged_by, judged_epoch

# File without suffix: what it shows, for those who see it and for those who do not.
CAPTIONS = {
    "confusion": "Confusion matrix at the {epoch}: clips, and their share of the true class.",
    "reliability": "Reliability at the {epoch}: is a prediction of 80% right in 8 of 10 clips? "
    "Bins with few clips have wide intervals.",
    "curves": "Learning curves. {result}",
    "per_subject": "Accuracy of each subject at the {epoch}, with 95% intervals.",
    "film_strip": "Annotated and reselected key frames of the clips that moved most. No network "
    "and no epoch has a part in it.",
    "tsne": "Features before the classifier, drawn with t-SNE; networks of the {epoch}. Its "
    "last lines say how the folds' networks were brought into one space.",
    "attribution": "Where on the apex face the networks of the {epoch} see their evidence.",
}
LAYOUT = (("confusion", "reliability"), ("curves",), ("per_subject",), ("film_strip",))
OPTIONAL = {"tsne": "gamdss tsne", "attribution": "gamdss attribution"}


def figures(
    folder: Path, results: Mapping[str, Any], folds: Sequence[FoldResult]
) -> tuple[list[list[Plot]], str]:
    """Figures in groups that stand side by side, and how to get those that are not there.

    Raises:
        RunError: a figure is broken, or cannot be written.
    """
    draw_missing(folder, results, folds)
    there = [name for name in OPTIONAL if (folder / f"{name}.png").is_file()]
    absent = [f"“{OPTIONAL[name]} RUN”" for name in OPTIONAL if name not in there]
    groups = [
        [_plot(folder / f"{name}.png", results) for name in group if _exists(folder, name)]
        for group in (*LAYOUT, *((name,) for name in there))
    ]
    note = f"More, once drawn: {' and '.join(absent)}; then make this page again." if absent else ""
    return [group for group in groups if group], note


def draw_missing(folder: Path, results: Mapping[str, Any], folds: Sequence[FoldResult]) -> None:
    """Draw what follows from the results alone, as runs of earlier versions did not."""
    if not _exists(folder, "confusion"):
        confusion_figure(results, folder / "confusion.png")
    if not _exists(folder, "curves"):
        learning_curves(folds, folder / "curves.png")
    if not _exists(folder, "per_subject"):
        per_subject_figure(results, folds, folder / "per_subject.png")
    if not _exists(folder, "reliability"):
        reliability_figure(results, folds, folder / "reliability.png")


def _exists(folder: Path, name: str) -> bool:
    return (folder / f"{name}.png").is_file()


def _plot(file: Path, results: Mapping[str, Any]) -> Plot:
    source, width, height = embedded_file(file)
    result = RESULT_NOTES[results["selection"]]
    caption = CAPTIONS[file.stem].format(epoch=judged_epoch(results), result=result)
    return Plot(
        anchor=f"figure-{file.stem}",
        source=source,
        width=width,
        height=height,
        shown=round(96 * width / DPI) + 32,
        alt=f"{caption} {_words(file.stem, results)}".strip(),
        caption=caption,
    )


def _words(name: str, results: Mapping[str, Any]) -> str:
    """The numbers of a figure in words, where they are few."""
    if name == "confusion":
        counts = judged_by(results)["confusion"]
        hits = (
            f"{n}: {counts[i][i]} of {sum(counts[i])}" for i, n in enumerate(results["classes"])
        )
        return f"Recognised are {', '.join(hits)}."
    if name == "curves":
        last = results["final"]["accuracy"]
        return f"Held-out accuracy ends at {last:.3f} after {results['epochs']} epochs."
    return ""
