"""`gamdss synth`: a synthetic dataset with known key frames, of clips or of long recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gamdss.config.command_line import Command
from gamdss.data.long_tables import long_spec
from gamdss.data.truth import GROUND_TRUTH
from gamdss.synthetic import TRUE_ANNOTATION, SynthConfig, write_dataset
from gamdss.synthetic.recording_events import RecordingSettings
from gamdss.synthetic.recording_files import TRUTH, write_recordings


@dataclass
class Options:
    """Write synthetic clips with known key frames, in the native layout of a dataset.

    `gamdss synth --recordings N --help` shows the options of long recordings.

    Args:
        output: the folder to create.
    """

    output: str = field(kw_only=True)


@dataclass
class RecordingOptions:
    """Write synthetic long recordings with known events, in the layout of a long-video dataset.

    Args:
        output: the folder to create.
        recordings: recordings of each subject; CAS(ME)2 has at most 9.
        dataset: `casme2sq` (CAS(ME)2, 30 frames per second) or `sammlv` (SAMM Long Videos, 200).
        subjects: number of synthetic people; CAS(ME)2 has at most 22.
        jpeg_quality: of the frames, 1 to 100.
    """

    output: str = field(kw_only=True)
    recordings: int = field(kw_only=True)
    dataset: str = "sammlv"
    subjects: int = 2
    jpeg_quality: int = 95


def run(options: Options | RecordingOptions, settings: SynthConfig | RecordingSettings) -> None:
    """Write the dataset and print where it is."""
    output = Path(options.output).expanduser()
    if isinstance(settings, SynthConfig):
        root = write_dataset(output, settings)
        print(f"dataset: {root}\ntrue key frames: {root / GROUND_TRUTH}")
        print(f"workbook of an exact annotator (--annotations): {root / TRUE_ANNOTATION}")
        return
    assert isinstance(options, RecordingOptions)
    fps = long_spec(options.dataset).fps
    counts = options.subjects, options.recordings, options.dataset, options.jpeg_quality
    root = write_recordings(output, replace(settings, fps=fps), *counts)
    print(f"dataset: {root}\nall events: {root / TRUTH}")


@dataclass(frozen=True)
class _Synth(Command):
    """The command of clips, or of recordings if `--recordings` is among the words."""

    def parse(self, name: str, words: Sequence[str]) -> list[Any]:
        """As `Command.parse`."""
        long = any(word.partition("=")[0] == "--recordings" for word in words)
        return _RECORDINGS.parse(name, words) if long else super().parse(name, words)


_RECORDINGS = Command(run, RecordingOptions, RecordingSettings, unused=("fps",))
COMMAND = _Synth(run, Options, SynthConfig)
