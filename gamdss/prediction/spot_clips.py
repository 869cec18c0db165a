"""Key frames of clips without annotation: spotted, written as a table, and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tabulate import tabulate
from tqdm import tqdm

from gamdss.data.clip_pool import clip_pool
from gamdss.data.frame_sequence import FrameSequence
from gamdss.errors import ConfigError, FrameError
from gamdss.files import unwritable, write_csv
from gamdss.prediction.recordings import Recording, find_recordings
from gamdss.records import APEX_PHASE, KEYS, RELIABLE
from gamdss.report.contact_sheet import Cell, contact_sheet
from gamdss.report.motion_curve import Curve, motion_curves
from gamdss.reselection.motion.fit import MotionFit
from gamdss.reselection.spotting import fit_spotted

CURVES = 6
_WORTH_A_PROCESS = 4  # clips, as in `clip_pool`: a clip takes about a second
_TILE = 160  # pixels of a face
_COLUMNS = [name for key in KEYS for name in (key, f"{key}_low", f"{key}_high")]
_COLUMNS += APEX_PHASE
_SHOWN = ("clip", "frames", *KEYS, "apex phase", "quality", "problem")


@dataclass(frozen=True, eq=False)
class Spotted:
    """A clip: the fit and the faces (480, 160, 3) RGB of its key frames, or the problem."""

    name: str
    frames: int = 0
    fit: MotionFit | None = None
    faces: np.ndarray | None = None
    problem: str = ""


def spot_clips(place: Path, output: Path, workers: int = 0) -> list[Spotted]:
    """Spot the key frames of every clip of a folder, tree or video.

    Args:
        place: a video, a folder of frames, or a tree of both, one clip each.
        output: folder of the table and the figures; created before the work.
        workers: as in `clip_pool`.

    Raises:
        DataRootError: `place` contains no clip.
        ConfigError: `output` is inside `place`.
        RunError: `output` cannot be written.
    """
    clips = find_recordings(place, least=1)
    prepare_output(output, place)
    with clip_pool(workers, len(clips), _WORTH_A_PROCESS, "--workers") as pool:
        return list(tqdm(pool.map(_spot, clips), "spotting", len(clips), unit="clip"))


def prepare_output(output: Path, place: Path) -> None:
    """Create the output folder before the work.

    Raises:
        ConfigError: it is inside the input.
        RunError: it cannot be created.
    """
    if output.resolve().is_relative_to(place.resolve()):
        raise ConfigError(
            f"--output is inside --input, {place}: its pictures would be read as frames next time",
            file=output,
            remedy="Choose a folder beside the input.",
        )
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(output, error) from error


def _spot(clip: Recording) -> Spotted:
    try:
        frames = FrameSequence(clip.path)
        fit = fit_spotted(frames)
        # Decoded again, since all frames of a long video would not fit into memory.
        faces = [cv2.resize(frames[n], (_TILE, _TILE))[..., ::-1] for n in fit.keys.numbers]
    except FrameError as error:
        where = "" if error.file is None else f"{error.file}: "
        return Spotted(clip.name, problem=f"{where}{error.problem}")
    return Spotted(clip.name, len(frames), fit, np.concatenate(faces))


def write_spotted(found: Sequence[Spotted], output: Path) -> str:
    """Write `keyframes.csv`, `motion_curves.png` and `key_frames.png`; returns a summary."""
    table = output / "keyframes.csv"
    header, rows = (
        ("clip", "frames", *_COLUMNS, "quality", "problem"),
        [_row(item) for item in found],
    )
    write_csv(table, [header, *rows])
    shown = [_shown(item) for item in found[:20]]
    lines = [tabulate(shown, _SHOWN, disable_numparse=True)]
    lines += [f"and {len(rows) - 20} more"] if len(rows) > 20 else []
    weak = [item.name for item in found if item.fit and item.fit.quality < RELIABLE]
    if weak:
        lines += ["", f"unreliable, with a quality of fit below {RELIABLE:g}: {', '.join(weak)}"]
    lines += ["", f"table   {table}"]
    done = [(item.name, item.fit) for item in found if item.fit is not None]
    if done:
        curves = [
            Curve(name, fit.times, fit.level, fit.course, None, fit.keys, quality=fit.quality)
            for name, fit in done[:CURVES]
        ]
        motion_curves(output / "motion_curves.png", curves)
        title = "Key frames: onset above, apex in the middle, offset below"
        cells = [
            Cell(
                i.name,
                lambda i=i: i.faces,  # type: ignore[misc]
                _note(i),
                failed=i.fit is None,
                quiet=i.fit is not None and i.fit.quality >= RELIABLE,
            )
            for i in found
        ]
        contact_sheet(output / "key_frames.png", cells, title, (3 * _TILE, _TILE))
        lines += [f"curves  {output / 'motion_curves.png'}", f"faces   {output / 'key_frames.png'}"]
    return "\n".join(lines)


def _note(item: Spotted) -> str:
    if item.fit is None:
        return "failed"
    numbers = ", ".join(map(str, item.fit.keys.numbers))
    return numbers if item.fit.quality >= RELIABLE else f"{numbers} (unreliable)"


def _shown(item: Spotted) -> tuple[object, ...]:
    """As `_row`, for the terminal."""
    if item.fit is None:
        return (item.name, item.frames or "", "", "", "", "", "", item.problem)
    keys = item.fit.keys
    pairs = zip(keys.numbers, keys.intervals, strict=True)
    numbers = [f"{number} ({low} to {high})" for number, (low, high) in pairs]
    held = "{} to {}".format(*keys.apex_phase) if keys.apex_phase else ""
    return (item.name, item.frames, *numbers, held, f"{item.fit.quality:.2f}", "")


def _row(item: Spotted) -> tuple[object, ...]:
    numbers: list[object] = [""] * len(_COLUMNS)
    quality = ""
    if item.fit is not None:
        keys = item.fit.keys
        pairs = zip(keys.numbers, keys.intervals, strict=True)
        numbers = [n for number, ends in pairs for n in (number, *ends)]
        numbers += keys.apex_phase or ("", "")
        quality = f"{item.fit.quality:.3f}"
    return (item.name, item.frames or "", *numbers, quality, item.problem)
