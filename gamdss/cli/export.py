"""`gamdss export`: a trained network for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from jsonargparse import ArgumentParser

from gamdss.config.load import new_parser
from gamdss.files import check_file

FORMATS = Literal["onnx", "torchscript", "safetensors"]


def parser() -> ArgumentParser:
    """Options: the run, the fold, the format, and where the file goes."""
    options = new_parser("write a fold's trained network for other programs", "export")
    options.usage = "gamdss export RUN --fold NAME [--format FORMAT] [--output FILE]"
    options.add_argument("run", help="the run directory")
    options.add_argument("--fold", required=True, help="whose held-out fold's network it is")
    options.add_argument(
        "--format",
        type=FORMATS,
        default="onnx",
        help="onnx and torchscript: a graph from two key frames, uint8 RGB, to logits (of a run on "
        "input features: from a key frame and the feature); "
        "safetensors: the weights alone",
    )
    options.add_argument(
        "--output", help="the file to write; RUN/export/FOLD with the format's suffix if left out"
    )
    return options


def run(namespace: Any) -> None:
    """Export, check, and say what the file takes and gives."""
    from gamdss.runs.export import SUFFIXES, export, load_trained  # noqa: PLC0415

    place = Path(namespace.run).expanduser()
    if namespace.output:
        check_file(Path(namespace.output).expanduser(), "--output")
    trained = load_trained(place, namespace.fold)
    default = place / "export" / f"{namespace.fold}{SUFFIXES[namespace.format]}"
    file = Path(namespace.output).expanduser() if namespace.output else default
    difference = export(trained, namespace.format, file)
    about = trained.about
    lines = [
        f"{namespace.format}  {file}",
        f"takes  {'; '.join(about['inputs'])}; S = {about['image_size']}",
        f"gives  {about['output']}; classes {', '.join(about['classes'])}",
        f"check  logits within {difference:.1g} of the network's on made frames",
    ]
    print("\n".join(lines))
