"""A finished run is opened with its data; see also the tests of commands that open one."""

from dataclasses import replace

import pytest
import torch

from gamdss.runs.embedding import embed
from gamdss.runs.finished import read_run
from gamdss.runs.reopened import open_run
from gamdss.training import learner


@pytest.mark.slow
def test_embeddings_of_a_run_that_was_compiled_are_those_of_its_network(finished_run, monkeypatch):
    torch._dynamo.reset()
    monkeypatch.setattr(learner, "BACKEND", "eager")
    run = read_run(str(finished_run))  # a name, or a path
    compiled = replace(run.config, training=replace(run.config.training, compile="on"))
    found = []
    for config in (run.config, compiled):
        opened = open_run(replace(run, config=config), progress=False)
        found += embed(opened, opened.folds[:1], progress=False)
    plain, other = found
    assert plain.held_out.shape == other.held_out.shape
    assert (plain.held_out == other.held_out).all()
    assert (plain.training == other.training).all()
