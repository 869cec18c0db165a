"""`gamdss align` as a user runs it."""

import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from filmed import film
from posed_photo import posed, read, write
from stub_detector import Stub

from gamdss.align import ClipJob, run
from gamdss.align.clip import Outcome
from gamdss.align.sources import ClipSource, _joined, _order
from gamdss.cli import main
from gamdss.config import FramesConfig
from gamdss.data.annotations import scan_annotations
from gamdss.data.crop_settings import ALIGN_FOLDER, crop_settings
from gamdss.data.folders import image_folders
from gamdss.data.frame_sequence import FrameSequence
from gamdss.data.frames import FrameFinder
from gamdss.data.specs import get_spec
from gamdss.data.workbook import find_workbook
from gamdss.report.contact_sheet import Cell, contact_sheet


@pytest.fixture
def align(capsys):
    """Run the command; its exit status, its output and its one error, if any."""

    def command(*words):
        code = main(["align", "--workers", "1", *map(str, words)])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        assert shown.err.count("error: ") == (code == 2)
        error = shown.err[shown.err.index("error: ") :] if code == 2 else ""
        return code, shown.out, error

    return command


@pytest.fixture
def stub(monkeypatch):
    monkeypatch.setattr(run, "load_detector", lambda _: Stub())


def lines_of(output):
    return (report(output) / "alignment.csv").read_text().splitlines()[1:]


def report(output):
    return output.with_name(f"{output.name}_report")


@pytest.mark.slow
def test_a_tree_of_folders(photo, tmp_path, align):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw / "s1" / "EP01", [photo] * 2, 46, "img{}.jpg")
    write(raw / "s1" / "EP02", [posed(photo, 0, 1.3)] * 2, 1, "{:03d}.png")
    write(raw / "s2" / "nobody", [np.full_like(photo, 90)])
    write(raw / "s2" / "front", [photo], 1, "face.jpg")
    (raw / "s1" / "notes.txt").write_text("not a frame")
    code, shown, _ = align("--input", raw, "--output", out)
    assert code == 1  # a clip failed
    kept = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*") if p.suffix != ".json")
    assert [name for name in kept if not name.startswith(".")] == [
        *("s1/EP01/img46.jpg", "s1/EP01/img47.jpg", "s1/EP02/001.png", "s1/EP02/002.png"),
        "s2/front/face.jpg",
    ]
    assert read(out / "s1/EP01/img46.jpg").shape == (340, 280, 3)
    assert [line.split(",")[:3] for line in lines_of(out)] == [
        ["s1/EP01", "aligned", "46"],
        ["s1/EP02", "aligned", "1"],
        ["s2/front", "aligned", "1"],
        ["s2/nobody", "failed", ""],
    ]
    rows = {line[:30].strip(): line[30:].split() for line in shown.splitlines()}
    assert rows["aligned"] == ["3", "5"]
    assert rows["failed"] == ["1", "0"]
    assert f"s2/nobody: {raw / 's2/nobody/img1.png'}: no face" in shown
    assert str(report(out) / "contact_sheet.png") in shown


def test_one_folder_and_other_sizes(tmp_path, align, stub):
    rng = np.random.default_rng(1)
    write(tmp_path / "EP07", rng.integers(0, 255, (3, 60, 50, 3)))
    (tmp_path / "EP07" / "cover.png").write_bytes(b"")
    (tmp_path / "EP07" / "more.tif").write_bytes(b"")
    out = tmp_path / "out"
    words = ("--input", tmp_path / "EP07", "--output", out, "--width", 40, "--height", 50)
    code, text, _ = align(*words)
    assert code == 0
    assert "warning: EP07: images without a frame number are left out: cover.png" in text
    assert "warning: files of other types are left out: more.tif" in text
    assert lines_of(out)[0].startswith("EP07,aligned,1,")
    assert read(out / "img3.png").shape == (50, 40, 3)


@pytest.mark.slow
def test_a_video(photo, tmp_path, align):
    file = tmp_path / "clip.avi"
    poses = [(3 * n, -2 * n) for n in range(5)]
    film(file, [posed(photo, 0, 1, by) for by in poses])
    out = tmp_path / "out"
    assert align("--input", file, "--output", out)[0] == 0
    names = sorted(p.name for p in out.glob("*.jpg"))
    assert names == [f"frame_{n:05d}.jpg" for n in range(1, 6)]
    (line,) = lines_of(out)
    assert line.startswith("clip,aligned,1,")
    assert line.split(",")[9:12] == ["plain", "5", "1.0"]
    scale = float(line.split(",")[8])
    crops = [cv2.cvtColor(read(out / n), cv2.COLOR_BGR2GRAY).astype(np.float32) for n in names]
    window = cv2.createHanningWindow((280, 340), cv2.CV_32F)
    last = np.array(cv2.phaseCorrelate(crops[0], crops[-1], window)[0]) / scale
    assert np.abs(last - poses[-1]).max() < 0.4  # frames are in order
    before = (out / names[0]).stat().st_mtime_ns
    assert align("--input", file, "--output", out)[0] == 0
    assert (out / names[0]).stat().st_mtime_ns == before


