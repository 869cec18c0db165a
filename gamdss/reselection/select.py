"""The search: the pair onset-apex that differs most, then the offset that differs most from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gamdss.records import KEYS, KeyFrames
from gamdss.reselection.difference import squared_differences
from gamdss.reselection.images import Frames, gather, gather_span, numbered
from gamdss.reselection.motion.fit import fit_motion
from gamdss.reselection.presets import Preset, Windows, ordered_annotation, resolve


def reselect(
    frames: Frames,
    onset: int,
    apex: int,
    offset: int,
    first_frame: int = 1,
    *,
    preset: str | Preset = "full",
    frame_numbers: Sequence[int] | None = None,
    ratio: float | None = None,
) -> KeyFrames:
    """Move annotated key frames to the clearest ones near them (arXiv 2603.04766).

    Of equal differences the first tried wins: the annotated pair, then for each later onset the
    apex candidates from the annotated one outwards, then the annotated onset with the other
    apexes; the annotated offset before earlier ones. The result keeps onset <= apex <= offset.

    Args:
        frames: (T, H, W, 3) or (T, H, W), uint8 or (not for `original-*`) floats; or a mapping
            from frame number to one image, asked once for each of `needed_frames`. The order of
            the colour channels does not matter.
        onset, apex, offset: annotated frame numbers.
        first_frame: number of the first frame of an array.
        preset: a name from `PRESETS`, or a `Preset`. `motion` wants all frames of the clip, and
            states an interval of each key frame.
        frame_numbers: number of each frame of an array, in place of `first_frame`, when some are
            missing.
        ratio: share of a phase to search, 0 to 1, in place of the preset's own.

    Returns:
        Frame numbers in the annotation's numbering. Frames missing inside a window are skipped
        and noted. `kept` names the key frames that `motion` does not locate more precisely than
        the annotation: all three where the frames are too few or too small, or show no rise and
        fall.

    Raises:
        FrameError: an annotated frame is missing, or images differ in size or are unusable.
        AnnotationError: the numbers are not integers in order.
        ConfigError: unknown preset, or a ratio outside 0 to 1.
    """
    rule = resolve(preset, ratio)
    if rule.criterion == "motion":
        source = numbered(frames, first_frame, frame_numbers)
        return _by_motion(source, KeyFrames(*ordered_annotation(onset, apex, offset)), rule)
    windows = rule.windows(*ordered_annotation(onset, apex, offset))
    images, notes = gather(numbered(frames, first_frame, frame_numbers), windows, rule.wrap)
    present = Windows(*(tuple(n for n in window if n in images) for window in windows))
    best_onset, best_apex = _best_pair(images, present, rule)
    best_offset = _best_offset(images, present.offset, best_apex, rule)
    return KeyFrames(best_onset, best_apex, best_offset, notes)


def _by_motion(source: Mapping[int, np.ndarray], keys: KeyFrames, rule: Preset) -> KeyFrames:
    images, notes = gather_span(source, keys.numbers, rule.span(*keys.numbers))
    fit = fit_motion(images, keys)
    if fit is None:
        return replace(keys, notes=notes, kept=KEYS)
    return replace(fit.keys, notes=notes)


def _best_pair(images: Mapping[int, np.ndarray], windows: Windows, rule: Preset) -> tuple[int, int]:
    annotated = windows.onset[0], windows.apex[0]
    if len(windows.onset) == len(windows.apex) == 1:
        return annotated
    # Row-major order is the order of trying, but for the annotated pair, which goes first.
    onsets, apexes = (*windows.onset[1:], windows.onset[0]), windows.apex
    found = squared_differences(_pick(images, onsets), _pick(images, apexes), wrap=rule.wrap)
    found[np.greater.outer(onsets, apexes)] = -1.0
    if rule.onset_moves:
        found[-1, 1:] = -1.0
    if found[-1, 0] == found.max():
        return annotated
    row, column = np.unravel_index(found.argmax(), found.shape)
    return onsets[row], apexes[column]


def _best_offset(
    images: Mapping[int, np.ndarray], window: Sequence[int], apex: int, rule: Preset
) -> int:
    offsets = [number for number in window if number >= apex]
    if len(offsets) == 1:
        return offsets[0]
    # apex - offset, not offset - apex: modulo 256 the two differ, and the release takes this one.
    found = squared_differences(_pick(images, offsets), _pick(images, [apex]), wrap=rule.wrap)
    return offsets[int(found.argmax())]


def _pick(images: Mapping[int, np.ndarray], numbers: Sequence[int]) -> list[np.ndarray]:
    return [images[number] for number in numbers]
