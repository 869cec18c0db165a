"""Eyes and brows: lids, sclera, iris, pupil and lashes; also closed, for blinks."""

from __future__ import annotations

import numpy as np

from gamdss.synthetic.canvas import Canvas, blend, extent, smooth_curve, smoothstep
from gamdss.synthetic.identity import Identity


def lid_curves(identity: Identity, side: int, count: int = 41) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower lid margin of an eye, each (count, 2), from the inner to the outer corner.

    `side` is -1 for the eye on the left of the picture and 1 for the right one.
    """
    u = np.linspace(-1, 1, count)
    x = side * (identity.eye_x + u * identity.eye_half_width)
    corner = identity.eye_y + 1.5 - identity.eye_tilt * u
    # The upper lid is highest near the nose, the lower one lowest near the temple.
    upper = corner - 0.68 * identity.eye_opening * (1 - u**2) ** 0.8 * (1 - 0.12 * u)
    lower = corner + 0.34 * identity.eye_opening * (1 - u**2) * (1 + 0.2 * u)
    return np.stack([x, upper], axis=1), np.stack([x, lower], axis=1)


def lid_levels(canvas: Canvas, identity: Identity) -> np.ndarray:
    """0 at the upper lid margin, 1 at the lower one, outside 0..1 elsewhere; for blinks."""
    levels = np.full(canvas.shape, 9.0, np.float32)
    for side in (-1, 1):
        upper, lower = lid_curves(identity, side)
        order = np.argsort(upper[:, 0])
        x = canvas.x[0]
        top = np.interp(x, upper[order, 0], upper[order, 1])
        bottom = np.interp(x, lower[order, 0], lower[order, 1])
        inside = np.abs(side * x - identity.eye_x) < identity.eye_half_width + 2
        level = (canvas.y - top) / np.maximum(bottom - top, 1.5)
        # Above the margin the closed lid may show everywhere: the skin is the same there.
        levels[:, inside] = np.where(canvas.y < identity.eye_y + 16, level, 9.0)[:, inside]
    return np.clip(levels, -9.0, 9.0)


def paint_lids(picture: np.ndarray, canvas: Canvas, identity: Identity) -> np.ndarray:
    """Paint closed eyes: the crease of the upper lid, the shade below, the lash line."""
    skin = np.array(identity.skin)
    for side in (-1, 1):
        upper, lower = lid_curves(identity, side)
        height = 2.0 + 3.4 * np.sin(np.linspace(0.25, 2.8, 41))
        crease = upper + np.array([0, -1]) * height[:, None]
        picture = blend(picture, skin * 0.45, 0.55 * canvas.stroke(crease, 1.0, soft=0.8))
        bag = lower + np.array([0, 6.5])
        picture = blend(picture, skin * 0.62, 0.28 * canvas.stroke(bag[6:-4], 1.5, soft=2.0))
        lashes = canvas.stroke(lower + np.array([0, -0.3]), 1.4, soft=0.6)
        picture = blend(picture, (26, 28, 34), 0.75 * lashes)
    return picture


def paint_eyes(
    picture: np.ndarray, canvas: Canvas, identity: Identity, rng: np.random.Generator
) -> np.ndarray:
    """Paint open eyes over the lids."""
    for side in (-1, 1):
        upper, lower = lid_curves(identity, side)
        opening = canvas.polygon(np.concatenate([upper, lower[::-1]]), soft=0.45)
        cut = extent(opening)
        eye = _eyeball(canvas.part(cut), identity, side, rng)
        shadow = canvas.stroke(upper + np.array([0, 1.2]), 3.2, soft=1.6)[cut]
        eye = eye * (1 - 0.5 * np.clip(shadow, 0, 1)[..., None])
        picture = picture.copy()
        picture[cut] = blend(picture[cut], eye, opening[cut])
        picture = blend(picture, (110, 120, 170), 0.5 * canvas.stroke(lower, 1.0, soft=0.5))
        # Shifted up, to keep the thickness of the lid above the lash line.
        lashes = canvas.stroke(upper + np.array([0, -0.5]), 1.8, soft=0.5)
        picture = blend(picture, (20, 20, 26), 0.88 * np.clip(lashes * 1.2, 0, 1))
        picture = blend(picture, (22, 22, 28), 0.8 * _lashes(canvas, upper, side, rng))
        corner = canvas.bump(upper[1, 0], upper[1, 1], 1.6, 1.3)
        picture = blend(picture, (96, 104, 176), 0.6 * corner)
    return picture


def _lashes(canvas: Canvas, upper: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Mask of single lashes that fan out from the upper lid."""
    lines = []
    for index in range(8, 41):
        root = upper[index]
        lean = side * (index - 16) / 14.0
        length = rng.uniform(1.6, 3.2)
        lines.append(np.array([root, root + length * np.array([lean, -1.0])]))
    return canvas.strands(lines, rng.uniform(0.35, 0.8, len(lines)))


