"""Ranks of a job that differ in config or data end before they work."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from torch.distributed import TCPStore
from torch_jobs import torchrun

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


def test_nodes_that_count_restarts_differently_share_the_work_once_a_start(monkeypatch):
    """A rank died on the first node, whose agent counts that; the agent of the second does not."""
    agents = TCPStore("127.0.0.1", 0, is_master=True)
    values = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": agents.port, "WORLD_SIZE": 2}
    values |= {"LOCAL_RANK": 0, "TORCHELASTIC_USE_AGENT_STORE": True, "TORCHELASTIC_RUN_ID": "job"}
    for restarts in ((0, 0), (1, 0)):
        started = []
        for rank in range(2):
            for name, value in {**values, "RANK": rank}.items():
                monkeypatch.setenv(name, str(value))
            monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(restarts[rank]))
            monkeypatch.setattr(TorchrunRanks, "_works", 0)
            started.append(TorchrunRanks())
        with ThreadPoolExecutor(2) as pool:
            shares = [pool.submit(lambda r: [i for i, _ in r.share("abc")], r) for r in started]
            taken = [item for share in shares for item in share.result(20)]
        assert sorted(taken) == ["a", "b", "c"]


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
    words = ["train", "--data-root", str(small_dataset), *small_options, "--device", "cpu"]
    words += ["--output", str(tmp_path / "run")]
    own = [("--training.learning-rate", rate) for rate in ("0.001", "0.002")]
    ended, shown = torchrun(words, tmp_path / "logs", own=own)
    assert not ended
    assert "training.learning_rate: 0.002, first 0.001" in shown
    assert not list((tmp_path / "run").glob("folds/*"))
