"""The cost of backbones: parameters, arithmetic, and time on this machine."""

from __future__ import annotations

import fnmatch
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import timm
import torch
from tabulate import tabulate
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from gamdss.errors import ConfigError, GamdssError
from gamdss.models.backbones import is_own, list_backbones
from gamdss.models.release_streams import RELEASE_STREAMS
from gamdss.models.two_branch import TwoBranchNet
from gamdss.studies.speed.timing import seconds

# Each was trained for a few steps, and most are in tests/models/test_backbones.py: convolutions,
# attention in windows and over the whole image, and combinations of both; from light to heavy.
CURATED = (
    "rmt",
    "mobilenetv4_conv_small",
    "edgenext_xx_small",
    "ghostnet_100",
    "convnext_atto",
    "pvt_v2_b0",
    "efficientnet_b0",
    "regnety_004",
    "vit_tiny_patch16_224",
    "deit_tiny_patch16_224",
    "mambaout_femto",
    "fastvit_t8",
    "levit_128s",
    "resnet18",
    "poolformer_s12",
    "coatnet_nano_rw_224",
    "mambaout_tiny",
    "resnet50",
    "convnext_tiny",
    "swin_tiny_patch4_window7_224",
    "maxvit_tiny_rw_224",
    *RELEASE_STREAMS,
)
CLASSES = 5
BATCH = 2
_REPEATS = 3


@dataclass(frozen=True)
class BackboneCost:
    """Cost of the two-branch network with a backbone, at one image size.

    `gflop` and `milliseconds` are of predicting one sample, which uses one branch; `grid` is the
    height and width of the map where the streams meet. `problem`: why there are no figures.
    """

    backbone: str
    image_size: int
    parameters: int = 0
    backbone_parameters: int = 0
    gflop: float = 0.0
    milliseconds: float = 0.0
    grid: int = 0
    channels: int = 0
    problem: str = ""


def find(pattern: str | None, everything: bool) -> list[str]:
    """Names of backbones: the curated ones, or those of timm that match a pattern.

    Raises:
        ConfigError: no name matches.
    """
    names = list(CURATED)
    if everything or pattern:
        names = list_backbones()
    if pattern is not None:
        wanted = pattern if any(mark in pattern for mark in "*?[") else f"*{pattern}*"
        names = fnmatch.filter(names, wanted)
    if not names:
        raise ConfigError(
            f"--filter is {pattern!r}, which no model of timm {timm.__version__} matches",
            remedy="Use a part of a name, or wildcards such as 'convnext*tiny*'.",
        )
    return names


def measure(
    names: Sequence[str], image_size: int | None, progress: bool = True
) -> list[BackboneCost]:
    """The cost of each backbone at an image size, by default the one it was designed for."""
    bar = tqdm(names, desc="measuring", unit="backbone", disable=not progress)
    costs = []
    for name in bar:
        bar.set_postfix_str(name)
        costs.append(cost(name, image_size or designed_size(name)))
    return costs


def designed_size(name: str) -> int:
    """The image size that a backbone was designed for, pixels."""
    own = None if is_own(name) else timm.get_pretrained_cfg(name.partition(".")[0])
    return own.input_size[-1] if own is not None else 224


@torch.no_grad()  # in inference mode, PyTorch 2.5 counts no operations
def cost(name: str, image_size: int) -> BackboneCost:
    """Build the network, count and time a prediction."""
    try:
        net = TwoBranchNet(CLASSES, image_size, backbone=name).eval()
    except GamdssError as error:
        return BackboneCost(name, image_size, problem=error.problem)
    frames = torch.zeros(2, BATCH, 3, image_size, image_size)
    with FlopCounterMode(display=False) as counted:
        net.rising(*frames)
    times = [seconds(lambda: net.rising(*frames)) for _ in range(_REPEATS)]
    return BackboneCost(
        backbone=name,
        image_size=image_size,
        parameters=_size(net),
        backbone_parameters=_size(net.temporal),
        gflop=counted.get_total_flops() / BATCH / 1e9,
        milliseconds=1000 * statistics.median(times) / BATCH,
        grid=net.spatial.grid,
        channels=net.temporal.num_features,
    )


def _size(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def table(costs: Sequence[BackboneCost]) -> str:
    """Costs for the terminal; backbones that cannot be used come last, with the reason."""
    rows = [
        [
            *(c.backbone, c.image_size, f"{c.grid}x{c.grid}x{c.channels}"),
            *(f"{c.backbone_parameters / 1e6:.1f}", f"{c.parameters / 1e6:.1f}"),
            *(f"{c.gflop:.2f}", f"{c.milliseconds:.0f}"),
        ]
        for c in costs
        if not c.problem
    ]
    header = ("backbone", "pixels", "map", "backbone, M", "network, M", "GFLOP", "ms")
    text = tabulate(rows, header, tablefmt="simple", disable_numparse=True)
    refused = [f"{c.backbone}: {c.problem}" for c in costs if c.problem]
    return "\n".join([*([text] if rows else []), *refused])
