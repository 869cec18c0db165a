"""`gamdss synth`: a made dataset on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from gamdss.cli.fields import build
from gamdss.config.load import new_parser
from gamdss.data.truth import GROUND_TRUTH
from gamdss.synthetic import TRUE_ANNOTATION, SynthConfig, write_dataset


def parser() -> ArgumentParser:
    """Options: the fields of `SynthConfig`, and where to write."""
    options = new_parser(
        "make a dataset of synthetic clips with known key frames, in a dataset's native layout",
        "synth",
        SynthConfig,
    )
    options.add_argument("--output", required=True, help="the folder to make")
    return options


def run(namespace: Any) -> None:
    """Make the dataset and say where it lies."""
    root = write_dataset(Path(namespace.output).expanduser(), build(namespace, SynthConfig))
    print(f"dataset: {root}\ntrue key frames: {root / GROUND_TRUTH}")
    print(f"workbook of a perfect annotator (--annotations): {root / TRUE_ANNOTATION}")
