"""Key frames for a training loop of one's own: clips as (onset, apex, offset, label) tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils import data
from tqdm import tqdm

from gamdss.config import Config, FramesConfig, ModelConfig, ReselectionConfig
from gamdss.data.augment import normalise
from gamdss.data.frame_sequence import FrameSequence
from gamdss.data.key_frames import KeyFrameReader
from gamdss.engine.dataset import open_dataset
from gamdss.errors import ConfigError, GamdssError
from gamdss.files import cache_folder
from gamdss.records import KeyFrames
from gamdss.reselection import needed_frames, reselect

# Frames, onset, apex, offset, label: a clip that the caller describes.
LabelledFrames = tuple[FrameSequence, int, int, int, str | int]
_OWN_NETWORK = "own"  # which image sizes fit the caller's network is not ours to know


class KeyFrameDataset(data.Dataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """Reselected key frames of a dataset's clips, for `torch.utils.data.DataLoader`.

    An item is (onset, apex, offset, label): three float32 frames (3, S, S), RGB with ImageNet's
    mean 0 and deviation 1 (uint8 in 0 to 255 with `normalised=False`), and the class number.

    Args:
        source: name of a dataset (`gamdss datasets` lists them), or clips of one's own as
            (FrameSequence, onset, apex, offset, label).
        data_root: the dataset's folder as it was delivered.
        task: the dataset's classification task, such as `c5`.
        preset: how key frames are reselected, a name of `gamdss.PRESETS`; `none` keeps the
            annotated ones.
        ratio: share of a phase to search, in place of the preset's own.
        image_size: height and width of the frames, pixels.
        normalised: whether frames are normalised.
        annotations: the workbook, if it has none of its known names.
        cache: folder of decoded frames; the user's cache folder where it is left out. Clips of
            one's own are kept in memory.
        progress: show progress bars.

    Attributes:
        classes: names of the classes; empty where the labels of one's own clips are numbers.
        labels: class number of each clip.
        keys: reselected key frames of each clip, as frame numbers.
        clips: name of each clip.
        subjects: subject of each clip; of clips of one's own, the name of their source.

    Raises:
        GamdssError: what is missing or broken, and the remedy.
    """

    def __init__(
        self,
        source: str | Iterable[LabelledFrames],
        data_root: str | Path | None = None,
        *,
        task: str = "c5",
        preset: str = "full",
        ratio: float | None = None,
        image_size: int = 224,
        normalised: bool = True,
        annotations: str | Path | None = None,
        cache: str | Path | None = None,
        progress: bool = True,
    ) -> None:
        model = ModelConfig(backbone=_OWN_NETWORK, image_size=image_size)
        reselection = ReselectionConfig(preset, ratio)
        self.normalised = normalised
        if isinstance(source, str):
            config = Config(
                dataset=source,
                task=task,
                data_root=None if data_root is None else str(data_root),
                annotations=None if annotations is None else str(annotations),
                model=model,
                reselection=reselection,
            )
            self._open(config, cache_folder(cache), progress)
        else:
            self._read(list(source), model.image_size, reselection, progress)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Onset, apex, offset and label of a clip."""
        frames = torch.from_numpy(self._frames[self._index[place]])  # (3, 3, S, S), a copy
        onset, apex, offset = normalise(frames) if self.normalised else frames
        return onset, apex, offset, torch.tensor(self.labels[place])

    def _open(self, config: Config, cache: Path, progress: bool) -> None:
        opened = open_dataset(config, cache, progress)
        read, store = opened.annotations, opened.store
        self._frames, self._index = store.frames, store.reselected
        self.keys = store.reselected_keys
        self.classes: tuple[str, ...] = read.classes
        self.labels = tuple(int(label) for label in read.labels)
        self.clips = tuple(clip.id for clip in read.clips)
        self.subjects = tuple(clip.subject for clip in read.clips)

    def _read(
        self,
        clips: Sequence[LabelledFrames],
        image_size: int,
        reselection: ReselectionConfig,
        progress: bool,
    ) -> None:
        if not clips:
            raise ConfigError("there is no clip", remedy="Pass one clip or more.")
        reader = KeyFrameReader(False, image_size, FramesConfig(), reselection)
        bar = tqdm(clips, desc="reselecting key frames", unit="clip", disable=not progress)
        read = [_key_frames(clip, place, reader) for place, clip in enumerate(bar)]
        self._frames = np.concatenate([images for images, _ in read])
        self._index = np.arange(3 * len(clips)).reshape(-1, 3)
        self.keys = tuple(keys for _, keys in read)
        self.classes, self.labels = _classes([clip[4] for clip in clips])
        self.clips = self.subjects = tuple(str(clip[0].source) for clip in clips)


def _key_frames(
    clip: LabelledFrames, place: int, reader: KeyFrameReader
) -> tuple[np.ndarray, KeyFrames]:
    """Reselected frames (3, 3, S, S) uint8 RGB of one clip, and their numbers."""
    if len(clip) != 5 or not isinstance(clip[0], FrameSequence):
        raise ConfigError(
            f"clip {place + 1} is {clip!r}",
            remedy="A clip is (FrameSequence, onset, apex, offset, label).",
        )
    frames, onset, apex, offset, _ = clip
    annotated = onset, apex, offset
    preset, ratio = reader.reselection.preset, reader.reselection.ratio
    try:
        needed = needed_frames(*annotated, preset=preset, ratio=ratio)
        images = {number: frames[number] for number in needed if number in frames}
        keys = reselect(images, *annotated, preset=preset, ratio=ratio)
    except GamdssError as error:
        problem = f"clip {place + 1}, {frames!r}: {error.problem}"
        raise type(error)(problem, file=error.file, remedy=error.remedy) from error
    finally:
        frames.release()  # a dataset has more videos than a process may have open files
    return np.stack([reader.resize(images[number]) for number in keys.numbers]), keys


def _classes(labels: Sequence[str | int]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names of the classes in alphabetical order, and each clip's number; numbers stay."""
    if all(isinstance(label, int) and label >= 0 for label in labels):
        return (), tuple(int(label) for label in labels)
    if not all(isinstance(label, str) for label in labels):
        raise ConfigError(
            f"the labels are {sorted(set(map(repr, labels)))}",
            remedy="Give the names of classes, or their numbers from 0.",
        )
    names = tuple(sorted({str(label) for label in labels}))
    return names, tuple(names.index(str(label)) for label in labels)
