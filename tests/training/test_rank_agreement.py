"""Ranks of a job that differ in config or data end before they work."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gamdss.config import Config
from gamdss.errors import RunError
from gamdss.training.ranks import TorchrunRanks
from gamdss.training.run_files import identity

CONFIG = Config(cache="here")
DATA = {"frames": "ab", "labels": "cd", "clips": 12}


@pytest.fixture
def ranks(monkeypatch):
    """Two ranks of one job, in this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    values = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": 2, "LOCAL_RANK": 0}
    found = []
    for rank in range(2):
        for name, value in {**values, "RANK": rank, "TORCHELASTIC_RUN_ID": "job"}.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setattr(TorchrunRanks, "_works", 0)
        found.append(TorchrunRanks())
    return found


def outcomes(ranks, first, second):
    """What `agree` raises on each rank; None if nothing."""
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(r.agree, v) for r, v in zip(ranks, (first, second), strict=True)]
        return [job.exception(20) for job in jobs]


@pytest.mark.parametrize(
    ("config", "data", "shown"),
    [
        (
            {"training": replace(CONFIG.training, learning_rate=0.5)},
            {},
            "training.learning_rate: 0.5",
        ),
        ({}, {"labels": "xy"}, "data, labels: 'xy', first 'cd'"),
        ({}, {"frames": "xy"}, "data, frames: 'xy'"),
        ({}, {"clips": 11}, "data, clips: 11, first 12"),
    ],
)
def test_a_rank_with_another_config_or_data_ends_all(ranks, config, data, shown):
    first = identity(CONFIG, DATA, folds=["01"])
    second = identity(replace(CONFIG, **config), {**DATA, **data}, folds=["01"])
    for error in outcomes(ranks, first, second):
        assert isinstance(error, RunError)
        assert "rank 1 of the job differs from the first rank" in error.problem
        assert shown in error.problem
        assert error.problem.count("\n") == 1


def test_ranks_may_have_their_own_folders(ranks):
    own = replace(CONFIG, cache="there", data_root="/data2")
    assert outcomes(ranks, identity(CONFIG, DATA), identity(own, DATA)) == [None, None]


@pytest.mark.slow
def test_a_job_whose_ranks_differ_ends_with_a_message(small_dataset, small_options, tmp_path):
    script = tmp_path / "differ.py"
    script.write_text(
        "import os, sys\nfrom gamdss.cli import main\n"
        "rate = {'0': '0.001', '1': '0.002'}[os.environ['RANK']]\n"
        "sys.exit(main([*sys.argv[1:], '--training.learning-rate', rate]))\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command += [str(script), "train", "--data-root", str(small_dataset), *small_options]
    command += [
        "--model.backbone",
        "test_vit",
        "--device",
        "cpu",
        "--output",
        str(tmp_path / "run"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path.cwd())}
    job = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    assert job.returncode != 0
    assert "training.learning_rate: 0.002, first 0.001" in job.stderr
    assert not list((tmp_path / "run").glob("folds/*"))
