"""`gamdss models`: the listed backbones work and cost what the table says."""

import json

import pytest
import timm

from gamdss.cli import main
from gamdss.models.release_streams import RELEASE_STREAMS
from gamdss.studies.speed.models import CURATED, BackboneCost, cost, designed_size, table


def test_the_curated_backbones_are_many_and_known_to_timm():
    assert len(CURATED) >= 12
    own = {"rmt", *RELEASE_STREAMS}
    assert all(name in own or timm.is_model(name) for name in CURATED)


def test_counts_match_the_network():
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


def test_the_table_lists_costs_and_then_what_cannot_be_used():
    usable = BackboneCost("rmt", 224, 13 * 10**6, 2 * 10**7, 9.0, 50.0, 14, 512)
    text = table([usable, BackboneCost("x", 32, problem="no")])
    row = next(line for line in text.splitlines() if line.startswith("rmt"))
    assert row.split() == ["rmt", "224", "14x14x512", "20.0", "13.0", "9.00", "50"]
    assert text.endswith("x: no")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--filter", "resnot"], "'resnot', which no model"),
        (["--image-size", "0"], "1 or more"),
        (["--threads", "-1"], "0 or more"),
    ],
)
def test_errors_name_the_mistake(words, message, capsys):
    assert main(["models", *words]) == 2
    assert message in capsys.readouterr().err
