"""BLAS has one thread inside, and as many as before after it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gamdss.reselection.motion.level import MotionMeter
from gamdss.reselection.motion.one_thread import one_thread


def threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("BLAS cannot have two threads here")
        yield
        assert threads() == {2}


def test_the_limit_holds_inside_and_ends_after_an_error():
    found = []

    @one_thread
    def fails():
        with one_thread:
            found.append(threads())
        found.append(threads())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert found == [{1}, {1}]


def test_other_threads_leave_the_limit_alone():
    """That of threads which overlap would stay."""

    @one_thread
    def inside():
        return threads()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result() == {2}


def test_the_level_of_a_clip_is_measured_on_one_thread(monkeypatch):
    found = []
    monkeypatch.setattr(MotionMeter, "field", lambda *_: found.append(threads()) or 1 / 0)
    rng = np.random.default_rng(0)
    meter = MotionMeter([rng.uniform(0, 255, (40, 40)).astype(np.float32) for _ in range(9)])
    with pytest.raises(ZeroDivisionError):
        meter.level(np.linspace(0, 1, 9))
    assert found == [{1}]
