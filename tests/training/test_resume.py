"""A run that is killed at any moment resumes and ends with the bytes of an undisturbed run."""

import os
from pathlib import Path

import pytest
from forked import CONTEXT, KILLED

from gamdss.cli import main

pytestmark = pytest.mark.slow


def run_and_die(words, killed):
    """Run the command, but kill this process as it moves a file of a new kind into place.

    `killed` lists the kinds that earlier starts were killed at, in turns before and after the move;
    at a training state after it, so that the next start continues from it.
    """
    kinds = killed.read_text().split()
    move = os.replace

    def replace(source, target):
        kind = Path(target).suffix if str(target).endswith(".png") else Path(target).name
        kind = "store" if Path(target).parent.name == "store" else kind
        if kind in kinds:
            return move(source, target)
        killed.write_text("\n".join([*kinds, kind]))
        if len(kinds) % 2 or kind == "training_state.pt":
            move(source, target)
        os.kill(os.getpid(), -KILLED)

    os.replace = replace
    os._exit(main(words))


def test_a_run_killed_again_and_again_ends_with_the_same_bytes(
    finished_run, small_dataset, small_options, tmp_path
):
    output, cache, killed = tmp_path / "run", tmp_path / "cache", tmp_path / "killed"
    command = ["train", "--data-root", str(small_dataset), *small_options, "--cache", str(cache)]
    command += ["--training.checkpoint-every", "1", "--output", str(output)]

    def start():
        process = CONTEXT.Process(target=run_and_die, args=(command, killed))
        process.start()
        process.join(120)
        return process.exitcode

    killed.write_text("")
    # The first is killed while it builds the store, and leaves no incomplete one.
    assert start() == KILLED
    assert [path.suffix for path in (cache / "store").iterdir() if path.is_dir()] == [".partial"]
    while (code := start()) == KILLED:
        pass
    assert code == 0
    kinds = {"store", "training_state.pt", "checkpoint.safetensors", "predictions.npz", ".png"}
    assert kinds | {"config.yaml", "results.json"} <= set(killed.read_text().split())
    assert (output / "results.json").read_bytes() == (finished_run / "results.json").read_bytes()
    assert not list(output.rglob("training_state.pt"))
    assert not list((cache / "store").glob("*.partial"))
