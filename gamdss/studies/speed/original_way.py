"""The original's way of training, rebuilt as a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from gamdss.config import AugmentationConfig
from gamdss.data.augment import MEAN, STD
from gamdss.data.decoding import decode
from gamdss.data.frames import ClipFrames
from gamdss.losses import two_phase_loss
from gamdss.models.two_branch import TwoBranchNet
from gamdss.reselection import PRESETS, reselect

_ANY_ATTENTION = [
    *(SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION),
    *(SDPBackend.CUDNN_ATTENTION, SDPBackend.MATH),
]


class OriginalWay:
    """The original's way of training, rebuilt from this project's parts as a baseline.

    Every sample of every epoch is read, reselected and transformed on its own, and the two
    branches run in sequence in float32; evaluation computes both branches too (training code of
    release v1.0.1 of arXiv 2603.04766).

    Args:
        clips: the clips with their files.
        labels: their class indices.
        net: trained in place, in float32.
        image_size: of the network, pixels.
        augmentation: of every sample.
    """

    def __init__(
        self,
        clips: Sequence[ClipFrames],
        labels: Sequence[int],
        net: TwoBranchNet,
        image_size: int,
        augmentation: AugmentationConfig,
    ) -> None:
        self.clips = clips
        self.labels = torch.tensor(labels)
        self.net = net
        self.image_size = image_size
        self.augmentation = augmentation
        self.device = next(net.parameters()).device
        self.optimizer = torch.optim.AdamW(net.parameters(), lr=8e-4, weight_decay=0.6)

    def load(self, index: int, rng: np.random.Generator) -> Tensor:
        """The key frames of one clip, (3, 3, S, S): read, reselected, transformed."""
        item = self.clips[index]
        keys = item.clip.annotated
        windows = PRESETS["original-full"].windows(*keys.numbers)
        # The original reads one image for each pair that it compares, and the first one's other.
        pairs = [(onset, apex) for onset in windows.onset for apex in windows.apex]
        read = [keys.apex, *(onset if apex == keys.apex else apex for onset, apex in pairs)]
        read += [keys.apex, *windows.offset]
        images = {n: decode(item.files[n], True) for n in read}
        chosen = reselect(images, *keys.numbers, preset="original-full")
        drawn = (rng.random(), rng.random(), int(rng.integers(31)), int(rng.integers(31)))
        frames = [self._transform(decode(item.files[n], True), drawn) for n in chosen.numbers]
        return torch.stack(frames)

    def _transform(self, image: np.ndarray, drawn: tuple[float, float, int, int]) -> Tensor:
        flip, turn, top, left = drawn
        size, border = [self.image_size] * 2, self.augmentation.crop_padding
        rgb = torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)))
        frame = functional.resize(rgb, size, antialias=True).float() / 255
        frame = functional.normalize(frame, list(MEAN), list(STD))
        if flip < self.augmentation.flip:
            frame = functional.horizontal_flip(frame)
        degrees = (2 * turn - 1) * self.augmentation.rotation
        frame = functional.rotate(frame, degrees, InterpolationMode.NEAREST)
        frame = functional.pad(frame, [border] * 4)
        return functional.crop(frame, top * border // 15, left * border // 15, size[0], size[1])

    def batch(self, indices: Sequence[int], rng: np.random.Generator) -> Tensor:
        """Samples of a batch, (B, 3, 3, S, S), on the network's device."""
        return torch.stack([self.load(index, rng) for index in indices]).to(self.device)

    def step(self, batch: Tensor, indices: Sequence[int]) -> None:
        """One optimiser step in float32."""
        self.net.train()
        with _any_algorithm():
            rising, falling = self.net(*batch.unbind(1))
            loss = two_phase_loss(rising, falling, self.labels[list(indices)].to(self.device))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    @torch.inference_mode()
    def evaluate(self, batch: Tensor) -> Tensor:
        """Logits of the rising branch, after both were computed."""
        self.net.eval()
        with _any_algorithm():
            rising, _ = self.net(*batch.unbind(1))
        assert rising is not None
        return rising.argmax(1)


@contextmanager
def _any_algorithm() -> Iterator[None]:
    """Without the demand for deterministic algorithms, which the original does not make."""
    torch.use_deterministic_algorithms(False)
    try:
        with sdpa_kernel(_ANY_ATTENTION):
            yield
    finally:
        torch.use_deterministic_algorithms(True, warn_only=True)
