"""Weights of the original GAMDSS release: BDRT, DRT and ADRT, and its other backbones."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from gamdss.errors import CheckpointError, ConfigError
from gamdss.models.release_streams import (
    RELEASE_STREAMS,
    ReleaseConvNeXt,
    ReleaseEfficientMod,
    ReleaseResNet,
)
from gamdss.models.rmt import RMTStream
from gamdss.models.temporal import TemporalStream
from gamdss.models.two_branch import TwoBranchNet

# Original name -> ours: the first pattern that matches applies; None drops the name.
Renames = tuple[tuple[str, str | None], ...]
_SPATIAL: Renames = (
    # Never used in the original's forward pass.
    (r"vit_pos\.(cls_token|head\.(weight|bias)|to_Mask\.0\.(weight|bias))", None),
    (r"vit_pos\.pos_embed", r"spatial.position"),
    (r"vit_pos\.patch_embed\.proj\.(\w+)", r"spatial.embed.\1"),
    (r"vit_pos\.(blocks|norm)\.(.+)", r"spatial.\1.\2"),
)
_HEAD: Renames = (
    (r"main_branch\.norm\.(.+)", r"head.norm.\1"),
    (r"main_branch\.(?:head|fc)\.(.+)", r"head.classify.\1"),
)
RENAMES: dict[type[TemporalStream], Renames] = {
    RMTStream: (
        # Constants of the architecture, computed here by RetentionTables.
        (r"main_branch\.layers\.[0-3]\.Relpos\.(angle|decay)", None),
        (r"main_branch\.patch_embed\.proj\.(.+)", r"temporal.stem.\1"),
        (
            r"main_branch\.layers\.(\d)\.downsample\.reduction\.(.+)",
            r"temporal.stages.\1.downsample.0.\2",
        ),
        (
            r"main_branch\.layers\.(\d)\.downsample\.norm\.(.+)",
            r"temporal.stages.\1.downsample.1.\2",
        ),
        (r"main_branch\.layers\.(\d\.blocks\.\d\..+)", r"temporal.stages.\1"),
        (r"main_branch\.proj\.(.+)", r"head.expand.\1"),
        *_HEAD,
    ),
    ReleaseResNet: (*_HEAD, (r"main_branch\.(.+)", r"temporal.net.\1")),
    ReleaseConvNeXt: (
        *_HEAD,
        (r"main_branch\.downsample_layers\.0\.(.+)", r"temporal.net.stem.\1"),
        (
            r"main_branch\.downsample_layers\.(\d)\.(.+)",
            r"temporal.net.stages.\1.downsample.\2",
        ),
        (r"main_branch\.stages\.(\d)\.(.+)", r"temporal.net.stages.\1.blocks.\2"),
    ),
    ReleaseEfficientMod: (
        *_HEAD,
        (r"main_branch\.patch_embed\.(.+)", r"temporal.net.embeds.0.\1"),
        (r"main_branch\.layers\.0\.downsample\.(.+)", r"temporal.net.embeds.1.\1"),
        (r"main_branch\.layers\.1\.downsample\.(.+)", r"temporal.net.embeds.2.\1"),
        (r"main_branch\.layers\.2\.downsample\.(.+)", r"temporal.net.embeds.3.\1"),
        (r"main_branch\.layers\.(\d)\.blocks\.(.+)", r"temporal.net.stages.\1.\2"),
    ),
}
# Within a block.
BLOCK_RENAMES = {
    ".retention_layer_norm.": ".retention_norm.",
    ".final_layer_norm.": ".ffn_norm.",
    ".lepe.conv.": ".lepe.",
    ".ffn.fc1.": ".ffn.expand.",
    ".ffn.fc2.": ".ffn.reduce.",
    ".ffn.dwconv.conv.": ".ffn.local.",
    ".pos.conv.": ".position.",
    ".dwconv.": ".conv_dw.",
    ".pwconv1.": ".mlp.fc1.",
    ".pwconv2.": ".mlp.fc2.",
    ".context_layer.f.": ".context.0.",
    ".context_layer.context_list.0.": ".context.1.",
    ".context_layer.g.": ".context.3.",
    ".gamma_1": ".gamma",
}
MAX_NAMED = 20  # problems listed in an error


def load_original_state_dict(net: TwoBranchNet, state_dict: Mapping[str, Tensor]) -> None:
    """Copy the weights of an original checkpoint into `net`, whatever its `branches`.

    Args:
        net: a network of the original's architecture and image size: with the backbone `rmt` or
            one of its `backbone/` folder (`release_resnet`, `release_convnext_t`,
            `release_efficientmod_xxs`).
        state_dict: names and tensors as the release saves them, with or without the `module.`
            prefix of a data-parallel wrapper. Parameters that its forward pass does not use are
            dropped.

    Raises:
        ConfigError: a network with another backbone.
        CheckpointError: unknown or missing names, or other shapes; the error lists them, and
            `net` is unchanged.
    """
    stream = type(net.temporal)
    if stream not in RENAMES:
        raise ConfigError(
            f"the release has no network with the temporal stream {stream.__name__}",
            remedy=f"Build one with backbone={', '.join(('rmt', *RELEASE_STREAMS))}.",
        )
    ours = net.state_dict()
    converted: dict[str, Tensor] = {}
    problems = []
    for name, tensor in state_dict.items():
        target = rename(name.removeprefix("module."), stream)
        if target is None:
            continue
        converted[target] = tensor
        if target not in ours:
            problems.append(f"{name} is unknown")
        elif tensor.shape != ours[target].shape:
            found, wanted = tuple(tensor.shape), tuple(ours[target].shape)
            problems.append(f"{name} has shape {found} instead of {wanted}")
    problems += [f"{name} is missing" for name in ours if name not in converted]
    if problems:
        more = f"; and {len(problems) - MAX_NAMED} more" if len(problems) > MAX_NAMED else ""
        raise CheckpointError(
            f"not a checkpoint of this network: {'; '.join(problems[:MAX_NAMED])}{more}",
            remedy="Build the network with the checkpoint's num_classes and image_size.",
        )
    net.load_state_dict(converted)


def rename(name: str, stream: type[TemporalStream] = RMTStream) -> str | None:
    """Our name of an original parameter, None if it is dropped; unknown names are kept."""
    for pattern, ours in (*_SPATIAL, *RENAMES[stream]):
        match = re.fullmatch(pattern, name)
        if not match:
            continue
        if ours is None:
            return None
        name = match.expand(ours)
        for original, short in BLOCK_RENAMES.items():
            name = name.replace(original, short)
        return name
    return name
