"""Many clips: resumed, in parallel, and refused where files would be lost."""

import json
import os
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from posed_photo import job, posed, write

from gamdss.align import AlignConfig, ClipJob, align_clips, run
from gamdss.align.detectors import DetectedFace
from gamdss.align.summary import summary, write_outcomes
from gamdss.data.crop_settings import ALIGN_FOLDER
from gamdss.errors import ConfigError, DetectorError, RunError
from gamdss.files import hold_folder


class Stub:
    """Always finds a face, so that tests of other things are fast."""

    def faces(self, _image):
        return [DetectedFace((20.0, 30.0, 60.0, 70.0))]


@pytest.fixture
def stub(monkeypatch):
    monkeypatch.setattr(run, "load_detector", lambda _: Stub())
    return AlignConfig(width=64, height=80, workers=1)


@pytest.fixture
def jobs(tmp_path):
    rng = np.random.default_rng(2)
    return [
        job(name, write(tmp_path / "raw" / name, rng.integers(0, 255, (4, 90, 80, 3))))
        for name in ("a", "b", "c")
    ]


def tree(folder):
    """Content of all files except the records, by name."""
    files = (p for p in folder.rglob("*") if p.is_file() and ALIGN_FOLDER not in p.parts)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def times(folder):
    return {p.relative_to(folder).as_posix(): p.stat().st_mtime_ns for p in folder.rglob("*.png")}


def test_finished_clips_are_skipped(stub, jobs, tmp_path):
    out = tmp_path / "out"
    first = align_clips(jobs, stub, out, progress=False)
    before, content = times(out), tree(out)
    assert align_clips(jobs, stub, out, progress=False) == first
    assert times(out) == before
    (out / "b/2.png").unlink()
    assert align_clips(jobs, stub, out, progress=False) == first
    assert tree(out) == content
    after = times(out)
    assert {name for name in before if after[name] != before[name]} == {
        f"b/{n}.png" for n in range(1, 5)
    }


def test_changed_frames_are_aligned_again_and_old_crops_removed(stub, jobs, tmp_path):
    out = tmp_path / "out"
    align_clips(jobs, stub, out, progress=False)
    before = tree(out)
    shorter = dict(list(jobs[1].files.items())[:3])
    cv2.imwrite(str(shorter[1]), np.zeros((90, 80, 3)))
    align_clips([jobs[0], replace(jobs[1], files=shorter), jobs[2]], stub, out, progress=False)
    after = tree(out)
    assert set(before) - set(after) == {"b/4.png"}
    assert {name for name in after if after[name] != before[name]} == {"b/1.png"}


def test_frames_rewritten_with_the_same_size_are_aligned_again(stub, tmp_path):
    for level in (50, 200):
        files = write(tmp_path / "raw", [np.full((90, 80, 3), level)], form="{}.bmp")
        os.utime(files[1], (level, level))
        align_clips([job("a", files)], stub, tmp_path / "out", progress=False)
        assert cv2.imread(str(tmp_path / "out" / "a" / "1.png")).mean() == level


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_killed_run_resumes_and_ends_the_same(stub, jobs, tmp_path, monkeypatch, after):
    whole = align_clips(jobs, stub, tmp_path / "whole", progress=False)
    moves = []

    def dying(*args):
        if "work" in Path(args[0]).parts:
            if len(moves) == 4 * after + 2:  # in the middle of a clip
                raise KeyboardInterrupt
            moves.append(args)
        replace_file(*args)

    replace_file = os.replace
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr("gamdss.align.ledger.os.replace", dying)
        with pytest.raises(KeyboardInterrupt):
            align_clips(jobs, stub, out, progress=False)
    assert len(tree(out)) == 4 * after + 2
    assert align_clips(jobs, stub, out, progress=False) == whole
    assert tree(out) == tree(tmp_path / "whole")
    assert not (out / ALIGN_FOLDER / "work").exists()


def test_other_settings_in_the_same_output_are_refused(stub, jobs, tmp_path):
    out = tmp_path / "out"
    align_clips(jobs, stub, out, progress=False)
    before = tree(out)
    with pytest.raises(
        RunError, match=r"margin: 0\.1 stored, 0\.2 current; quality: 95 stored, 90 current"
    ) as error:
        align_clips(jobs, replace(stub, margin=0.2, quality=90), out, progress=False)
    assert "width" not in error.value.problem
    assert tree(out) == before
    workers = replace(stub, workers=7)  # does not affect the crops
    assert workers.identity == stub.identity


def test_settings_may_change_while_no_clip_is_done(jobs, stub, tmp_path, monkeypatch):
    monkeypatch.setattr(Stub, "faces", lambda *_: [])
    done = align_clips(jobs, stub, tmp_path / "out", progress=False)
    assert {o.status for o in done} == {"failed"}
    align_clips(jobs, replace(stub, margin=0.2), tmp_path / "out", progress=False)


def test_files_that_are_not_crops_are_never_replaced(stub, jobs, tmp_path):
    out = tmp_path / "out"
    foreign = out / "c/3.png"
    foreign.parent.mkdir(parents=True)
    foreign.write_bytes(b"mine")
    with pytest.raises(RunError, match="clip c would replace"):
        align_clips(jobs, stub, out, progress=False)
    assert tree(out) == {"c/3.png": b"mine"}


