"""`gamdss synth`: a synthetic dataset with known key frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gamdss.config.command_line import Command
from gamdss.data.truth import GROUND_TRUTH
from gamdss.synthetic import TRUE_ANNOTATION, SynthConfig, write_dataset


@dataclass
class Options:
    """Write synthetic clips with known key frames, in the native layout of a dataset.

    Args:
        output: the folder to create.
    """

    output: str = field(kw_only=True)


def run(options: Options, settings: SynthConfig) -> None:
    """Write the dataset and print where it is."""
    root = write_dataset(Path(options.output).expanduser(), settings)
    print(f"dataset: {root}\ntrue key frames: {root / GROUND_TRUTH}")
    print(f"workbook of an exact annotator (--annotations): {root / TRUE_ANNOTATION}")


COMMAND = Command(run, Options, SynthConfig)
