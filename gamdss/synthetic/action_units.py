"""Action units as displacement: where on the face, in which direction, over which area.

Associations of emotions and action units follow the FACS literature (Ekman and Friesen, 1978)
as the micro-expression datasets label them (CASME II: Yan et al., 2014, table 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.synthetic.face import Face
from gamdss.synthetic.identity import Identity

# The combinations of units of each emotion; a clip draws one.
COMBINATIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "happiness": ((12,), (6, 12)),
    "surprise": ((1, 2), (1, 2, 25)),
    "disgust": ((9,), (9, 10), (4, 9)),
    "repression": ((15, 17), (17,), (14, 17)),
    "others": ((4,), (4, 7)),
    "fear": ((1, 2, 4), (1, 4, 20)),
    "sadness": ((1, 4, 15), (1, 15)),
    "anger": ((4, 7, 17), (7, 17)),
    "contempt": ((14,), (12, 14)),
    "tense": ((7,), (7, 20)),
    "positive": ((12,), (6, 12)),
    "negative": ((9,), (4, 9), (4, 15)),
}
# Units that sometimes occur on one side of the face only.
_ONE_SIDED = (10, 12, 14, 15)
_ONE_SIDED_SHARE = 0.1


@dataclass(frozen=True)
class Pull:
    """Moves the skin around (x, y) by (dx, dy) with a Gaussian falloff; design units, x outwards.

    A paired pull acts on both sides, mirrored.
    """

    x: float
    y: float
    dx: float
    dy: float
    reach_x: float
    reach_y: float
    paired: bool = True


def pulls(identity: Identity, unit: int) -> tuple[Pull, ...]:
    """The pulls of an action unit on this face; the largest displacement is about 1."""
    i = identity
    mouth, corner = i.mouth_y, i.mouth_half_width
    table = {
        1: (Pull(i.eye_x - 16, i.brow_y, 0.0, -1.0, 14, 13),),
        2: (Pull(i.eye_x + 12, i.brow_y, 0.1, -1.0, 16, 13),),
        4: (Pull(i.eye_x - 16, i.brow_y + 2, -0.6, 0.85, 17, 13),),
        6: (Pull(0.52 * i.half_width, i.eye_y + 36, 0.1, -0.8, 22, 16),),
        7: (
            Pull(i.eye_x, i.eye_y + 9, 0.0, -0.6, 16, 6),
            Pull(i.eye_x, i.eye_y - 8, 0.0, 0.4, 16, 6),
        ),
        9: (
            Pull(0.7 * i.nose_half_width, i.nose_y - 16, 0.0, -1.0, 12, 15),
            Pull(9, i.brow_y + 12, -0.3, 0.5, 9, 10),
        ),
        10: (Pull(13, mouth - 9, 0.1, -0.9, 13, 9),),
        12: (Pull(corner, mouth, 0.75, -0.7, 16, 15),),
        14: (Pull(corner + 3, mouth - 1, 0.9, 0.1, 11, 11),),
        15: (Pull(corner - 2, mouth + 5, 0.1, 1.0, 14, 13),),
        17: (
            Pull(0, i.chin_y - 26, 0.0, -1.0, 24, 13, paired=False),
            Pull(0, mouth + 8, 0.0, -0.6, 20, 8, paired=False),
        ),
        20: (Pull(corner + 1, mouth + 2, 1.0, 0.2, 15, 12),),
        25: (Pull(0, mouth + 13, 0.0, 1.0, 24, 13, paired=False),),
    }
    return table[unit]


@dataclass(frozen=True)
class Expression:
    """The action units of a clip; `side` is "L", "R" (the person's own) or "" for both."""

    units: tuple[int, ...]
    side: str = ""

    @property
    def code(self) -> str | int:
        """As in the workbooks: `4+7`, `L12`; a single unit is a number."""
        if len(self.units) == 1 and not self.side:
            return self.units[0]
        return "+".join(f"{self.side if unit in _ONE_SIDED else ''}{unit}" for unit in self.units)


def draw_expression(emotion: str, rng: np.random.Generator) -> Expression:
    """Draw the action units of a clip; an emotion without combinations uses those of `others`."""
    choices = COMBINATIONS.get(emotion, COMBINATIONS["others"])
    units = choices[int(rng.integers(len(choices)))]
    one_sided = rng.random() < _ONE_SIDED_SHARE and any(unit in _ONE_SIDED for unit in units)
    side = str(rng.choice(["L", "R"])) if one_sided else ""
    return Expression(units, side)


def displacement(face: Face, expression: Expression, rng: np.random.Generator) -> np.ndarray:
    """Displacement (height, width, 2) float32 in x and y, 1 where the face moves most.

    Strengths are drawn per unit and vary between the two sides of the face.
    """
    x = (np.arange(face.width, dtype=np.float32) + 0.5 - face.width / 2) / face.scale
    y = (np.arange(face.height, dtype=np.float32) + 0.5 - face.height / 2) / face.scale
    field = np.zeros((face.height, face.width, 2), np.float32)
    for unit in expression.units:
        strength = rng.uniform(0.8, 1.0)
        # A person's left side is on the right of the picture.
        only = {"L": 1, "R": -1}.get(expression.side) if unit in _ONE_SIDED else None
        for pull in pulls(face.identity, unit):
            for side in (-1, 1) if pull.paired else (1,):
                if pull.paired and only not in (None, side):
                    continue
                across = np.exp(-0.5 * ((x - side * pull.x) / pull.reach_x) ** 2)
                down = np.exp(-0.5 * ((y - pull.y) / pull.reach_y) ** 2)
                weight = strength * rng.uniform(0.9, 1.0) * down[:, None] * across[None, :]
                field[..., 0] += weight * side * pull.dx
                field[..., 1] += weight * pull.dy
    return field / np.sqrt((field**2).sum(axis=2)).max()
