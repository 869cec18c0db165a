"""Folds shared by the ranks of real torchrun jobs: the same bytes as one process."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gamdss.cli import main

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


@pytest.fixture(scope="module")
def words(small_dataset, small_options):
    return ["train", "--data-root", str(small_dataset), *small_options, "--device", "cpu"]


@pytest.fixture(scope="module")
def alone(words, tmp_path_factory):
    output = tmp_path_factory.mktemp("alone") / "run"
    command = [sys.executable, str(TRAIN), *words, "--output", str(output)]
    subprocess.run(command, check=True, capture_output=True)
    return (output / "results.json").read_bytes()


def test_ranks_share_the_folds(words, alone, tmp_path):
    output = tmp_path / "run"
    options = ("--standalone", "--nproc-per-node=4")
    shown = finish(start([*words, "--output", str(output)], *options))
    assert (output / "results.json").read_bytes() == alone
    assert shown.count("final epoch") == 1


def test_ranks_choose_the_same_inner_epochs_and_draws(words, tmp_path):
    inner = [*words, "--training.selection", "inner", "--reselection.jitter", "0.3"]
    inner += ["--reselection.draws", "3", "--reselection.test-draws", "2"]
    assert main([*inner, "--output", str(tmp_path / "alone")]) == 0
    options = ("--standalone", "--nproc-per-node=2")
    finish(start([*inner, "--output", str(tmp_path / "ranks")], *options))
    results = [(tmp_path / name / "results.json").read_bytes() for name in ("alone", "ranks")]
    assert b'"inner"' in results[0]
    assert results[0] == results[1]


def test_a_rank_that_dies_is_restarted_and_resumes(words, alone, tmp_path):
    output, marker = tmp_path / "run", tmp_path / "died"
    options = ("--standalone", "--nproc-per-node=2", "--max-restarts=1")
    command = [*words, "--output", str(output), "--training.checkpoint-every", "1"]
    finish(start(command, *options, env={"DIE_ONCE": str(marker)}))
    assert marker.exists()
    assert (output / "results.json").read_bytes() == alone


def test_two_nodes(words, alone, tmp_path):
    output = tmp_path / "run"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d")
    options += (f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=two")
    agents = [start([*words, "--output", str(output)], *options) for _ in range(2)]
    shown = "".join(finish(agent) for agent in agents)
    assert (output / "results.json").read_bytes() == alone
    assert shown.count("final epoch") == 1


def test_a_mistake_is_reported_once_and_ends_the_job(words, tmp_path):
    broken = ["train", "--data-root", str(tmp_path / "absent"), *words[3:]]
    job = start([*broken, "--output", str(tmp_path / "run")], "--standalone", "--nproc-per-node=2")
    shown, _ = job.communicate(timeout=120)
    assert job.returncode != 0
    assert shown.count("there is no such folder") == 1
