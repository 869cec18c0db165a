"""`reselect`: annotated key frames become the clearest ones near them, or several likely ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gamdss.records import KEYS, KeyFrames
from gamdss.reselection.images import Frames, gather, gather_span, numbered
from gamdss.reselection.jitter import jittered
from gamdss.reselection.motion.course import Posterior
from gamdss.reselection.motion.fit import fit_motion
from gamdss.reselection.windows import Preset, ordered_annotation, resolve, search


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

    Ties keep the first candidate: the annotated pair, then for each later onset the apexes from
    the annotated one outwards, then the annotated onset with the other apexes; the annotated
    offset before earlier ones. The result has onset <= apex <= offset.

    Args:
        frames: (T, H, W, 3) or (T, H, W), uint8 or (not for `original-*`) floats; a list of
            images; or a mapping from frame number to image, of which each of `needed_frames` is
            read once. Colours are B, G, R, as OpenCV reads them: in another order `motion` finds
            slightly other key frames. It takes floats from 0 to 255, from 0 to 1, or of any other
            range, which it stretches over the grey levels; so it does if they end between 1 and
            25.5. To the other presets the range does not matter.
        onset, apex, offset: annotated frame numbers.
        first_frame: number of the first frame of an array.
        preset: a name from `PRESETS`, or a `Preset`. `motion` needs all frames of the clip, and
            gives an interval for each key frame, and the apex phase of an expression that is held.
        frame_numbers: number of each frame of an array, in place of `first_frame`, if some are
            missing.
        ratio: share of a phase to search, 0 to 1, in place of the preset's.

    Returns:
        Frame numbers in the annotation's numbering. Frames missing inside a window are skipped
        and noted. `kept` names the key frames that `motion` does not locate more precisely than
        the annotation: all three if the frames are too few or too small, or show no rise and
        fall.

    Raises:
        FrameError: an annotated frame is missing, or images are unusable or differ in size.
        AnnotationError: the numbers are not integers in order.
        ConfigError: unknown preset, or a ratio outside 0 to 1.
    """
    rule = resolve(preset, ratio)
    keys = KeyFrames(*ordered_annotation(onset, apex, offset))
    return _found(numbered(frames, first_frame, frame_numbers), keys, rule)[0]


def reselect_with_posterior(
    images: Mapping[int, np.ndarray],
    annotated: tuple[int, int, int],
    preset: str | Preset,
    ratio: float | None = None,
) -> tuple[KeyFrames, Posterior | None]:
    """As `reselect` of frames by number, and the key frames' posterior if `motion` found one."""
    keys = KeyFrames(*ordered_annotation(*annotated))
    return _found(images, keys, resolve(preset, ratio))


def draw_key_frames(
    found: KeyFrames,
    posterior: Posterior | None,
    present: Sequence[int],
    draws: int,
    jitter: float = 0.0,
) -> tuple[tuple[int, int, int], ...]:
    """Equally likely key frames of a clip; the same for every call.

    Args:
        found: the reselected key frames.
        posterior: theirs; without one (and without jitter), all draws are `found`.
        present: numbers of the frames that exist.
        draws: how many are drawn.
        jitter: move `found` at random by up to this share of a phase; 0 draws from the posterior.
    """
    if jitter:
        return jittered(found.numbers, jitter, draws, present)
    return (found.numbers,) * draws if posterior is None else posterior.draws(draws)


def _found(
    source: Mapping[int, np.ndarray], keys: KeyFrames, rule: Preset
) -> tuple[KeyFrames, Posterior | None]:
    if rule.criterion == "motion":
        images, notes = gather_span(source, keys.numbers, rule.span(keys.onset, keys.offset))
        fit = fit_motion(images, keys)
        if fit is None:
            return replace(keys, notes=notes, kept=KEYS), None
        return replace(fit.keys, notes=notes, quality=round(fit.quality, 4)), fit.posterior
    windows = rule.windows(*keys.numbers)
    images, notes = gather(source, windows, rule.wrap)
    return KeyFrames(*search(images, windows, rule), notes), None
