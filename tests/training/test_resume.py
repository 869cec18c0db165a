"""A run that is killed at any moment resumes and ends with the bytes of an undisturbed run."""

import multiprocessing
import os
import signal

import pytest

from gamdss.cli import main

pytestmark = pytest.mark.slow

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["gamdss.cli", "gamdss.training.folds", "gamdss.experiment"])
KILLED = -signal.SIGKILL


def run_and_die(words, moves, before):
    """Run the command, but kill this process at its `moves`-th move of a file into place."""
    done = 0
    move = os.replace

    def replace(source, target):
        nonlocal done
        done += 1
        if done == moves and before:
            os.kill(os.getpid(), signal.SIGKILL)
        move(source, target)
        if done == moves:
            os.kill(os.getpid(), signal.SIGKILL)

    os.replace = replace
    os._exit(main(words))


def run_in_process(words, moves=0, before=True):
    process = CONTEXT.Process(target=run_and_die, args=(words, moves, before))
    process.start()
    process.join(120)
    return process.exitcode


def test_a_run_killed_again_and_again_ends_with_the_same_bytes(
    finished_run, small_dataset, small_options, tmp_path
):
    output, cache = tmp_path / "run", tmp_path / "cache"
    command = ["train", "--data-root", str(small_dataset), *small_options, "--cache", str(cache)]
    command += ["--training.checkpoint-every", "1", "--output", str(output)]
    # The first is killed while it builds the store, and leaves no incomplete one.
    assert run_in_process(command, 1, before=True) == KILLED
    assert [path.suffix for path in (cache / "store").iterdir() if path.is_dir()] == [".partial"]
    kills = 1
    # Each start is killed one move later than the one before: after that move, or before it.
    while (code := run_in_process(command, 1 + kills, before=kills % 2 == 0)) == KILLED:
        kills += 1
    assert code == 0
    assert kills >= 6
    assert (output / "results.json").read_bytes() == (finished_run / "results.json").read_bytes()
    assert not list(output.rglob("training_state.pt"))
    assert not list((cache / "store").glob("*.partial"))
