"""The other temporal streams of the release, with its sizes and its plain heads.

Source: the `backbone/` folder of GAMDSS (arXiv 2603.04766, v1.0.1), where ResNet, ConvNeXt-T and
EfficientMod-XXS take the place of RMT. The first two are built from timm. The streams meet as in
the paper's network, but the map goes to the classifier without a projection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from timm.models.convnext import ConvNeXt
from timm.models.resnet import BasicBlock, ResNet
from torch import Tensor, nn

from gamdss.errors import ConfigError
from gamdss.models.efficientmod import DIMS, EfficientMod
from gamdss.models.heads import PlainHead, init_linear
from gamdss.models.phase_norm import PhaseBatchNorm
from gamdss.models.temporal import TemporalStream, check_image_size
from gamdss.models.timm_net import TimmNetStream


class ReleaseResNet(TimmNetStream):
    """One basic block at each of four resolutions, which the release calls ResNet18.

    Its stem is a 3x3 convolution of stride 1, so its map has twice the side of a ResNet-18's.
    """

    num_features = 512
    reduction = 16

    def __init__(self, image_size: int = 224, drop_path: float = 0.0, in_chans: int = 3) -> None:
        super().__init__()
        check_image_size(image_size, self.reduction)
        self.net = ResNet(
            cast(Any, BasicBlock),
            (1, 1, 1, 1),
            num_classes=0,
            in_chans=in_chans,
            drop_path_rate=drop_path,
            norm_layer=PhaseBatchNorm,
            zero_init_last=False,
        )
        stem = nn.Conv2d(in_chans, 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
        self.net.conv1 = stem
        for info in self.net.feature_info:
            info["reduction"] //= 2

    def new_head(self, num_classes: int) -> PlainHead:
        """Global average and classifier."""
        return PlainHead(self.num_features, num_classes)

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Refused: BatchNorms would see every batch twice, the second time with mixed phases."""
        if enable:
            raise ConfigError(
                "release_resnet has no gradient checkpointing: its BatchNorms would see batches "
                "twice",
                remedy="Train smaller batches.",
            )


class ReleaseConvNeXt(TimmNetStream):
    """ConvNeXt-T. Its spatial stream is as wide as its map."""

    num_features = spatial_width = 768
    reduction = 32

    def __init__(self, image_size: int = 224, drop_path: float = 0.0, in_chans: int = 3) -> None:
        super().__init__()
        check_image_size(image_size, self.reduction)
        self.net = ConvNeXt(in_chans=in_chans, num_classes=0, drop_path_rate=drop_path)
        self.net.head = nn.Identity()

    def new_head(self, num_classes: int) -> PlainHead:
        """Global average, LayerNorm and classifier."""
        return PlainHead(self.num_features, num_classes, after=1e-6)


class ReleaseEfficientMod(TemporalStream):
    """EfficientMod-XXS with attention in its last two stages."""

    num_features = DIMS[-1]
    reduction = 16

    def __init__(self, image_size: int = 224, drop_path: float = 0.0, in_chans: int = 3) -> None:
        super().__init__()
        check_image_size(image_size, self.reduction)
        self.net = EfficientMod(drop_path, in_chans)
        self.net.apply(init_linear)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (B, in_chans, S, S) to (B, 512, S/16, S/16)."""
        return self.net(x)[-1]

    def new_head(self, num_classes: int) -> PlainHead:
        """LayerNorm, global average and classifier."""
        return PlainHead(self.num_features, num_classes, before=1e-5)

    @property
    def feature_info(self) -> Sequence[Mapping[str, Any]]:
        """Channels and reduction of the four stages."""
        return [
            {"num_chs": dim, "reduction": 2 ** (i + 1), "module": f"net.stages.{i}"}
            for i, dim in enumerate(DIMS)
        ]

    def forward_levels(self, x: Tensor) -> list[Tensor]:
        """Maps of the four stages."""
        return list(self.net(x))

    def group_matcher(self, coarse: bool = False) -> Any:
        """Patch embeddings and blocks, by stage."""
        blocks = [(r"^net\.embeds\.(\d+)", (0,)), (r"^net\.stages\.(\d+)\.(\d+)", None)]
        return {"stem": r"^net\.embeds\.0", "blocks": r"^net\.\w+\.(\d+)" if coarse else blocks}


RELEASE_STREAMS = {
    "release_resnet": ReleaseResNet,
    "release_convnext_t": ReleaseConvNeXt,
    "release_efficientmod_xxs": ReleaseEfficientMod,
}
