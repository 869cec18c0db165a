"""The figures of a run: one list, from which `results.md`, the terminal and the page take them.

To add a figure, write its drawing function (in a new module) and add it to `FIGURES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from gamdss.files import write_text
from gamdss.records import Clip, FoldResult, KeyFrames
from gamdss.report.confusion import confusion_figure, confusion_words
from gamdss.report.curves import curves_words, learning_curves
from gamdss.report.film_strip import film_strip
from gamdss.report.per_subject import per_subject_figure
from gamdss.report.reliability import reliability_figure
from gamdss.report.tables import results_markdown, summary_text
from gamdss.report.unit_figure import unit_figure, unit_words
from gamdss.training.results import RunResults


@dataclass(frozen=True, eq=False)
class ClipFrames:
    """The clips of a run with their key frames.

    Args:
        clips: N clips, in the order of the arrays.
        frames: uint8 RGB (M, 3, S, S); `annotated` and `reselected` (N, 3) index it.
        annotated: index of the annotated key frames.
        reselected: index of the reselected key frames.
        reselected_keys: their frame numbers.
        truth: true key frames by clip id, for synthetic clips.
    """

    clips: Sequence[Clip]
    frames: np.ndarray
    annotated: np.ndarray
    reselected: np.ndarray
    reselected_keys: Sequence[KeyFrames]
    truth: Mapping[str, KeyFrames] | None = None

    def draw(self, path: Path) -> None:
        """Draw the film strip."""
        film_strip(path, **vars(self))


@dataclass(frozen=True)
class RunFigure:
    """A figure of a run.

    Args:
        name: its file without `.png`.
        title: what it shows, in `results.md` and the terminal.
        caption: on the page; `{epoch}` and `{result}` stand for the evaluated epoch, as a name
            and as a sentence.
        draw: draws it to a path from results and folds, which any finished run has.
        draw_frames: draws it to a path from the run's clips and frames.
        words: its numbers in words, for readers who do not see it.
        beside: the figure that it stands beside on the page.
        command: the command that draws it; empty if training does.
        held_out: whether it shows held-out clips, which not every protocol has.
        shows: `classes` or action `units`, if it does not show both.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[RunResults, Sequence[FoldResult], Path], None] | None = None
    draw_frames: Callable[[ClipFrames, Path], None] | None = None
    words: Callable[[RunResults], str] = lambda _results: ""
    beside: str = ""
    command: str = ""
    held_out: bool = False
    shows: Literal["both", "classes", "units"] = "both"

    @property
    def file(self) -> str:
        """Its file in the run directory."""
        return f"{self.name}.png"


FIGURES = (
    RunFigure(
        "confusion",
        "confusion matrix",
        "Confusion matrix at the {epoch}: clips, and their share of the true class.",
        lambda results, _folds, path: confusion_figure(results, path),
        words=confusion_words,
        held_out=True,
        shows="classes",
    ),
    RunFigure(
        "units",
        "action units",
        "F1 of each action unit at the {epoch}, with 95% intervals where enough subjects show it.",
        lambda results, _folds, path: unit_figure(results, path),
        words=unit_words,
        held_out=True,
        shows="units",
    ),
    RunFigure(
        "curves",
        "learning curves",
        "Learning curves. {result}",
        lambda _results, folds, path: learning_curves(folds, path),
        words=curves_words,
    ),
    RunFigure(
        "per_subject",
        "accuracy by subject",
        "Accuracy of each subject at the {epoch}, with 95% intervals.",
        per_subject_figure,
        held_out=True,
        shows="classes",
    ),
    RunFigure(
        "reliability",
        "reliability",
        "Reliability at the {epoch}: is a prediction of 80% right in 8 of 10 clips? "
        "Bins with few clips have wide intervals.",
        reliability_figure,
        beside="confusion",
        held_out=True,
        shows="classes",
    ),
    RunFigure(
        "film_strip",
        "film strip",
        "Annotated and reselected key frames of the clips that moved most. It does not depend on "
        "a network or an epoch.",
        draw_frames=ClipFrames.draw,
    ),
    RunFigure(
        "tsne",
        "t-SNE",
        "Embedding (activations before the classifier), drawn with t-SNE; networks of the "
        "{epoch}. Its last lines say how the folds' networks were brought into one space.",
        command="gamdss tsne",
        held_out=True,
        shows="classes",
    ),
    RunFigure(
        "attribution",
        "attribution",
        "Where on the apex face the networks of the {epoch} see their evidence.",
        command="gamdss attribution",
        held_out=True,
        shows="classes",
    ),
)


def figures_of(results: RunResults) -> list[RunFigure]:
    """The figures that a run can have."""
    shown = ("both", "units" if results.of_units else "classes")
    return [
        figure
        for figure in FIGURES
        if figure.shows in shown and (results.scored or not figure.held_out)
    ]


def write_report(
    folder: Path, results: RunResults, folds: Sequence[FoldResult], frames: ClipFrames
) -> str:
    """Draw the figures, write `results.md`, and return the summary and paths for the terminal.

    Args:
        folder: the run directory, with `results.json`.
        results: of the run.
        folds: the folds' results.
        frames: the clips with their key frames.
    """
    figures = [figure for figure in figures_of(results) if not figure.command]
    shown = {figure.title: figure.file for figure in figures}
    for figure in figures:
        if figure.draw is not None:
            figure.draw(results, folds, folder / figure.file)
        if figure.draw_frames is not None:
            figure.draw_frames(frames, folder / figure.file)
    substituted = sum(bool(clip.annotated.substituted) for clip in frames.clips)
    text = results_markdown(results, shown, substituted)
    write_text(folder / "results.md", text)
    files = {"results": "results.json", "tables": "results.md", **shown}
    width = max(len(name) for name in files)
    paths = [f"{name:<{width}}  {folder / file}" for name, file in files.items()]
    return "\n".join([summary_text(results), "", *paths])
