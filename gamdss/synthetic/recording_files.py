"""Synthetic recordings on disk: a folder of frames each, and one table of what happens in them."""

from __future__ import annotations

import csv
import io
from functools import partial
from pathlib import Path

import cv2

from gamdss.errors import ConfigError
from gamdss.files import hold_folder, unwritable, write_atomic
from gamdss.synthetic.recording import Recording, draw_recording
from gamdss.synthetic.recording_events import RecordingSettings

TRUTH = "events.csv"
_HEADER = (
    *("subject", "recording", "kind", "onset", "apex", "offset"),
    *("action_units", "amplitude"),
)


def write_recordings(
    folder: Path,
    settings: RecordingSettings,
    subjects: int = 2,
    takes: int = 1,
    jpeg_quality: int = 95,
) -> Path:
    """Write recordings as SAMM Long Videos names them: `s01_1/s01_1_0001.jpg`, first frame 1.

    Recordings that are complete are left as they are; an interrupted call resumes.

    Args:
        folder: it gets a folder of each recording, and `events.csv` with every event, whose frame
            numbers are those of the files and whose amplitudes are pixels of the frames.
        settings: how recordings are drawn.
        subjects: number of people.
        takes: recordings of each.
        jpeg_quality: of the frames, 1 to 100.

    Raises:
        RunError: the folder cannot be written, or contains other files.
        ConfigError: a number is below 1.
    """
    if min(subjects, takes) < 1:
        raise ConfigError(
            f"{subjects} subjects with {takes} recordings", remedy="Both must be 1 or more."
        )
    with hold_folder(folder, TRUTH):
        drawn = (
            draw_recording(settings, subject, take)
            for subject in range(1, subjects + 1)
            for take in range(1, takes + 1)
        )
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(_HEADER)
        for recording in drawn:
            table.writerows(_rows(recording))
            # The table goes first: it marks the folder as ours if the work is interrupted.
            write_atomic(folder / TRUTH, partial(Path.write_text, data=text.getvalue()))
            _write_frames(folder / recording.name, recording, jpeg_quality)
    return folder


def _rows(recording: Recording) -> list[tuple[object, ...]]:
    scale = recording.face.scale
    return [
        (
            recording.subject,
            recording.name,
            event.kind,
            event.onset,
            event.apex,
            event.offset,
            "" if event.expression is None else event.expression.code,
            round(event.amplitude * scale, 3) if event.amplitude else "",
        )
        for event in recording.events
    ]


def _write_frames(folder: Path, recording: Recording, quality: int) -> None:
    """Write the frames that a complete folder has; the last one comes last."""
    name = f"{recording.name}_{{:04d}}.jpg"
    if (folder / name.format(recording.length)).is_file():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, frame in recording.frames():
            _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
            (folder / name.format(number)).write_bytes(data.tobytes())
    except OSError as error:
        raise unwritable(folder, error) from error
