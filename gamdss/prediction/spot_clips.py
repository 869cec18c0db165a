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
from gamdss.errors import ConfigError, FrameError, some
from gamdss.files import unwritable, write_csv
from gamdss.prediction.recordings import Recording, find_recordings
from gamdss.prediction.shots import WatchedFrames
from gamdss.records import APEX_PHASE, KEYS, RELIABLE
from gamdss.report.contact_sheet import Cell, contact_sheet
from gamdss.report.motion_curve import Curve, motion_curves
from gamdss.reselection.motion.fit import MotionFit
from gamdss.reselection.spotting import fit_spotted

CURVES = 6
_WORTH_A_PROCESS = 4  # clips, as in `clip_pool`: a clip takes about a second
_TILE = 160  # pixels of the longer side of a face
_COLUMNS = [name for key in KEYS for name in (key, f"{key}_low", f"{key}_high")]
_COLUMNS += APEX_PHASE
_SHOWN = ("clip", "frames", *KEYS, "apex phase", "quality", "problem")


@dataclass(frozen=True, eq=False)
class Spotted:
    """A clip: the fit, or why there is none.

    Args:
        name: of the clip.
        frames: number of its frames.
        fit: None if it could not be spotted.
        faces: those of its key frames, uint8 RGB (3, h, w, 3), of which h or w is 160.
        problem: why it could not be spotted, or what is doubtful about its frames.
        cut: whether the picture cuts, which the motion cannot be told from.
    """

    name: str
    frames: int = 0
    fit: MotionFit | None = None
    faces: np.ndarray | None = None
    problem: str = ""
    cut: bool = False

    @property
    def reliable(self) -> bool:
        """Whether its key frames are those of a clear rise and fall in one shot."""
        return self.fit is not None and self.fit.quality >= RELIABLE and not self.cut


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
        watched = WatchedFrames(frames)
        fit = fit_spotted(watched)
        cuts = watched.cuts
        # Decoded again, since all frames of a long video would not fit into memory.
        faces = np.stack([_tile(frames[number]) for number in fit.keys.numbers])
    except FrameError as error:
        where = "" if error.file is None else f"{error.file}: "
        return Spotted(clip.name, problem=f"{where}{error.problem}")
    doubts = [frames.warning] if frames.warning else []
    if cuts:
        where = f"frame{'s' * (len(cuts) > 1)} {some(list(map(str, cuts)), 3)}"
        doubts.append(f"the picture cuts at {where}: give a clip of one shot")
    return Spotted(clip.name, len(frames), fit, faces, "; ".join(doubts), bool(cuts))


def _tile(image: np.ndarray) -> np.ndarray:
    """A small picture, uint8 RGB, of an image, uint8 BGR (H, W, 3)."""
    height, width = image.shape[:2]
    scale = _TILE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)[..., ::-1]


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
    if cut := [item.name for item in found if item.cut]:
        lines += ["", f"unreliable, since the picture cuts: {', '.join(cut)}"]
    lines += ["", f"table   {table}"]
    if any(item.fit is not None for item in found):
        curves, faces = output / "motion_curves.png", output / "key_frames.png"
        _draw(found, curves, faces)
        lines += [f"curves  {curves}", f"faces   {faces}"]
    return "\n".join(lines)


def _draw(found: Sequence[Spotted], curves: Path, faces: Path) -> None:
    """Draw the curves of the first clips, and the key frames of all."""
    done = [(item, item.fit) for item in found if item.fit is not None]
    panels = [
        Curve(
            f"{item.name} (cut)" if item.cut else item.name,
            *(fit.times, fit.level, fit.course, None, fit.keys),
            quality=fit.quality,
        )
        for item, fit in done[:CURVES]
    ]
    motion_curves(curves, panels)
    shapes = np.array([item.faces.shape[1:3] for item in found if item.faces is not None])
    height, width = map(int, shapes.max(axis=0))
    cells = [
        Cell(
            item.name,
            lambda item=item: _column(item.faces, height, width),  # type: ignore[misc]
            _note(item),
            failed=item.fit is None,
            quiet=item.reliable,
        )
        for item in found
    ]
    title = "Key frames: onset above, apex in the middle, offset below"
    contact_sheet(faces, cells, title, (3 * height, width))


def _column(faces: np.ndarray | None, height: int, width: int) -> np.ndarray | None:
    """Three pictures (3, h, w, 3) above each other, each in the middle of a white tile."""
    if faces is None:
        return None
    tiles = np.full((3, height, width, 3), 255, np.uint8)
    high, wide = faces.shape[1:3]
    top, left = (height - high) // 2, (width - wide) // 2
    tiles[:, top : top + high, left : left + wide] = faces
    return tiles.reshape(3 * height, width, 3)


def _note(item: Spotted) -> str:
    if item.fit is None:
        return "failed"
    numbers = ", ".join(map(str, item.fit.keys.numbers))
    if item.cut:
        return f"{numbers} (cut)"
    return numbers if item.reliable else f"{numbers} (unreliable)"


def _shown(item: Spotted) -> tuple[object, ...]:
    """As `_row`, for the terminal."""
    if item.fit is None:
        return (item.name, item.frames or "", "", "", "", "", "", item.problem)
    keys = item.fit.keys
    pairs = zip(keys.numbers, keys.intervals, strict=True)
    numbers = [f"{number} ({low} to {high})" for number, (low, high) in pairs]
    held = "{} to {}".format(*keys.apex_phase) if keys.apex_phase else ""
    return (item.name, item.frames, *numbers, held, f"{item.fit.quality:.2f}", item.problem)


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
