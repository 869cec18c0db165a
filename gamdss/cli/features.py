"""`gamdss features`: the phase features of every clip as files for other programs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gamdss.config import TRAINED_ONLY, Config
from gamdss.config.command_line import Command
from gamdss.data.composite import short_name
from gamdss.errors import FrameError, require
from gamdss.report.feature_export import INDEX, STRIP, export_features
from gamdss.reselection.windows import resolve


@dataclass
class Options:
    """Write the phase features of every clip (differences, optical flow, strain) as files.

    Args:
        preset: the same as `--reselection.preset`.
        size: height and width of the features in pixels; 0 keeps that of the frames.
        pictures: also draw the features of each clip, as `picture.png` beside them.
    """

    preset: str | None = None
    size: int = 224
    pictures: bool = False

    def __post_init__(self) -> None:
        fits = not self.size or 16 <= self.size <= 4096
        require(fits, "size", self.size, "0 (that of the frames), or 16 to 4096")


def run(options: Options, config: Config) -> int:
    """Write the files, their index and a picture of some clips; returns 1 if a clip has none."""
    if options.preset is not None:
        config = replace(config, reselection=replace(config.reselection, preset=options.preset))
    resolve(config.reselection.preset, config.reselection.ratio)  # refused before the work begins
    name = f"features_{short_name(config.dataset)}_{config.features.name}"
    output = Path(config.output or f"runs/{name}").expanduser()
    found = export_features(config, output, options.size, options.pictures)
    problems = [written.problem for written in found if written.problem is not None]
    if len(problems) < len(found):
        print(f"{len(found) - len(problems)} clips  {output}\nindex  {output / INDEX}")
        print(f"picture  {output / STRIP}")
    if not problems:
        return 0
    first = problems[0]
    error = FrameError(
        f"{len(problems)} of {len(found)} clips have no features; the first: {first.problem}",
        file=first.file,
        remedy=f"{first.remedy}\nThe same command resumes with what is missing.",
    )
    if len(problems) == len(found):
        raise error
    print(f"\n{error}")
    return 1


COMMAND = Command(
    run,
    Options,
    Config,
    unused=(
        *("model", "augmentation", "training", "protocol"),
        *("init_from", "init_from_seen", "seed", "device", "threads", "tensorboard"),
        *TRAINED_ONLY,
    ),
    defaults={"task": "all"},
)
