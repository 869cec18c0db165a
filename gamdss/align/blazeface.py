"""BlazeFace (Bazarevsky et al. 2019) and the face mesh (Kartynnik et al. 2019), run by OpenCV."""

from __future__ import annotations

import math

import cv2
import numpy as np

from gamdss.align.detectors import DetectedFace
from gamdss.align.packaged_models import load_network, model_files


class BlazeFace:
    """Faces with eyes, by BlazeFace for the full range of distances."""

    _SIDE, _CELLS, _SCORE, _OVERLAP = 192, 48, 0.6, 0.3

    def __init__(self) -> None:
        self._network = load_network(model_files("blazeface")[0])
        cells = (np.arange(self._CELLS) + 0.5) / self._CELLS
        x, y = np.meshgrid(cells, cells)
        self._anchors = np.stack([x, y], axis=-1).reshape(-1, 1, 2)  # (2304, 1, 2)

    def faces(self, image: np.ndarray) -> list[DetectedFace]:
        """All faces in a uint8 BGR image (H, W, 3)."""
        side = max(image.shape[:2])
        square = np.zeros((side, side, 3), np.uint8)
        square[: image.shape[0], : image.shape[1]] = image
        size = (self._SIDE, self._SIDE)
        small = cv2.resize(square, size, interpolation=cv2.INTER_AREA)
        blob = cv2.dnn.blobFromImage(small, 1 / 127.5, size, (127.5,) * 3, swapRB=True)
        self._network.setInput(blob)
        raw = np.asarray(self._network.forward("reshaped_regressor_face_4")).reshape(-1, 8, 2)
        logits = np.asarray(self._network.forward("reshaped_classifier_face_4")).ravel()
        scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
        values = raw / self._SIDE  # centre, size, then six points: the eyes come first
        values[:, 0] += self._anchors[:, 0]
        values[:, 2:] += self._anchors
        boxes = np.hstack([values[:, 0] - values[:, 1] / 2, values[:, 0] + values[:, 1] / 2])
        rows = np.hstack([boxes, values[:, 2], values[:, 3]])[scores > self._SCORE] * side
        return [_face(row) for row in self._merged(rows, scores[scores > self._SCORE])]

    def _merged(self, rows: np.ndarray, scores: np.ndarray) -> list[np.ndarray]:
        """Overlapping detections as their mean, weighted by score: steadier than the best one."""
        found = []
        order = np.argsort(-scores, kind="stable")
        while order.size:
            alike = overlap(rows[order[0], :4], rows[order, :4]) > self._OVERLAP
            alike[0] = True
            group, order = order[alike], order[~alike]
            found.append(np.average(rows[group], axis=0, weights=scores[group]))
        return found


class FaceMesh:
    """BlazeFace's faces with the 468 points of the face mesh; eyes from the corners of the eyes."""

    _SIDE, _ROOM, _SCORE = 192, 1.5, 0.5
    _CORNERS = ((33, 133), (362, 263))

    def __init__(self) -> None:
        self._detector = BlazeFace()
        self._network = load_network(model_files("mesh")[1])

    def faces(self, image: np.ndarray) -> list[DetectedFace]:
        """All faces in a uint8 BGR image (H, W, 3) whose points are found."""
        found = (self._with_points(image, face) for face in self._detector.faces(image))
        return [face for face in found if face is not None]

    def _with_points(self, image: np.ndarray, face: DetectedFace) -> DetectedFace | None:
        to_view = self._region(face)
        view = cv2.warpAffine(image, to_view, (self._SIDE, self._SIDE), flags=cv2.INTER_LINEAR)
        blob = cv2.dnn.blobFromImage(view, 1 / 255, view.shape[:2], swapRB=True)
        self._network.setInput(blob)
        raw = np.asarray(self._network.forward("conv2d_20")).reshape(468, 3)[:, :2]
        score = float(np.asarray(self._network.forward("conv2d_30")).ravel()[0])
        if 1 / (1 + math.exp(-max(-80.0, min(80.0, score)))) < self._SCORE:
            return None
        back = cv2.invertAffineTransform(to_view)
        points = (raw - 0.5) @ back[:, :2].T + back[:, 2]
        (x, y), (other_x, other_y) = (points[list(c)].mean(axis=0).tolist() for c in self._CORNERS)
        left, top = points.min(axis=0).tolist()
        right, bottom = points.max(axis=0).tolist()
        landmarks = tuple((x, y) for x, y in points.tolist())
        return DetectedFace((left, top, right, bottom), ((x, y), (other_x, other_y)), landmarks)

    def _region(self, face: DetectedFace) -> np.ndarray:
        """The transform (2, 3) into the network's input: an upright square around the face."""
        left, top, right, bottom = face.box
        (x, y), (other_x, other_y) = face.eyes or ((0, 0), (1, 0))
        angle = math.degrees(math.atan2(other_y - y, other_x - x))
        factor = self._SIDE / (self._ROOM * max(right - left, bottom - top))
        centre = ((left + right) / 2, (top + bottom) / 2)
        turn = np.array(cv2.getRotationMatrix2D(centre, angle, factor), float)
        turn[:, 2] += self._SIDE / 2 - np.array(centre)
        return turn


def overlap(box: np.ndarray, others: np.ndarray, smaller: bool = False) -> np.ndarray:
    """Intersection of a box (4,) with others (N, 4) over their union, or over the smaller one."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    area, areas = np.prod(box[2:] - box[:2]), np.prod(others[:, 2:] - others[:, :2], axis=1)
    whole = np.minimum(area, areas) if smaller else area + areas - common
    return np.asarray(common / np.maximum(whole, 1e-9))


def _face(row: np.ndarray) -> DetectedFace:
    """A face from left, top, right, bottom and the coordinates of both eyes."""
    left, top, right, bottom, x, y, other_x, other_y = row.tolist()
    eyes = ((x - 0.5, y - 0.5), (other_x - 0.5, other_y - 0.5))
    return DetectedFace((left, top, right, bottom), eyes)
