"""The face as a relief: a height map of bumps and folds, and its shading under a lamp."""

from __future__ import annotations

import numpy as np

from gamdss.synthetic.canvas import Canvas, both_sides, smooth_curve, smoothstep
from gamdss.synthetic.identity import Identity


def head_outline(identity: Identity) -> np.ndarray:
    """The closed outline of the head without ears, (N, 2) in design units."""
    width, jaw, chin = identity.half_width, identity.jaw, identity.chin_y
    right = [(0.0, -168.0), (0.62 * width, -164.0), (0.98 * width, -118.0)]
    right += [(1.02 * width, -50.0), (1.00 * width, 20.0)]
    right += [((0.25 + 0.72 * jaw) * width, 0.55 * chin), (0.80 * jaw * width, 0.80 * chin)]
    right += [(0.42 * jaw * width, 1.00 * chin), (0.15 * jaw * width, 1.05 * chin)]
    return smooth_curve(both_sides(right), closed=True)


def height_map(canvas: Canvas, identity: Identity) -> np.ndarray:
    """Height of the face towards the camera, (height, width), in design units."""
    dome = _dome(canvas, identity)
    return canvas.blur(dome + _upper_face(canvas, identity) + _lower_face(canvas, identity), 1.0)


def _dome(canvas: Canvas, identity: Identity) -> np.ndarray:
    """The head: round from left to right, slightly curved from top to bottom."""
    inside = canvas.polygon(head_outline(identity), soft=0)
    half = np.maximum(inside.sum(axis=1, keepdims=True) / (2 * canvas.scale), 12.0)
    across = np.sqrt(np.clip(1.0 - (canvas.x / (half * 1.02)) ** 2, 0.0, 1.0))
    along = 34.0 * ((canvas.y - 10.0) / 150.0) ** 2
    return canvas.blur((72.0 * across - along).astype(np.float32), 7.0)


def _upper_face(canvas: Canvas, identity: Identity) -> np.ndarray:
    """Brow ridge, eye sockets with eyeballs, and the nose with its wings."""
    i = identity
    ridge = 3.2 * canvas.pair(0.8 * i.eye_x, i.brow_y + 4, 26, 9)
    socket = -5.5 * canvas.pair(i.eye_x - 5, i.eye_y - 1, 20, 12)
    socket = socket - 3.0 * canvas.pair(17, i.eye_y - 2, 8, 12)
    ball = 5.0 * canvas.pair(i.eye_x, i.eye_y, 13, 9)
    down = np.clip((canvas.y - i.brow_y) / (i.nose_y - i.brow_y), 0.0, 1.0)
    width = 6.0 + (0.42 * i.nose_half_width) * down**1.5
    begin = smoothstep(canvas.y, i.brow_y - 8, i.brow_y + 24)
    ends = begin * (1 - smoothstep(canvas.y, i.nose_y - 9, i.nose_y + 5))
    bridge = i.nose_height * (0.35 + 0.65 * down) * np.exp(-0.5 * (canvas.x / width) ** 2) * ends
    tip = 7.0 * canvas.bump(0, i.nose_y - 8, 0.5 * i.nose_half_width, 8)
    wings = 8.0 * canvas.pair(0.74 * i.nose_half_width, i.nose_y - 4, 5.0, 6.0)
    return ridge + socket + ball + bridge + tip + wings


def _lower_face(canvas: Canvas, identity: Identity) -> np.ndarray:
    """Cheeks, the fold from nose to mouth, philtrum, lips and chin."""
    i = identity
    cheeks = 6.0 * canvas.pair(0.55 * i.half_width, i.eye_y + 46, 22, 20)
    muzzle = 7.0 * canvas.bump(0, i.mouth_y - 2, 0.8 * i.mouth_half_width, 24)
    lips = 3.4 * canvas.bump(0, i.mouth_y - 0.55 * i.lip_upper, 0.5 * i.mouth_half_width, 3.4)
    lower = canvas.bump(0, i.mouth_y + 0.6 * i.lip_lower, 0.45 * i.mouth_half_width, 4.2)
    lips = lips + 5.0 * lower
    line = -3.0 * canvas.bump(0, i.mouth_y, 0.7 * i.mouth_half_width, 1.8)
    corners = -2.5 * canvas.pair(i.mouth_half_width + 2, i.mouth_y, 4, 4)
    groove = -1.3 * canvas.bump(0, 0.5 * (i.nose_y + i.mouth_y) - 2, 3, 8)
    chin = 6.5 * canvas.bump(0, i.chin_y - 20, 18, 12)
    crease = -3.0 * canvas.bump(0, i.mouth_y + i.lip_lower + 9, 17, 4)
    fold = np.zeros(canvas.shape, np.float32)
    path = [(i.nose_half_width + 2, i.nose_y - 8), (i.nose_half_width + 11, i.nose_y + 8)]
    path += [(i.mouth_half_width + 7, i.mouth_y - 8), (i.mouth_half_width + 10, i.mouth_y + 6)]
    for side in (-1, 1):
        curve = smooth_curve(np.array(path) * (side, 1), closed=False)
        fold -= 1.6 * canvas.stroke(curve, 3.0, soft=2.5)
    return cheeks + muzzle + lips + line + corners + groove + chin + crease + fold


def shading(canvas: Canvas, height: np.ndarray, light: tuple[float, float, float]) -> np.ndarray:
    """Brightness factor of a relief under a lamp, about 1 where the surface faces the lamp."""
    slope_y, slope_x = np.gradient(height, 1 / canvas.scale)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    facing = (-slope_x * light[0] - slope_y * light[1] + light[2]) / length
    # Reflected light from the other side keeps the dark half of the face visible.
    bounce = (slope_x * light[0] + slope_y * 0.2 + 0.9) / length
    diffuse = 0.34 + 0.60 * np.clip(facing, 0, None) + 0.14 * np.clip(bounce, 0, None)
    hollow = height - canvas.blur(height, 5.0)
    return (diffuse * np.clip(1 + 0.045 * hollow, 0.7, 1.12)).astype(np.float32)


def gloss(canvas: Canvas, height: np.ndarray, light: tuple[float, float, float]) -> np.ndarray:
    """Specular highlight in 0..1, where the surface reflects the lamp to the camera."""
    slope_y, slope_x = np.gradient(canvas.blur(height, 1.2), 1 / canvas.scale)
    half = np.array(light) + np.array([0, 0, 1.0])
    half /= np.linalg.norm(half)
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    mirrored = (-slope_x * half[0] - slope_y * half[1] + half[2]) / length
    return np.clip(mirrored, 0, 1).astype(np.float32) ** 24
