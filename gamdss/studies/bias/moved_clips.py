"""Figures of single clips: those whose key frames moved most, before and after."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from gamdss.data.frames import FrameFinder
from gamdss.data.key_frames import KeyFrameReader
from gamdss.records import KEYS
from gamdss.report.colours import change, robust_limit
from gamdss.report.contact_sheet import Cell as SheetCell
from gamdss.report.contact_sheet import contact_sheet
from gamdss.report.film_strip import film_strip
from gamdss.report.motion_curve import Curve, motion_curves
from gamdss.reselection.motion.annotator import usual_phases
from gamdss.studies.bias.sources import JoinedSources
from gamdss.studies.bias.study import BiasStudy

CURVES, REVIEWED = 3, 24  # clips in the figures
_TILE = 160  # pixels of a face on the contact sheet


def draw_clips(folder: Path, found: BiasStudy, joined: JoinedSources) -> dict[str, str]:
    """Write the figures into `folder`; returns file names by what they show."""
    figures = {}
    order = worst(found)
    measured = (motion_curve(joined, i) for i in order[: 3 * CURVES])
    curves = list(islice((c for c in measured if c is not None), CURVES))
    if curves:
        figures["Motion level of the clips that moved most"] = "motion_curves.png"
        motion_curves(folder / "motion_curves.png", curves)
    figures["Key frames before and after"] = "film_strip.png"
    store = joined.store
    film_strip(
        folder / "film_strip.png",
        joined.clips,
        store.frames,
        store.annotated,
        store.reselected,
        store.reselected_keys,
        joined.true_keys(),
    )
    figures["Clips to review by eye"] = "review.png"
    _review(folder / "review.png", found, joined, order[:REVIEWED])
    return figures


def worst(found: BiasStudy) -> list[int]:
    """Clips by the largest shift, in percent of the phase, that their motion supports."""
    return [int(i) for i in np.argsort(-_supported(found).max(axis=1), kind="stable")]


def _supported(found: BiasStudy) -> np.ndarray:
    """Size of each shift in percent of the phase, (N, 3); 0 where unknown."""
    shifts = found.shifts
    size = np.abs(shifts.frames * shifts.scale("percent"))
    return np.where(shifts.located & np.isfinite(size), size, 0.0)


def motion_curve(joined: JoinedSources, index: int) -> Curve | None:
    """The clip's motion, measured again; None where there is too little of it."""
    source, place = joined.place(index)
    config, clip = source.config, source.clips[place]
    root = Path(config.data_root or ".").expanduser()
    reader = KeyFrameReader(
        source.spec.colour, config.model.image_size, config.frames, config.reselection
    )
    usual = usual_phases([clip.annotated.numbers for clip in source.clips])
    seen = reader.see(FrameFinder(source.spec, root, config.frames).find(clip), usual)
    if seen is None:
        return None
    learned = source.learned.get(clip.subject)
    fit = seen.alone() if learned is None else seen.under(learned)
    known = joined.true_keys() or {}
    named = joined.clips[index]
    title = f"Subject {named.subject}, clip {clip.name}: {clip.emotion}"
    return Curve(
        title,
        fit.times,
        fit.level,
        fit.course,
        clip.annotated,
        source.keys[place],
        known.get(named.id),
        fit.quality,
    )


def _review(path: Path, found: BiasStudy, joined: JoinedSources, chosen: list[int]) -> None:
    """A sheet of clips: the key frame that moved most, before and after, and the difference."""
    sizes = _supported(found)
    cells = []
    for i in chosen:
        k = int(sizes[i].argmax())
        moved = int(found.shifts.frames[i, k])
        ms = moved * found.shifts.scale("ms")[i, k]
        time = f" ({ms:+.0f} ms)" if np.isfinite(ms) else ""
        note = f"{KEYS[k]} {moved:+d}{time}" if moved else "nothing moved"
        clip = joined.clips[i]
        cells.append(SheetCell(clip.id, _tiles(joined, i, k), note, quiet=True))
    contact_sheet(
        path,
        cells,
        "Clips to review: annotated frame above, reselected frame in the middle, their difference",
        (3 * _TILE, _TILE),
    )


def _tiles(joined: JoinedSources, index: int, k: int) -> Callable[[], np.ndarray]:
    def draw() -> np.ndarray:
        store = joined.store
        places = (store.annotated[index, k], store.reselected[index, k])
        faces = [np.asarray(store.frames[p]).transpose(1, 2, 0) for p in places]  # (S, S, 3)
        before, after = (cv2.resize(face, (_TILE, _TILE)) for face in faces)
        moved = change(before, after)
        grey = np.clip(128 + 127 * moved / robust_limit(moved, 8.0), 0, 255).astype(np.uint8)
        return np.concatenate([before, after, np.repeat(grey[..., None], 3, axis=2)])

    return draw
