"""The grid of the stress test: one factor at a time around a middle level, on clips of its own."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gamdss.errors import ConfigError
from gamdss.synthetic.settings import SynthConfig

# Seeds of the grid are (SEED, 0, person) and (SEED, 1, person, clip), the same in all cells, so
# that cells differ in their factor only. Nothing else draws from them, and nothing is tuned on
# them.
SEED = 7_340_000
CLIPS_PER_PERSON = 4
MIDDLE = "middle"
MIDDLE_FPS = 200.0


@dataclass(frozen=True)
class Cell:
    """Clips of one setting. `settings` are the fields of `SynthConfig` unlike the middle level."""

    name: str
    settings: dict[str, Any]

    def config(self, height: int, width: int) -> SynthConfig:
        """What its clips are like."""
        return replace(middle(height, width), **self.settings)


@dataclass(frozen=True)
class Factor:
    """What is varied. `levels` are (label, name of the cell), in the order of the axis."""

    title: str
    levels: tuple[tuple[str, str], ...]


def middle(height: int = 340, width: int = 280) -> SynthConfig:
    """The level that every factor is varied around."""
    return SynthConfig(
        height=height,
        width=width,
        fps=MIDDLE_FPS,
        margin_ms=150.0,  # a biased annotation still lies within the clip
        course=["mixed"],
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


def cells(factors: Sequence[str]) -> list[Cell]:
    """The cells of these factors, each once, the middle level first where it is among them."""
    found = {
        name: Cell(name, _TABLE[factor][1][label])
        for factor in factors
        for label, name in FACTORS[factor].levels
    }
    return sorted(found.values(), key=lambda cell: cell.name != MIDDLE)


def chosen_factors(names: str) -> list[str]:
    """Factors from their names with commas between; all of them from an empty text.

    Raises:
        ConfigError: an unknown factor.
    """
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in FACTORS:
            near = difflib.get_close_matches(name, FACTORS, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise ConfigError(
                f"--cells names an unknown factor {name!r}",
                remedy=f"{hint}Factors: {', '.join(FACTORS)}.",
            )
    return [name for name in FACTORS if name in chosen] if chosen else list(FACTORS)
