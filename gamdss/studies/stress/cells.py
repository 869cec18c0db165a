"""The cells of the stress test: one factor at a time around a middle level, measured in parallel.

Every cell's result is a file of its own, so that an interrupted run resumes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gamdss.data.clip_pool import clip_pool
from gamdss.errors import ConfigError, did_you_mean
from gamdss.files import as_stored, hold_folder, write_record
from gamdss.reselection.motion.annotator import usual_phases
from gamdss.studies.stored_cell import CELLS, cell_file, read_cell
from gamdss.studies.stress.clip import (
    CLIPS_PER_PERSON,
    SEED,
    ClipResult,
    MeasuredClip,
    draw_annotation,
    finish_clips,
    measure_clip,
)
from gamdss.synthetic.settings import SynthConfig

# Version of the method. Raise it with every change that can change a number of a cell: in
# reselection, in the synthetic clips, in `clip.py`, in the middle level and the factors below.
# Cells of other versions are refused rather than mixed with new ones. Renaming, moving and
# commenting do not change it.
METHOD = 12
MIDDLE = "middle"
MIDDLE_FPS = 200.0


@dataclass(frozen=True)
class StressCell:
    """Clips of one setting: the fields of `SynthConfig` that differ from the middle level."""

    name: str
    settings: dict[str, Any]

    def config(self, height: int, width: int) -> SynthConfig:
        """The settings of its clips."""
        return replace(middle(height, width), **self.settings)


@dataclass(frozen=True)
class Factor:
    """A disturbance to vary: `levels` are (label, name of the cell), in the order of the axis."""

    title: str
    levels: tuple[tuple[str, str], ...]


def middle(height: int = 340, width: int = 280) -> SynthConfig:
    """The middle level: every factor is varied around it."""
    return SynthConfig(
        seed=SEED,
        height=height,
        width=width,
        fps=MIDDLE_FPS,
        margin_ms=150.0,  # a biased annotation still lies within the clip
        course=["mixed"],
        between_frames=True,
        amplitude=(1.5, 2.5),
        noise=2.0,
        flicker=1.0,
        illumination=2.0,
        drift=0.6,
        blink=0.1,
        onset_jitter=0.09,
        apex_jitter=0.12,
        offset_jitter=0.15,
    )


def _bias(share: float) -> dict[str, Any]:
    return {f"{key}_bias": share for key in ("onset", "apex", "offset")}


_EXACT = {f"{key}_jitter": 0.0 for key in ("onset", "apex", "offset")}
_COURSES = ("cosine", "power", "tail", "plateau", "asymmetric")
# By factor: title, and by label the settings; {} is the middle level.
_TABLE: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "noise": (
        "noise (grey levels)",
        {f"{v}": {} if v == 2 else {"noise": float(v)} for v in range(5)},
    ),
    "flicker": (
        "flicker (%)",
        {f"{v}": {} if v == 1 else {"flicker": float(v)} for v in range(4)},
    ),
    "illumination": (
        "illumination (%)",
        {f"{v}": {} if v == 2 else {"illumination": float(v)} for v in (0, 2, 5)},
    ),
    "drift": (
        "drift (px)",
        {f"{v:g}": {} if v == 0.6 else {"drift": float(v)} for v in (0, 0.6, 1.2, 2)},
    ),
    "amplitude": (
        "amplitude (px)",
        {f"{v:g}": {"amplitude": (float(v), float(v))} for v in (0.5, 1, 2, 3)},
    ),
    "fps": (
        "frames a second",
        {f"{v}": {} if v == 200 else {"fps": float(v)} for v in (30, 60, 100, 200)},
    ),
    "blink": ("blink", {"no": {"blink": 0.0}, "yes": {"blink": 1.0}}),
    "course": ("time course", {**{name: {"course": [name]} for name in _COURSES}, "mixed": {}}),
    "annotator": (
        "annotator's bias (% of a phase)",
        {
            "exact": _EXACT,
            **{f"{v:+d}" if v else "0": _bias(v / 100) if v else {} for v in range(-30, 31, 15)},
        },
    ),
}
FACTORS = {
    factor: Factor(
        title,
        tuple(
            (label, f"{factor}_{label}" if settings else MIDDLE)
            for label, settings in levels.items()
        ),
    )
    for factor, (title, levels) in _TABLE.items()
}


def cells(factors: Sequence[str]) -> list[StressCell]:
    """The cells of these factors, each once, the middle level first if it is among them."""
    found = {
        name: StressCell(name, _TABLE[factor][1][label])
        for factor in factors
        for label, name in FACTORS[factor].levels
    }
    return sorted(found.values(), key=lambda cell: cell.name != MIDDLE)


def chosen_factors(names: str) -> list[str]:
    """Factors from comma-separated names; all of them if empty.

    Raises:
        ConfigError: an unknown factor.
    """
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in FACTORS:
            raise ConfigError(
                f"--cells names an unknown factor {name!r}",
                remedy=f"{did_you_mean(name, FACTORS)}Factors: {', '.join(FACTORS)}.",
            )
    return [name for name in FACTORS if name in chosen] if chosen else list(FACTORS)


@dataclass(frozen=True)
class StressSizes:
    """Clips of a cell, pixels of a frame, processes (0: one each processor), where moments lie.

    `clips_seed` is that of people, clips and the annotator's errors.
    """

    clips: int = 40
    height: int = 340
    width: int = 280
    workers: int = 0
    between_frames: bool = True
    clips_seed: int = SEED

    def config(self, cell: StressCell) -> SynthConfig:
        """The settings of a cell's clips."""
        config = cell.config(self.height, self.width)
        return replace(config, between_frames=self.between_frames, seed=self.clips_seed)