def test_clashing_jobs_are_refused(stub, jobs, tmp_path):
    film = ClipJob("a", video=tmp_path / "a.avi")
    with pytest.raises(RunError, match=r"two clips are called a: .*1\.png and .*a\.avi"):
        align_clips([jobs[0], film], stub, tmp_path / "out")
    other = ClipJob("other", jobs[0].targets, jobs[0].files)
    with pytest.raises(RunError, match="frames of clips a and other would both be written to"):
        align_clips([jobs[0], other], stub, tmp_path / "out")
    same = ClipJob("same", dict.fromkeys(jobs[0].files, Path("one.png")), jobs[0].files)
    with pytest.raises(RunError, match=r"one\.png"):
        align_clips([same], stub, tmp_path / "out")


def test_two_runs_do_not_share_an_output(stub, jobs, tmp_path):
    with (
        hold_folder(tmp_path / "out" / ALIGN_FOLDER),
        pytest.raises(RunError, match="another process"),
    ):
        align_clips(jobs, stub, tmp_path / "out", progress=False)
    align_clips(jobs, stub, tmp_path / "out", progress=False)


def test_an_output_that_cannot_be_written(stub, jobs, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        align_clips(jobs, stub, tmp_path / "file" / "out", progress=False)
    (tmp_path / "out" / ALIGN_FOLDER / ".lock").mkdir(parents=True)
    with pytest.raises(RunError, match="cannot be written"):
        align_clips(jobs, stub, tmp_path / "out", progress=False)


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_files(photo, tmp_path):
    """Separate processes, with dlib."""
    jobs = [
        job(name, write(tmp_path / "raw" / name, images))
        for name, images in {
            "near": [posed(photo, 0, 1.3)] * 2,
            "far": [photo] * 2,
            "nobody": [np.full_like(photo, 90)],
        }.items()
    ]
    done = {}
    for workers in (1, 2):
        out = tmp_path / str(workers)
        done[workers] = align_clips(jobs, AlignConfig(workers=workers), out, progress=False)
        write_outcomes(out / "alignment.csv", done[workers])
    assert done[1] == done[2]
    assert len(tree(tmp_path / "1")) == 5
    assert tree(tmp_path / "1") == tree(tmp_path / "2")


def test_summary_and_csv(stub, jobs, tmp_path, monkeypatch):
    seen = []

    def faces(self, image):
        seen.append(image.shape)
        return Stub().faces(image) if len(image) > 90 else []

    other = type("Relaxed", (), {"faces": faces})
    monkeypatch.setattr(run, "load_detector", lambda _: other())
    broken = ClipJob("d", jobs[0].targets, {})
    done = align_clips([jobs[0], broken], stub, tmp_path / "out", progress=False)
    text = summary(done)
    assert "upsampled 1" in text
    assert "d: the clip has no frame" in text
    write_outcomes(tmp_path / "a.csv", done)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0].startswith("clip,status,frame,left,top,right,bottom,angle,scale,settings")
    # The stub's box in the upsampled frame, halved.
    assert lines[1] == "a,relaxed,1,9.50,14.50,29.50,34.50,0.000,2.66667,upsampled,4,1.0,0.0,"
    assert lines[2] == "d,failed,,,,,,,,,0,,,the clip has no frame"


def test_a_record_lists_the_crops(stub, jobs, tmp_path):
    align_clips(jobs[:1], stub, tmp_path / "out", progress=False)
    (record,) = (tmp_path / "out" / ALIGN_FOLDER / "clips").iterdir()
    assert json.loads(record.read_text())["files"] == [f"a/{n}.png" for n in range(1, 5)]
    crop = tmp_path / "out" / "a" / "1.png"
    before = crop.read_bytes()
    for damaged, content in ((record, b"{"), (crop, b"no image")):
        damaged.write_bytes(content)  # the clip is aligned again
        align_clips(jobs[:1], stub, tmp_path / "out", progress=False)
        assert crop.read_bytes() == before
        assert json.loads(record.read_text())["files"][0] == "a/1.png"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": 5}, "--width is 5"),
        ({"height": 99999}, "--height"),
        ({"margin": -0.5}, "--margin"),
        ({"quality": 0}, "--quality"),
        ({"workers": -1}, "--workers"),
        ({"predictor": "p", "yunet": "y"}, "both given"),
    ],
)
def test_settings_are_checked(values, message):
    with pytest.raises(ConfigError, match=message):
        AlignConfig(**values)


def test_models_are_identified_by_content(tmp_path):
    one, other = tmp_path / "one.dat", tmp_path / "other.dat"
    one.write_bytes(b"1")
    other.write_bytes(b"1")
    assert AlignConfig(yunet=str(one)).identity == AlignConfig(yunet=str(other)).identity
    other.write_bytes(b"2")
    assert AlignConfig(yunet=str(one)).identity != AlignConfig(yunet=str(other)).identity
    with pytest.raises(DetectorError, match=r"missing\.dat.*No such file"):
        _ = AlignConfig(predictor=str(tmp_path / "missing.dat")).identity


def test_the_readme_lists_all_options():
    readme = Path(run.__file__).with_name("README.md").read_text("utf-8")
    for field in fields(AlignConfig):
        assert f"`--{field.name}`" in readme
