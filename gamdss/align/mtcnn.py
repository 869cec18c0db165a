"""MTCNN: a cascade of three networks over an image pyramid (Zhang et al. 2016), run by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from gamdss.align.blazeface import overlap
from gamdss.align.detectors import DetectedFace
from gamdss.align.packaged_models import load_network, model_files

# Faces below this many pixels are not searched for.
_SMALLEST = 48
_FACTOR, _CELL, _STRIDE = 0.709, 12, 2
# Scores that a box needs in each stage, and overlaps above which the better one of two is kept.
_SCORES = (0.6, 0.7, 0.9)


class Mtcnn:
    """Faces with five points: eyes, tip of the nose, corners of the mouth."""

    def __init__(self) -> None:
        self._propose, self._refine, self._place = map(load_network, model_files("mtcnn"))

    def faces(self, image: np.ndarray) -> list[DetectedFace]:
        """All faces in a uint8 BGR image (H, W, 3)."""
        # The networks take RGB in (-1, 1), width before height.
        pixels = (cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.float32) - 127.5) / 128
        boxes = self._proposals(pixels)
        if len(boxes):
            shift, score = _run(self._refine, _parts(pixels, boxes, 24), ("dense_2", "softmax_1"))
            boxes = _better(_shifted(boxes, shift), score[:, 1], _SCORES[1], 0.7)[0]
        if not len(boxes):
            return []
        boxes = _squares(boxes)
        names = ("dense_5", "dense_6", "softmax_2")
        shift, raw, score = _run(self._place, _parts(pixels, boxes, 48), names)
        sizes = boxes[:, 2:] - boxes[:, :2]
        points = boxes[:, None, :2] + raw.reshape(-1, 2, 5).transpose(0, 2, 1) * sizes[:, None]
        best, kept = _better(_shifted(boxes, shift), score[:, 1], _SCORES[2], 0.7, smaller=True)
        return [_face(box, five - 0.5) for box, five in zip(best, points[kept], strict=True)]

    def _proposals(self, pixels: np.ndarray) -> np.ndarray:
        """Squares (N, 4) that may be faces, from all sizes of the image."""
        found, scores = [np.zeros((0, 4))], [np.zeros(0)]
        factor = _CELL / _SMALLEST
        while min(pixels.shape[:2]) * factor >= _CELL:
            small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            shift, score = _run(
                self._propose, small.transpose(1, 0, 2)[None], ("conv2d_4", "softmax")
            )
            across, down = np.nonzero(score[0, ..., 1] > _SCORES[0])
            start = np.stack([across, down], axis=1) * _STRIDE
            boxes = np.hstack([start, start + _CELL]) / factor
            values = score[0, across, down, 1]
            best, kept = _better(boxes, values, _SCORES[0], 0.5)
            found.append(_shifted(best, shift[0, across, down][kept]))
            scores.append(values[kept])
            factor *= _FACTOR
        boxes, _ = _better(np.concatenate(found), np.concatenate(scores), _SCORES[0], 0.7)
        return _squares(boxes)


def _run(network: Any, inputs: np.ndarray, outputs: Sequence[str]) -> list[np.ndarray]:
    network.setInput(np.ascontiguousarray(inputs, np.float32))
    return [np.asarray(output) for output in network.forward(list(outputs))]


def _parts(pixels: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    """The parts of an image in squares, (N, side, side, 3), width before height; black outside."""
    parts = []
    for left, top, right, _ in boxes:
        factor = side / max(right - left, 1e-6)
        to_part = np.array(
            [[factor, 0, (0.5 - left) * factor - 0.5], [0, factor, (0.5 - top) * factor - 0.5]]
        )
        parts.append(cv2.warpAffine(pixels, to_part, (side, side), flags=cv2.INTER_AREA))
    return np.stack(parts).transpose(0, 2, 1, 3)


def _shifted(boxes: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Boxes whose edges are shifted by shares of their size."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes + shift * np.hstack([sizes, sizes]))


def _squares(boxes: np.ndarray) -> np.ndarray:
    """Squares with the boxes' centres and longer sides."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0, keepdims=True) / 2
    return np.hstack([centres - half, centres + half])


def _better(
    boxes: np.ndarray, scores: np.ndarray, least: float, most: float, smaller: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes that score enough and overlap with no better one, and their places, best first."""
    order = np.argsort(-scores, kind="stable")
    order, kept = order[scores[order] > least], []
    while order.size:
        kept.append(order[0])
        order = order[1:][overlap(boxes[order[0]], boxes[order[1:]], smaller) <= most]
    places = np.array(kept, int)
    return boxes[places], places


def _face(box: np.ndarray, points: np.ndarray) -> DetectedFace:
    left, top, right, bottom = box.tolist()
    five = tuple((x, y) for x, y in points.tolist())
    return DetectedFace((left, top, right, bottom), (five[0], five[1]), five)
