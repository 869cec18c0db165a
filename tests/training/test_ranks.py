"""Folds shared by the ranks of real torchrun jobs: the same bytes as one process."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TRAIN = Path(__file__).with_name("train_or_die.py")


def start(words, *options, env=None):
    command = [sys.executable, "-m", "torch.distributed.run", *options, str(TRAIN), *words]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **(env or {})},
    )


def finish(job):
    shown, _ = job.communicate(timeout=240)
    assert job.returncode == 0, shown[-4000:]
    return shown


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
    options = ("--nnodes=2", "--nproc-per-node=2", "--rdzv-backend=c10d")
    options += (f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=two")
    command = on_ranks(inner_flow_run, tmp_path / "run")
    agents = [start(command, *options) for _ in range(2)]
    shown = "".join(finish(agent) for agent in agents)
    assert results(tmp_path / "run") == results(inner_flow_run)
    assert b'"inner"' in results(inner_flow_run)
    assert shown.count("final epoch") == 1


def test_a_rank_that_dies_is_restarted_and_resumes(finished_run, tmp_path):
    output, marker = tmp_path / "run", tmp_path / "died"
    options = ("--standalone", "--nproc-per-node=2", "--max-restarts=1")
    command = [*on_ranks(finished_run, output), "--training.checkpoint-every", "1"]
    finish(start(command, *options, env={"DIE_ONCE": str(marker)}))
    assert marker.exists()
    assert results(output) == results(finished_run)


def test_a_mistake_is_reported_once_and_ends_the_job(tmp_path):
    words = ["train", "--data-root", str(tmp_path / "absent"), "--output", str(tmp_path / "run")]
    job = start(words, "--standalone", "--nproc-per-node=2")
    shown, _ = job.communicate(timeout=120)
    assert job.returncode != 0
    assert shown.count("there is no such folder") == 1