def test_a_folder_of_videos(photo, tmp_path, align):
    film(tmp_path / "raw" / "s1" / "one.avi", [photo] * 3)
    film(tmp_path / "raw" / "two.AVI", [photo] * 2)
    write(tmp_path / "raw" / "frames", [photo] * 2)
    out = tmp_path / "out"
    assert align("--input", tmp_path / "raw", "--output", out)[0] == 0
    found = {p.relative_to(out).as_posix() for p in out.rglob("*.*") if ALIGN_FOLDER not in p.parts}
    assert found == {
        *(f"s1/one/frame_{n:05d}.jpg" for n in (1, 2, 3)),
        *(f"two/frame_{n:05d}.jpg" for n in (1, 2)),
        *("frames/img1.png", "frames/img2.png"),
    }


def test_videos_of_one_name_keep_their_suffix(stub, photo, tmp_path, align):
    for name in ("smile.avi", "Smile.mkv", "frown.avi", "frames.avi"):
        film(tmp_path / "raw" / "s 1" / name, [photo])
    write(tmp_path / "raw" / "s 1" / "frames", [photo])
    out = tmp_path / "out"
    assert align("--input", tmp_path / "raw", "--output", out)[0] == 0
    assert [line.split(",")[0] for line in lines_of(out)] == [
        *("s 1/frames", "s 1/Smile.mkv", "s 1/frames.avi", "s 1/frown", "s 1/smile.avi"),
    ]
    assert {path.name for path in (out / "s 1").iterdir()} == {
        *("frames", "Smile.mkv", "frames.avi", "frown", "smile.avi")
    }


def test_the_crops_of_a_video_are_its_frames_to_every_reader(photo, tmp_path, align):
    film(tmp_path / "clip.avi", [photo] * 4)
    out = tmp_path / "out"
    assert align("--input", tmp_path / "clip.avi", "--output", out)[0] == 0
    assert FrameSequence(out).numbers == (1, 2, 3, 4)
    assert [folder for folder, _ in image_folders(out)] == [out]


def test_sheets_that_earlier_versions_wrote_among_the_crops_are_removed(photo, tmp_path, align):
    write(tmp_path / "raw", [photo] * 2)
    out = tmp_path / "out"
    assert align("--input", tmp_path / "raw", "--output", out)[0] == 0
    for name in ("alignment.csv", "contact_sheet.png", "contact_sheet_2.png"):
        (out / name).write_text("of an earlier version")
    assert align("--input", tmp_path / "raw", "--output", out)[0] == 0
    assert sorted(path.name for path in out.glob("*.*")) == [ALIGN_FOLDER, "img1.png", "img2.png"]


@pytest.mark.slow
def test_a_face_that_is_lost_is_reported(photo, tmp_path, align):
    empty = np.full_like(photo, 90)
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw / "cut", [photo] * 12 + [empty] * 8)
    write(raw / "gone", [posed(photo, 0, 1, (max(0, 9 * (n - 8)), 0)) for n in range(20)])
    write(raw / "whole", [photo] * 20)
    code, shown, _ = align("--input", raw, "--output", out)
    assert code == 1
    assert "2 of 3 clips could not be aligned\nLook at the contact sheet." in shown
    assert "  cut: no face in the crops of frames 14," in shown
    rows = {line.split(",")[0]: line.split(",") for line in lines_of(out)}
    assert [row[1] for row in rows.values()] == ["lost", "lost", "aligned"]
    assert [float(rows[name][11]) for name in ("cut", "whole")] == [0.6, 1.0]
    assert float(rows["whole"][12]) < 3
    assert (out / "cut" / "img20.png").is_file()
    assert align("--input", raw, "--output", out)[:2] == (1, shown)
    code, _, error = align("--input", raw / "cut", "--output", tmp_path / "one")
    assert code == 2
    assert "no clip could be aligned\nLook at the contact sheet." in error


@pytest.mark.slow
def test_a_head_that_moves_and_a_face_at_the_edge_are_named(photo, tmp_path, align):
    raw, out = tmp_path / "raw", tmp_path / "out"
    write(raw / "moves", [posed(photo, 0, 1, (n, 0)) for n in range(20)])
    write(raw / "edge", [np.ascontiguousarray(photo[:, 124:])] * 3)
    code, shown, _ = align("--input", raw, "--output", out)
    assert code == 0
    assert "  moves: the head moves: an eye is up to " in shown
    assert "  edge: the face is cut by the picture's edge (left)" in shown
    drift = float(lines_of(out)[1].split(",")[12])
    scale = float(lines_of(out)[1].split(",")[8])
    assert drift / scale == pytest.approx(19, abs=4)


