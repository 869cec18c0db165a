"""Mouth and nostrils: lips with a cupid's bow, the line between them, the nostrils."""

from __future__ import annotations

import numpy as np

from gamdss.synthetic.canvas import Canvas, blend, both_sides, smooth_curve, tinted
from gamdss.synthetic.identity import Identity


def lip_line(identity: Identity) -> np.ndarray:
    """Where the lips meet, from the left to the right corner, (N, 2)."""
    width, y = identity.mouth_half_width, identity.mouth_y
    half = [(0.0, y + 1.4), (0.22 * width, y - 0.9), (0.6 * width, y + 0.2), (width, y + 0.6)]
    return smooth_curve(both_sides(half), closed=False)


def paint_mouth(
    picture: np.ndarray, canvas: Canvas, identity: Identity, rng: np.random.Generator
) -> np.ndarray:
    """Paint lips on the skin, before shading."""
    i = identity
    width, y = i.mouth_half_width, i.mouth_y
    line = lip_line(i)
    top = [(0.0, y - 0.72 * i.lip_upper), (0.13 * width, y - 1.15 * i.lip_upper)]
    top += [(0.36 * width, y - 0.85 * i.lip_upper), (0.75 * width, y - 0.2 * i.lip_upper)]
    top += [(width, y + 0.6)]
    bottom = [(0.0, y + 1.12 * i.lip_lower), (0.4 * width, y + 1.05 * i.lip_lower)]
    bottom += [(0.78 * width, y + 0.45 * i.lip_lower), (width, y + 0.6)]
    upper = np.concatenate([smooth_curve(both_sides(top), closed=False), line[::-1]])
    lower = np.concatenate([smooth_curve(both_sides(bottom), closed=False), line[::-1]])
    skin = np.array(i.skin)
    red = skin * (1 - i.lip_redness * np.array([0.36, 0.42, 0.14]))
    wrinkles = 1 + 0.035 * _vertical_grain(canvas, rng)
    lips = tinted(red, wrinkles)
    picture = blend(picture, lips * 0.86, 0.9 * canvas.polygon(upper, soft=1.0))
    picture = blend(picture, lips, 0.9 * canvas.polygon(lower, soft=1.3))
    picture = blend(picture, red * 0.25, 0.8 * canvas.stroke(line, 1.2, soft=0.7))
    return blend(picture, red * 0.35, 0.5 * canvas.pair(width, y + 0.6, 2.2, 1.6))


def paint_nostrils(picture: np.ndarray, canvas: Canvas, identity: Identity) -> np.ndarray:
    """Paint the nostrils and the shade under the nose."""
    skin, width, y = np.array(identity.skin), identity.nose_half_width, identity.nose_y
    hole = [(0.20 * width, y + 0.6), (0.42 * width, y - 2.6), (0.66 * width, y - 1.4)]
    hole += [(0.62 * width, y + 1.0), (0.38 * width, y + 1.2)]
    wing = [(0.86 * width, y - 13), (1.12 * width, y - 6)]
    wing += [(1.02 * width, y + 1.5), (0.70 * width, y + 2.2)]
    for side in (-1, 1):
        inside = smooth_curve(np.array(hole) * (side, 1), closed=True)
        picture = blend(picture, skin * 0.16, 0.9 * canvas.polygon(inside, soft=0.9))
        edge = smooth_curve(np.array(wing) * (side, 1), closed=False)
        picture = blend(picture, skin * 0.42, 0.42 * canvas.stroke(edge, 1.2, soft=0.9))
    return blend(picture, skin * 0.45, 0.22 * canvas.bump(0, y + 4, 12, 3))


def _vertical_grain(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """The fine vertical furrows of lips: noise that varies mainly from left to right."""
    top, middle, bottom = rng.standard_normal((3, canvas.shape[1])).astype(np.float32).astype(float)
    rows = np.linspace(0, 2, canvas.shape[0])[:, None]
    upper, lower = top + (middle - top) * rows, middle + (bottom - middle) * (rows - 1)
    return np.where(rows < 1, upper, lower)