def measure_cells(
    factors: Sequence[str], sizes: StressSizes, output: Path, progress: bool = True
) -> dict[str, list[ClipResult]]:
    """Measure the cells of `factors` that are not in `output` yet.

    Args:
        factors: names from `FACTORS`.
        sizes: how much to measure.
        output: its folder `cells` gets a file for each finished cell.
        progress: show a progress bar.

    Returns:
        The clips' results by name of the cell.

    Raises:
        RunError: a cell's file is corrupt or has other settings; the folder cannot be written,
            contains other files or is in use.
    """
    wanted = {cell.name: (cell, _about(cell, sizes)) for cell in cells(factors)}
    with hold_folder(output, CELLS):
        stored = {
            name: read_cell(cell_file(output, name), about, _results)
            for name, (_, about) in wanted.items()
        }
        found = {name: clips for name, clips in stored.items() if clips is not None}
        missing = [wanted[name] for name in stored if name not in found]
        total = sizes.clips * len(missing)
        # Processes start the next cell while the last clips of one are measured.
        jobs = [job for cell, _ in missing for job in _jobs(cell, sizes)]
        with (
            clip_pool(sizes.workers, len(jobs), 1, "--workers") as pool,
            tqdm(total=total, desc="stress", unit="clip", disable=not progress) as bar,
        ):
            measured = chain.from_iterable(pool.map(_measured, jobs))
            for cell, about in missing:
                bar.set_postfix_str(cell.name)
                of_cell = []
                for clip in islice(measured, sizes.clips):
                    of_cell.append(clip)
                    bar.update()
                clips = found[cell.name] = finish_clips(of_cell)
                values = {**about, "clips": [clip.as_dict() for clip in clips]}
                write_record(cell_file(output, cell.name), values)
    return found


_Job = tuple[Callable[[int], MeasuredClip], Sequence[int]]


def _jobs(cell: StressCell, sizes: StressSizes) -> Iterator[_Job]:
    """How to measure a clip, and the clips of one person, whose face is then rendered once."""
    config, clips = sizes.config(cell), range(sizes.clips)
    annotated = [draw_annotation(config, index).numbers for index in clips]
    measure = partial(measure_clip, config, usual_phases(annotated))
    for first in range(0, sizes.clips, CLIPS_PER_PERSON):
        yield measure, clips[first : first + CLIPS_PER_PERSON]


def _measured(job: _Job) -> list[MeasuredClip]:
    measure, clips = job
    return [measure(index) for index in clips]


def _about(cell: StressCell, sizes: StressSizes) -> dict[str, Any]:
    """The settings that a cell's numbers depend on."""
    config = sizes.config(cell)
    left_out = ("subjects", "clips_per_subject", "seed", "workers", "faults", "layout", "emotions")
    settings = {name: value for name, value in asdict(config).items() if name not in left_out}
    return {
        "cell": cell.name,
        "seed": sizes.clips_seed,
        "number_of_clips": sizes.clips,
        "method": METHOD,
        "settings": as_stored(settings),
    }


def _results(values: dict[str, Any]) -> list[ClipResult]:
    return [ClipResult.from_dict(clip) for clip in values["clips"]]
