"""Clips that a program gives as frame sequences with annotated key frames and labels."""

from __future__ import annotations

import logging
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from gamdss.data.cells import cell_text, is_absent, plain_name
from gamdss.data.decoding import MixedSizeError, one_size
from gamdss.data.drawn_key_frames import found_and_drawn, frames_needed
from gamdss.data.frame_sequence import FrameSequence
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.nearest_frames import moved_to_nearest
from gamdss.data.store_writer import KEY_FRAMES
from gamdss.errors import ConfigError, FrameError, GamdssError, is_whole, some
from gamdss.records import KeyFrames

# A custom clip: frames, onset, apex, offset, label, and perhaps its subject.
LabelledFrames = (
    tuple[FrameSequence, int, int, int, str | int]
    | tuple[FrameSequence, int, int, int, str | int, str]
)
_MOST_CLASSES = 1000
_FORM = "A clip is (FrameSequence, onset, apex, offset, label), or with its subject as sixth item."
log = logging.getLogger("gamdss")


def checked_clips(source: object) -> list[LabelledFrames]:
    """The caller's clips as a list, each checked."""
    if not isinstance(source, Iterable):
        raise ConfigError(
            f"the source is of type {type(source).__name__}",
            remedy=f"Pass the name of a dataset, the path of a spec, or clips. {_FORM}",
        )
    clips = list(source)
    if not clips:
        raise ConfigError("there is no clip", remedy="Pass at least one clip.")
    for place, clip in enumerate(clips, start=1):
        complete = isinstance(clip, Sequence) and len(clip) in (5, 6)
        if not complete or not isinstance(clip[0], FrameSequence):
            raise ConfigError(f"clip {place} is {reprlib.repr(clip)}", remedy=_FORM)
        if len(clip) != len(clips[0]):
            raise ConfigError(
                f"of clips 1 and {place}, only one has a subject", remedy="Name it for all or none."
            )
        if not all(is_whole(number, least=None) for number in clip[1:4]):
            raise ConfigError(
                f"clip {place}, {clip[0]!r}: onset, apex and offset are "
                f"{', '.join(map(repr, clip[1:4]))}",
                remedy="Give frame numbers as integers.",
            )
    return clips


def subjects_of(clips: Sequence[LabelledFrames]) -> tuple[str, ...] | None:
    """The subject of each clip; None if the clips have none.

    Raises:
        ConfigError: a subject is blank, or a mark that it is missing.
    """
    given = [clip[5] for clip in clips if len(clip) == 6]
    for place, subject in enumerate(given, start=1):
        if is_absent(subject):
            raise ConfigError(
                f"the subject of clip {place} is {subject!r}", remedy="Name the person."
            )
    return tuple(plain_name(cell_text(subject)) for subject in given) or None


def key_frames(
    clip: LabelledFrames, place: int, reader: KeyFrameReader
) -> tuple[np.ndarray, np.ndarray, KeyFrames]:
    """Frames (K, 3, S, S) uint8 RGB of one clip, and its key frames.

    Between them is the index (1 + D, 3) in the frames: of the key frames, and of each draw.
    """
    frames, *numbers = clip[:4]
    onset, apex, offset = (int(number) for number in numbers)
    given, where = KeyFrames(onset, apex, offset), f"clip {place + 1}, {frames!r}"
    try:
        if reader.frames.missing == "nearest":
            given = moved_to_nearest(given, frames)
        for note in given.notes:
            log.warning("%s: %s", where, note)
        annotated = given.numbers
        needed = frames_needed(annotated, reader.reselection)
        images = {number: frames[number] for number in needed if number in frames}
        if given.apex in images:  # else `reselect` raises the error
            images = one_size(images, given.apex, reader.frames)
        keys, draws = found_and_drawn(images, annotated, reader.reselection)
    except MixedSizeError as error:
        raise FrameError(
            f"{where} has frames of mixed size: frame {error.number} is {error.problem}",
            remedy='Crop the clip again, or pass mixed_size="resize".',
        ) from error
    except GamdssError as error:
        problem = f"{where}: {error.problem}"
        raise type(error)(problem, file=error.file, remedy=error.remedy) from error
    finally:
        frames.release()  # a process may not open as many files as a dataset has videos
    used, index = np.unique([keys.numbers, *draws], return_inverse=True)
    resized = np.stack([reader.resize(images[int(number)]) for number in used])
    doubts = (frames.warning,) if frames.warning else ()
    notes = (*doubts, *given.notes, *keys.notes)
    keys = replace(keys, notes=notes, substituted=given.substituted)
    return resized, index.reshape(-1, KEY_FRAMES), keys


def class_numbers(labels: Sequence[str | int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Class names in alphabetical order and each clip's class number; numbers are kept as given."""
    if all(is_whole(label) for label in labels):
        numbers = tuple(int(label) for label in labels)
        if max(numbers) >= _MOST_CLASSES:
            raise ConfigError(
                f"a class number is {max(numbers)}",
                remedy=f"Number the classes from 0 on, below {_MOST_CLASSES}, or give their names.",
            )
        if absent := sorted(set(range(max(numbers))) - set(numbers)):
            log.warning(
                "no clip has the class number %s: the labels are kept as they are, as %d classes",
                some(list(map(str, absent))),
                max(numbers) + 1,
            )
        return tuple(map(str, range(max(numbers) + 1))), numbers
    if not all(isinstance(label, str) for label in labels):
        raise ConfigError(
            f"the labels are {sorted(set(map(repr, labels)))}",
            remedy="Give class names, or class numbers from 0.",
        )
    names = tuple(sorted({str(label) for label in labels}))
    return names, tuple(names.index(str(label)) for label in labels)
