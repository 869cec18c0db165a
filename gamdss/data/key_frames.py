"""One clip: decode the frames that reselection looks at, reselect, resize the key frames."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
import torch
from torch.nn.functional import interpolate
from tqdm import tqdm

from gamdss.config import FramesConfig, ReselectionConfig
from gamdss.config.features import FeaturesConfig
from gamdss.data.clip_pool import ClipPool
from gamdss.data.decoding import MixedSizeError, decode, is_black, one_size
from gamdss.data.drawn_key_frames import check_draws, frames_needed
from gamdss.data.frames import ClipFrames
from gamdss.errors import FrameError
from gamdss.features.phase_features import PhaseFeatures, phases
from gamdss.records import KEYS, KeyFrames
from gamdss.reselection.images import gather_span, missing_notes
from gamdss.reselection.motion.annotator import UsualPhases, usual_phases
from gamdss.reselection.motion.course import Posterior
from gamdss.reselection.motion.fit import AnnotatedMotion, see_motion
from gamdss.reselection.motion.learned import LearnedDataset, learn_dataset
from gamdss.reselection.select import draw_key_frames, reselect_with_posterior
from gamdss.reselection.windows import resolve

log = logging.getLogger("gamdss")


@dataclass(frozen=True, eq=False)
class ClipKeyFrames:
    """Key frames of a clip: `images` uint8 RGB (K, 3, S, S), each key frame once.

    `phase_features` float16 (P, C, S, S) has those of each phase once; None if the network needs
    only the frames. `annotated_index` and `reselected_index` are (onset, apex, offset) in `images`,
    followed by (rising, falling) in `phase_features` if there are any. `draws_index` has the same
    of each draw.
    """

    images: np.ndarray
    annotated: KeyFrames
    reselected: KeyFrames
    annotated_index: tuple[int, ...]
    reselected_index: tuple[int, ...]
    phase_features: np.ndarray | None = None
    draws_index: tuple[tuple[int, ...], ...] = ()


class KeyFrameReader:
    """Reads clips with one setting; safe to call from several threads or, pickled, processes.

    Args:
        colour: whether the dataset's frames are in colour.
        image_size: height and width of the result in pixels; 0 keeps the frames' own size.
        frames: how to handle grey frames and frames of mixed size.
        reselection: preset, ratio, prior and draws.
        features: the phase features to compute; none by default.

    Raises:
        ConfigError: the installed OpenCV lacks what the features need, or the preset has no
            posterior to draw from.
    """

    def __init__(
        self,
        colour: bool,
        image_size: int,
        frames: FramesConfig,
        reselection: ReselectionConfig,
        features: FeaturesConfig | None = None,
    ) -> None:
        self.colour = colour
        self.image_size = image_size
        self.frames = frames
        self.reselection = reselection
        self.features = (
            PhaseFeatures(features, partial(_resize, size=image_size), image_size)
            if features is not None
            else None
        )
        check_draws(reselection)
        self._learned: LearnedDataset | None = None
        self._usual: UsualPhases | None = None
        self._seen: dict[str, AnnotatedMotion | None] = {}

    @property
    def learns(self) -> bool:
        """Whether `learn` has to be called first."""
        return resolve(self.reselection.preset).criterion == "motion"

    def learn(
        self,
        clips: Sequence[ClipFrames],
        pool: ClipPool,
        progress: bool = True,
        skip_broken: bool = False,
    ) -> LearnedDataset:
        """Learn from a dataset, whose key frames `read` then finds without decoding.

        Args:
            clips: all clips of the dataset.
            pool: maps over the clips.
            progress: show a progress bar.
            skip_broken: learn without clips whose frames are unusable.

        Returns:
            What was learned; `read` uses, for each subject, what other subjects' clips taught.

        Raises:
            FrameError: as `read`.
        """
        usual = self._usual = usual_phases([item.clip.annotated.numbers for item in clips])
        bar = tqdm(clips, desc="measuring motion", unit="clip", disable=not progress)
        outcomes = pool.map(partial(_see, self._with({}), usual), clips)
        for item, outcome in zip(bar, outcomes, strict=True):
            if not isinstance(outcome, FrameError):
                self._seen[item.clip.id] = outcome
            elif not skip_broken:
                raise outcome
        seen = [(item.clip, self._seen.get(item.clip.id)) for item in clips]
        known = [(clip, motion.evidence) for clip, motion in seen if motion is not None]
        self._learned = learn_dataset(
            [clip.subject for clip, _ in known],
            [evidence for _, evidence in known],
            [clip.annotator for clip, _ in known],
        )
        return self._learned

    def learned(self, subject: str) -> tuple[str, ...]:
        """What a subject's key frames depend on beside their clips, as text, if anything."""
        if self._learned is None or subject not in self._learned.without:
            return ()
        return repr(self._learned.without[subject]), repr(self._usual)

    def of(self, item: ClipFrames) -> KeyFrameReader:
        """A reader with the data of one clip only, so that less is passed to another process."""
        name, subject = item.clip.id, item.clip.subject
        alone = self._with({name: self._seen[name]} if name in self._seen else {})
        if self._learned is not None and subject in self._learned.without:
            own = {subject: self._learned.without[subject]}
            alone._learned = replace(self._learned, without=own, annotators={})
        return alone

    def _with(self, seen: dict[str, AnnotatedMotion | None]) -> KeyFrameReader:
        other = copy(self)
        other._seen = seen
        return other

    def see(self, item: ClipFrames, usual: UsualPhases) -> AnnotatedMotion | None:
        """The motion of a clip, if it has enough frames to measure it.

        Raises:
            FrameError: as `read`.
        """
        keys = item.clip.annotated
        span = resolve(self.reselection.preset, self.reselection.ratio).span(
            keys.onset, keys.offset
        )
        images, _ = gather_span(self.images(item), keys.numbers, span)
        return see_motion(images, keys, usual)

    def needed(self, item: ClipFrames) -> tuple[int, ...]:
        """Frame numbers that `read` needs, ascending; some may be missing from the folder."""
        return frames_needed(item.clip.annotated.numbers, self.reselection)

    def looked_at(self, item: ClipFrames) -> tuple[int, ...]:
        """Numbers of all frames that the result may depend on, ascending."""
        needed = self.needed(item)
        if self.features is None or not self.features.config.reach:
            return needed
        # Reselection may choose any of the needed frames.
        near = self.features.around(range(needed[0], needed[-1] + 1))
        return tuple(sorted({*needed, *near}))

    def read(self, item: ClipFrames) -> ClipKeyFrames:
        """Decode each needed frame once, reselect, resize the key frames, compute features.

        Raises:
            FrameError: a frame is unusable; names the clip, its row and the file.
        """
        annotated = item.clip.annotated
        images = {} if item.clip.id in self._seen else self.images(item)
        reselected, drawn = self.draw(item, images)
        draws = [KeyFrames(*numbers) for numbers in drawn]
        used = (annotated, reselected, *draws)
        numbers = sorted({number for keys in used for number in keys.numbers})
        images = images or self._one_size(item, {n: self._decode(item, n) for n in numbers})
        if all(is_black(images[number]) for number in annotated.numbers):
            log.warning("clip %s (%s): its key frames are black", item.clip.id, item.clip.where)
        places = {number: index for index, number in enumerate(numbers)}
        pairs = phases(used)

        def index(keys: KeyFrames) -> tuple[int, ...]:
            frames = tuple(places[number] for number in keys.numbers)
            if self.features is None:
                return frames
            return *frames, pairs[keys.onset, keys.apex], pairs[keys.offset, keys.apex]

        features = None
        if self.features is not None:
            features = self.phase_features(item, images, pairs).astype(np.float16)
        return ClipKeyFrames(
            images=np.stack([self.resize(images[number]) for number in numbers]),
            annotated=annotated,
            reselected=reselected,
            annotated_index=index(annotated),
            reselected_index=index(reselected),
            phase_features=features,
            draws_index=tuple(map(index, draws)),
        )

    def reselect(self, item: ClipFrames, images: dict[int, np.ndarray]) -> KeyFrames:
        """Reselect the clip's key frames among `images`, which `self.images` returned.

        After `learn`, `images` are not needed.
        """
        return self.draw(item, images)[0]

    def draw(
        self, item: ClipFrames, images: dict[int, np.ndarray]
    ) -> tuple[KeyFrames, tuple[tuple[int, int, int], ...]]:
        """As `reselect`, and the draws of the key frames."""
        annotated = item.clip.annotated
        found, posterior = self._found(item, images)
        present = [number for number in self.needed(item) if number in item.files]
        draws, jitter = self.reselection.draws, self.reselection.jitter
        keys = replace(
            found,
            notes=(*annotated.notes, *found.notes),
            estimated=annotated.estimated,
            substituted=annotated.substituted,
        )
        return keys, draw_key_frames(found, posterior, present, draws, jitter)

    def _found(
        self, item: ClipFrames, images: dict[int, np.ndarray]
    ) -> tuple[KeyFrames, Posterior | None]:
        annotated = item.clip.annotated
        if item.clip.id not in self._seen:
            preset, ratio = self.reselection.preset, self.reselection.ratio
            return reselect_with_posterior(images, annotated.numbers, preset, ratio)
        missing = missing_notes(item.files, annotated.numbers)
        seen = self._seen[item.clip.id]
        if seen is None:
            return replace(annotated, notes=missing, kept=KEYS), None
        if self.reselection.prior == "dataset" and self._learned is not None:
            fit = seen.under(self._learned.without[item.clip.subject])
        else:
            fit = seen.alone()
        return replace(fit.keys, notes=missing, quality=round(fit.quality, 4)), fit.posterior

    def phase_features(
        self, item: ClipFrames, images: dict[int, np.ndarray], pairs: Iterable[tuple[int, int]]
    ) -> np.ndarray:
        """Features of phases (start, apex): (P, C, S, S) float32, in the units of `FEATURES`.

        Raises:
            FrameError: as `read`; or the frames are too small for optical flow.
        """
        if self.features is None:
            raise ValueError("no features are set")
        wanted = self.features.around(number for pair in pairs for number in pair)
        more = {n: self._decode(item, n) for n in wanted if n in item.files and n not in images}
        images = self._one_size(item, images | more)
        try:
            return np.stack([self.features.phase(images, *pair) for pair in pairs])
        except FrameError as error:
            raise _of_clip(item, error) from error

    def images(self, item: ClipFrames) -> dict[int, np.ndarray]:
        """The needed frames that exist, uint8 BGR (H, W, 3) of one size, by number.

        Raises:
            FrameError: as `read`.
        """
        images = {n: self._decode(item, n) for n in self.needed(item) if n in item.files}
        return self._one_size(item, images)

    def _decode(self, item: ClipFrames, number: int) -> np.ndarray:
        try:
            return decode(item.files[number], self.colour, self.frames.grey == "accept")
        except FrameError as error:
            raise _of_clip(item, error) from error

    def _one_size(self, item: ClipFrames, images: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
        try:
            return one_size(images, item.clip.annotated.apex, self.frames)
        except MixedSizeError as error:
            raise FrameError(
                f"clip {item.clip.id} ({item.clip.where}) has frames of mixed "
                f"size: this one is {error.problem}",
                file=item.files[error.number],
                remedy="Crop the clip again, or pass --frames.mixed-size resize.",
            ) from error

    def resize(self, image: np.ndarray) -> np.ndarray:
        """A frame, uint8 BGR (H, W, 3), as the network sees it: RGB (3, S, S)."""
        return _resize(image, self.image_size)


def _resize(image: np.ndarray, size: int) -> np.ndarray:
    # Channels stay last in memory: resizing is then more than twice as fast. The bytes are
    # those of torchvision's `resize`, whose import takes as long as all others together.
    rgb = torch.from_numpy(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).permute(2, 0, 1)
    if not size:
        return rgb.contiguous().numpy()
    return interpolate(rgb[None], (size, size), mode="bilinear", antialias=True)[0].numpy()


def read_clip(job: tuple[KeyFrameReader, ClipFrames]) -> ClipKeyFrames:
    """`KeyFrameReader.read`, for `ClipPool.map`."""
    reader, item = job
    return reader.read(item)


def _see(
    reader: KeyFrameReader, usual: UsualPhases, item: ClipFrames
) -> AnnotatedMotion | FrameError | None:
    try:
        return reader.see(item, usual)
    except FrameError as error:
        return error


def _of_clip(item: ClipFrames, error: FrameError) -> FrameError:
    """The same error, with the clip's name and row."""
    return FrameError(
        f"clip {item.clip.id} ({item.clip.where}): {error.problem}",
        file=error.file or item.folder,
        remedy=error.remedy,
    )
