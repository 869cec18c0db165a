"""Work on clips gives the same in processes and in this one: results, logs, errors, their order."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
import torch

from gamdss.data import clip_pool as module
from gamdss.data.clip_pool import WORTH_A_PROCESS, clip_pool
from gamdss.errors import FrameError, RunError

log = logging.getLogger("gamdss")


def work(number):
    if number % 20 == 3:
        log.warning("clip %s is black", number)
    log.warning("the folder is odd", extra={"once": ("folder", "odd")})
    return number, os.getpid()


def threads(_):
    return torch.get_num_threads(), cv2.getNumThreads()


def broken(number):
    log.warning("clip %s", number)
    if number == 5:
        raise FrameError("the frame is empty", file=Path("5.jpg"), remedy="Delete it.")
    return number


def test_results_and_logs_come_in_order(caplog):
    with clip_pool(2, 40) as pool:
        found = list(pool.map(work, range(40)))
        assert set(pool.map(threads, range(4))) == {(1, 1)}
    assert [number for number, _ in found] == list(range(40))
    assert os.getpid() not in {process for _, process in found}
    assert caplog.messages == ["the folder is odd", "clip 3 is black", "clip 23 is black"]


def slow_first(number):
    if number == 0:
        time.sleep(1)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_may_come_as_they_are_finished(workers):
    with clip_pool(workers, 10) as pool:
        found = list(pool.unordered(slow_first, range(10)))
    assert sorted(found) == list(range(10))
    assert found[0] == (0 if workers == 1 else 1)


def test_logs_have_the_level_of_this_process(caplog):
    with caplog.at_level(logging.ERROR, "gamdss"), clip_pool(2, 40) as pool:
        list(pool.map(work, range(4)))
    assert caplog.messages == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_keeps_its_file_and_remedy(workers, caplog):
    with clip_pool(workers, 10) as pool:
        outcomes = pool.map(broken, range(10))
        assert [next(outcomes) for _ in range(5)] == list(range(5))
        with pytest.raises(FrameError) as caught:
            next(outcomes)
    assert (caught.value.file, caught.value.remedy) == (Path("5.jpg"), "Delete it.")
    assert str(caught.value) == "5.jpg: the frame is empty\nDelete it."
    assert caplog.messages == [f"clip {number}" for number in range(6)]


@pytest.mark.parametrize(("workers", "clips"), [(0, 2 * WORTH_A_PROCESS - 1), (1, 1000), (8, 1)])
def test_little_work_starts_no_process(workers, clips, monkeypatch):
    monkeypatch.setattr(module, "ProcessPoolExecutor", None)
    with clip_pool(workers, clips) as pool:
        assert list(pool.map(os.getppid().__add__, [1])) == [os.getppid() + 1]
        assert list(pool.map(threads, [0])) == [(1, 1)]


def test_a_killed_process_is_named():
    with clip_pool(2, 10, option="--workers") as pool:
        with pytest.raises(RunError, match="was killed") as caught:
            list(pool.map(os._exit, [1]))
        with pytest.raises(RunError):  # nor is a traceback shown later
            list(pool.map(abs, [1]))
    assert "use fewer --workers" in caught.value.remedy


PARENT = """
import os, time
from gamdss.data.clip_pool import clip_pool
with clip_pool(2, 10) as pool:
    print(*{process for _ in range(10) for process in pool.map(lambda _: os.getpid(), range(4))})
    print(flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_processes_end_without_their_parent(tmp_path):
    script = tmp_path / "parent.py"  # without `if __name__ == "__main__"`
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        processes = [int(number) for number in parent.stdout.readline().split()]
        parent.stdout.readline()
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while any(map(alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes
    assert not any(map(alive, processes))


def alive(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