@pytest.mark.parametrize("content", [b"", b"no video at all" * 99])
def test_a_file_that_is_not_a_video(tmp_path, align, content):
    file = tmp_path / "clip.mp4"
    file.write_bytes(content)
    code, shown, error = align("--input", file, "--output", tmp_path / "out")
    assert code == 2
    assert "clip.mp4: not a video that can be decoded" in shown
    assert "clip.mp4: no clip could be aligned\nCheck that it plays to its end" in error
    assert "frontal" not in error


def test_no_clip_can_be_aligned(photo, tmp_path, align):
    write(tmp_path / "raw" / "a", [np.full_like(photo[:100], 90)] * 2)
    code, shown, error = align("--input", tmp_path / "raw", "--output", tmp_path / "out")
    assert code == 2
    assert "a: " in shown
    assert "no clip could be aligned\nFaces must be frontal" in error
    assert lines_of(tmp_path / "out")[0].startswith("a,failed")


DATASETS = [
    ("cas2", "raw"),
    ("casme2sq", "raw"),
    ("cas1", "raw"),
    ("smic", "raw"),
    ("4dme", "raw"),
    ("samm", "native"),
]


def test_clips_that_share_frames_are_aligned_as_one():
    def job(name, first, last, folder="film"):
        files = {n: Path("raw", folder, f"img{n}.jpg") for n in range(first, last + 1)}
        return ClipJob(name, {n: Path(folder, f"img_{n}.jpg") for n in files}, files)

    jobs = [job("a", 1, 5), job("b", 9, 12), job("c", 4, 9), job("d", 20, 22), job("e", 1, 5, "f")]
    by_clip = _joined(jobs)
    assert {clip: one.id for clip, one in by_clip.items()} == {
        **dict.fromkeys("abc", "a and b and c"),
        **{"d": "d", "e": "e"},
    }
    found = {one.id: one for one in by_clip.values()}
    assert list(found["a and b and c"].files) == list(range(1, 13))
    assert set(found["a and b and c"].targets) == set(range(1, 13))
    assert found["e"] == jobs[-1]
    order = _order(["a", "lost", "b", "c", "d", "e"], by_clip)
    source = ClipSource(Path("raw"), list(found.values()), order=order)
    done = [Outcome(name, "aligned") for name in ("e", "d", "lost", "a and b and c")]
    assert [outcome.id for outcome in source.in_order(done)] == ["a and b and c", "lost", "d", "e"]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layout"), DATASETS)
def test_crops_of_a_raw_release_can_be_trained_on(name, layout, made, tmp_path, align, stub):
    root, out, spec = made(name, layout, 2), tmp_path / "out", get_spec(name)
    words = ["--width", 32, "--height", 40]
    if layout != "raw":
        words += ["--layout", layout]
    code, shown, _ = align("--dataset", name, "--data-root", root, "--output", out, *words)
    assert code == 0
    assert f"gamdss train --dataset {name} --data-root {out}\n" in shown
    book = find_workbook(spec, out)
    assert book.read_bytes() == find_workbook(spec, root).read_bytes()
    before, after = FrameFinder(spec, root, FramesConfig(layout=layout)), FrameFinder(spec, out)
    assert after.layout_name == next(iter(spec.layouts))
    clips = scan_annotations(spec, book).clips
    assert len(clips) == len(lines_of(out)) == 4
    for clip in clips:
        raw, cropped = before.find(clip), after.find(clip)
        assert list(raw.files) == list(cropped.files)
        names = {"frame": next(iter(cropped.files)), **clip.path_names}
        first = next(iter(spec.layouts.values()))
        assert cropped.files[names["frame"]].name == first.file.format(**names)
    assert read(next(iter(cropped.files.values()))).shape == (40, 32, 3)
    stored = crop_settings(out)
    assert (stored["width"], stored["margin"]) == (32, 0.1)
    assert crop_settings(root) is None


def test_crops_of_a_dataset_without_a_workbook_are_read_from_its_folders(
    made, tmp_path, align, stub
):
    root = shutil.copytree(made("smic", "raw", 2), tmp_path / "smic")
    out, spec = tmp_path / "out", get_spec("smic")
    find_workbook(spec, root).unlink()
    words = ("--data-root", root, "--output", out, "--width", 32, "--height", 40)
    code, shown, error = align("--dataset", "smic", *words)
    assert code == 0, error
    assert f"gamdss train --dataset smic --data-root {out}\n" in shown
    assert find_workbook(spec, out) == out
    before, after = (scan_annotations(spec, place).clips for place in (root, out))
    assert [clip.id for clip in after] == [clip.id for clip in before]
    assert len(after) == 4


