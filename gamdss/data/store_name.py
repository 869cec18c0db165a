"""The name of a store: a digest of settings, annotation, and the bytes of the files.

Reading every file takes a while, so the name is noted under their paths, sizes and times of change.
A dataset that was moved, copied or unpacked again is read once more, and has the same store. Two
datasets never share one by mistake, whatever their names, sizes and times.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gamdss.data.decoding import MOST_BYTES
from gamdss.data.frames import ClipFrames
from gamdss.files import read_record, read_regular, write_record

_FIELD = "store"
# Numbers of the frames of a clip that a store depends on.
Wanted = Callable[[ClipFrames], Sequence[int]]


def find_folder(
    stores: Path,
    settings: dict[str, Any],
    clips: Sequence[ClipFrames],
    wanted: Wanted,
    progress: bool,
) -> tuple[Path, Path]:
    """The folder of a store in `stores`, which need not exist, and the file that notes its name."""
    by_state = stores / _digest(settings, clips, wanted, file_state)
    note = by_state.with_suffix(".json")
    if by_state.is_dir():  # as an earlier version named it
        return by_state, note
    known = read_record(note).get(_FIELD)
    if known is None:
        shown = tqdm(clips, "comparing frames", unit="clip", disable=not progress)
        known = _digest(settings, shown, wanted, _contents)
    return stores / known, note


def note_name(folder: Path, note: Path) -> None:
    """Note the name of a complete store, unless it is known."""
    if folder != note.with_suffix("") and read_record(note).get(_FIELD) != folder.name:
        write_record(note, {_FIELD: folder.name})


def _digest(
    settings: dict[str, Any],
    clips: Iterable[ClipFrames],
    wanted: Wanted,
    identity: Callable[[int, Path], bytes],
) -> str:
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=12)
    for item in clips:
        who = (item.clip.annotator,) if item.clip.annotator else ()
        digest.update(repr((item.clip.id, item.clip.annotated, *who)).encode())
        for number in wanted(item):
            path = item.files.get(number)
            if path is not None:
                digest.update(identity(number, path))
    return digest.hexdigest()


def file_state(number: int, path: Path) -> bytes:
    """Number, place, size and time of change of a frame's file."""
    status = path.stat()
    return repr((number, str(path.resolve()), status.st_size, status.st_mtime_ns)).encode()


def _contents(number: int, path: Path) -> bytes:
    try:
        data = read_regular(path, MOST_BYTES)
    except OSError:  # which is reported when the frame is decoded
        return file_state(number, path)
    return repr((number, hashlib.blake2b(data, digest_size=20).digest())).encode()
