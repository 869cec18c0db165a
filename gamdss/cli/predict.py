"""`gamdss predict`: expressions in videos, with the networks of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gamdss.align.settings import AlignConfig
from gamdss.config.command_line import Command, positional
from gamdss.errors import FrameError, require

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gamdss.prediction.predictor import PredictConfig

_SHOWN = 20  # rows in the terminal


@dataclass
class Options:
    """Find the expressions in videos and classify them with the networks of a finished run.

    Args:
        input: a video, a folder of frames, or a tree of them.
        output: folder of the tables and timelines.
        fps: images per second of folders of frames, whatever the steps of their numbers; frames per
            second of a video, in place of the stated ones.
        threshold: probability below which the class is `not sure`.
        draws: key frames drawn from their posterior for each candidate.
        stabilise: crop each frame by its own pose: `always`, `never`, or `auto` if the head moves.
        face: which of several faces: 0 for the largest, 1 for the second largest.
        box: left, top, right, bottom in pixels, separated by commas: the face that overlaps it
            most, in place of `face`.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
    """

    run: str = positional("the run directory")
    input: str = field(kw_only=True)
    output: str = field(kw_only=True)
    fps: float | None = None
    threshold: float = 0.5
    draws: int = 16
    stabilise: Literal["auto", "always", "never"] = "auto"
    face: int = 0
    box: str | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        require(self.fps is None or 1 <= self.fps <= 2000, "fps", self.fps, "1 to 2000")
        require(self.box is None or len(_numbers(self.box)) == 4, "box", self.box, "four numbers")


def run(options: Options, crops: AlignConfig) -> int:
    """Predict every recording; returns 1 if one could not be read or shows no face."""
    from gamdss.prediction.prediction_files import predict_recordings  # noqa: PLC0415
    from gamdss.prediction.predictor import Predictor  # noqa: PLC0415

    place, output = (Path(path).expanduser() for path in (options.input, options.output))
    predictor = Predictor(options.run, _config(options, crops), progress=True)
    values = predict_recordings(predictor, place, output, options.fps)
    print(_report(values, output))
    failed = [found for found in values["recordings"] if found["problem"]]
    if len(failed) == len(values["recordings"]):
        raise FrameError(failed[0]["problem"], file=place, remedy=failed[0]["remedy"])
    return 1 if failed else 0


def _config(options: Options, crops: AlignConfig) -> PredictConfig:
    from gamdss.prediction.face_search import FaceChoice  # noqa: PLC0415
    from gamdss.prediction.followed_face import TrackConfig  # noqa: PLC0415
    from gamdss.prediction.predictor import PredictConfig  # noqa: PLC0415

    box = None
    if options.box is not None:
        left, top, right, bottom = _numbers(options.box)
        box = (left, top, right, bottom)
    tracking = TrackConfig(options.stabilise, FaceChoice(options.face, box))
    return PredictConfig(options.threshold, options.draws, tracking, crops, options.device)


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        return []


def _report(values: Mapping[str, Any], output: Path) -> str:
    """A table of the predictions, the warnings, and where the files are."""
    from tabulate import tabulate  # noqa: PLC0415

    header = ("recording", "seconds", "type", "class", "probability", "quality", "flags")
    rows = [
        (
            found["name"],
            "{:.2f} - {:.2f} - {:.2f}".format(*item["seconds"]),
            item["type"],
            item["label"],
            f"{max(item['probabilities'].values()):.0%}",
            f"{item['quality']:.2f}",
            "; ".join(item["flags"]),
        )
        for found in values["recordings"]
        for item in found["predictions"]
    ]
    lines = [tabulate(rows[:_SHOWN], header, disable_numparse=True)] if rows else []
    lines += [f"and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    for found in values["recordings"]:
        if found["problem"]:
            lines.append(f"{found['name']}: {found['problem']}")
        elif not found["predictions"]:
            lines.append(f"{found['name']}: no expression found")
    warned = [
        *values["warnings"],
        *(
            f"{found['name']}: {text}"
            for found in values["recordings"]
            for text in found["warnings"]
        ),
    ]
    lines += [f"warning: {text}" for text in warned]
    lines += ["", f"table      {output / 'predictions.csv'}"]
    lines += [f"details    {output / 'predictions.json'}", f"timelines  {output / 'timelines'}"]
    lines += [f"page       {output / 'predictions.html'}"]
    return "\n".join(lines)


COMMAND = Command(run, Options, AlignConfig, unused=("quality", "workers"))
