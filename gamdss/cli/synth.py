"""`gamdss synth`: a synthetic dataset with known key frames, of clips or of long recordings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from gamdss.config.command_line import Command
from gamdss.data.long_tables import long_spec
from gamdss.data.truth import GROUND_TRUTH
from gamdss.errors import require
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
        recordings: recordings of each subject; CAS(ME)2 has at most 9, CAS(ME)3 13.
        dataset: `sammlv` (SAMM Long Videos, 200 frames per second), `casme2sq` (CAS(ME)2, 30) or
            `cas3lv` (CAS(ME)3 part A, 30).
        subjects: number of synthetic people; CAS(ME)2 has at most 22, CAS(ME)3 100.
        jpeg_quality: of the frames, 1 to 100.
    """

    output: str = field(kw_only=True)
    recordings: int = field(kw_only=True)
    dataset: str = "sammlv"
    subjects: int = 2
    jpeg_quality: int = 95

    def __post_init__(self) -> None:
        require(1 <= self.jpeg_quality <= 100, "jpeg_quality", self.jpeg_quality, "1 to 100")


def run(options: Options, settings: SynthConfig) -> None:
    """Write the dataset and print where it is."""
    root = write_dataset(Path(options.output).expanduser(), settings)
    print(f"dataset: {root}\ntrue key frames: {root / GROUND_TRUTH}")
    print(f"workbook of an exact annotator (--annotations): {root / TRUE_ANNOTATION}")


def run_recordings(options: RecordingOptions, settings: RecordingSettings) -> None:
    """Write the recordings, at the dataset's frame rate, and print where they are."""
    settings = replace(settings, fps=long_spec(options.dataset).fps)
    counts = options.subjects, options.recordings, options.dataset, options.jpeg_quality
    root = write_recordings(Path(options.output).expanduser(), settings, *counts, progress=True)
    print(f"dataset: {root}\nall events: {root / TRUTH}")


_RECORDINGS = Command(run_recordings, RecordingOptions, RecordingSettings, unused=("fps",))
COMMAND = Command(run, Options, SynthConfig, variants={"--recordings": _RECORDINGS})
