"""Where brows, eyes, nose and mouth lie in a crop, and how a rigid head moves its pixels.

The unit is the distance between the eyes' middles, and the origin is halfway between them; x runs
to the right and y downwards. Positions are those of an average adult face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamdss.align.detectors import DetectedFace
from gamdss.align.pose import matrix, pose_of
from gamdss.align.settings import AlignConfig
from gamdss.errors import ConfigError

_MOUTH = 1.10  # how far the middle of the mouth lies below the eyes of the average face
# Region: x, y, reach (a Gaussian's deviation). Paired ones are mirrored, left in the picture first.
_PAIRED = {
    "inner brow": (0.32, -0.30, 0.15),
    "outer brow": (0.64, -0.30, 0.16),
    "cheek": (0.60, 0.52, 0.18),
    "nose wing": (0.19, 0.52, 0.12),
    "upper lip": (0.16, 0.99, 0.11),
    "mouth corner": (0.44, 1.10, 0.15),
}
_MIDDLE = {"brow middle": (0.0, -0.16, 0.10), "lower lip": (0.0, 1.25, 0.15)}
_MIDDLE["chin"] = (0.0, 1.45, 0.18)
# A rectangle around an eye with its lids: middle of the right one, half width, half height.
EYE = (0.50, 0.0, 0.30, 0.19)
# Which part of the face a region belongs to.
PARTS = {"brow": "brows", "nose": "nose", "cheek": "mouth", "lip": "mouth", "chin": "mouth"}


@dataclass(frozen=True)
class FaceLayout:
    """Eyes and mouth in shares of the crop's width (x) and height (y), as the crop shows them."""

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    mouth: tuple[float, float]

    def __post_init__(self) -> None:
        if not (self.left_eye[0] < self.right_eye[0] and self.mouth[1] > self.left_eye[1]):
            raise ConfigError(
                f"no upright face has its eyes at {self.left_eye} and {self.right_eye} "
                f"and its mouth at {self.mouth}",
                remedy="Give shares of the crop: x from the left, y from the top.",
            )

    @classmethod
    def of_crops(cls, settings: AlignConfig) -> FaceLayout:
        """Where `gamdss align` puts the average face in crops of these settings."""
        left, right, mouth = (-0.5, 0.0), (0.5, 0.0), (0.0, _MOUTH)
        to_crop = matrix(pose_of(DetectedFace((0, 0, 1, 1), eyes=(left, right))), settings)
        places = np.array([left, right, mouth]) @ to_crop[:, :2].T + to_crop[:, 2] + 0.5
        shares = (places / (settings.width, settings.height)).tolist()
        return cls(*((x, y) for x, y in shares))

    def pixels(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Midpoint of the eyes, distance between the eyes, and of the mouth below them."""
        size = np.array([width, height])
        left, right, mouth = (
            np.array(p) * size for p in (self.left_eye, self.right_eye, self.mouth)
        )
        middle = (left + right) / 2
        return (
            float(middle[0]),
            float(middle[1]),
            float(np.hypot(*(right - left))),
            float(mouth[1] - middle[1]),
        )


def region_centres() -> dict[str, tuple[float, float, float]]:
    """Name, and (x, y, reach), of every region."""
    found = {}
    for name, (x, y, reach) in _PAIRED.items():
        found[f"left {name}"], found[f"right {name}"] = (-x, y, reach), (x, y, reach)
    found.update(_MIDDLE)
    return found


REGIONS = tuple(region_centres())


def part_of(region: str) -> str:
    """The part of the face of a region: brows, nose or mouth."""
    return next((part for word, part in PARTS.items() if word in region), "mouth")


def region_weights(x: np.ndarray, y: np.ndarray, mouth: float) -> np.ndarray:
    """Weights (R, N) of points (N,) in each region; each region's sum to 1.

    `mouth` is how far the mouth lies below the eyes of this face, in the unit.
    """
    scaled = np.where(y > 0, y * _MOUTH / mouth, y)
    rows = []
    for centre_x, centre_y, reach in region_centres().values():
        squares = (x - centre_x) ** 2 + (scaled - centre_y) ** 2
        weight = np.exp(-0.5 * squares / reach**2) * (squares < (2 * reach) ** 2)
        rows.append(weight / max(weight.sum(), 1e-12))
    return np.array(rows)


def steady_points(x: np.ndarray, y: np.ndarray, mouth: float) -> np.ndarray:
    """Which points (N,) show the head's own motion: the face without eyes and lips."""
    scaled = np.where(y > 0, y * _MOUTH / mouth, y)
    face = (x / 0.98) ** 2 + ((scaled - 0.5) / 1.2) ** 2 < 1
    eyes = ((np.abs(x) - 0.5) / 0.33) ** 2 + (scaled / 0.24) ** 2 < 1
    lips = (x / 0.5) ** 2 + ((scaled - _MOUTH) / 0.2) ** 2 < 1
    return np.asarray(face & ~eyes & ~lips)


def rigid_basis(x: np.ndarray, y: np.ndarray, mouth: float) -> np.ndarray:
    """Flow (2N, 6) of points by shift across and down, roll, growth, turn and nod of the head.

    Turns move a point by its depth, here that of an average face, so that near points run ahead
    of far ones: a first-order model of a distant camera.
    """
    scaled = np.where(y > 0, y * _MOUTH / mouth, y)
    dome = 0.8 * np.sqrt(np.clip(1 - (x / 1.15) ** 2, 0, 1)) - 0.35 * ((scaled - 0.55) / 1.5) ** 2
    nose = 0.25 * np.exp(-0.5 * ((x / 0.14) ** 2 + ((scaled - 0.5) / 0.2) ** 2))
    depth, zero, one = dome + nose - 0.55, np.zeros_like(x), np.ones_like(x)
    across = np.stack([one, zero, -y, x, depth, zero], axis=1)
    down = np.stack([zero, one, x, y, zero, depth], axis=1)
    return np.concatenate([across, down])
