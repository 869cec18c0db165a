"""Work on clips gives the same in processes and in this one: results, logs, errors, their order."""

import logging
import os
from pathlib import Path

import cv2
import pytest
import torch

from gamdss.data import clip_pool as module
from gamdss.data.clip_pool import WORTH_A_PROCESS, clip_pool
from gamdss.errors import FrameError, RunError

CLIPS = 2 * WORTH_A_PROCESS


def work(number):
    if number % 20 == 3:
        logging.getLogger("gamdss").warning("clip %s is black", number)
    return number, os.getpid()


def threads(_):
    return torch.get_num_threads(), cv2.getNumThreads()


def broken(number):
    if number == 5:
        raise FrameError("the frame is empty", file=Path("5.jpg"), remedy="Delete it.")
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_and_logs_come_in_order(workers, caplog):
    with clip_pool(workers, CLIPS) as pool:
        found = list(pool.map(work, range(CLIPS)))
        assert set(pool.map(threads, range(4))) == {(1, 1)}
    assert [number for number, _ in found] == list(range(CLIPS))
    processes = {process for _, process in found}
    assert (processes == {os.getpid()}) == (workers == 1)
    assert caplog.messages == ["clip 3 is black", "clip 23 is black"]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_keeps_its_file_and_remedy(workers):
    with clip_pool(workers, CLIPS) as pool:
        outcomes = pool.map(broken, range(CLIPS))
        assert [next(outcomes) for _ in range(5)] == list(range(5))
        with pytest.raises(FrameError) as caught:
            next(outcomes)
    assert (caught.value.file, caught.value.remedy) == (Path("5.jpg"), "Delete it.")
    assert str(caught.value) == "5.jpg: the frame is empty\nDelete it."


def test_few_clips_start_no_process(monkeypatch):
    monkeypatch.setattr(module, "ProcessPoolExecutor", None)
    with clip_pool(8, CLIPS - 1) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]


def test_a_killed_process_is_named():
    with clip_pool(2, CLIPS) as pool, pytest.raises(RunError, match="was killed") as caught:
        list(pool.map(os._exit, [1]))
    assert "--frames.workers" in caught.value.remedy
