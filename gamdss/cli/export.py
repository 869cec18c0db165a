"""`gamdss export`: trained networks for other programs, or to share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Literal

from gamdss.config.command_line import Command, positional
from gamdss.errors import require
from gamdss.files import check_file
from gamdss.runs.export import SUFFIXES, export
from gamdss.runs.export_pretrained import export_pretrained
from gamdss.runs.trained import choose_fold, load_trained


@dataclass
class Options:
    """Export the trained network of a fold for other programs, or those of all folds to share.

    Args:
        fold: the fold whose network is exported; may be omitted if only one is finished.
        format: `onnx` and `torchscript`: a graph from two key frames, uint8 RGB, to logits (for a
            run on phase features: from a key frame and the feature); `safetensors`: the weights;
            `pretrained`: a folder of weights, config and model card, which
            `TwoBranchNet.from_pretrained` and `gamdss train --init-from` read; `predictor`: a
            folder of the networks of all folds, which `gamdss predict` reads in place of the run.
        output: the file or folder to write; `RUN/export/FOLD` with the suffix of the format if
            omitted, `RUN/export/predictor` for a predictor.
    """

    run: str = positional("the run directory")
    fold: str | None = None
    format: Literal["onnx", "torchscript", "safetensors", "pretrained", "predictor"] = "onnx"
    output: str | None = None

    def __post_init__(self) -> None:
        fits = self.fold is None or self.format != "predictor"
        require(fits, "fold", self.fold, "omitted with --format predictor, which has all folds")


def run(options: Options) -> None:
    """Export, check, and print what the file takes and returns."""
    place = Path(options.run).expanduser()
    if options.format == "predictor":
        print(_predictor(place, options.output))
        return
    fold = choose_fold(place, options.fold)
    default = place / "export" / f"{fold}{SUFFIXES.get(options.format, '')}"
    target = Path(options.output).expanduser() if options.output else default
    if options.format == "pretrained":
        trained, difference = export_pretrained(place, fold, target)
    else:
        check_file(target, "--output")
        trained = load_trained(place, fold)
        difference = export(trained, options.format, target)
    about = trained.about
    lines = [
        f"{options.format}  {target}",
        f"takes  {'; '.join(about['inputs'])}; S = {about['image_size']}",
        f"returns  {about['output']}; classes {', '.join(about['classes'])}",
        f"check  logits within {difference:.1g} of the network's on synthetic frames",
    ]
    print("\n".join(lines))


def _predictor(run: Path, output: str | None) -> str:
    from gamdss.prediction.export_predictor import export_predictor  # noqa: PLC0415

    target = Path(output).expanduser() if output else run / "export" / "predictor"
    written = export_predictor(run, target, progress=True)
    temperature = f"temperature {written.temperature:.3g}"
    known = temperature if written.calibrated else "not calibrated"
    lines = [
        f"predictor  {target}",
        f"networks   {len(written.folds)}; {known}; classes {', '.join(written.classes)}",
        f"use        gamdss predict {quote(str(target))} --input VIDEO --output FOLDER",
    ]
    return "\n".join(lines)


COMMAND = Command(run, Options)
