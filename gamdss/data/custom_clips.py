"""Clips that a program gives as frame sequences with annotated key frames and labels."""

from __future__ import annotations

import logging
import reprlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from gamdss.data.cells import cell_text, is_absent, plain_name
from gamdss.data.decoding import MixedSizeError, one_size
from gamdss.data.drawn_key_frames import found_and_drawn, frames_needed
from gamdss.data.folders import folded
from gamdss.data.frame_sequence import FrameSequence
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.nearest_frames import moved_to_nearest
from gamdss.data.people import check_prefixes
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
_ANY_DATASET = ""  # custom clips belong to none
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
    """The subject of each clip, as it was spelled first; None if the clips have none.

    Spellings that differ in case, blanks, width or zero padding are one person, with a warning.

    Raises:
        ConfigError: a subject is blank, a mark that it is missing, or has a slash; or two of them
            may be one person, with and without a prefix.
    """
    given = [clip[5] for clip in clips if len(clip) == 6]
    for place, subject in enumerate(given, start=1):
        if is_absent(subject):
            raise ConfigError(
                f"the subject of clip {place} is {subject!r}", remedy="Name the person."
            )
        if "/" in cell_text(subject):
            raise ConfigError(
                f"the subject of clip {place} is {subject!r}",
                remedy="Name the person without a slash, which ends the subject in a clip's name.",
            )
    found = _first_spellings([cell_text(subject) for subject in given], "subject")
    check_prefixes((_ANY_DATASET, name) for name in found)
    return found or None


def _first_spellings(names: Sequence[str], what: str) -> tuple[str, ...]:
    """The names, each as it was spelled first (`folded`); a warning lists other spellings."""
    first: dict[str, str] = {}
    names = [plain_name(name).strip() for name in names]
    found = tuple(first.setdefault(folded(name), name) for name in names)
    merged = [
        f"{name!r} is taken as {kept!r}"
        for name, kept in dict.fromkeys(zip(names, found, strict=True))
        if name != kept
    ]
    if merged:
        log.warning("%d other spelling(s) of a %s: %s", len(merged), what, some(merged))
    return found


def clip_names(clips: Sequence[LabelledFrames], subjects: Sequence[str] | None) -> tuple[str, ...]:
    """A unique name of each clip: subject/name, or the name alone without subjects.

    The name is that of the folder or video, with those of as many folders above it as are needed
    to tell the sources of a subject apart. Clips of one source also have their frames, as in
    `film.mp4:12-51`, and clips of the same frames are numbered.
    """
    owners = [""] * len(clips) if subjects is None else [f"{name}/" for name in subjects]
    paths = [clip[0].source.absolute().parts[1:] for clip in clips]
    different = len(set(zip(owners, paths, strict=True)))
    for length in range(1, max(1, *map(len, paths)) + 1):
        names = [f"{o}{'_'.join(p[-length:])}" for o, p in zip(owners, paths, strict=True)]
        if len(set(names)) == different:
            break
    names = _marked(names, [f":{clip[1]}-{clip[3]}" for clip in clips])
    numbers: dict[str, Iterator[int]] = defaultdict(lambda: count(1))
    return tuple(_marked(names, [f"#{next(numbers[name])}" for name in names]))


def _marked(names: Sequence[str], marks: Sequence[str]) -> list[str]:
    """Names that occur more than once with their mark, the others unchanged."""
    times = Counter(names)
    return [n + mark if times[n] > 1 else n for n, mark in zip(names, marks, strict=True)]


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
    """Class names in alphabetical order and each clip's class number; numbers are kept as given.

    Names that differ in case, blanks, width or zero padding are one class, spelled as it was first,
    with a warning.

    Raises:
        ConfigError: a label is blank or no label, a number is too large, or numbers and names mix.
    """
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
    for place, label in enumerate(labels, start=1):
        if not plain_name(str(label)).strip():
            raise ConfigError(f"the class of clip {place} is {label!r}", remedy="Name the class.")
    found = _first_spellings([str(label) for label in labels], "class")
    names = tuple(sorted(set(found)))
    return names, tuple(map(names.index, found))
