"""Any timm model with a spatial feature map as the temporal stream, by name.

Source: timm (PyTorch Image Models, R. Wightman, doi 10.5281/zenodo.4414861). The model's own head
goes; its last feature map, normalised where the model ends in a norm, meets the spatial stream,
and the head of GAMDSS follows.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from gamdss.errors import CheckpointError, ConfigError
from gamdss.models.rmt import RMT
from gamdss.models.temporal import TemporalStream

RMT_NAMES = ("rmt", "gamdss_rmt")
_STEP = 32  # sizes that are tried: most models halve the image five times
_OPTIONAL = ("drop_path_rate", "img_size")  # not every model knows them


@dataclass(frozen=True)
class _Recipe:
    """What a stream is built from; fields as the arguments of `TimmStream`."""

    name: str
    image_size: int
    drop_path: float = 0.0
    in_chans: int = 3
    pretrained: bool = False
    weights: Path | None = None

    @property
    def architecture(self) -> str:
        return self.name.partition(".")[0]


class _UnfitError(Exception):
    """The model cannot be built, or gives no map, at this image size."""


class TimmStream(TemporalStream):
    """The last feature map of a timm model, computed from the difference of two key frames.

    Args:
        name: a name from `timm.list_models()`; a tag of weights may follow, `resnet18.a1_in1k`.
        image_size: height and width of the images, pixels.
        drop_path: stochastic depth, for models that have it.
        in_chans: channels of the images.
        pretrained: start from the weights that timm publishes; they are downloaded once.
        weights: a file of such weights, in place of a download.

    Raises:
        ConfigError: unknown name or tag, no spatial feature map, or an image size that does not
            fit; the error says what would do.
        CheckpointError: the weights cannot be had.
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
        file = _weights_file(name, weights)
        recipe = _Recipe(name, image_size, drop_path, in_chans, pretrained, file)
        try:
            net, (self.num_features, self._grid) = _open(replace(recipe, pretrained=False))
        except _UnfitError as reason:
            raise _refusal(recipe, str(reason)) from None
        self.net = _with_weights(recipe) if pretrained or file else net
        self.name = name
        self.image_size = image_size

    def grid(self, image_size: int) -> int:
        """Height and width of the map, for the one image size the stream was built for."""
        if image_size == self.image_size:
            return self._grid
        raise ConfigError(
            f"image_size is {image_size}, the temporal stream was built for {self.image_size}",
            remedy="Build both for one size.",
        )

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (B, in_chans, S, S) to (B, num_features, grid, grid)."""
        return _last_map(self.net, x)


def build_stream(
    name: str,
    image_size: int,
    drop_path: float,
    in_chans: int,
    pretrained: bool = False,
    weights: str | Path | None = None,
) -> TemporalStream:
    """The temporal stream called `name`: `rmt` is the paper's, the others are timm's.

    Raises:
        ConfigError, CheckpointError: as `RMT` and `TimmStream`; or `rmt` is to be pretrained.
    """
    if name not in RMT_NAMES:
        options: dict[str, Any] = {"pretrained": pretrained, "weights": weights}
        return TimmStream(name, image_size, drop_path=drop_path, in_chans=in_chans, **options)
    if pretrained or weights:
        raise ConfigError(
            "the backbone 'rmt' has no pretrained weights",
            remedy="Leave out pretrained and weights, or choose a backbone of timm.",
        )
    return RMT(0, image_size, drop_path, in_chans)


def check_name(name: str) -> None:
    """Raise ConfigError, with names that are near, unless `name` is a backbone's."""
    architecture, _, tag = name.partition(".")
    if name in RMT_NAMES or (timm.is_model(architecture) and not tag):
        return
    if timm.is_model(architecture):
        known = timm.list_models(f"{architecture}.*", pretrained=True)
        if name in known:
            return
        listed = ", ".join(known) or "none"
        raise ConfigError(
            f"timm has no weights {tag!r} of {architecture}",
            remedy=f"The names with a tag are: {listed}.",
        )
    known = ["rmt", *(model for model in timm.list_models() if not model.startswith("gamdss_"))]
    near = difflib.get_close_matches(architecture, known, n=5)
    hint = f"Did you mean {', '.join(near)}? " if near else ""
    raise ConfigError(
        f"backbone is {name!r}, which is neither 'rmt' nor a model of timm {timm.__version__}",
        remedy=f"{hint}`gamdss models --all` lists all names.",
    )


