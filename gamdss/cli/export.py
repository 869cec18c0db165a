"""`gamdss export`: a trained network for other programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gamdss.config.command_line import Command, positional
from gamdss.files import check_file
from gamdss.runs.export import SUFFIXES, export, load_trained


@dataclass
class Options:
    """Export the trained network of a fold for other programs.

    Args:
        fold: the fold whose network is exported.
        format: `onnx` and `torchscript`: a graph from two key frames, uint8 RGB, to logits (for a
            run on phase features: from a key frame and the feature); `safetensors`: the weights.
        output: the file to write; `RUN/export/FOLD` with the suffix of the format if omitted.
    """

    run: str = positional("the run directory")
    fold: str = field(kw_only=True)
    format: Literal["onnx", "torchscript", "safetensors"] = "onnx"
    output: str | None = None


def run(options: Options) -> None:
    """Export, check, and print what the file takes and returns."""
    place = Path(options.run).expanduser()
    if options.output:
        check_file(Path(options.output).expanduser(), "--output")
    trained = load_trained(place, options.fold)
    default = place / "export" / f"{options.fold}{SUFFIXES[options.format]}"
    file = Path(options.output).expanduser() if options.output else default
    difference = export(trained, options.format, file)
    about = trained.about
    lines = [
        f"{options.format}  {file}",
        f"takes  {'; '.join(about['inputs'])}; S = {about['image_size']}",
        f"returns  {about['output']}; classes {', '.join(about['classes'])}",
        f"check  logits within {difference:.1g} of the network's on synthetic frames",
    ]
    print("\n".join(lines))


COMMAND = Command(run, Options)