def _eyeball(canvas: Canvas, identity: Identity, side: int, rng: np.random.Generator) -> np.ndarray:
    """Sclera, iris with limbal ring and streaks, pupil and the lamp's reflection."""
    centre_x, centre_y = side * identity.eye_x, identity.eye_y - 1.2
    dx, dy = canvas.x - centre_x, canvas.y - centre_y
    radius = np.sqrt(dx**2 + dy**2)
    size = 0.44 * identity.eye_half_width
    white = np.array([214.0, 218.0, 226.0]) * (0.55 + 0.45 * np.mean(identity.skin) / 200.0)
    round_off = np.clip(1.04 - 0.45 * (dx / identity.eye_half_width) ** 2, 0.4, 1.1)
    eye = white * round_off[..., None]
    # Streaks: a random profile over the angle around the iris.
    profile = np.convolve(rng.standard_normal(144), [0.25, 0.5, 0.25], mode="same")
    angle = (np.arctan2(dy, dx) / (2 * np.pi) + 0.5) * 143
    streaks = np.interp(angle.ravel(), np.arange(144), profile).reshape(canvas.shape)
    tone = 1.15 + 0.16 * streaks - 0.5 * smoothstep(radius, 0.68 * size, size)
    tone = tone + 0.35 * smoothstep(dy, -0.2 * size, size)
    iris = np.array(identity.iris) * np.clip(tone, 0.25, 2)[..., None]
    eye = blend(eye, iris, 1 - smoothstep(radius, size - 0.7, size + 0.5))
    eye = blend(eye, (10, 9, 9), 1 - smoothstep(radius, 0.40 * size - 0.5, 0.40 * size + 0.5))
    spot_x = centre_x + 3.6 * identity.light[0] + 0.8
    glint = canvas.bump(spot_x, centre_y - 3.0, 1.05, 1.05)
    return blend(eye, (250, 250, 250), np.clip(1.25 * glint, 0, 1))


def paint_brows(
    picture: np.ndarray, canvas: Canvas, identity: Identity, rng: np.random.Generator
) -> np.ndarray:
    """Paint brows: a soft ground and about a hundred hairs, from upright to sideways."""
    colour = np.minimum(np.array(identity.hair) * 0.8 + 6, np.array(identity.skin) * 0.5)
    for side in (-1, 1):
        spine = brow_spine(identity, side)
        along = np.linspace(0, 1, len(spine))
        profile = np.interp(along, [0, 0.12, 0.55, 1], [0.7, 1.0, 0.9, 0.15])
        half = 0.5 * identity.brow_thickness * profile
        below, above = (spine + np.array([0, way]) * half[:, None] for way in (1, -1))
        ground = canvas.polygon(np.concatenate([above, below[::-1]]), soft=1.3)
        lines = []
        for _ in range(int(45 + 22 * identity.brow_thickness)):
            t = rng.uniform(0, 1)
            index = int(t * (len(spine) - 1))
            root = spine[index] + np.array([0, half[index] * rng.uniform(-1, 1)])
            lean = side * np.interp(t, [0, 0.25, 1], [0.25, 0.9, 1.0])
            rise = np.interp(t, [0, 0.3, 0.6, 1], [-1.0, -0.45, 0.0, 0.45])
            direction = np.array([lean, rise + rng.normal(0, 0.12)])
            lines.append(np.array([root, root + rng.uniform(3.5, 6.5) * direction]))
        hairs = canvas.strands(lines, rng.uniform(0.3, 0.85, len(lines)))
        picture = blend(picture, colour, np.clip(0.42 * ground + 0.75 * hairs, 0, 0.92))
    return picture


def brow_spine(identity: Identity, side: int) -> np.ndarray:
    """The centre line of a brow from its inner to its outer end, (N, 2)."""
    inner, outer = identity.eye_x - 25, identity.eye_x + 28
    y, arch = identity.brow_y, identity.brow_arch
    points = [(inner, y + 2.0), (inner + 14, y - 0.3 * arch), (inner + 34, y - arch)]
    points += [(outer - 6, y - 0.4 * arch), (outer, y + 4.0)]
    return smooth_curve(np.array(points) * (side, 1), closed=False)
