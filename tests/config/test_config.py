"""Every field is checked when it is set, explained, and written in plain values."""

import dataclasses

import pytest
import yaml

from gamdss.config import (
    AugmentationConfig,
    Config,
    FeaturesConfig,
    FramesConfig,
    ModelConfig,
    ProtocolConfig,
    ReselectionConfig,
    TrainingConfig,
    field_names,
    flatten,
)
from gamdss.errors import ConfigError


@pytest.mark.parametrize(
    ("group", "values", "flag"),
    [
        (FramesConfig, {"workers": -1}, "frames.workers"),
        (ReselectionConfig, {"ratio": 1.5}, "reselection.ratio"),
        (ReselectionConfig, {"ratio": float("nan")}, "reselection.ratio"),
        (ReselectionConfig, {"draws": -1}, "reselection.draws"),
        (ReselectionConfig, {"test_draws": 5, "draws": 4}, "reselection.test-draws"),
        (ReselectionConfig, {"train_draws": False, "draws": 4}, "reselection.train-draws"),
        (
            ReselectionConfig,
            {"test_draws": 2, "draws": 4, "clips": "training"},
            "reselection.test-draws",
        ),
        (ReselectionConfig, {"jitter": 0.6, "draws": 4}, "reselection.jitter"),
        (ReselectionConfig, {"draws": 0, "jitter": 0.2}, "reselection.draws"),
        (ModelConfig, {"image_size": 100}, "model.image-size"),
        (ModelConfig, {"image_size": 0}, "model.image-size"),
        (ModelConfig, {"image_size": 0, "backbone": "resnet18"}, "model.image-size"),
        (ModelConfig, {"backbone": ""}, "model.backbone"),
        (ModelConfig, {"backbone": "rmt", "pretrained": True}, "model.backbone"),
        (ModelConfig, {"drop_path": 1.0}, "model.drop-path"),
        (AugmentationConfig, {"flip": -0.1}, "augmentation.flip"),
        (AugmentationConfig, {"rotation": 180}, "augmentation.rotation"),
        (AugmentationConfig, {"crop_padding": 113}, "augmentation.crop-padding"),
        (TrainingConfig, {"epochs": 0}, "training.epochs"),
        (TrainingConfig, {"batch_size": 0}, "training.batch-size"),
        (TrainingConfig, {"learning_rate": 0.0}, "training.learning-rate"),
        (TrainingConfig, {"lr_decay": 0.0}, "training.lr-decay"),
        (TrainingConfig, {"weight_decay": -1.0}, "training.weight-decay"),
        (ReselectionConfig, {"annotators": "f", "preset": "full"}, "reselection.annotators"),
        (ReselectionConfig, {"annotators": "f", "prior": "fixed"}, "reselection.annotators"),
        (Config, {"seed": -1}, "seed"),
        (Config, {"threads": -1}, "threads"),
        *[(Config, {name: wrong}, name) for name in ("seed", "threads") for wrong in (2.5, None)],
        (FramesConfig, {"workers": "2"}, "frames.workers"),
        *[
            (ReselectionConfig, {"ratio": wrong}, "reselection.ratio")
            for wrong in ("0.3", [1], True)
        ],
        (ReselectionConfig, {"jitter": "0.1", "draws": 2}, "reselection.jitter"),
        (ReselectionConfig, {"test_draws": "2", "draws": 4}, "reselection.test-draws"),
        (ModelConfig, {"drop_path": "0.1"}, "model.drop-path"),
        *[
            (AugmentationConfig, {name: "1"}, f"augmentation.{name}")
            for name in ("flip", "rotation")
        ],
        (AugmentationConfig, {"crop_padding": 1.5}, "augmentation.crop-padding"),
        (ProtocolConfig, {"parts": "3"}, "protocol.parts"),
        (FeaturesConfig, {"magnification": "4"}, "features.magnification"),
        (FeaturesConfig, {"limit": None}, "features.limit"),
        (FeaturesConfig, {"window": 1.5}, "features.window"),
        *[
            (TrainingConfig, {name: "1"}, f"training.{name.replace('_', '-')}")
            for name, default in vars(TrainingConfig()).items()
            if isinstance(default, int | float) or name == "checkpoint_every"
        ],
    ],
)
def test_an_error_names_the_option_and_the_value(group, values, flag):
    with pytest.raises(ConfigError, match=f"--{flag} is ") as caught:
        group(**values)
    assert str(next(iter(values.values()))) in str(caught.value)
    assert "It must be" in str(caught.value)


def test_an_image_size_that_does_not_fit_names_those_that_do():
    with pytest.raises(ConfigError, match="96 or 112"):
        ModelConfig(image_size=100)


def test_sizes_of_other_backbones_are_checked_later():
    assert ModelConfig(image_size=100, backbone="resnet18").image_size == 100
    with pytest.raises(ConfigError, match=r"image-size is 0\nIt must be an integer above 0\.$"):
        ModelConfig(image_size=0, backbone="resnet18")


def test_every_field_has_a_line_of_explanation():
    groups = [Config] + [
        f.default_factory
        for f in dataclasses.fields(Config)
        if f.default_factory is not dataclasses.MISSING
    ]
    for group in groups:
        for field in dataclasses.fields(group):
            assert f"{field.name}: " in (group.__doc__ or ""), f"{group.__name__}.{field.name}"


def test_names_and_values_round_trip():
    values = Config().as_dict()
    assert list(flatten(values)) == field_names()
    assert yaml.safe_load(yaml.safe_dump(values)) == values
