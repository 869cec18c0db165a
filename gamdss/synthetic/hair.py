"""Everything around the face: hair, ears, neck, clothes and background."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gamdss.synthetic.canvas import Canvas, blend, both_sides, smooth_curve, smoothstep, tinted
from gamdss.synthetic.identity import Identity


def paint_behind(canvas: Canvas, identity: Identity, rng: np.random.Generator) -> np.ndarray:
    """Background, the hair behind the head, neck and clothes, (height, width, 3)."""
    fall = 1.08 - 0.16 * (canvas.y + 170) / 340 + 0.05 * canvas.x / 140 * identity.light[0]
    tint = fall + 0.015 * canvas.noise(rng, (60.0, 15.0))
    picture = tinted(np.array(identity.background), tint).astype(np.float32)
    if identity.hair_style == "long":
        right = [(0, -185), (118, -175), (136, -60), (140, 60), (128, 190)]
        mane = smooth_curve(both_sides(right), closed=True)
        picture = blend(picture, _strands(canvas, identity, rng) * 0.72, canvas.polygon(mane, 1.5))
    return _neck(picture, canvas, identity)


def _neck(picture: np.ndarray, canvas: Canvas, identity: Identity) -> np.ndarray:
    """Neck in the shadow of the chin, and clothes."""
    half = 0.62 * identity.half_width
    neck = np.array(both_sides([(half, 60), (half + 3, 150), (half + 20, 200)]))
    round_off = 0.74 - 0.32 * (canvas.x / half) ** 2 + 0.25 * identity.light[0] * canvas.x / half
    shadow = 1 - 0.38 * (1 - smoothstep(canvas.y, identity.chin_y - 2, identity.chin_y + 34))
    tone = np.clip(round_off * shadow, 0.12, 1.0)
    picture = blend(picture, tinted(np.array(identity.skin), tone), canvas.polygon(neck, 1.0))
    edge = both_sides([(0, 186), (half + 14, 148), (190, 178), (260, 200)])
    cloth = smooth_curve([*edge, (0, 260)], closed=True, rounds=3)
    return blend(picture, identity.cloth, canvas.polygon(cloth, 0.8))


def paint_ears(picture: np.ndarray, canvas: Canvas, identity: Identity) -> np.ndarray:
    """Ears at both sides of the head; hair may cover them later."""
    skin = np.array(identity.skin)
    outline = np.array([(-6, -28), (9, -36), (16, -18), (11, 10), (3, 34), (-6, 26)])
    helix = np.array([(1, -22), (10, -26), (10, -6), (4, 16)])
    for side in (-1, 1):
        x, y = side * identity.half_width, 0.5 * (identity.eye_y + identity.nose_y) - 8
        ear = canvas.polygon(smooth_curve(outline * (side, 1) + (x, y), closed=True), 0.8)
        lit = 0.72 + 0.22 * side * identity.light[0]
        picture = blend(picture, skin * np.array([0.92, 0.92, 1.0]) * lit, ear)
        curve = smooth_curve(helix * (side, 1) + (x, y), closed=False)
        picture = blend(picture, skin * 0.35, 0.5 * canvas.stroke(curve, 1.6, soft=1.3))
        picture = blend(picture, skin * 0.3, 0.5 * canvas.bump(x + side * 2, y + 2, 3.0, 7.0))
    return picture


def paint_hair(
    pictures: Sequence[np.ndarray], canvas: Canvas, identity: Identity, rng: np.random.Generator
) -> list[np.ndarray]:
    """The same hair over forehead and temples of each picture, in the identity's style."""
    soft = {"buzz": 5.0, "fringe": 1.2}.get(identity.hair_style, 2.2)
    mask = canvas.polygon(_hair_outline(identity, rng), soft)
    # Noise frays the hairline.
    fray = 0.5 + 0.5 * np.tanh(2 * (mask - 0.5) * 2 + 0.55 * canvas.noise(rng, (1.2, 3.0)))
    edge = 4 * mask * (1 - mask)
    mask = mask * (1 - edge) + edge * mask * fray * 1.2
    strength = 0.8 if identity.hair_style == "buzz" else 1.0
    shadow = canvas.blur(np.roll(mask, round(5 * canvas.scale), axis=0), 4.0)
    dimmed = (1 - 0.28 * shadow * (1 - mask))[..., None]
    strands, mask = _strands(canvas, identity, rng), np.clip(mask * strength, 0, 1)
    return [blend(picture * dimmed, strands, mask) for picture in pictures]


def _hair_outline(identity: Identity, rng: np.random.Generator) -> np.ndarray:
    """Closed outline of the front hair: outside over the head, inside along the hairline."""
    width, line = identity.half_width, identity.hairline_y
    rise = 2.0 if identity.hair_style == "buzz" else rng.uniform(6, 12)
    ear = identity.eye_y + 6
    side = 5.0 if identity.hair_style == "buzz" else 9.0
    right = [(0.4 * width, -172 - rise), (0.86 * width, -150 - rise)]
    right += [(width + side, -80), (width + side, ear)]
    temple = 0.84 * width
    low: list[tuple[float, float]]
    if identity.hair_style == "long":
        right[-1] = (width + 16, 190)
        low = [(width + 2, 190), (0.97 * width, 60), (0.90 * width, -40)]
    else:
        low = [(width - 3, ear), (0.93 * width, identity.brow_y)]
    if identity.hair_style == "fringe":
        bottom = identity.brow_y - 12
        teeth = np.linspace(temple, -temple, 15)
        inner = [(x, bottom + rng.uniform(-8, 6)) for x in teeth]
    elif identity.hair_style == "parted":
        part = float(rng.choice([-0.35, 0.35])) * width
        inner = [(0.80 * width, line + 30), (0.45 * width, line + 4), (part, line - 24)]
        inner += [(part, line - 24), (-0.45 * width, line + 4), (-0.80 * width, line + 30)]
        inner = [(temple, -62), *inner, (-temple, -62)]
    else:
        inner = [(temple, -62), (0.72 * width, line + 6), (0.3 * width, line), (-0.3 * width, line)]
        inner += [(-0.72 * width, line + 6), (-temple, -62)]
    left = [(-x, y) for x, y in reversed(low)]
    return smooth_curve(both_sides(right) + low + inner + left, closed=True, rounds=3)


def _strands(canvas: Canvas, identity: Identity, rng: np.random.Generator) -> np.ndarray:
    """Hair colour (height, width, 3): strands from the crown, with a sheen across them."""
    crown_x = float(rng.uniform(-25, 25))
    long = identity.hair_style in ("long", "parted")
    dx, dy = canvas.x - crown_x, canvas.y + (230 if long else 185)
    angle = np.arctan2(dx, np.maximum(dy, 1.0) if long else dy)
    wave = 0.012 * canvas.noise(rng, (18.0, 9.0))
    place = (angle + wave) / (2 * np.pi) + 0.5
    tone = np.zeros(canvas.shape, np.float32)
    for count, weight in ((1400, 0.16), (500, 0.14), (120, 0.10)):
        profile = rng.standard_normal(count + 1)
        along = np.interp(place.ravel() * count, np.arange(count + 1), profile)
        tone += weight * along.reshape(canvas.shape)
    distance = np.hypot(dx, dy)
    sheen = np.exp(-0.5 * ((distance - (95 if long else 58) + 10 * tone) / 14) ** 2)
    lit = 0.85 + 0.35 * identity.light[0] * canvas.x / 140 + tone + 0.45 * sheen
    return tinted(np.array(identity.hair), np.clip(lit, 0.25, 2.4)) + 6 * sheen[..., None]
