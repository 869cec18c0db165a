"""Weights of the original GAMDSS release (BDRT, DRT and ADRT) for our network."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from gamdss.errors import CheckpointError
from gamdss.models.two_branch import TwoBranchNet

# Original name -> ours: the first pattern that matches applies; None drops the name.
RENAMES: tuple[tuple[str, str | None], ...] = (
    # Never used in the original's forward pass.
    (r"vit_pos\.(cls_token|head\.(weight|bias)|to_Mask\.0\.(weight|bias))", None),
    # Constants of the architecture, computed here by RetentionTables.
    (r"main_branch\.layers\.[0-3]\.Relpos\.(angle|decay)", None),
    (r"vit_pos\.pos_embed", r"spatial.position"),
    (r"vit_pos\.patch_embed\.proj\.(\w+)", r"spatial.embed.\1"),
    (r"vit_pos\.(blocks|norm)\.(.+)", r"spatial.\1.\2"),
    (r"main_branch\.patch_embed\.proj\.(.+)", r"temporal.stem.\1"),
    (
        r"main_branch\.layers\.(\d)\.downsample\.reduction\.(.+)",
        r"temporal.stages.\1.downsample.0.\2",
    ),
    (r"main_branch\.layers\.(\d)\.downsample\.norm\.(.+)", r"temporal.stages.\1.downsample.1.\2"),
    (r"main_branch\.layers\.(\d\.blocks\.\d\..+)", r"temporal.stages.\1"),
    (r"main_branch\.proj\.(.+)", r"head.expand.\1"),
    (r"main_branch\.norm\.(.+)", r"head.norm.\1"),
    (r"main_branch\.head\.(.+)", r"head.classify.\1"),
)
# Within a block.
BLOCK_RENAMES = {
    ".retention_layer_norm.": ".retention_norm.",
    ".final_layer_norm.": ".ffn_norm.",
    ".lepe.conv.": ".lepe.",
    ".ffn.fc1.": ".ffn.expand.",
    ".ffn.fc2.": ".ffn.reduce.",
    ".ffn.dwconv.conv.": ".ffn.local.",
    ".pos.conv.": ".position.",
}
MAX_NAMED = 20  # problems listed in an error


def load_original_state_dict(net: TwoBranchNet, state_dict: Mapping[str, Tensor]) -> None:
    """Copy the weights of an original checkpoint into `net`, whatever its `branches`.

    Args:
        net: a network of the original's architecture (RMT as temporal stream) and image size.
        state_dict: names and tensors as the release saves them, with or without the `module.`
            prefix of a data-parallel wrapper. Parameters that its forward pass does not use are
            dropped.

    Raises:
        CheckpointError: unknown or missing names, or other shapes; the error lists them, and
            `net` is unchanged.
    """
    ours = net.state_dict()
    converted: dict[str, Tensor] = {}
    problems = []
    for name, tensor in state_dict.items():
        target = rename(name.removeprefix("module."))
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


def rename(name: str) -> str | None:
    """Our name of an original parameter, None if it is dropped; unknown names are kept."""
    for pattern, ours in RENAMES:
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
