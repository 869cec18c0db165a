"""Files of a fold: complete, truncated, or of another kind."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from gamdss.errors import CheckpointError
from gamdss.records import FoldResult
from gamdss.training.checkpoint import (
    load_result,
    load_state,
    load_weights,
    save_result,
    save_state,
    save_weights,
)

CPU = torch.device("cpu")


def result():
    logits = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    labels = np.array([0, 1, 1, 0])
    return FoldResult(
        "01", ("01/a", "01/b", "01/c", "01/d"), labels, logits, np.ones(3), np.ones(3)
    )


def test_weights_are_read_with_their_header(tmp_path):
    net, other = nn.Linear(3, 2), nn.Linear(3, 2)
    save_weights(tmp_path / "w.safetensors", net, {"classes": ["a", "b"]})
    assert load_weights(tmp_path / "w.safetensors", other) == {"classes": ["a", "b"]}
    assert torch.equal(net.weight, other.weight)


def test_weights_of_another_architecture_are_refused(tmp_path):
    save_weights(tmp_path / "w.safetensors", nn.Linear(3, 2), {})
    for other in (nn.Linear(3, 4), nn.Conv2d(1, 1, 1)):
        with pytest.raises(CheckpointError, match=r"w.safetensors: .*another architecture"):
            load_weights(tmp_path / "w.safetensors", other)


@pytest.mark.parametrize("keep", [0, 5, 60])
def test_truncated_files_are_named_with_the_remedy(tmp_path, keep):
    save_weights(tmp_path / "w.safetensors", nn.Linear(3, 2), {})
    save_state(tmp_path / "s.pt", {"epoch": 1, "net": nn.Linear(3, 2).state_dict()})
    save_result(tmp_path / "p.npz", result())
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=r"w.safetensors: .*\n.*trains this fold again"):
        load_weights(tmp_path / "w.safetensors", nn.Linear(3, 2))
    with pytest.raises(CheckpointError, match=r"s.pt: .*\n.*trains this fold again"):
        load_state(tmp_path / "s.pt", CPU)
    with pytest.raises(CheckpointError, match=r"p.npz: .*\n.*trains this fold again"):
        load_result(tmp_path / "p.npz")


def values_of(found):
    """Everything that was read, as bytes."""
    if isinstance(found, dict):
        return {name: values_of(value) for name, value in found.items()}
    if isinstance(found, torch.Tensor):
        return found.numpy().tobytes()
    return found.tobytes() if isinstance(found, np.ndarray) else found


def weights_of(path):
    net = nn.Linear(3, 2)
    return {"about": load_weights(path, net), **net.state_dict()}


@pytest.mark.parametrize("kind", ["weights", "state", "result"])
def test_no_flipped_bit_is_read_as_a_value(tmp_path, kind):
    """A flip is an error, or lies where nothing is read (padding, the date of a zip member)."""
    file = tmp_path / f"{kind}.npz"  # NumPy would add the suffix
    state = {"epoch": 1, "loss": [0.5], "net": nn.Linear(3, 2).state_dict()}
    write, read = {
        "weights": (lambda: save_weights(file, nn.Linear(3, 2), {"classes": ["a"]}), weights_of),
        "state": (lambda: save_state(file, state), lambda path: load_state(path, CPU)),
        "result": (lambda: save_result(file, result()), lambda path: vars(load_result(path))),
    }[kind]
    write()
    data, expected = file.read_bytes(), values_of(read(file))
    caught = 0
    places = range(3, len(data), 1 + len(data) // 100)
    for place in places:
        file.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        try:
            assert values_of(read(file)) == expected, place
        except CheckpointError:
            caught += 1
    assert caught > 0.3 * len(places)


def test_weights_of_an_earlier_version_have_no_checksum(tmp_path):
    net = nn.Linear(3, 2)
    save_file(dict(net.state_dict()), tmp_path / "w.safetensors", {"gamdss": "{}"})
    assert load_weights(tmp_path / "w.safetensors", nn.Linear(3, 2)) == {}


def test_nothing_is_unpickled_into_objects(tmp_path):
    class Stranger:
        def __reduce__(self):
            return print, ("owned",)

    torch.save({"epoch": 1, "net": Stranger()}, tmp_path / "s.pt")
    with pytest.raises(CheckpointError):
        load_state(tmp_path / "s.pt", CPU)
    np.savez(tmp_path / "p.npz", subject=np.array([Stranger()], dtype=object))
    with pytest.raises(CheckpointError):
        load_result(tmp_path / "p.npz")


def test_a_file_that_is_not_a_training_state_is_refused(tmp_path):
    torch.save([1, 2], tmp_path / "s.pt")
    with pytest.raises(CheckpointError, match="not a training state"):
        load_state(tmp_path / "s.pt", CPU)


def test_predictions_are_read_as_they_were_written(tmp_path):
    save_result(tmp_path / "p.npz", result())
    back = load_result(tmp_path / "p.npz")
    assert back.clips == result().clips
    assert back.name == "01"
    for name in ("labels", "logits", "train_loss", "train_accuracy"):
        assert np.array_equal(getattr(back, name), getattr(result(), name))


def test_an_interrupted_write_leaves_the_old_file(tmp_path):
    from gamdss.files import write_atomic

    file = tmp_path / "a.txt"
    file.write_text("old")

    def broken(target):
        target.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(file, broken)
    assert file.read_text() == "old"
