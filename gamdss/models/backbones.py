"""Any timm model with a spatial feature map as the temporal stream, by name.

Source: timm (PyTorch Image Models, R. Wightman, doi 10.5281/zenodo.4414861). The model's own head
is removed; its last feature map, normalised if the model ends in a norm, is added to that of the
spatial stream.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from gamdss.errors import CheckpointError, ConfigError, first_line
from gamdss.models.release_streams import RELEASE_STREAMS
from gamdss.models.rmt import RMTStream
from gamdss.models.temporal import TemporalStream, check_integer_size
from gamdss.models.timm_net import TimmNetStream, last_map

# Streams of this package; their phase features enter unchanged, as in the paper.
OWN: dict[str, Callable[[int, float, int], TemporalStream]] = {
    "rmt": RMTStream,
    "gamdss_rmt": RMTStream,
    **RELEASE_STREAMS,
}
# Packages name further ones in their metadata: entry points of this group, by name of the backbone.
ENTRY_POINTS = "gamdss.backbones"
_STEP = 32  # between the sizes that are tried: most models halve the image five times
_OPTIONAL = ("drop_path_rate", "img_size")  # not every model accepts them
_NO_NETWORK = (
    "Check the network; or download them elsewhere and copy the Hugging Face cache (HF_HOME); or "
    "pass a file of weights with --model.weights; or start from random weights with "
    "--model.pretrained false."
)


@dataclass(frozen=True)
class _Recipe:
    """What a model is built from; fields as the arguments of `TimmStream`."""

    name: str
    image_size: int
    drop_path: float = 0.0
    in_chans: int = 3
    weights: Path | None = None

    @property
    def architecture(self) -> str:
        return self.name.partition(".")[0]


class _UnfitError(Exception):
    """The model cannot be built, or has no usable map, at this image size."""


class TimmStream(TimmNetStream):
    """The last feature map of a timm model.

    Args:
        name: a name from `timm.list_models()`, with or without a tag of weights:
            `resnet18.a1_in1k`.
        image_size: height and width of the images, pixels.
        drop_path: stochastic depth, for models that have it.
        in_chans: channels of the images.
        pretrained: start from timm's published weights, which are downloaded once.
        weights: a file with such weights, instead of a download.

    Raises:
        ConfigError: unknown name or tag, no spatial feature map, or an image size that does not
            fit; the error lists alternatives.
        CheckpointError: the weights are unavailable.
    """

    def __init__(
        self,
        name: str,
        image_size: int = 224,
        *,
        drop_path: float = 0.1,
        in_chans: int = 3,
        pretrained: bool = False,
        weights: str | Path | None = None,
    ) -> None:
        super().__init__()
        check_name(name)
        check_integer_size(image_size)
        recipe = _Recipe(name, image_size, drop_path, in_chans, _weights_file(name, weights))
        try:
            net, self.num_features, self._grid = _open(recipe)
        except _UnfitError as reason:
            raise _refusal(recipe, str(reason)) from None
        self.net = _with_weights(recipe) if pretrained or weights else net
        self.name = name
        self.image_size = image_size

    def grid(self, image_size: int) -> int:
        """Height and width of the map; only for the image size the stream was built for."""
        if image_size == self.image_size:
            return self._grid
        raise ConfigError(
            f"image_size is {image_size}, the temporal stream was built for {self.image_size}",
            remedy="Build both for the same size.",
        )


def build_stream(
    name: str,
    image_size: int,
    drop_path: float,
    in_chans: int,
    pretrained: bool = False,
    weights: str | Path | None = None,
) -> TemporalStream:
    """The temporal stream called `name`: one of `OWN`, or timm's.

    Raises:
        ConfigError, CheckpointError: as `RMTStream` and `TimmStream`; or weights are given for one
            of `OWN`.
    """
    if not is_own(name):
        options: dict[str, Any] = {"pretrained": pretrained, "weights": weights}
        return TimmStream(name, image_size, drop_path=drop_path, in_chans=in_chans, **options)
    if pretrained or weights:
        raise ConfigError(
            f"the backbone {name!r} has no pretrained weights",
            remedy="Leave out pretrained and weights, or choose a timm backbone.",
        )
    return OWN[name](image_size, drop_path, in_chans)


def is_own(name: str) -> bool:
    """Whether the backbone is one of `OWN`, or one that an installed package adds to them.

    A package names a function of (image_size, drop_path, in_chans) that returns a
    `TemporalStream`, or what it registers with timm, as an entry point of `gamdss.backbones`. Only
    the entry point of an unknown name is loaded.

    Raises:
        ConfigError: the entry point cannot be loaded, or is not a function.
    """
    if name in OWN or not isinstance(name, str) or timm.is_model(name.partition(".")[0]):
        return name in OWN
    for found in entry_points(group=ENTRY_POINTS, name=name):
        try:
            build = found.load()
        except Exception as error:  # the package's own, of any kind
            raise ConfigError(
                f"the backbone {name!r} cannot be loaded from {found.value} "
                f"({type(error).__name__}: {first_line(error)})",
                remedy="Correct the entry point, or the package that has it.",
            ) from error
        if timm.is_model(name):
            return False
        if not callable(build):
            raise ConfigError(
                f"the backbone {name!r} is {found.value}, of type {type(build).__name__}",
                remedy="Let the entry point name a function of (image_size, drop_path, in_chans) "
                "that returns a TemporalStream, or register the model with timm.",
            )
        OWN[name] = build
    return name in OWN


def check_name(name: str) -> None:
    """Raise ConfigError, with similar names, unless `name` is a backbone's."""
    if not isinstance(name, str):
        raise ConfigError(f"backbone is {name!r}", remedy="Pass a name, such as 'rmt'.")
    architecture, _, tag = name.partition(".")
    if is_own(name) or (timm.is_model(architecture) and not tag):
        return
    if timm.is_model(architecture):
        known = timm.list_models(f"{architecture}.*", pretrained=True)
        if name in known:
            return
        raise ConfigError(
            f"timm has no weights {tag!r} for {architecture}",
            remedy=f"The names with a tag are: {', '.join(known) or 'none'}.",
        )
    near = difflib.get_close_matches(architecture, list_backbones(), n=5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise ConfigError(
        f"backbone is {name!r}, which is neither 'rmt' nor a model of timm {timm.__version__}",
        remedy=f"{hint}`gamdss models --all` lists all names. A custom backbone must be installed "
        f"with an entry point of the group {ENTRY_POINTS} (gamdss/models/README.md), or registered "
        "in this process.",
    )


def list_backbones() -> list[str]:
    """All names: the paper's, its release's and those of installed packages, then timm's."""
    added = entry_points(group=ENTRY_POINTS).names
    timms = [name for name in timm.list_models() if not name.startswith("gamdss_")]
    own = dict.fromkeys((*OWN, *sorted(added)))
    return [*(name for name in own if name not in timms and not name.startswith("gamdss_")), *timms]


def fitting_sizes(name: str, image_size: int) -> list[int]:
    """Image sizes near `image_size` that fit a backbone, and its default; found by trying them."""
    recipe = _Recipe(name, image_size)
    own = timm.get_pretrained_cfg(recipe.architecture)
    below = image_size // _STEP * _STEP
    near = [below + steps * _STEP for steps in (-1, 0, 1, 2)]
    sizes = {*near, own.input_size[-1] if own else 224} - {image_size}
    return [size for size in sorted(sizes) if size > 0 and _fits(replace(recipe, image_size=size))]


def _fits(recipe: _Recipe) -> bool:
    try:
        _open(recipe)
    except _UnfitError:
        return False
    return True


def _refusal(recipe: _Recipe, reason: str) -> ConfigError:
    """The error for a model that does not work at this size, with sizes that do."""
    sizes = [str(size) for size in fitting_sizes(recipe.name, recipe.image_size)]
    if not sizes:
        return ConfigError(
            f"the backbone {recipe.name} has no usable spatial feature map: {reason}",
            remedy="Choose another one; `gamdss models` lists some that work.",
        )
    choices = " or ".join(filter(None, (", ".join(sizes[:-1]), sizes[-1])))
    return ConfigError(
        f"image_size {recipe.image_size} does not fit the backbone {recipe.name}: {reason}",
        remedy=f"Use image_size {choices}.",
    )


def _open(recipe: _Recipe) -> tuple[nn.Module, int, int]:
    """The model with random weights and without its head; channels and grid of its map.

    Raises:
        _UnfitError: it has no square map of 2 x 2 pixels or more that covers the image.
    """
    size = recipe.image_size
    if size <= 0:
        raise _UnfitError("it is not positive")
    try:
        net = _create(recipe)
        with torch.no_grad():
            found = last_map(net.eval(), torch.zeros(1, recipe.in_chans, size, size))
        _, channels, height, width = found.shape
    except Exception as error:  # models refuse a size with errors of many kinds
        raise _UnfitError(f"{type(error).__name__}: {first_line(error)}") from error
    if height != width:
        raise _UnfitError(f"its feature map is {height} x {width}, not square")
    if height < 2:
        raise _UnfitError("its feature map is a single pixel")
    info = getattr(net, "feature_info", None)
    patch = info[-1]["reduction"] if info else 1
    lost = size - height * patch
    if 0 < lost < patch:  # convolutions without padding leave out more than a patch
        raise _UnfitError(f"{lost} pixels at the edge would be left out")
    return net.train(), channels, height


def _weights_file(name: str, weights: str | Path | None) -> Path | None:
    if not weights:
        return None
    file = Path(weights).expanduser()
    if not file.is_file():
        raise CheckpointError(
            f"the weights of {name} cannot be loaded: there is no such file",
            file=file,
            remedy="Check --model.weights.",
        )
    return file


def _with_weights(recipe: _Recipe) -> nn.Module:
    """The model with weights from timm or from a file.

    Raises:
        ConfigError: timm has none.
        CheckpointError: no network, or weights of another model.
    """
    published = timm.get_pretrained_cfg(recipe.name)
    if not recipe.weights and not (published and published.has_weights):
        raise ConfigError(
            f"timm has no pretrained weights of {recipe.name}",
            remedy="Pass pretrained=False, or a file of weights with weights=FILE.",
        )
    try:
        net: nn.Module = _create(recipe, pretrained=True)
        return net
    except Exception as error:  # the hub, the network and the file raise errors of many kinds
        raise CheckpointError(
            f"the weights of {recipe.name} cannot be loaded "
            f"({type(error).__name__}: {first_line(error)})",
            file=recipe.weights,
            remedy="Check the file." if recipe.weights else _NO_NETWORK,
        ) from error


def _create(recipe: _Recipe, pretrained: bool = False) -> Any:
    """The model without its head; arguments of `_OPTIONAL` that it rejects are left out."""
    own = timm.get_pretrained_cfg(recipe.architecture)
    options: dict[str, Any] = {"drop_path_rate": recipe.drop_path, "in_chans": recipe.in_chans}
    if own is not None and own.fixed_input_size:
        options["img_size"] = recipe.image_size
    if pretrained and recipe.weights:
        options["pretrained_cfg_overlay"] = {"file": str(recipe.weights)}
    while True:
        try:
            net: Any = timm.create_model(
                recipe.name, pretrained=pretrained, num_classes=0, **options
            )
            break
        except TypeError as error:
            unknown = next((key for key in _OPTIONAL if key in options and key in str(error)), None)
            if unknown is None:
                raise
            del options[unknown]
    net.prune_intermediate_layers(1, prune_norm=False, prune_head=True)
    return net
