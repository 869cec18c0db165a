"""`gamdss models`: what is listed works, and costs what it says."""

import json

import pytest
import timm

from gamdss.cli import main
from gamdss.studies.speed.models import CURATED, Cost, cost, designed_size, table


def test_the_curated_backbones_are_timms_and_many():
    assert len(CURATED) >= 12
    assert all(name == "rmt" or timm.is_model(name) for name in CURATED)


def test_counts_are_those_of_the_network():
    small = cost("mobilenetv4_conv_small", 64)
    assert (small.grid, small.channels) == (2, 960)
    assert small.backbone_parameters < small.parameters
    assert small.milliseconds > 0
    paper = cost("rmt", 32)
    assert paper.backbone_parameters < paper.parameters
    twice = cost("rmt", 64)
    assert 3.5 < twice.gflop / paper.gflop < 6  # four times the pixels, and attention


def test_sizes():
    assert designed_size("rmt") == 224
    assert designed_size("swinv2_tiny_window8_256") == 256
    assert "single pixel" in cost("resnet18", 32).problem


def test_the_command_measures_a_filtered_list(capsys):
    words = ["models", "--filter", "mobilenetv4_conv_small*", "--image-size", "64", "--json"]
    assert main(words) == 0
    shown = capsys.readouterr()
    found = {row["backbone"]: row for row in json.loads(shown.out)}
    assert found["mobilenetv4_conv_small"]["parameters"] > 1e6
    assert "measuring" in shown.err


def test_the_command_lists_all_names(capsys):
    assert main(["models", "--all"]) == 0
    names = capsys.readouterr().out.split()
    assert names[0] == "rmt"
    assert set(timm.list_models("resnet*")) <= set(names)


def test_the_table_tells_what_cannot_be_used():
    text = table([Cost("rmt", 224, 10**7, 10**7, 9.0, 50.0, 14, 512), Cost("x", 32, problem="no")])
    assert "14x14x512" in text
    assert text.endswith("x: no")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--filter", "resnot"], "'resnot', which no model"),
        (["--image-size", "0"], "1 or more"),
        (["--threads", "-1"], "0 or more"),
    ],
)
def test_mistakes_are_named(words, message, capsys):
    assert main(["models", *words]) == 2
    assert message in capsys.readouterr().err
