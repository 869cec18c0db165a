"""Detectors that work, are broken or are missing."""

import sys
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from posed_photo import FACE, MIDDLE, POINTS, moved, pose_matrix, posed, train

from gamdss.align import AlignConfig, packaged_models
from gamdss.align.detector_choice import load_detector
from gamdss.align.detectors import Hog
from gamdss.align.packaged_models import MODELS
from gamdss.errors import ConfigError, DetectorError


def test_without_dlib_the_error_explains_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(DetectorError, match=r"pip install -e '\.\[align\]'"):
        load_detector(AlignConfig())


def test_dlib_gives_boxes_without_eyes(photo):
    (face,) = load_detector(AlignConfig()).faces(photo)
    left, top, right, bottom = face.box
    assert left < MIDDLE[0] - 20 < MIDDLE[0] + 20 < right
    assert top < MIDDLE[1] - 20 < MIDDLE[1] + 20 < bottom
    assert right - left == pytest.approx(FACE, rel=0.08)
    assert face.eyes is None


def test_boxes_are_more_precise_than_the_steps_of_dlib(photo):
    """dlib's boxes differ by up to 25% in size, the refined ones by less than 10%."""
    detector = load_detector(AlignConfig())
    sizes, places = [], []
    for zoom in np.linspace(1.0, 1.45, 6):
        (face,) = detector.faces(posed(photo, 0, zoom, (7 * zoom, -5)))
        left, top, right, bottom = face.box
        sizes.append((right - left) / zoom / FACE)
        away = ((left + right) / 2 - MIDDLE[0] - 7 * zoom, (top + bottom) / 2 - MIDDLE[1] + 5)
        places.append(np.divide(away, zoom))
    assert np.std(sizes) < 0.035, sizes
    assert np.std(places, axis=0).max() < 2, places


def test_a_predictor_adds_the_eyes(photo, predictor):
    (face,) = load_detector(AlignConfig(predictor=str(predictor))).faces(photo)
    eyes = POINTS[:4].reshape(2, 2, 2).mean(axis=1)
    assert np.abs(np.array(face.eyes) - eyes).max() < 2.5


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("garbage.dat", b"x" * 5000, "not a dlib shape predictor"),
        ("empty.dat", b"", "not a dlib shape predictor"),
        ("missing.dat", None, "no such file"),
    ],
)
def test_a_broken_predictor(tmp_path, name, content, message):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DetectorError, match=message) as error:
        load_detector(AlignConfig(predictor=str(file)))
    assert error.value.file == file
    assert error.value.remedy


def test_a_truncated_predictor(tmp_path, predictor):
    file = tmp_path / "cut.dat"
    file.write_bytes(predictor.read_bytes()[:3000])
    with pytest.raises(DetectorError, match="not a dlib shape predictor"):
        load_detector(AlignConfig(predictor=str(file)))


def test_a_predictor_with_an_unsupported_number_of_points(tmp_path, photo):
    file = train(photo, tmp_path / "three.dat", POINTS[:3], count=3)
    with pytest.raises(DetectorError, match="has 3 points"):
        load_detector(AlignConfig(predictor=str(file)))


@pytest.mark.parametrize("content", [b"x" * 5000, b"", None])
def test_a_broken_yunet(tmp_path, content):
    file = tmp_path / "yunet.onnx"
    if content is not None:
        file.write_bytes(content)
    message = "no such file" if content is None else "cannot run this model"
    with pytest.raises(DetectorError, match=message) as error:
        load_detector(AlignConfig(yunet=str(file)))
    assert error.value.remedy


def test_yunet_rows_become_faces(tmp_path, monkeypatch):
    """With a stand-in for the network: OpenCV comes without a model file."""
    sizes = []

    class Network:
        def setInputSize(self, size):  # noqa: N802
            sizes.append(size)

        def detect(self, image):
            if image.shape == (64, 64, 3):
                return 0, None
            points = [50, 60, 80, 62, 65, 75, 52, 90, 78, 91]
            return 1, np.array([[30, 20, 70, 90, *points, 0.9]], np.float32)

    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *_: Network(), raising=False)
    file = tmp_path / "yunet.onnx"
    file.write_bytes(b"stands in")
    detector = load_detector(AlignConfig(yunet=str(file)))
    (face,) = detector.faces(np.zeros((120, 160, 3), np.uint8))
    assert sizes == [(160, 120)]
    assert face.box == (30, 20, 100, 110)
    assert face.eyes == ((50, 60), (80, 62))
    assert detector.faces(np.zeros((64, 64, 3), np.uint8)) == []


def test_a_faint_box_beside_a_clear_one_is_not_a_face():
    import dlib

    class Unsure:
        def run(self, *_):
            face, cloth = dlib.rectangle(10, 10, 89, 89), dlib.rectangle(100, 100, 199, 199)
            return [face, cloth], [1.5, 0.01], [0, 0]

    hog = Hog()
    hog._detector = Unsure()
    assert hog._boxes(np.zeros((300, 300), np.uint8)) == [(10.0, 10.0, 90.0, 90.0)]


PACKAGED = {"mtcnn": 5, "blazeface": 0, "mesh": 468}


@pytest.fixture(params=PACKAGED)
def packaged(request):
    """Name of a detector whose package is installed."""
    if find_spec(MODELS[request.param][0]) is None:
        pytest.skip(f"{MODELS[request.param][0]} is not installed")
    return request.param


def test_packaged_networks_find_the_eyes(photo, packaged):
    detector = load_detector(AlignConfig(detector=packaged))
    (face,) = detector.faces(photo)
    truth = POINTS[:4].reshape(2, 2, 2).mean(axis=1)
    assert np.abs(np.array(sorted(face.eyes)) - truth[truth[:, 0].argsort()]).max() < 4
    assert len(face.landmarks) == PACKAGED[packaged]
    left, top, right, bottom = face.box
    assert left < MIDDLE[0] - 20 < MIDDLE[0] + 20 < right
    assert top < MIDDLE[1] - 20 < MIDDLE[1] + 20 < bottom
    assert detector.faces(np.full_like(photo, 90)) == []
    assert detector.faces(photo) == [face]


def test_packaged_networks_find_a_face_in_any_place_and_size(photo, packaged):
    detector = load_detector(AlignConfig(detector=packaged))
    (straight,) = detector.faces(photo)
    for angle, zoom, shift in ((10, 1.2, (15, -10)), (-12, 0.9, (-30, 20))):
        (face,) = detector.faces(posed(photo, angle, zoom, shift))
        expected = moved(np.array(sorted(straight.eyes)), pose_matrix(angle, zoom, shift))
        assert np.abs(np.array(sorted(face.eyes)) - expected).max() < 4 * zoom


@pytest.mark.parametrize("name", PACKAGED)
def test_without_the_package_the_error_says_what_to_install(monkeypatch, name):
    monkeypatch.setattr(packaged_models, "find_spec", lambda _: None)
    with pytest.raises(DetectorError, match="pip install") as error:
        load_detector(AlignConfig(detector=name))
    assert "--detector" in error.value.remedy


def test_detectors_exclude_each_other(tmp_path):
    with pytest.raises(ConfigError, match="--detector mtcnn and --yunet"):
        AlignConfig(detector="mtcnn", yunet=str(tmp_path / "yunet.onnx"))
    with pytest.raises(ConfigError, match="--detector is 'haar'"):
        AlignConfig(detector="haar")


def test_the_detector_is_part_of_the_identity(packaged):
    assert "detector" not in AlignConfig().identity
    assert AlignConfig(detector=packaged).identity["detector"].startswith(f"{packaged} ")
