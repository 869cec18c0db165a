"""`gamdss features`: what it writes, that the network sees the same, and how it resumes."""

import csv
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from gamdss.cli import main
from gamdss.data import feature_files
from gamdss.data.decoding import decode
from gamdss.features import dense_flow, flow_feature, frame_difference
from gamdss.report.colours import motion_colours, value_colours

SIZE = 48


def command(root, output, *words):
    place = ["--data-root", str(root), "--output", str(output), "--size", str(SIZE)]
    return main(["features", *place, "--reselection.preset", "full", *words])


@pytest.fixture(scope="module")
def done(small_dataset, tmp_path_factory):
    """Flow and strain of the synthetic clips, with pictures."""
    output = tmp_path_factory.mktemp("features") / "out"
    assert command(small_dataset, output, "--features.name", "flow-strain", "--pictures") == 0
    return output


def rows(output):
    with (output / "features.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def contents(output):
    return {p.relative_to(output): p.read_bytes() for p in sorted(output.rglob("*")) if p.is_file()}


def test_every_clip_has_its_files_and_a_row(done):
    found = rows(done)
    assert len(found) == 12
    assert {row["label"] for row in found} == {"happiness", "surprise"}
    for row in found:
        assert row["rising"] == f"{row['subject']}/{row['clip']}/rising.npy"
        keys, annotated = (
            [int(row[f"{which}{key}"]) for key in ("onset", "apex", "offset")]
            for which in ("", "annotated_")
        )
        assert keys[0] < keys[1] < keys[2]
        assert annotated[0] <= keys[0]  # `full` looks inside the annotated phases
        for phase in ("rising", "falling"):
            values = np.load(done / row[phase])
            assert values.shape == (3, SIZE, SIZE)
            assert values.dtype == np.float32
        picture = cv2.imread(str(done / row["subject"] / row["clip"] / "picture.png"))
        assert picture.shape == (2 * SIZE, 2 * SIZE, 3)
    assert (done / "features.png").stat().st_size > 10000


def test_features_json_says_what_the_files_are(done):
    about = json.loads((done / "features.json").read_text())
    assert about["channels"] == ["u", "v", "strain"]
    assert about["units"] == ["pixels", "pixels", "1"]
    assert about["shape"] == [3, SIZE, SIZE]
    assert about["network_factors"] == pytest.approx([100 / SIZE, 100 / SIZE, 10])
    assert about["settings"]["preset"] == "full"


def test_processes_write_the_same_bytes(done, small_dataset, tmp_path):
    words = ("--features.name", "flow-strain", "--pictures", "--frames.workers", "2")
    assert command(small_dataset, tmp_path / "out", *words) == 0
    assert contents(tmp_path / "out") == contents(done)


@pytest.mark.slow
def test_size_0_keeps_the_frames_as_they_are(small_dataset, tmp_path):
    words = ["--features.name", "flow-dis", "--preset", "none", "--size", "0"]
    assert command(small_dataset, tmp_path / "flow", *words) == 0
    words[1] = "difference"
    assert command(small_dataset, tmp_path / "difference", *words) == 0
    row = rows(tmp_path / "flow")[5]
    folder = next(small_dataset.glob(f"Cropped/sub{row['subject']}/{row['clip']}"))
    start, apex = (
        decode(next(p for p in folder.iterdir() if p.stem.endswith(f"img{number}")), True)
        for number in (row["annotated_offset"], row["annotated_apex"])
    )
    flow = np.load(tmp_path / "flow" / row["falling"])
    assert flow.shape == (3, 72, 64)
    assert np.array_equal(flow, flow_feature(dense_flow(start, apex)))
    rgb = (image[..., ::-1].transpose(2, 0, 1) for image in (start, apex))
    difference = np.load(tmp_path / "difference" / row["falling"])
    assert np.array_equal(difference, frame_difference(*rgb))


@pytest.mark.slow
def test_started_again_it_does_what_is_missing_and_ends_with_the_same_bytes(
    done, small_dataset, tmp_path, monkeypatch
):
    output = Path(shutil.copytree(done, tmp_path / "out"))
    gone = [rows(done)[i] for i in (2, 9)]
    (output / gone[0]["rising"]).unlink()
    (output / gone[1]["rising"]).with_name("clip.json").write_text("{")
    written = []
    real = feature_files._write_array
    monkeypatch.setattr(
        feature_files, "_write_array", lambda *a: written.append(a[0].parent.name) or real(*a)
    )
    assert command(small_dataset, output, "--features.name", "flow-strain", "--pictures") == 0
    assert sorted(written) == sorted(2 * [row["clip"] for row in gone])
    assert contents(output) == contents(done)
    written.clear()
    monkeypatch.setattr(feature_files, "FORMAT", 0)  # files of a version with other numbers
    assert command(small_dataset, output, "--features.name", "flow-strain", "--pictures") == 0
    assert sorted(written) == sorted(2 * [row["clip"] for row in rows(done)])


@pytest.mark.slow
def test_frames_of_another_place_with_the_same_times_and_sizes_are_others(tmp_path):
    """As unpacked archives may be, of pictures without compression."""
    rng = np.random.default_rng(0)
    found = []
    for name in ("one", "two"):
        root = tmp_path / name
        for clip in ("a", "b"):
            folder = root / clip
            folder.mkdir(parents=True)
            for number in (1, 2, 3):
                file = folder / f"{number}.bmp"
                cv2.imwrite(str(file), rng.integers(0, 255, (40, 40, 3), np.uint8))
                os.utime(file, (1e9, 1e9))
        table = "subject,clip,onset,apex,offset,emotion\nA,a,1,2,3,joy\nB,b,1,2,3,fear\n"
        (root / "clips.csv").write_text(table)
        words = ["--dataset", "csv", "--task", "c2", "--annotations", str(root / "clips.csv")]
        words += ["--frames.pattern", "{clip}/{frame}.bmp", "--preset", "none", "--size", "32"]
        root_words = ["--data-root", str(root), "--output", str(tmp_path / "out")]
        assert main(["features", *words, *root_words]) == 0
        found.append(np.load(tmp_path / "out/A/a/rising.npy"))
    assert not np.array_equal(*found)


@pytest.mark.slow
def test_a_changed_frame_is_computed_again(data, tmp_path):
    words = ["--features.name", "grey-difference", "--preset", "none"]
    assert command(data, tmp_path / "out", *words) == 0
    row = rows(tmp_path / "out")[0]
    before = contents(tmp_path / "out")
    folder = next(data.glob(f"Cropped/sub{row['subject']}/{row['clip']}"))
    apex, onset = (
        next(p for p in folder.iterdir() if p.stem.endswith(f"img{row[key]}"))
        for key in ("apex", "onset")
    )
    apex.write_bytes(onset.read_bytes())
    assert command(data, tmp_path / "out", *words) == 0
    after = contents(tmp_path / "out")
    changed = {path.parent.as_posix() for path in after if after[path] != before[path]} - {"."}
    assert changed == {f"{row['subject']}/{row['clip']}"}
    assert not np.load(tmp_path / "out" / row["rising"]).any()


@pytest.mark.slow
def test_a_broken_frame_is_reported_and_the_others_are_written(data, tmp_path, capsys):
    broken = next(data.glob("Cropped/sub02/*"))
    for frame in broken.iterdir():
        frame.write_bytes(frame.read_bytes()[:200])
    assert command(data, tmp_path / "out", "--features.name", "flow-dis") == 1
    shown = capsys.readouterr().out
    assert f"1 of 12 clips have no features; the first: clip 02/{broken.name} (row " in shown
    assert "resumes with what is missing" in shown
    assert "Traceback" not in shown
    assert len(rows(tmp_path / "out")) == 11


def test_other_settings_and_other_folders_are_refused(done, small_dataset, tmp_path, capsys):
    before = contents(done)
    assert command(small_dataset, done, "--features.name", "flow-dis") == 2
    assert "features of other settings" in (shown := capsys.readouterr().err)
    assert "'flow-dis'" in shown
    assert contents(done) == before
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("mine")
    assert command(small_dataset, tmp_path / "home") == 2
    assert "thesis.tex" in capsys.readouterr().err


@pytest.mark.slow
def test_a_list_chooses_clips_and_classes(done, small_dataset, tmp_path, caplog, capsys):
    chosen = rows(done)[1:4]
    other = {"happiness": "surprise", "surprise": "happiness"}
    listed = tmp_path / "list.csv"
    lines = [f"casme2,sub{row['subject']},{row['clip']},{other[row['label']]}" for row in chosen]
    listed.write_text("\n".join(lines) + "\n")
    words = ["--clip-list", str(listed), "--features.name", "grey-difference"]
    output = tmp_path / "out"
    assert command(small_dataset, output, *words) == 0
    found = rows(output)
    assert [row["clip"] for row in found] == [row["clip"] for row in chosen]
    assert [row["label"] for row in found] == [other[row["label"]] for row in chosen]
    assert len(list(output.rglob("rising.npy"))) == 3
    assert "9 clip(s) not in the list, left out" in caplog.text
    about = json.loads((output / "features.json").read_text())
    assert about["settings"]["clip_list"]["file"] == "list.csv"
    # Another list is another set of features; a list that cannot be read is refused.
    listed.write_text("\n".join(lines[:2]) + "\n")
    assert command(small_dataset, output, *words) == 2
    assert "features of other settings (clip_list." in capsys.readouterr().err
    words[1] = str(tmp_path / "none.csv")
    assert command(small_dataset, tmp_path / "new", *words) == 2
    assert "Check --clip-list" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "5"], "--size is 5"),
        (["--features.name", "optical"], "flow-farneback"),
        (["--preset", "fulll"], "'full'"),
        (["--dataset", "cas9"], "Did you mean"),
        (["--model.image_size", "64"], "--model.image-size has no effect"),
        (["--training.epochs=3"], "--training.epochs has no effect"),
        (["--tensorboard"], "--tensorboard has no effect"),
        (["--reselection.draws", "4"], "--reselection.draws has no effect"),
        (["--reselection.clips=training"], "--reselection.clips has no effect"),
    ],
)
def test_a_wrong_option_is_refused(small_dataset, tmp_path, capsys, words, message):
    assert command(small_dataset, tmp_path / "out", *words) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_the_config_of_a_run_may_be_given(small_dataset, tmp_path):
    file = tmp_path / "run.yaml"
    file.write_text(
        "model:\n  image_size: 64\ntraining: {epochs: 3}\ntask: c5\n"
        "tensorboard: true\nreselection: {clips: training}\n"
    )
    assert command(small_dataset, tmp_path / "out", "--config", str(file)) == 0
    assert len(rows(tmp_path / "out")) == 12


