"""`gamdss_rmt` and `gamdss_two_branch` in timm's registry."""

from __future__ import annotations

from typing import Any

from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import nn

from gamdss.errors import ConfigError
from gamdss.models.rmt import RMT
from gamdss.models.two_branch import TwoBranchNet

# timm's names of arguments, and ours.
_RENAMES = {"img_size": "image_size", "drop_path_rate": "drop_path"}


def _cfg(**names: Any) -> dict[str, Any]:
    return {
        "url": "",
        "num_classes": 5,
        "input_size": (3, 224, 224),
        "fixed_input_size": True,
        "pool_size": (14, 14),
        "crop_pct": 1.0,
        "interpolation": "bilinear",
        "mean": IMAGENET_DEFAULT_MEAN,
        "std": IMAGENET_DEFAULT_STD,
        "classifier": "head.classify",
        "paper_name": "GAMDSS",
        "paper_ids": "arXiv:2603.04766",
        "license": "apache-2.0",
        **names,
    }


default_cfgs = generate_default_cfgs(
    {
        "gamdss_rmt": _cfg(first_conv="stem.0"),
        "gamdss_two_branch": _cfg(first_conv=("temporal.stem.0", "spatial.embed")),
    }
)


def _build(kind: type[nn.Module], name: str, pretrained: bool, options: dict[str, Any]) -> Any:
    """A network by timm's way of building, whatever the spelling of its arguments.

    Raises:
        ConfigError: `pretrained`, or an image that is not square; and those of the network.
    """
    if pretrained:
        raise ConfigError(
            f"{name} has no pretrained weights",
            remedy="Pass pretrained=False, or checkpoint_path=... with your own weights.",
        )

    def make(**options: Any) -> nn.Module:
        ours = {_RENAMES.get(key, key): value for key, value in options.items()}
        sides = ours.get("image_size", 224)
        if not isinstance(sides, int):
            if len(set(sides)) > 1:
                raise ConfigError(f"img_size is {sides}", remedy="It must be square.")
            ours["image_size"] = sides[0]
        return kind(**ours)

    if "image_size" in options:  # timm fills in img_size if that is missing
        options = {**options, "img_size": options["image_size"]}
        del options["image_size"]
    features = {"out_indices": (0, 1, 2, 3), "feature_cls": "getter"}
    return build_model_with_cfg(make, name, pretrained, feature_cfg=features, **options)


@register_model
def gamdss_rmt(pretrained: bool = False, **kwargs: Any) -> RMT:
    """`RMT` as an image classifier for `timm.create_model("gamdss_rmt", num_classes=..., ...)`."""
    return _build(RMT, "gamdss_rmt", pretrained, kwargs)


@register_model
def gamdss_two_branch(pretrained: bool = False, **kwargs: Any) -> TwoBranchNet:
    """`TwoBranchNet` for `timm.create_model("gamdss_two_branch", num_classes=..., ...)`."""
    return _build(TwoBranchNet, "gamdss_two_branch", pretrained, kwargs)
