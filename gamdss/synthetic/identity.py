"""A synthetic person: proportions, colours, hair and light, drawn once per subject.

Lengths are design units: a face is designed on a canvas of 280 x 340 units, the size in pixels of
a cropped CASME II frame, with the origin in the middle, x to the right and y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

DESIGN_WIDTH, DESIGN_HEIGHT = 280.0, 340.0

Colour = tuple[float, float, float]

# From light to dark, as (blue, green, red), cv2's channel order.
SKIN_TONES = np.array(
    [
        (198, 212, 238),
        (172, 192, 228),
        (145, 172, 214),
        (112, 144, 194),
        (80, 110, 160),
        (55, 78, 122),
        (42, 58, 92),
    ],
    dtype=np.float32,
)
HAIR_COLOURS = (
    (22, 20, 24),
    (28, 34, 46),
    (34, 52, 82),
    (62, 92, 128),
    (92, 138, 178),
    (30, 62, 118),
)
EYE_COLOURS = ((22, 36, 62), (30, 58, 98), (62, 92, 92), (132, 112, 82), (112, 118, 108))
HAIR_STYLES = ("short", "fringe", "long", "parted", "buzz")


@dataclass(frozen=True)
class Identity:
    """A person's appearance. Lengths in design units, colours as (blue, green, red) in grey levels.

    `light` is a unit vector from the face towards the lamp (x right, y down, z to the camera);
    `texture_seed` is the seed of details: pores, freckles, single hairs.
    """

    half_width: float
    jaw: float
    chin_y: float
    eye_y: float
    eye_x: float
    eye_half_width: float
    eye_opening: float
    eye_tilt: float
    brow_y: float
    brow_thickness: float
    brow_arch: float
    nose_y: float
    nose_half_width: float
    nose_height: float
    mouth_y: float
    mouth_half_width: float
    lip_upper: float
    lip_lower: float
    hairline_y: float
    hair_style: str
    skin: Colour
    hair: Colour
    iris: Colour
    lip_redness: float
    freckles: int
    stubble: float
    background: Colour
    cloth: Colour
    light: tuple[float, float, float]
    texture_seed: int


def _proportions(rng: np.random.Generator, eye_y: float) -> dict[str, Any]:
    """Lengths and hair style, drawn in this order."""
    return {
        "half_width": rng.uniform(94, 107),
        "jaw": rng.uniform(0.70, 0.92),
        "chin_y": rng.uniform(136, 149),
        "eye_y": eye_y,
        "eye_x": rng.uniform(41, 47),
        "eye_half_width": rng.uniform(18.5, 22.5),
        "eye_opening": rng.uniform(11.0, 15.5),
        "eye_tilt": rng.uniform(-0.5, 2.5),
        "brow_y": eye_y - rng.uniform(23, 30),
        "brow_thickness": rng.uniform(4.0, 9.0),
        "brow_arch": rng.uniform(2.0, 7.5),
        "nose_y": rng.uniform(44, 55),
        "nose_half_width": rng.uniform(16, 23),
        "nose_height": rng.uniform(17, 25),
        "mouth_y": rng.uniform(81, 90),
        "mouth_half_width": rng.uniform(32, 41),
        "lip_upper": rng.uniform(5.0, 9.0),
        "lip_lower": rng.uniform(7.5, 12.5),
        "hairline_y": rng.uniform(-122, -100),
        "hair_style": str(rng.choice(HAIR_STYLES)),
    }


def _colour(values: np.ndarray) -> Colour:
    blue, green, red = (float(value) for value in values)
    return blue, green, red


def draw_identity(rng: np.random.Generator) -> Identity:
    """Draw a person."""
    tone = float(rng.beta(1.2, 1.6)) * (len(SKIN_TONES) - 1.001)
    low = int(tone)
    skin = SKIN_TONES[low] + (tone - low) * (SKIN_TONES[low + 1] - SKIN_TONES[low])
    skin = skin * rng.normal(1.0, 0.02, 3)
    # Fair hair and light eyes occur with fair skin only.
    fair = tone < 2.2
    hair = HAIR_COLOURS[int(rng.integers(len(HAIR_COLOURS) if fair else 3))]
    iris = EYE_COLOURS[int(rng.integers(len(EYE_COLOURS) if fair else 2))]
    azimuth, elevation = rng.uniform(-0.75, 0.75), rng.uniform(0.3, 0.8)
    eye_y = rng.uniform(-15, -9)
    return Identity(
        **_proportions(rng, eye_y),
        skin=_colour(skin),
        hair=_colour(np.array(hair) * rng.uniform(0.8, 1.2)),
        iris=_colour(np.array(iris) * rng.uniform(0.85, 1.15)),
        lip_redness=rng.uniform(0.35, 1.0),
        freckles=int(rng.integers(40, 160)) if fair and rng.random() < 0.4 else 0,
        stubble=rng.uniform(0.3, 1.0) if rng.random() < 0.3 else 0.0,
        background=_colour(rng.uniform(70, 190) + rng.uniform(-18, 18, 3)),
        cloth=_colour(rng.uniform(25, 190, 3)),
        light=(
            float(np.sin(azimuth) * np.cos(elevation)),
            float(-np.sin(elevation)),
            float(np.cos(azimuth) * np.cos(elevation)),
        ),
        texture_seed=int(rng.integers(2**31)),
    )
