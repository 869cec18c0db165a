"""Folds shared by the ranks of torchrun jobs: the same bytes as one process."""

import socket

import pytest
from torch_jobs import torchrun

pytestmark = pytest.mark.slow


def on_ranks(run, output):
    """The command that trains this finished run again, in another directory."""
    return ["train", "--config", str(run / "config.yaml"), "--output", str(output)]


def results(folder):
    return (folder / "results.json").read_bytes()


def test_ranks_of_two_nodes_share_the_folds_and_choose_the_same_inner_epochs(
    inner_flow_run, tmp_path
):
    """Four ranks for three folds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = on_ranks(inner_flow_run, tmp_path / "run")
    place = f"--rdzv-endpoint=127.0.0.1:{port}"
    ended, shown = torchrun(command, tmp_path / "logs", place, nodes=2)
    assert ended, shown[-4000:]
    assert results(tmp_path / "run") == results(inner_flow_run)
    assert b'"inner"' in results(inner_flow_run)
    assert shown.count("final epoch") == 1


def test_a_rank_that_dies_is_restarted_and_resumes(finished_run, tmp_path):
    output, marker = tmp_path / "run", tmp_path / "died"
    command = [*on_ranks(finished_run, output), "--training.checkpoint-every", "1"]
    ended, shown = torchrun(command, tmp_path / "logs", "--max-restarts=1", marker=marker)
    assert ended, shown[-4000:]
    assert marker.exists()
    assert results(output) == results(finished_run)


def test_a_mistake_is_reported_once_and_ends_the_job(tmp_path):
    words = ["train", "--data-root", str(tmp_path / "absent"), "--output", str(tmp_path / "run")]
    ended, shown = torchrun(words, tmp_path / "logs")
    assert not ended
    assert shown.count("there is no such folder") == 1
