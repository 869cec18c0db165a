"""`gamdss attribution`: maps that add up to the logit, for the chosen clips."""

import importlib.util
from dataclasses import replace

import cv2
import numpy as np
import pytest

from gamdss.cli import main
from gamdss.report.colours import evidence
from gamdss.runs.attribution import attribute
from gamdss.runs.finished import read_run
from gamdss.runs.reopened import DataOptions, OpenedRun, open_run

pytestmark = pytest.mark.slow

OPTIONS = DataOptions(device="cpu")


@pytest.fixture(scope="module")
def opened(finished_run):
    return open_run(read_run(finished_run), OPTIONS)


def test_maps_add_up_to_the_change_by_motion(opened):
    clip, other = opened.dataset.annotations.clips[0].id, opened.dataset.annotations.clips[5].id
    (found, second) = attribute(opened, {clip: 1, other: 0}, steps=32)
    assert (found.clip, second.clip) == (clip, other)
    assert set(found.phases) == {"rising", "falling"}
    for phase in (*found.phases.values(), *second.phases.values()):
        assert phase.values.shape == (32, 32)
        assert phase.values.sum() == pytest.approx(phase.change, abs=0.02)
        assert phase.error < 0.02
    assert found.phases["rising"].change != pytest.approx(found.phases["falling"].change)


def test_a_clip_without_motion_has_no_evidence(opened):
    clip = opened.dataset.annotations.clips[0].id
    index = opened.dataset.store.reselected[0].copy()
    opened.dataset.store.reselected[0] = index[1]  # the apex three times
    try:
        (found,) = attribute(opened, {clip: 0}, steps=2)
    finally:
        opened.dataset.store.reselected[0] = index
    for phase in found.phases.values():
        assert np.abs(phase.values).max() == 0
        assert phase.change == 0


def test_maps_of_a_feature_add_up_and_zeros_have_no_evidence(inner_flow_run, monkeypatch):
    flow = open_run(read_run(inner_flow_run), OPTIONS)
    real = OpenedRun.trained

    def still_in_falling(opened, fold):
        trainer = real(opened, fold)
        values = trainer.data.phase_features.clone()
        values[trainer.data.held_out[0, 4]] = 0
        trainer.data = replace(trainer.data, phase_features=values)
        return trainer

    monkeypatch.setattr(OpenedRun, "trained", still_in_falling)
    (found,) = attribute(flow, {flow.run.folds[0].clips[0]: 1}, steps=32)
    rising, falling = found.phases["rising"], found.phases["falling"]
    assert rising.change != 0
    assert rising.values.sum() == pytest.approx(rising.change, abs=0.02)
    assert np.abs(falling.values).max() == falling.change == 0


def test_the_command_draws_clips_by_choice_or_by_name(finished_run, tmp_path, capsys):
    words = ["attribution", str(finished_run), "--steps", "4", "--output", str(tmp_path)]
    assert main(words) == 0
    assert str(tmp_path / "attribution.png") in capsys.readouterr().out
    chosen = cv2.imread(str(tmp_path / "attribution.png"))
    assert main([*words, "--clips", "01/EP01_01"]) == 0
    assert len(cv2.imread(str(tmp_path / "attribution.png"))) < len(chosen)
    assert (tmp_path / "attribution.pdf").read_bytes().startswith(b"%PDF")
    once = (tmp_path / "attribution.png").read_bytes()
    assert main([*words, "--clips", "01/EP01_01, 01/EP01_01"]) == 0
    assert (tmp_path / "attribution.png").read_bytes() == once
    assert main([*words, "--clips", "01/EP99"]) == 2
    assert "01/EP99, which no fold holds out" in capsys.readouterr().err
    assert main([*words[:2], "--steps", "1"]) == 2


def test_without_captum(finished_run, monkeypatch, capsys):
    monkeypatch.setattr("gamdss.runs.attribution.find_spec", lambda _: None)
    assert importlib.util.find_spec("captum") is not None
    assert main(["attribution", str(finished_run)]) == 2
    assert ".[visual]" in capsys.readouterr().err


def test_red_is_for_and_blue_against():
    face = np.full((4, 4, 3), 128, np.uint8)
    values = np.zeros((4, 4))
    values[0, 0], values[3, 3] = 1, -1
    shown = evidence(face, values, 1).astype(int)
    assert shown[0, 0, 0] > shown[0, 0, 2] + 50
    assert shown[3, 3, 2] > shown[3, 3, 0] + 50
    assert np.ptp(shown[1, 1]) == 0