def test_without_data_it_says_where_to_get_them(capsys):
    assert main(["features"]) == 2
    assert "--data-root must name the folder of CASME II" in capsys.readouterr().err


@pytest.mark.slow
def test_folders_of_several_datasets_begin_with_their_names(made, tmp_path, capsys):
    roots = f"cas2={made('cas2')},samm={made('samm')}"
    words = ["features", "--dataset", "cas2+samm", "--data-root", roots, "--size", "32"]
    words += ["--reselection.preset", "full"]
    assert main([*words, "--output", str(tmp_path), "--features.name", "flow-dis"]) == 0
    found = rows(tmp_path)
    assert {row["dataset"] for row in found} == {"cas2", "samm"}
    for row in found:
        assert row["rising"].startswith(f"{row['dataset']}/")
        assert np.load(tmp_path / row["rising"]).shape == (3, 32, 32)


def test_colours():
    right, up, still = np.zeros((3, 2, 1, 1))
    right[0], up[1] = 2.0, -2.0
    assert np.allclose(motion_colours(still, 1.0), 1)  # white
    red, green = motion_colours(right, 2.0)[0, 0], motion_colours(up, 2.0)[0, 0]
    assert red.argmax() == 0
    assert green.argmax() == 1
    half = motion_colours(right, 4.0)[0, 0]
    assert np.allclose(1 - half, (1 - red) / 2)
    low, middle, high = value_colours(np.array([[-3.0, 0, 3]]), 3.0, signed=True)[0]
    assert low.argmax() == 2
    assert np.ptp(middle) < 0.02
    assert high.argmax() == 0