def fitting_sizes(name: str, image_size: int) -> list[int]:
    """Image sizes near `image_size` that fit a backbone, and its own; found by trying them."""
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
    """What to say where a model is of no use at this size: the sizes that do, if there are."""
    sizes = [str(size) for size in fitting_sizes(recipe.name, recipe.image_size)]
    if not sizes:
        return ConfigError(
            f"the backbone {recipe.name} has no spatial feature map that can be used: {reason}",
            remedy="Choose another one; `gamdss models` lists some that work.",
        )
    choices = " or ".join(filter(None, (", ".join(sizes[:-1]), sizes[-1])))
    return ConfigError(
        f"image_size {recipe.image_size} does not fit the backbone {recipe.name}: {reason}",
        remedy=f"Use image_size {choices}.",
    )


def _open(recipe: _Recipe) -> tuple[nn.Module, tuple[int, int]]:
    """The model with random weights and without its head, and its map's channels and grid.

    Raises:
        _UnfitError: it has no square map of 2 x 2 pixels or more that covers the image.
    """
    size = recipe.image_size
    if size <= 0:
        raise _UnfitError("it is not positive")
    try:
        net = _create(recipe)
        with torch.no_grad():
            found = _last_map(net.eval(), torch.zeros(1, recipe.in_chans, size, size))
        _, channels, height, width = found.shape
    except Exception as error:  # each model meets an unfit size with an error of its own
        text = str(error).strip() or "?"
        raise _UnfitError(f"{type(error).__name__}: {text.splitlines()[0][:160]}") from error
    if height != width:
        raise _UnfitError(f"its feature map is {height} x {width}, not square")
    if height < 2:
        raise _UnfitError("a single pixel is left of the image")
    info = getattr(net, "feature_info", None)
    patch = info[-1]["reduction"] if info else 1
    lost = size - height * patch
    if 0 < lost < patch:  # more than a patch is what convolutions without padding leave out
        raise _UnfitError(f"{lost} pixels at the edge would be left out")
    return net.train(), (channels, height)


def _weights_file(name: str, weights: str | Path | None) -> Path | None:
    """The file of weights that is named, if one is.

    Raises:
        CheckpointError: there is no such file.
    """
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
        ConfigError: nobody published any.
        CheckpointError: no network, no file, or weights of another model.
    """
    published = timm.get_pretrained_cfg(recipe.name)
    if not recipe.weights and not (published and published.has_weights):
        raise ConfigError(
            f"timm has no pretrained weights of {recipe.name}",
            remedy="Pass pretrained=False, or name a file with weights=FILE.",
        )
    try:
        net: nn.Module = _create(replace(recipe, pretrained=True), recipe.weights)
        return net
    except Exception as error:  # the hub, the network and the file each have their own kinds
        text = str(error).strip() or "?"
        raise CheckpointError(
            f"the weights of {recipe.name} cannot be loaded "
            f"({type(error).__name__}: {text.splitlines()[0][:160]})",
            file=recipe.weights,
            remedy="Check the file." if recipe.weights else _NO_NETWORK,
        ) from error


_NO_NETWORK = (
    "Check the network; or load them where there is one and copy the Hugging Face cache (HF_HOME); "
    "or name a file of weights with --model.weights; or start from random ones with "
    "--model.pretrained false."
)


def _create(recipe: _Recipe, file: Path | None = None) -> Any:
    """The model without its head; what it does not know of `_OPTIONAL` is left out."""
    own = timm.get_pretrained_cfg(recipe.architecture)
    options: dict[str, Any] = {"drop_path_rate": recipe.drop_path, "in_chans": recipe.in_chans}
    if own is not None and own.fixed_input_size:
        options["img_size"] = recipe.image_size
    if file is not None:
        options["pretrained_cfg_overlay"] = {"file": str(file)}
    while True:
        try:
            net: Any = timm.create_model(
                recipe.name, pretrained=recipe.pretrained, num_classes=0, **options
            )
            break
        except TypeError as error:
            unknown = next((key for key in _OPTIONAL if key in options and key in str(error)), None)
            if unknown is None:
                raise
            del options[unknown]
    net.prune_intermediate_layers(1, prune_norm=False, prune_head=True)
    return net


def _last_map(net: Any, x: Tensor) -> Tensor:
    maps: list[Tensor] = net.forward_intermediates(
        x, indices=1, norm=True, output_fmt="NCHW", intermediates_only=True
    )
    return maps[-1]
