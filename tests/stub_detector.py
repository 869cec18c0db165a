"""A detector that finds the same face in every frame, so that searching takes no time."""

from gamdss.align import run
from gamdss.align.detectors import DetectedFace
from gamdss.prediction import tracking


class Stub:
    """The face is the middle of the picture."""

    def faces(self, image):
        height, width = image.shape[:2]
        return [DetectedFace((width * 0.2, height * 0.2, width * 0.8, height * 0.8))]


def detect_everywhere():
    """Replace the detector of this process."""
    run.load_detector = tracking.load_detector = lambda _: Stub()
