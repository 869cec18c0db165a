"""A person's neutral face as a high-resolution texture, painted once and warped into frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from gamdss.synthetic.canvas import Canvas, blend, tinted
from gamdss.synthetic.eyes import lid_levels, paint_brows, paint_eyes, paint_lids
from gamdss.synthetic.hair import paint_behind, paint_ears, paint_hair
from gamdss.synthetic.identity import DESIGN_HEIGHT, DESIGN_WIDTH, Identity
from gamdss.synthetic.mouth import paint_mouth, paint_nostrils
from gamdss.synthetic.relief import gloss, head_outline, height_map, shading

# Texture pixels per pixel of a frame; with fewer, sub-pixel shifts would change the sharpness.
OVERSAMPLING = 2


@dataclass(frozen=True, eq=False)
class Face:
    """A neutral face for frames of `height` x `width` pixels.

    `texture` is the open-eyed face and `closed` the same with closed eyes, both (2 * height,
    2 * width, 3) float32, blue-green-red in 0..255. `lids` (2 * height, 2 * width) runs from 0 at
    the upper lid margin to 1 at the lower one. `head` (height, width) is 1 on the head and falls
    smoothly to 0 on the background. `scale` is pixels of a frame per design unit.
    """

    identity: Identity
    height: int
    width: int
    scale: float
    texture: np.ndarray
    closed: np.ndarray
    lids: np.ndarray
    head: np.ndarray

    def picture(self, closure: float, shift: np.ndarray) -> np.ndarray:
        """The face (H, W, 3) with the eyes closed by `closure`, 0 to 1, and moved skin.

        `shift` (H, W, 2) is the displacement in pixels of a frame.
        """
        sharp = self.texture
        if closure > 0:
            edge = 0.15
            mask = np.clip((closure * (1 + edge) - self.lids) / edge, 0, 1)[..., None]
            sharp = sharp + mask * (self.closed - sharp)
        rows, columns = np.indices((self.height, self.width), dtype=np.float32)
        # Where the content of each pixel comes from, in pixels of the texture.
        return cv2.remap(
            sharp,
            OVERSAMPLING * (columns - shift[..., 0] + 0.5) - 0.5,
            OVERSAMPLING * (rows - shift[..., 1] + 0.5) - 0.5,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )


@lru_cache(maxsize=4)  # a person is recorded several times
def render_face(identity: Identity, height: int, width: int) -> Face:
    """Paint `identity` for frames of `height` x `width` pixels; the whole face always fits."""
    scale = min(width / DESIGN_WIDTH, height / DESIGN_HEIGHT)
    # Small frames are painted large and reduced, to keep single hairs thin.
    canvas = Canvas(width / scale, height / scale, OVERSAMPLING * max(1.0, scale))
    opened, closed = _paint(canvas, identity)
    size = (OVERSAMPLING * width, OVERSAMPLING * height)
    head = canvas.polygon(head_outline(identity), soft=10.0)
    return Face(
        identity=identity,
        height=height,
        width=width,
        scale=scale,
        texture=_reduced(opened, size),
        closed=_reduced(closed, size),
        lids=cv2.resize(lid_levels(canvas, identity), size, interpolation=cv2.INTER_AREA),
        head=cv2.resize(head, (width, height), interpolation=cv2.INTER_AREA),
    )


def _reduced(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A painting at the texture's size, blurred as by a camera's lens."""
    smaller = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.clip(cv2.GaussianBlur(smaller, (0, 0), 0.4 * OVERSAMPLING), 0, 255)


def _paint(canvas: Canvas, identity: Identity) -> tuple[np.ndarray, np.ndarray]:
    """The face with open and with closed eyes, each (height, width, 3) float32."""
    rng = np.random.default_rng(identity.texture_seed)
    behind = paint_behind(canvas, identity, rng)
    behind = paint_ears(behind, canvas, identity)
    relief = height_map(canvas, identity)
    light = shading(canvas, relief, identity.light)
    skin = _skin(canvas, identity, rng)
    skin = paint_mouth(skin, canvas, identity, rng)
    skin = skin * light[..., None]
    shine = gloss(canvas, relief, identity.light) * (1 + 0.1 * canvas.noise(rng, (1.0,)))
    skin = skin + (26 * shine)[..., None]
    skin = paint_nostrils(skin, canvas, identity)
    closed = blend(behind, skin, canvas.polygon(head_outline(identity), soft=0.8))
    closed = paint_lids(closed, canvas, identity)
    closed = paint_brows(closed, canvas, identity, rng)
    opened = paint_eyes(closed, canvas, identity, rng)
    own = np.random.default_rng(int(rng.integers(2**31)))
    opened, closed = paint_hair((opened, closed), canvas, identity, own)
    return opened, closed


def _skin(canvas: Canvas, identity: Identity, rng: np.random.Generator) -> np.ndarray:
    """Skin before lighting: tone, blood, blotches, pores, freckles, stubble."""
    i = identity
    grain = 1 + 0.022 * canvas.noise(rng, (0.5, 1.0)) + 0.022 * canvas.noise(rng, (4.0, 10.0, 28.0))
    skin = tinted(np.array(i.skin), grain).astype(np.float32)
    blood = 0.5 * canvas.pair(0.56 * i.half_width, i.eye_y + 48, 20, 17)
    blood = blood + 0.45 * canvas.bump(0, i.nose_y - 6, 14, 10)
    blood = blood * (1 + 0.2 * canvas.noise(rng, (5.0,)))
    skin = skin * (1 - tinted(np.array([0.12, 0.13, -0.02]), blood))
    tired = canvas.pair(i.eye_x - 3, i.eye_y + 3, 20, 11)
    skin = skin * (1 - tinted(np.array([0.07, 0.11, 0.11]), tired))
    if i.stubble > 0:
        jaw = canvas.bump(0, i.chin_y - 16, 62, 34) + canvas.pair(62, i.mouth_y, 20, 34)
        jaw = np.clip(jaw + canvas.bump(0, i.nose_y + 14, 26, 6), 0, 1)
        dots = np.clip(0.5 + 0.5 * canvas.noise(rng, (0.5,)), 0, 1)
        skin = blend(skin, np.array(i.hair) + 25, 0.45 * i.stubble * jaw * (0.35 + 0.65 * dots))
    spots = np.zeros(canvas.shape, np.float32)
    for _ in range(i.freckles):
        x, y = rng.normal(0, 42), rng.normal(i.eye_y + 40, 16)
        cut = _window(canvas, x, y, 4.0)
        size = rng.uniform(0.5, 1.2)
        radius2 = (canvas.x[cut] - x) ** 2 + (canvas.y[cut] - y) ** 2
        spots[cut] += rng.uniform(0.15, 0.45) * np.exp(-0.5 * radius2 / size**2)
    return blend(skin, np.array(i.skin) * np.array([0.45, 0.52, 0.66]), np.clip(spots, 0, 0.7))


def _window(canvas: Canvas, x: float, y: float, reach: float) -> tuple[slice, slice]:
    """The rows and columns of `canvas` within `reach` of (x, y)."""
    rows, columns = canvas.shape
    column, row = x * canvas.scale + columns / 2, y * canvas.scale + rows / 2
    span = reach * canvas.scale
    return (
        slice(max(0, int(row - span)), max(0, int(row + span) + 1)),
        slice(max(0, int(column - span)), max(0, int(column + span) + 1)),
    )
