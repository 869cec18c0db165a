"""A run trained and evaluated on draws is opened, compared, embedded and shown as others."""

import logging

import pytest

from gamdss.cli import main
from gamdss.runs.embedding import embed
from gamdss.runs.finished import read_run
from gamdss.runs.reopened import open_run

pytestmark = pytest.mark.slow


def test_networks_give_the_predictions_of_the_run(inner_flow_run, caplog):
    opened = open_run(read_run(inner_flow_run), progress=False)
    with caplog.at_level(logging.WARNING, logger="gamdss"):
        (found,) = embed(opened, opened.folds[:1], progress=False)
    assert "predictions of" not in caplog.text
    fold = opened.folds[0]
    trainer = opened.trained(fold)
    # Of the reselected key frames, not the average.
    assert (
        trainer.logits(trainer.data.held_out).argmax(1).numpy() == found.held_out_predicted
    ).all()


def test_it_is_compared_with_a_run_without_draws(inner_flow_run, finished_run, tmp_path, capsys):
    runs = (str(finished_run), str(inner_flow_run))
    words = ["compare", *runs, "--selection", "final,inner", "--output", str(tmp_path / "out")]
    assert main(words) == 0
    assert "reselection.draws" in capsys.readouterr().out


def test_its_page_and_its_embeddings_name_the_draws(inner_flow_run, tmp_path):
    page = tmp_path / "page.html"
    assert main(["report", str(inner_flow_run), "--output", str(page)]) == 0
    assert "averaged over 2 draws" in page.read_text("utf-8")
