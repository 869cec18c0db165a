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


@pytest.fixture(scope="module")
def words(small_dataset, small_options):
    return [
        *("train", "--data-root", str(small_dataset), *small_options),
        *("--training.epochs", "2", "--training.checkpoint-every", "1"),
        # Every epoch trains on other draws of the key frames.
        *("--reselection.draws", "3", "--reselection.test-draws", "2"),
        *("--reselection.jitter", "0.3"),
    ]


@pytest.fixture(scope="module")
def undisturbed(words, tmp_path_factory):
    output = tmp_path_factory.mktemp("undisturbed") / "run"
    assert run_in_process([*words, "--output", str(output)]) == 0
    return (output / "results.json").read_bytes()


@pytest.mark.parametrize("before", [True, False], ids=["before a move", "after a move"])
def test_a_run_killed_again_and_again_ends_with_the_same_bytes(
    words, undisturbed, tmp_path, before
):
    output = tmp_path / "run"
    command = [*words, "--output", str(output)]
    kills = 0
    # Each start is killed one move later than the one before.
    while (code := run_in_process(command, 1 + kills, before)) == KILLED:
        kills += 1
    assert code == 0
    assert kills >= 4
    assert (output / "results.json").read_bytes() == undisturbed
    assert not list(output.rglob("training_state.pt"))


def test_a_process_killed_while_it_builds_the_store_leaves_no_incomplete_store(
    words, undisturbed, tmp_path
):
    cache = tmp_path / "cache"
    command = [*words, "--output", str(tmp_path / "run"), "--cache", str(cache)]
    assert run_in_process(command, 1, before=True) == KILLED
    assert not [p for p in (cache / "store").iterdir() if p.is_dir() and p.suffix != ".partial"]
    assert run_in_process(command) == 0
    assert (tmp_path / "run" / "results.json").read_bytes() == undisturbed
    assert not list((cache / "store").glob("*.partial"))
