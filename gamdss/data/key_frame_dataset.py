"""Key frames for a custom training loop: clips as (onset, apex, offset, label) tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.utils import data
from tqdm import tqdm

from gamdss.config import Config, FramesConfig, ModelConfig, ReselectionConfig
from gamdss.data.argument_errors import arguments_in_errors
from gamdss.data.augment import normalise
from gamdss.data.custom_clips import (
    LabelledFrames,
    checked_clips,
    class_numbers,
    clip_names,
    key_frames,
    subjects_of,
)
from gamdss.data.dataset import open_dataset
from gamdss.data.draws import check_epoch, draw_of_epoch
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.people import check_prefixes
from gamdss.data.store_writer import KEY_FRAMES
from gamdss.errors import ConfigError
from gamdss.files import cache_folder

_OWN_NETWORK = "own"  # its image sizes are unknown, so the config accepts any


class KeyFrameDataset(data.Dataset[tuple[Tensor, Tensor, Tensor, Tensor]]):
    """Reselected key frames of a dataset's clips, for `torch.utils.data.DataLoader`.

    An item is (onset, apex, offset, label): three float32 frames (3, S, S), RGB with ImageNet's
    mean 0 and deviation 1 (uint8 in 0 to 255 with `normalised=False`), and the class number.

    Args:
        source: name of a dataset (`gamdss datasets` lists them), path of a custom spec, or custom
            clips as (FrameSequence, onset, apex, offset, label) or, to know who is held out,
            (FrameSequence, onset, apex, offset, label, subject).
        data_root: the dataset's folder, as delivered by its owners.
        task: the dataset's classification task, such as `c5`.
        preset: how key frames are reselected, a name in `gamdss.PRESETS`; `none` keeps the
            annotated ones.
        ratio: share of a phase to search; the preset's own by default.
        draws: number of equally likely key frames that are drawn for each clip, from the posterior
            of `motion` or with `jitter`; `set_epoch` and `drawn` use them.
        jitter: draw by moving the reselected key frames at random, by up to this share of a phase.
        image_size: height and width of the frames in pixels.
        normalised: whether frames are normalised.
        annotations: the workbook, if its name is not among the known ones.
        pattern: path of a frame under `data_root`, if it is not where its owners deliver it, such
            as `{subject}/{clip}/{frame}.jpg`.
        missing: what to do if an annotated frame is missing: "error", or "nearest" to take the
            nearest frame of the clip, with a warning, if it is at most a quarter of the phase or 3
            frames away.
        grey: what to do with grey frames of a dataset in colour: "error", or "accept".
        mixed_size: what to do if the frames of a clip differ in size: "error", or "resize" to the
            size of the annotated apex frame.
        cache: folder of decoded frames; the user's cache folder by default. Custom clips are kept
            in memory.
        progress: show progress bars.

    Attributes:
        classes: names of the classes; if the labels of custom clips are numbers, the numbers from
            0 to the largest, as texts. A network has `len(classes)` outputs. Names of custom clips
            that differ only in case, blanks, width or zero padding are one class, with a warning.
        labels: class number of each clip, its place in `classes`; for the task `au`, a list with 1
            for each of `classes` that moves and 0 for the others.
        keys: reselected key frames of each clip, as frame numbers.
        clips: unique name of each clip, `subject/name`, as `gamdss.records.FoldResult` takes them;
            of custom clips the name is that of the folder or video, longer where several are
            alike, and without subjects it is all.
        subjects: subject of each clip, spelled as it was first; an error for custom clips without
            one.

    Raises:
        GamdssError: data is missing or broken; says how to fix it.
    """

    def __init__(
        self,
        source: str | Path | Iterable[LabelledFrames],
        data_root: str | Path | None = None,
        *,
        task: str = "c5",
        preset: str = "full",
        ratio: float | None = None,
        draws: int = 0,
        jitter: float = 0.0,
        image_size: int = 224,
        normalised: bool = True,
        annotations: str | Path | None = None,
        pattern: str | None = None,
        missing: Literal["error", "nearest"] = "error",
        grey: Literal["error", "accept"] = "error",
        mixed_size: Literal["error", "resize"] = "error",
        cache: str | Path | None = None,
        progress: bool = True,
    ) -> None:
        self.normalised = normalised
        self._draws: np.ndarray | None = None
        with arguments_in_errors():
            model = ModelConfig(backbone=_OWN_NETWORK, image_size=image_size)
            reselection = ReselectionConfig(preset, ratio, draws=draws, jitter=jitter)
            frames = _frames(pattern, missing=missing, grey=grey, mixed_size=mixed_size)
            if isinstance(source, (str, Path)):
                config = Config(
                    dataset=str(source),
                    task=task,
                    data_root=None if data_root is None else str(data_root),
                    annotations=None if annotations is None else str(annotations),
                    frames=frames,
                    model=model,
                    reselection=reselection,
                )
                self._open(config, cache_folder(cache), progress)
            else:
                reader = KeyFrameReader(False, model.image_size, frames, reselection)
                self._read(checked_clips(source), reader, progress)
        self._shown = self._index  # of the current epoch, if there are draws

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Onset, apex, offset and label of a clip."""
        onset, apex, offset = self._images(self._shown[place])
        return onset, apex, offset, torch.tensor(self.labels[place])

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subject of each clip.

        Raises:
            ConfigError: custom clips were given without subjects.
        """
        if self._subjects is None:
            raise ConfigError(
                "the clips were given without subjects",
                remedy="Give each as (FrameSequence, onset, apex, offset, label, subject): clips "
                "of one person must not be in training and test.",
            )
        return self._subjects

    def set_epoch(self, epoch: int, seed: int = 0) -> None:
        """Let items be of other draws than those of the epoch before.

        Call it before each epoch creates the iterator of its `DataLoader` (workers that persist
        keep the epoch of their start).

        Args:
            epoch: number of the epoch, from 0.
            seed: of the order in which a clip shows its draws.

        Raises:
            ConfigError: the dataset has no draws, or a number is not an integer from 0 on.
        """
        draws = self._require_draws()
        check_epoch(epoch, seed)
        chosen = draw_of_epoch(len(draws), draws.shape[1], epoch, seed)
        self._shown = draws[np.arange(len(draws)), chosen]

    def drawn(self, place: int) -> Tensor:
        """All draws of a clip, (D, 3, 3, S, S), to average predictions: onset, apex, offset.

        Raises:
            ConfigError: the dataset has no draws.
        """
        draws = self._require_draws()[place]
        return self._images(draws.flatten()).unflatten(0, draws.shape)

    def _require_draws(self) -> np.ndarray:
        if self._draws is None:
            raise ConfigError(
                "this dataset has no draws of key frames",
                remedy='Create it with preset="motion" and draws=16.',
            )
        return self._draws

    def _images(self, index: np.ndarray) -> Tensor:
        """Frames (N, 3, S, S) by their index (N,), a copy."""
        frames = torch.from_numpy(self._frames[index])
        return normalise(frames) if self.normalised else frames

    def _open(self, config: Config, cache: Path, progress: bool) -> None:
        opened = open_dataset(config, cache, progress)
        read, store = opened.annotations, opened.store
        check_prefixes((clip.dataset, clip.subject) for clip in read.clips)
        self._frames, self._index = store.frames, store.reselected
        if store.draws_index is not None:
            self._draws = store.draws_index[..., :KEY_FRAMES]
        self.keys = store.reselected_keys
        self.classes: tuple[str, ...] = read.classes
        self.labels = tuple(read.targets.tolist())
        self.clips = tuple(clip.id for clip in read.clips)
        self._subjects: tuple[str, ...] | None = tuple(clip.subject for clip in read.clips)

    def _read(
        self, clips: Sequence[LabelledFrames], reader: KeyFrameReader, progress: bool
    ) -> None:
        self.classes, self.labels = class_numbers([clip[4] for clip in clips])
        self._subjects = subjects_of(clips)
        self.clips = clip_names(clips, self._subjects)
        bar = tqdm(clips, desc="reselecting key frames", unit="clip", disable=not progress)
        read = [key_frames(clip, place, reader) for place, clip in enumerate(bar)]
        starts = np.cumsum([0, *(len(images) for images, _, _ in read[:-1])])[:, None, None]
        places = starts + np.array([index for _, index, _ in read])  # (N, 1 + D, 3)
        self._frames = np.concatenate([images for images, _, _ in read])
        self._index, draws = places[:, 0], places[:, 1:]
        self._draws = draws if draws.shape[1] else None
        self.keys = tuple(keys for _, _, keys in read)


def _frames(pattern: str | None, **choices: str) -> FramesConfig:
    """How frames are read; refuses unknown choices."""
    for name, other in (("missing", "nearest"), ("grey", "accept"), ("mixed_size", "resize")):
        if choices[name] not in ("error", other):
            raise ConfigError(f"{name} is {choices[name]!r}", remedy=f"Use error or {other}.")
    return FramesConfig(pattern=pattern, **choices)  # type: ignore[arg-type]