def test_parts_of_a_workbook_are_copied(made, tmp_path, align, stub):
    root = shutil.copytree(made("dfme", None, 2), tmp_path / "dfme")
    out, spec = tmp_path / "out", get_spec("dfme")
    first = find_workbook(spec, root).relative_to(root)
    second = next(form for form in spec.workbooks if form.lower() != str(first).lower())
    (root / second).parent.mkdir(exist_ok=True)
    shutil.copy(root / first, root / second)
    words = ("--data-root", root, "--output", out, "--width", 32, "--height", 40)
    _, shown, _ = align("--dataset", "dfme", *words)
    assert f"gamdss train --dataset dfme --data-root {out}\n" in shown
    assert {(out / name).read_bytes() for name in (first, second)} == {(root / first).read_bytes()}


def test_the_training_command_names_a_plain_table(tmp_path, align, stub):
    rng = np.random.default_rng(1)
    for clip in ("a", "b"):
        write(tmp_path / "raw" / "s1" / clip, rng.integers(0, 255, (4, 60, 50, 3)), 1, "{}.jpg")
    table = tmp_path / "clips.csv"
    rows = ["subject,clip,onset,offset,emotion", "s1,a,1,4,anger", "s1,b,1,4,surprise"]
    table.write_text("\n".join(rows))
    out = tmp_path / "out"
    words = ("--data-root", tmp_path / "raw", "--annotations", table, "--output", out)
    code, shown, _ = align("--dataset", "csv", *words)
    assert code == 0
    assert f"--dataset csv --data-root {out} --annotations {out / 'clips.csv'}" in shown
    assert (out / "clips.csv").read_bytes() == table.read_bytes()
    assert len(list(out.glob("s1/*/*.jpg"))) == 8


def test_clips_without_frames_are_listed_in_order(made, tmp_path, align, stub):
    faults = ("missing clip folder", "onset after offset")
    root, out = made("cas2", "raw", 2, faults=faults), tmp_path / "out"
    small = ("--width", 32, "--height", 40)
    code, shown, _ = align("--dataset", "cas2", "--data-root", root, "--output", out, *small)
    assert code == 1  # a clip failed
    clips = scan_annotations(get_spec("cas2"), find_workbook(get_spec("cas2"), root)).clips
    assert [line.split(",")[0] for line in lines_of(out)] == [clip.id for clip in clips]
    (lost,) = [line for line in lines_of(out) if ",failed," in line]
    assert "has no folder" in lost
    assert "1 fault(s) in the workbook, in rows" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "--input is missing"),
        (("--dataset", "cas2"), "--data-root is missing"),
        (("--data-root", "x"), "--dataset is missing"),
        (("--input", "x", "--layout", "raw"), "--input and --layout are both given"),
        (("--input", "there/is/none"), "no such folder or file"),
        (("--dataset", "cas2", "--data-root", "there/is/none"), "no such folder"),
        (("--dataset", "cas9", "--data-root", "x"), "no dataset called 'cas9'"),
        (("--input", "x", "--width", "wide"), "width"),
    ],
)
def test_wrong_options(words, message, tmp_path, align):
    code, _, error = align(*words, "--output", tmp_path / "out")
    assert code == 2
    assert message in error
    assert not (tmp_path / "out").exists()


def test_wrong_folders_and_missing_dlib(tmp_path, align, photo, monkeypatch):
    (tmp_path / "raw").mkdir()
    code, _, error = align("--input", tmp_path / "raw", "--output", tmp_path / "out")
    assert code == 2
    assert "no image (" in error
    write(tmp_path / "raw", [photo])
    code, _, error = align("--input", tmp_path / "raw", "--output", tmp_path / "raw" / "crops")
    assert code == 2
    assert "is inside --input" in error
    monkeypatch.setitem(sys.modules, "dlib", None)
    code, _, error = align("--input", tmp_path / "raw", "--output", tmp_path / "out")
    assert code == 2
    assert "pip install -e '.[align]'" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_pages_of_the_contact_sheet(tmp_path):
    grey = np.full((34, 28, 3), 128, np.uint8)
    cells = [Cell(f"clip {n}", lambda: grey, failed=n == 3) for n in range(41)]
    sheet = tmp_path / "contact_sheet.png"
    pages = contact_sheet(sheet, cells, "title", (34, 28))
    assert pages == [sheet, tmp_path / "contact_sheet_2.png"]
    assert all(read(page).std() > 0 for page in pages)
    before = sheet.read_bytes()
    assert contact_sheet(sheet, cells[:40], "title", (34, 28)) == [sheet]
    assert not (tmp_path / "contact_sheet_2.png").exists()
    assert sheet.read_bytes() != before  # the title no longer counts pages
