"""A full disk gives a message, keeps the old file and leaves no other."""

import os
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn

from gamdss.errors import ConfigError, RunError
from gamdss.files import (
    hold_folder,
    inside,
    read_record,
    safe_name,
    write_atomic,
    write_json,
    write_record,
    write_text,
)
from gamdss.models.two_branch import TwoBranchNet
from gamdss.runs.export import export
from gamdss.runs.trained import Trained
from gamdss.training.checkpoint import save_state, save_weights

resource = pytest.importorskip("resource", reason="file size limits exist on Unix only")


@contextmanager
def full_disk(size=20_000):
    """Files cannot grow beyond `size` bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def weights(file):
    save_weights(file, nn.Linear(100, 100), {})


def state(file):
    save_state(file, {"epoch": 1, "net": nn.Linear(100, 100).state_dict()})


def values(file):
    write_json(file, list(range(20_000)))


def array(file):
    write_atomic(file, lambda target: np.savez(target, numbers=np.zeros(20_000)))


@pytest.mark.parametrize("write", [weights, state, values, array])
def test_a_full_disk_leaves_the_old_file(tmp_path, write):
    file = tmp_path / "there.npz"  # NumPy would add the suffix
    file.write_text("old")
    with full_disk(), pytest.raises(RunError, match=r"cannot be written \((.|\n)*free space"):
        write(file)
    assert [path.name for path in tmp_path.iterdir()] == ["there.npz"]
    assert file.read_text() == "old"
    write(file)
    assert file.stat().st_size > 20_000


@pytest.mark.parametrize("form", ["safetensors", "torchscript"])
def test_an_export_on_a_full_disk(tmp_path, form):
    net = TwoBranchNet(3, 32, backbone="test_vit").eval()
    with full_disk(), pytest.raises(RunError, match="cannot be written"):
        export(Trained(net, {}), form, tmp_path / "network")
    assert list(tmp_path.iterdir()) == []


def test_another_error_leaves_nothing_either(tmp_path):
    def broken(target):
        target.write_text("half")
        raise ValueError("of the writer's own")

    with pytest.raises(ValueError, match="own"):
        write_atomic(tmp_path / "a", broken)
    assert list(tmp_path.iterdir()) == []


def test_a_saved_state_is_read_again(tmp_path):
    state(tmp_path / "s.pt")
    assert torch.load(tmp_path / "s.pt", weights_only=True)["epoch"] == 1


def test_an_incomplete_or_corrupt_record_is_empty(tmp_path):
    file = tmp_path / "clip.json"
    assert read_record(file) == {}
    write_json(file, {"frames": 3})
    assert read_record(file) == {"frames": 3}
    for broken in ('{"frames": ', "[3]", "\udcff"):
        file.write_bytes(broken.encode("utf-8", "surrogateescape"))
        assert read_record(file) == {}


@pytest.mark.parametrize(
    "name", ["", ".", "..", " ", "a/b", "/a", "a\\b", "a\0b", "a\nb", "x" * 201]
)
def test_names_that_could_leave_their_folder_are_refused(tmp_path, name):
    with pytest.raises(ConfigError, match=r"t\.csv, row 3: part is (.|\n)*plain name"):
        safe_name(name, "part", file=tmp_path / "t.csv", row=3)


def test_paths_from_names_stay_inside(tmp_path):
    assert safe_name("sub 01 (刘)", "part") == "sub 01 (刘)"
    assert inside(tmp_path, "a/b.jpg", "x") == tmp_path / "a" / "b.jpg"
    for outside in ("/etc", "../a", "a/../../b"):
        with pytest.raises(ConfigError, match="a part of the clip"):
            inside(tmp_path, outside, "the clip")


def test_two_writers_of_one_file_do_not_share_a_temporary_file(tmp_path):
    file = tmp_path / "a.txt"

    def write_while_another_writes(target):
        target.write_text("first")
        write_text(file, "second")
        assert target.read_text() == "first"

    write_atomic(file, write_while_another_writes)
    assert file.read_text() == "first"
    assert list(tmp_path.iterdir()) == [file]


def test_temporary_files_of_killed_processes_are_removed(tmp_path):
    (tmp_path / "sub").mkdir()
    old, new = tmp_path / "sub" / ".writing-ab-x.txt", tmp_path / ".writing-cd-x.txt"
    for file in (old, new):
        file.write_text("half")
    os.utime(old, (1, 1))
    with hold_folder(tmp_path):
        assert not old.exists()
        assert new.exists()  # perhaps of a process that is writing


def test_a_changed_record_is_empty(tmp_path):
    file = tmp_path / "clip.json"
    write_record(file, {"frames": 3, "name": "a"})
    assert read_record(file) == {"frames": 3, "name": "a"}
    file.write_text(file.read_text().replace("3", "4"))
    assert read_record(file) == {}
