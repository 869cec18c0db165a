"""The store: what is read, for which settings, and complete or absent."""

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2.functional import resize

from gamdss.config import FramesConfig, ReselectionConfig
from gamdss.config.features import FeaturesConfig
from gamdss.data import key_frames, store_name
from gamdss.data.annotations import read_annotations
from gamdss.data.clip_pool import clip_pool
from gamdss.data.decoding import decode
from gamdss.data.drawn_key_frames import frames_needed
from gamdss.data.frames import FrameFinder
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.specs import get_spec
from gamdss.data.store import open_store
from gamdss.errors import ConfigError, FrameError
from gamdss.files import read_record, write_record
from gamdss.reselection import PRESETS, reselect

SPEC = get_spec("cas2")
STACKS = ("frames", "phase_features")


def clips_of(root):
    read = read_annotations(SPEC, root / SPEC.workbooks[0], "c5")
    finder = FrameFinder(SPEC, root)
    return [finder.find(clip) for clip in read.clips]


def build(clips, cache, preset="full", ratio=0.3, size=48, features=None, **frames):
    return open_store(
        clips,
        colour=True,
        image_size=size,
        frames=FramesConfig(**frames),
        reselection=ReselectionConfig(preset=preset, ratio=ratio),
        cache=cache,
        progress=False,
        features=features,
    )


@pytest.fixture(scope="module")
def clips(small_dataset):
    return clips_of(small_dataset)


def folders(cache):
    return sorted(p.name for p in (cache / "store").iterdir() if p.is_dir())


def test_key_frames_are_those_of_reselect_at_the_network_size(clips, tmp_path):
    store = build(clips, tmp_path)
    assert store.frames.dtype == np.uint8
    assert store.frames.shape[1:] == (3, 48, 48)
    for i, item in enumerate(clips):
        images = {n: decode(p, True) for n, p in item.files.items()}
        keys = reselect(images, *item.clip.annotated.numbers, preset="full", ratio=0.3)
        assert store.reselected_keys[i].numbers == keys.numbers
        assert store.annotated_keys[i].numbers == item.clip.annotated.numbers
        for which, numbers in (("annotated", item.clip.annotated), ("reselected", keys)):
            for index, number in zip(getattr(store, which)[i], numbers.numbers, strict=True):
                picture = Image.fromarray(images[number][..., ::-1])
                expected = np.asarray(picture.resize((48, 48), Image.Resampling.BILINEAR))
                off = np.abs(store.frames[index].transpose(1, 2, 0).astype(int) - expected)
                assert off.max() <= 1  # the original's resize, to rounding


@pytest.mark.parametrize("shape", [(70, 60), (31, 90), (48, 48)])
def test_frames_are_resized_as_torchvision_does(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    expected = resize(torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1), [48, 48])
    reader = KeyFrameReader(True, 48, FramesConfig(), ReselectionConfig(), None)
    assert np.array_equal(reader.resize(image), expected.numpy())


def test_draws_are_stored_with_each_frame_once(clips, tmp_path):
    reselection = ReselectionConfig("none", draws=6, jitter=0.3)
    store = open_store(clips, True, 48, FramesConfig(), reselection, tmp_path, progress=False)
    assert store.draws_index.shape == (12, 6, 3)
    assert len({tuple(draw) for draw in store.draws_index[0]}) > 1
    used = np.concatenate([store.annotated, store.draws_index.reshape(12, -1)], axis=1)
    assert np.array_equal(np.unique(used), np.arange(len(store.frames)))
    for clip, index in zip(clips, used, strict=True):
        images = [store.frames[place].tobytes() for place in np.unique(index)]
        assert len(set(images)) == len(images), clip.clip.id
    plain = build(clips, tmp_path, preset="none", ratio=None)
    assert plain.draws_index is None
    assert plain.contents == store.contents


def test_a_preset_without_posterior_has_no_draws(clips, tmp_path):
    for preset in ("none", "full"):
        reselection = ReselectionConfig(preset, draws=4)
        with pytest.raises(ConfigError, match="no posterior to draw from") as caught:
            open_store(clips, True, 48, FramesConfig(), reselection, tmp_path, progress=False)
        assert "--reselection.jitter" in caught.value.remedy


def test_an_edited_preset_has_a_store_of_its_own(clips, tmp_path, monkeypatch):
    before = build(clips, tmp_path, preset="short", ratio=None)
    edited = replace(PRESETS["short"], rise=0.9, apex_after=True, fall=0.5)
    monkeypatch.setitem(PRESETS, "short", edited)
    after = build(clips, tmp_path, preset="short", ratio=None)
    assert after.reselected_keys != before.reselected_keys


