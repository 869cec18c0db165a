"""`gamdss attribution`: where on the face a finished run's networks see their evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from gamdss.cli.runs import add_data_options, open_data
from gamdss.config.load import new_parser
from gamdss.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gamdss.metrics.calibration import ClipPrediction

STEPS = 32


def parser() -> ArgumentParser:
    """Options: the run, which clips, and how fine."""
    options = new_parser(
        "draw where on the apex face the networks of a finished run see their "
        "evidence for the predicted class, in both phases: integrated gradients from the clip "
        "without motion (needs the package captum)",
        "attribution",
    )
    options.usage = "gamdss attribution RUN [options]"
    options.add_argument("run", help="a run directory as `gamdss train` leaves it")
    options.add_argument(
        "--clips",
        help="held-out clips (SUBJECT/CLIP,...); the most certain right one, the most certain "
        "wrong one and the least certain one if left out",
    )
    options.add_argument(
        "--steps", type=int, default=STEPS, help="points on the path; more is finer"
    )
    options.add_argument("--output", help="folder of the picture; the run's if left out")
    add_data_options(options)
    return options


def run(namespace: Any) -> None:
    """Attribute, draw, and say where the picture lies."""
    from gamdss.metrics.calibration import clip_predictions  # noqa: PLC0415
    from gamdss.report.attribution_figure import MapRow, attribution_figure  # noqa: PLC0415
    from gamdss.report.tables import judged_epoch  # noqa: PLC0415
    from gamdss.runs.attribution import attribute, require_captum  # noqa: PLC0415
    from gamdss.runs.finished import read_run  # noqa: PLC0415

    if namespace.steps < 2:
        raise ConfigError(f"--steps is {namespace.steps}", remedy="It must be 2 or more.")
    require_captum()
    read = read_run(Path(namespace.run).expanduser())
    chosen = _chosen(clip_predictions(read.folds, read.selection), namespace.clips)
    opened = open_data(read, namespace)
    found = attribute(opened, {v.clip: v.predicted for v in chosen}, namespace.steps)
    classes = read.results["classes"]
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
    folder = Path(namespace.output).expanduser() if namespace.output else read.path
    pictures = [folder / "attribution.png", folder / "attribution.pdf"]
    headline = f"{read.results['dataset']}, {read.results['task']}\nevidence in held-out clips"
    attribution_figure(pictures, rows, headline, namespace.steps, judged_epoch(read.results))
    for picture in pictures:
        print(f"picture  {picture}")


def heading(verdict: ClipPrediction, classes: Sequence[str]) -> str:
    """The clip, what it shows and what was predicted."""
    true, predicted = classes[verdict.label], classes[verdict.predicted]
    return f"{verdict.clip}: {true}\npredicted {predicted} ({verdict.confidence:.0%})"


def _chosen(found: Sequence[ClipPrediction], names: str | None) -> list[ClipPrediction]:
    from gamdss.metrics.calibration import notable  # noqa: PLC0415

    if names is None:
        return [verdict for kind in notable(found, 1).values() for verdict in kind]
    known = {verdict.clip: verdict for verdict in found}
    wanted = list(dict.fromkeys(name.strip() for name in names.split(",")))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise ConfigError(
            f"--clips has {', '.join(unknown)}, which no fold holds out",
            remedy=f"Clips are called such as {found[0].clip} (keyframes.csv: subject/clip).",
        )
    return [known[name] for name in wanted]
