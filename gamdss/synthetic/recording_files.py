"""Synthetic recordings on disk: frames and workbook of a dataset, and a table of all events."""

from __future__ import annotations

from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from gamdss.config.changes import changes
from gamdss.errors import ConfigError, RunError
from gamdss.files import (
    as_stored,
    hold_folder,
    read_record,
    unwritable,
    write_bytes,
    write_csv,
    write_json,
)
from gamdss.synthetic.recording import Recording, draw_recording
from gamdss.synthetic.recording_events import Event, RecordingSettings
from gamdss.synthetic.recording_layouts import LAYOUTS, Layout

TRUTH = "events.csv"
MANIFEST = "recordings.json"
_HEADER = (
    *("subject", "recording", "kind", "onset", "apex", "offset"),
    *("action_units", "amplitude", "dataset_recording"),
)


def write_recordings(
    folder: Path,
    settings: RecordingSettings,
    subjects: int = 2,
    takes: int = 1,
    layout: str = "sammlv",
    jpeg_quality: int = 95,
    progress: bool = False,
) -> Path:
    """Write recordings in a dataset's native layout: frames, workbook, and the whole truth.

    Recordings that are complete are left as they are; an interrupted call resumes.

    Args:
        folder: it gets frames and workbook as the dataset has them, and `events.csv` with every
            event, blinks and turns included. Frame numbers are those of the files, amplitudes
            pixels of the frames, and `dataset_recording` is the recording's name in the dataset.
        settings: how recordings are drawn.
        subjects: number of people.
        takes: recordings of each.
        layout: `sammlv` (SAMM Long Videos), `casme2sq` (CAS(ME)2) or `cas3lv` (CAS(ME)3 part A).
        jpeg_quality: of the frames, 1 to 100.
        progress: show a progress bar.

    Raises:
        RunError: the folder cannot be written, or contains other files or recordings.
        ConfigError: the layout is unknown, does not have so many subjects or recordings, or the
            expressions do not fit into a recording.
    """
    if layout not in LAYOUTS:
        raise ConfigError(
            f"layout is {layout!r}", remedy=f"It must be one of: {', '.join(LAYOUTS)}."
        )
    names = LAYOUTS[layout]
    if not (1 <= subjects <= names.subjects and 1 <= takes <= names.takes):
        raise ConfigError(
            f"{subjects} subjects with {takes} recordings each",
            remedy=f"{layout} has 1 to {names.subjects} subjects with 1 to {names.takes}.",
        )
    every = list(product(range(1, subjects + 1), range(1, takes + 1)))
    # All are drawn before anything is written: settings that do not fit leave nothing behind.
    bar = tqdm(every, "drawing", unit="recording", disable=not progress)
    recordings = [draw_recording(settings, subject, take) for subject, take in bar]
    rows: list[tuple[object, ...]] = [_HEADER]
    labels: list[tuple[Recording, int, Event]] = []
    with hold_folder(folder, MANIFEST):
        _check_manifest(
            folder / MANIFEST, {**asdict(settings), "layout": layout, "quality": jpeg_quality}
        )
        _check_others(folder, names, subjects, takes)
        for recording in tqdm(recordings, "writing", unit="recording", disable=not progress):
            rows += _rows(recording, names)
            shown = [event for event in recording.events if event.expression is not None]
            labels += [(recording, index, event) for index, event in enumerate(shown, 1)]
            _write_frames(folder, names, recording, jpeg_quality)
        names.write_workbook(folder, labels)
        write_csv(folder / TRUTH, rows)
    return folder


def _check_manifest(file: Path, values: dict[str, Any]) -> None:
    """Record how the recordings are drawn; refuse to mix them with others.

    Raises:
        RunError: the folder contains recordings with other settings.
    """
    plain = as_stored(values)
    stored = read_record(file)
    if file.is_file() and stored != plain:
        raise RunError(
            f"this folder contains recordings with other settings ({changes(stored, plain)})",
            file=file,
            remedy="Choose another folder, or remove this one.",
        )
    write_json(file, plain)


def _check_others(folder: Path, names: Layout, subjects: int, takes: int) -> None:
    """Refuse a folder with more recordings, which the workbook would lack.

    Recordings are written subject by subject, so that any others include one of two.

    Raises:
        RunError: the folder contains recordings of more subjects, or more of each.
    """
    for subject, take in ((subjects + 1, 1), (1, takes + 1)):
        if subject > names.subjects or take > names.takes:
            continue
        first = folder / names.frame(subject, take, 1)
        if first.exists():
            raise RunError(
                f"this folder contains {names.name(subject, take)}, which is not among "
                f"{subjects} subjects with {takes} recordings each",
                file=first.parent,
                remedy="Give as many --subjects and --recordings as it has, or another folder.",
            )


def _rows(recording: Recording, names: Layout) -> list[tuple[object, ...]]:
    scale = recording.face.scale
    name = names.name(recording.subject, recording.take)
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
            name,
        )
        for event in recording.events
    ]


def _write_frames(root: Path, names: Layout, recording: Recording, quality: int) -> None:
    """Write the frames, unless the last one is there already."""
    subject, take = recording.subject, recording.take
    last = root / names.frame(subject, take, recording.length)
    if last.is_file():
        return
    try:
        last.parent.mkdir(parents=True, exist_ok=True)
        for number, frame in recording.frames():
            _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
            file, content = root / names.frame(subject, take, number), data.tobytes()
            if file == last:  # it marks the recording as complete
                write_bytes(last, content)
            else:
                file.write_bytes(content)
    except OSError as error:
        raise unwritable(root, error) from error
