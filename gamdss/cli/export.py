"""`gamdss export`: a trained network for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gamdss.config.command_line import Command, positional
from gamdss.files import check_file
from gamdss.runs.export import SUFFIXES, export
from gamdss.runs.export_pretrained import export_pretrained
from gamdss.runs.trained import choose_fold, load_trained


@dataclass
class Options:
    """Export the trained network of a fold for other programs.

    Args:
        fold: the fold whose network is exported; may be omitted if only one is finished.
        format: `onnx` and `torchscript`: a graph from two key frames, uint8 RGB, to logits (for a
            run on phase features: from a key frame and the feature); `safetensors`: the weights;
            `pretrained`: a folder of weights, config and model card, which
            `TwoBranchNet.from_pretrained` and `gamdss train --init-from` read.
        output: the file or folder to write; `RUN/export/FOLD` with the suffix of the format if
            omitted.
    """

    run: str = positional("the run directory")
    fold: str | None = None
    format: Literal["onnx", "torchscript", "safetensors", "pretrained"] = "onnx"
    output: str | None = None


def run(options: Options) -> None:
    """Export, check, and print what the file takes and returns."""
    place = Path(options.run).expanduser()
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


COMMAND = Command(run, Options)