def test_building_a_store_leaves_the_number_of_threads(clips, tmp_path):
    """Of PyTorch: numbers of a run would depend on whether its store was there."""
    before, of_opencv = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(2)
    cv2.setNumThreads(2)
    try:
        with clip_pool(1, clips=1000) as pool:
            assert list(pool.map(lambda _: cv2.getNumThreads(), [0])) == [1]
        build(clips, tmp_path, preset="none", ratio=None)
        with ThreadPoolExecutor(1) as other:  # has not asked for a number yet
            assert other.submit(torch.get_num_threads).result() == 2
        assert torch.get_num_threads() == cv2.getNumThreads() == 2
    finally:
        torch.set_num_threads(before)
        cv2.setNumThreads(of_opencv)


def test_an_unchanged_key_frame_is_stored_once(clips, tmp_path):
    store = build(clips, tmp_path, preset="none", ratio=None)
    assert np.array_equal(store.annotated, store.reselected)
    assert len(store.frames) == 3 * len(clips)


def test_each_needed_frame_is_decoded_once_and_no_other(clips, tmp_path, monkeypatch):
    decoded = []
    real = key_frames.decode

    def counting(path, *rest):
        decoded.append(path)
        return real(path, *rest)

    monkeypatch.setattr(key_frames, "decode", counting)
    build(clips, tmp_path, workers=1)
    assert len(decoded) == len(set(decoded))
    assert len(decoded) < sum(len(item.files) for item in clips)
    decoded.clear()
    build(clips, tmp_path)
    assert decoded == []


def test_a_store_belongs_to_its_setting_and_files(small_dataset, clips, tmp_path):
    first = build(clips, tmp_path)
    for other in (
        {"size": 64},
        {"preset": "both-sides"},
        {"ratio": 0.1},
        {"grey": "accept"},
    ):
        build(clips, tmp_path, **other)
    assert len(folders(tmp_path)) == 5
    root = Path(shutil.copytree(small_dataset, tmp_path / "data"))
    again = clips_of(root)
    changed = again[0].files[again[0].clip.annotated.apex]
    changed.write_bytes(again[0].files[again[0].clip.annotated.onset].read_bytes())
    store = build(clips_of(root), tmp_path)
    assert len(folders(tmp_path)) == 6
    assert not np.array_equal(
        store.frames[store.annotated[0, 1]], first.frames[first.annotated[0, 1]]
    )


def test_whether_all_frames_are_grey(clips, tmp_path):
    store = build(clips, tmp_path)
    assert not store.grey
    frames = store.frames.repeat(3, axis=0)[:, :1].repeat(3, axis=1)
    assert len(frames) > 64
    assert replace(store, frames=frames).grey
    frames[-1, 2, 5, 7] ^= 1
    assert not replace(store, frames=frames).grey


def test_a_moved_dataset_has_the_same_store(small_dataset, clips, tmp_path, monkeypatch):
    first = build(clips, tmp_path)
    moved = clips_of(shutil.copytree(small_dataset, tmp_path / "data"))
    monkeypatch.setattr(KeyFrameReader, "read", None)  # nothing is computed
    assert build(moved, tmp_path).digest == first.digest
    later = moved[0].files[moved[0].clip.annotated.apex]
    later.touch()
    assert build(moved, tmp_path).digest == first.digest
    monkeypatch.setattr(store_name, "read_regular", None)  # the name is known
    assert build(moved, tmp_path).digest == first.digest
    assert len(folders(tmp_path)) == 1


