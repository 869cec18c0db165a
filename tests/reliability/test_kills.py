"""A command killed at any write resumes, and ends with the bytes of an undisturbed run."""

import random

import pytest
from killing import EFFORT, EVERY, KILLED, LONG, contents, run

pytestmark = pytest.mark.slow

COMMANDS = EVERY if LONG else EVERY[:6]


def points(writes):
    """Where to kill: in the middle of a write or just after it."""
    every = range(2, 2 * writes + 2)
    return sorted(random.Random(writes).sample(every, min(EFFORT, len(every))))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_resumes(places, tmp_path, name):
    log = tmp_path / "log"
    expected, writes = places.whole(name)
    for point in points(writes):
        words = places.words(name, tmp_path / str(point) / "out")
        # Threads may write in another order, but never less.
        assert run(words, log, point)[0] == KILLED, point
        status, _ = run(words, log)
        assert status == 0, f"{point}: {log.read_text()}"
        assert contents(tmp_path / str(point)) == expected, point
