"""The frames around a candidate expression, collected from a stream of crops."""

from __future__ import annotations

import numpy as np

from gamdss.prediction.long import Candidate
from gamdss.prediction.stretches import Crop, Stretch

# Around a candidate, frames for the fit: a share of its length on each side, in these limits.
_MARGIN, _MARGIN_SECONDS = 0.5, (0.3, 1.0)
_WIDE_SECONDS = 2.0  # on each side, for the search if that fit is unreliable
_MOST_FRAMES = 200  # in a fit; of longer windows, every second frame, every third, ...


class Window:
    """The frames around a candidate.

    Args:
        place: index of its stretch.
        stretch: the stretch.
        candidate: its key frames are indices of the stretch.
        fps: frames per second.
        reach: frames beside a key frame that the input features use.

    Attributes:
        spotted: onset, apex and offset as frame numbers.
        wanted: the frame numbers to collect.
        images: crops by frame number.
    """

    def __init__(
        self, place: int, stretch: Stretch, candidate: Candidate, fps: float, reach: int = 0
    ) -> None:
        self.place, self.stretch, self.candidate = place, stretch, candidate
        onset, apex, offset = candidate.onset, candidate.apex, candidate.offset
        low, high = (seconds * fps for seconds in _MARGIN_SECONDS)
        margin = round(np.clip(_MARGIN * (offset - onset), low, high))
        far = round(_WIDE_SECONDS * fps)
        self._near = self._numbers(onset - margin, offset + margin)
        self._wide = self._numbers(onset - far, offset + far)
        at = [int(stretch.numbers[index]) for index in (onset, apex, offset)]
        self.spotted = (at[0], at[1], at[2])
        self.wanted = self._beside(self._near | self._wide | set(at), reach)
        self.images: dict[int, np.ndarray] = {}

    @property
    def complete(self) -> bool:
        """Whether all frames have been taken."""
        return len(self.images) == len(self.wanted)

    @property
    def near(self) -> dict[int, np.ndarray]:
        """The frames around the candidate."""
        return {n: image for n, image in self.images.items() if n in self._near}

    @property
    def wide(self) -> dict[int, np.ndarray]:
        """Frames of some seconds around it."""
        return {n: image for n, image in self.images.items() if n in self._wide}

    def take(self, crop: Crop) -> None:
        """Keep the crop if it is one of the window's."""
        if crop.stretch == self.place and crop.number in self.wanted:
            self.images[crop.number] = crop.image

    def _beside(self, numbers: set[int], reach: int) -> set[int]:
        """The numbers, with those of the stretch that are beside one; any may be a key frame."""
        beside = {n + step for n in numbers for step in range(-reach, reach + 1)}
        return numbers | (beside & set(self.stretch.numbers.tolist()) if reach else set())

    def _numbers(self, first: int, last: int) -> set[int]:
        """Frame numbers of the stretch between two of its indices, thinned if they are many."""
        first, last = max(0, first), min(len(self.stretch) - 1, last)
        step = -(-(last - first + 1) // _MOST_FRAMES)
        return set(self.stretch.numbers[first : last + 1 : step].tolist())