def test_datasets_of_the_same_names_sizes_and_times_have_stores_of_their_own(clips, tmp_path):
    first = build(clips, tmp_path)
    files, keys = dict(clips[0].files), clips[0].clip.annotated.numbers
    needed = frames_needed(keys, ReselectionConfig(preset="full", ratio=0.3))
    number = next(number for number in needed if number not in keys)
    files[number] = twin = tmp_path / "twin" / files[number].name
    twin.parent.mkdir()
    data = bytearray(clips[0].files[number].read_bytes())
    data[-10] ^= 1
    twin.write_bytes(data)
    status = clips[0].files[number].stat()
    os.utime(twin, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (twin.stat().st_size, twin.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    build([replace(clips[0], files=files), *clips[1:]], tmp_path)
    assert len(folders(tmp_path)) == 2
    assert build(clips, tmp_path).digest == first.digest


def test_a_store_under_the_name_of_an_earlier_version_is_used(clips, tmp_path):
    first = build(clips, tmp_path)
    (folder,) = folders(tmp_path)
    (note,) = (tmp_path / "store").glob("*.json")
    (tmp_path / "store" / folder).rename(note.with_suffix(""))
    note.unlink()
    assert build(clips, tmp_path).digest == first.digest
    assert folders(tmp_path) == [note.stem]


def test_a_failed_build_leaves_nothing(small_dataset, tmp_path):
    root = Path(shutil.copytree(small_dataset, tmp_path / "data"))
    broken = clips_of(root)
    broken[5].files[broken[5].clip.annotated.offset].write_bytes(b"")
    with pytest.raises(FrameError, match="empty"):
        build(broken, tmp_path / "cache")
    assert folders(tmp_path / "cache") == []


def test_processes_build_the_same_store(clips, tmp_path):
    settings = {"preset": "motion", "ratio": None}
    alone = build(clips, tmp_path / "alone", workers=1, **settings)
    together = build(clips, tmp_path / "together", workers=2, **settings)
    assert together.reselected_keys == alone.reselected_keys
    assert together.digest == alone.digest
    assert np.array_equal(together.frames, alone.frames)


def test_the_store_is_mapped_and_writing_to_it_changes_no_file(clips, tmp_path):
    store = build(clips, tmp_path)
    assert isinstance(store.frames, np.memmap)
    torch.from_numpy(store.frames).zero_()
    assert build(clips, tmp_path).frames.any()


def test_digests_have_the_form_that_runs_of_earlier_versions_recorded(clips, tmp_path):
    """Until format 5, phase features had an index of their own; data.json has the digest."""
    features = FeaturesConfig(name="grey-difference")
    build(clips, tmp_path, features=features)
    (file,) = tmp_path.glob("store/*/index.json")
    rows = json.loads(file.read_text())["clips"]
    frames, phases = (file.with_name(f"{name}.bin").read_bytes() for name in STACKS)
    old = {
        "shape": [len(phases) // (48 * 48 * 2), 1, 48, 48],
        "digest": hashlib.blake2b(phases, digest_size=12).hexdigest(),
        "annotated": [row["annotated_index"][3:] for row in rows],
        "reselected": [row["reselected_index"][3:] for row in rows],
    }
    for row in rows:
        del row["frame_digests"]
        for name in ("annotated_index", "reselected_index"):
            row[name] = row[name][:3]
        for keys in (row["annotated"], row["reselected"]):
            keys["notes"] = []  # version 2 of the digest leaves out how key frames came about
            for name in ("apex_phase", "kept", "estimated", "substituted", "uncertain", "quality"):
                del keys[name]
    text = json.dumps({"clips": rows, "motion": old})
    expected = hashlib.blake2b(frames + text.encode(), digest_size=12).hexdigest()
    assert build(clips, tmp_path, features=features).digest == expected


def test_the_apex_phase_of_a_held_expression_is_stored(clips, tmp_path):
    assert build(clips, tmp_path).reselected_keys[0].apex_phase is None
    (file,) = tmp_path.glob("store/*/index.json")
    values = read_record(file)
    values["clips"][0]["reselected"]["apex_phase"] = [3, 7]
    write_record(file, values)
    assert build(clips, tmp_path).reselected_keys[0].apex_phase == (3, 7)


@pytest.mark.parametrize("name", ["index.json", "frames.bin"])
def test_a_corrupt_store_is_named_and_built_again(clips, tmp_path, caplog, name):
    first = build(clips, tmp_path)
    (file,) = tmp_path.glob(f"store/*/{name}")
    data = file.read_bytes()
    file.write_bytes(data[:1000] + bytes([data[1000] ^ 4]) + data[1001:])
    again = build(clips, tmp_path)
    assert file.read_bytes() == data
    assert f"{name} is" in caplog.text
    assert "it is built again" in caplog.text
    assert again.digest == first.digest


def test_a_store_of_an_earlier_version_has_no_checksums(clips, tmp_path, caplog):
    build(clips, tmp_path)
    (file,) = tmp_path.glob("store/*/index.json")
    values = json.loads(file.read_text())
    del values["checksum"], values["checksums"]
    file.write_text(json.dumps(values))
    build(clips, tmp_path)
    assert caplog.text == ""
