"""A real photograph, transformed by known rotation, scale and shift."""

from pathlib import Path

import cv2
import dlib
import numpy as np

from gamdss.align import ClipJob

SIZE = 320
# Corners of the eyes and base of the nose, read off an enlargement of the photograph, in dlib's
# order of 5 points; then the centre of the face.
POINTS = np.array([[194.3, 43.7], [173.2, 44.2], [129.7, 40.8], [148.5, 40.8], [159.3, 71.7]])
POINTS += (0, 60)
MIDDLE = (159.0, 127.0)
FACE = 93  # approximate pixels of dlib's box on the photograph


def pose_matrix(angle=0.0, zoom=1.0, shift=(0.0, 0.0)):
    """(2, 3): rotate clockwise by degrees and scale about the face, then shift."""
    matrix = cv2.getRotationMatrix2D(MIDDLE, -angle, zoom)
    matrix[:, 2] += shift
    return matrix


def posed(photo, angle=0.0, zoom=1.0, shift=(0.0, 0.0)):
    """The photograph in a known pose."""
    return cv2.warpAffine(
        photo,
        pose_matrix(angle, zoom, shift),
        (SIZE, SIZE),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )


def moved(points, matrix):
    return points @ matrix[:, :2].T + matrix[:, 2]


def write(folder, images, first=1, form="img{}.png"):
    """Files of the images by frame number."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for number, image in enumerate(images, first):
        files[number] = folder / form.format(number)
        assert cv2.imwrite(str(files[number]), image)
    return files


def job(name, files, suffix=".png"):
    return ClipJob(name, {n: Path(name) / f"{n}{suffix}" for n in files}, files)


def read(path):
    image = cv2.imread(str(path))
    assert image is not None, path
    return image


def train(photo, file, points, count=40):
    """Train a dlib shape predictor on rotated and scaled copies of the photograph."""
    options = dlib.shape_predictor_training_options()
    options.num_threads = 1
    options.tree_depth, options.cascade_depth, options.num_trees_per_cascade_level = 3, 6, 40
    options.oversampling_amount, options.nu, options.feature_pool_size = 8, 0.1, 150
    options.random_seed = "made"
    rng = np.random.default_rng(5)
    images, shapes = [], []
    for angle in np.linspace(-22, 22, count):
        pose = (angle, rng.uniform(0.95, 1.3), rng.uniform(-15, 15, 2))
        images.append(cv2.cvtColor(posed(photo, *pose), cv2.COLOR_BGR2GRAY))
        x, y = moved(np.array([MIDDLE]), pose_matrix(*pose))[0] + rng.uniform(-5, 5, 2)
        half = FACE * pose[1] * rng.uniform(0.9, 1.1) / 2
        box = dlib.rectangle(*(round(v) for v in (x - half, y - half, x + half, y + half)))
        parts = [dlib.point(*p) for p in moved(points, pose_matrix(*pose)).round().astype(int)]
        shapes.append([dlib.full_object_detection(box, parts)])
    dlib.train_shape_predictor(images, shapes, options).save(str(file))
    return file
