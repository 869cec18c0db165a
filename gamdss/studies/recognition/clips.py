"""The clips of the study, annotated with errors of a level, as datasets to train on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from gamdss.config import ReselectionConfig
from gamdss.data.dataset import Dataset, read_clips
from gamdss.data.frames import ClipFrames
from gamdss.data.specs import get_spec
from gamdss.data.store import Store, open_store
from gamdss.records import KeyFrames
from gamdss.studies.recognition.settings import Sizes
from gamdss.synthetic.clip import annotate
from gamdss.synthetic.dataset import write_dataset
from gamdss.synthetic.settings import GENERATOR, SynthConfig
from gamdss.synthetic.time_course import TimeCourse


class Clips:
    """Writes the synthetic clips once, and opens them with the annotation of a level.

    Args:
        sizes: the study's settings.
        cache: folder for synthetic datasets and decoded frames.
        progress: show progress bars.
    """

    def __init__(self, sizes: Sizes, cache: Path, progress: bool = True) -> None:
        self.sizes = sizes
        self.cache = cache
        self.progress = progress
        self._opened: dict[tuple[int, str], Dataset] = {}

    @cached_property
    def _exact(self) -> tuple[Dataset, list[ClipFrames]]:
        """The dataset with its exact annotation, and the files of the clips."""
        settings = self.sizes.synthetic()
        about = json.dumps([asdict(settings), GENERATOR])
        key = hashlib.blake2b(about.encode(), digest_size=6).hexdigest()
        root = write_dataset(self.cache / "synthetic" / f"study-{key}", settings, self.progress)
        config = replace(self.sizes.config(0, ReselectionConfig("none")), data_root=str(root))
        annotations, clips = read_clips(config, get_spec("cas2"), root, self.progress)
        store = self._store(clips, config.reselection)
        return Dataset("synthetic clips", True, annotations, store, {}, None, {}), clips

    def open(self, level: int, reselection: ReselectionConfig) -> Dataset:
        """The clips with errors of `level` percent of a phase; key frames as `reselection` says."""
        key = level, repr(reselection)
        if key not in self._opened:
            exact, clips = self._exact
            wrong = [_annotated(clip, level / 100, place) for place, clip in enumerate(clips)]
            annotations = replace(exact.annotations, clips=tuple(item.clip for item in wrong))
            store = self._store(wrong, reselection)
            self._opened[key] = replace(exact, annotations=annotations, store=store)
        return self._opened[key]

    def _store(self, clips: list[ClipFrames], reselection: ReselectionConfig) -> Store:
        config = self.sizes.config(0, reselection)
        return open_store(
            clips,
            colour=True,
            image_size=config.model.image_size,
            frames=config.frames,
            reselection=reselection,
            cache=self.cache,
            progress=self.progress,
        )


def _annotated(item: ClipFrames, error: float, place: int) -> ClipFrames:
    """The clip with errors of the given deviation; larger ones are the smaller ones, scaled."""
    true = item.clip.annotated
    numbers = np.array(sorted(item.files))
    course = TimeCourse(numbers, np.zeros(len(numbers)), KeyFrames(*true.numbers))
    settings = SynthConfig(onset_jitter=error, apex_jitter=error, offset_jitter=error)
    keys = annotate(course, settings, np.random.default_rng((_ERRORS, place)))
    return replace(item, clip=replace(item.clip, annotated=keys))


_ERRORS = 7_360_000  # seed of the annotator's errors
