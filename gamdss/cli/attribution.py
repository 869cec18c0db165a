"""`gamdss attribution`: where on the face the networks of a run see their evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gamdss.config.command_line import Command, positional
from gamdss.errors import ConfigError, require
from gamdss.metrics.calibration import ClipPrediction, clip_predictions, notable
from gamdss.report.attribution_figure import MapRow, attribution_figure
from gamdss.report.tables import epoch_name
from gamdss.runs.attribution import attribute, require_captum
from gamdss.runs.finished import read_scored_run, require_classes
from gamdss.runs.reopened import DataOptions, open_run

STEPS = 32


@dataclass
class Options(DataOptions):
    """Draw where on the face the networks of a finished run see their evidence.

    Integrated gradients from the clip without motion to the clip, for the predicted class, in both
    phases, over the apex frame (needs the package captum).

    Args:
        clips: held-out clips (SUBJECT/CLIP,...); the most certain correct one, the most certain
            wrong one and the least certain one if omitted.
        steps: points on the path; more are more precise.
        output: folder of the picture; the run's if omitted.
    """

    run: str = positional("a run directory as `gamdss train` leaves it")
    clips: str | None = None
    steps: int = STEPS
    output: str | None = None

    def __post_init__(self) -> None:
        require(self.steps >= 2, "steps", self.steps, "2 or more")


def run(options: Options) -> None:
    """Attribute, draw, and print where the picture is."""
    require_captum()
    read = read_scored_run(Path(options.run).expanduser())
    require_classes(read, "attribution explains")
    chosen = _chosen(clip_predictions(read.folds, read.selection), options.clips)
    opened = open_run(read, options)
    found = attribute(opened, {v.clip: v.predicted for v in chosen}, options.steps)
    classes = read.results.classes
    rows = [
        MapRow(
            heading=heading(verdict, classes),
            right=verdict.right,
            apex=item.faces[1],
            maps={name: phase.values for name, phase in item.phases.items()},
            changes={name: phase.change for name, phase in item.phases.items()},
        )
        for verdict, item in zip(chosen, found, strict=True)
    ]
    folder = Path(options.output).expanduser() if options.output else read.path
    pictures = [folder / "attribution.png", folder / "attribution.pdf"]
    headline = f"{read.results.dataset}, {read.results.task}\nevidence in held-out clips"
    attribution_figure(pictures, rows, headline, options.steps, epoch_name(read.results))
    for picture in pictures:
        print(f"picture  {picture}")


def heading(verdict: ClipPrediction, classes: Sequence[str]) -> str:
    """The clip, its true and its predicted class."""
    true, predicted = classes[verdict.label], classes[verdict.predicted]
    return f"{verdict.clip}: {true}\npredicted {predicted} ({verdict.confidence:.0%})"


def _chosen(found: Sequence[ClipPrediction], names: str | None) -> list[ClipPrediction]:
    if names is None:
        return [verdict for kind in notable(found, 1).values() for verdict in kind]
    known = {verdict.clip: verdict for verdict in found}
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",")))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ConfigError(
            f"--clips has {', '.join(unknown)}, which no fold holds out",
            remedy=f"Use names such as {found[0].clip} (keyframes.csv: subject/clip).",
        )
    return [known[name] for name in wanted]


COMMAND = Command(run, Options)
