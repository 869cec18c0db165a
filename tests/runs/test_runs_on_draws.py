"""A run trained and evaluated on draws is opened, compared, embedded and attributed as others."""

import json
import logging

import pytest

from gamdss.cli import main
from gamdss.runs.attribution import attribute, has_captum
from gamdss.runs.embedding import embed
from gamdss.runs.finished import read_run
from gamdss.runs.reopened import open_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(small_dataset, small_options, tmp_path_factory):
    output = tmp_path_factory.mktemp("drawn") / "run"
    drawn = ("--reselection.jitter", "0.4", "--reselection.draws", "4", "--reselection.test-draws")
    words = ["train", "--data-root", str(small_dataset), *small_options, *drawn, "3"]
    assert main([*words, "--output", str(output)]) == 0
    return output


def test_networks_give_the_predictions_of_the_run(run, caplog):
    opened = open_run(read_run(run), progress=False)
    with caplog.at_level(logging.WARNING, logger="gamdss"):
        found = embed(opened, opened.folds[:1], progress=False)
    assert "predictions of" not in caplog.text
    assert found[0].held_out.shape[0] == 4
    if has_captum():
        clip = opened.dataset.annotations.clips[0].id
        (evidence,) = attribute(opened, {clip: 0}, steps=2)
        assert set(evidence.phases) == {"rising", "falling"}


def test_it_is_compared_with_a_run_without_draws(run, finished_run, tmp_path, capsys):
    assert main(["compare", str(finished_run), str(run)]) == 0
    shown = capsys.readouterr().out
    assert "reselection.draws" in shown
    assert json.loads((run / "results.json").read_text("utf-8"))["clips"] == 12


def test_its_page_says_what_was_averaged(run, capsys):
    assert main(["report", str(run)]) == 0
    page = next(run.glob("*.html")).read_text("utf-8")
    assert "averaged over 3 draws" in page
