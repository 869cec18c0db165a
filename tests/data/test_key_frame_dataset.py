"""Key frames as tensors for a custom training loop."""

from importlib.resources import files

import cv2
import numpy as np
import pytest
import torch
from filmed import film
from torch.utils.data import DataLoader

import gamdss
from gamdss.data.augment import normalise
from gamdss.errors import ConfigError, DataRootError, FrameError, GamdssError
from gamdss.metrics import intervals, predictions
from gamdss.records import FoldResult


@pytest.fixture(scope="module")
def cas2(small_dataset, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return gamdss.KeyFrameDataset(
        "cas2", small_dataset, task="c5", image_size=50, cache=cache, progress=False
    )


def test_a_dataset_by_name(cas2):
    assert len(cas2) == len(cas2.labels) == len(cas2.clips) == 12
    assert set(cas2.subjects) == {"01", "02", "03"}
    assert "happiness" in cas2.classes
    onsets, apexes, offsets, labels = next(iter(DataLoader(cas2, batch_size=5)))
    assert onsets.shape == apexes.shape == offsets.shape == (5, 3, 50, 50)
    assert onsets.dtype == torch.float32
    assert labels.tolist() == list(cas2.labels[:5])
    assert not torch.equal(onsets, apexes)


def test_frames_as_bytes(cas2, small_dataset, tmp_path):
    plain, normal = (
        gamdss.KeyFrameDataset(
            *("cas2", small_dataset),
            image_size=50,
            normalised=normalised,
            preset="none",
            cache=tmp_path,
            progress=False,
        )
        for normalised in (False, True)
    )
    *frames, label = plain[3]
    assert label.dtype == torch.int64
    assert plain.keys[3].notes == ()
    assert plain.keys[3] == normal.keys[3]
    assert {key.numbers for key in plain.keys} != {key.numbers for key in cas2.keys}
    for bytes_, expected in zip(frames, normal[3][:3], strict=True):
        assert bytes_.dtype == torch.uint8
        torch.testing.assert_close(normalise(bytes_), expected)


def clip(folder, start):
    folder.mkdir()
    rng = np.random.default_rng(start)
    face = rng.integers(60, 190, (40, 40, 3), dtype=np.uint8)
    for step in range(9):
        frame = face.copy()
        frame[10:20] += np.uint8(8 * min(step, 8 - step))
        frame[30:] += np.uint8(2 * step)  # the offset is not the onset
        cv2.imwrite(str(folder / f"{start + step}.png"), frame)
    return gamdss.FrameSequence(folder)


def test_custom_clips(tmp_path):
    clips = [
        (clip(tmp_path / "a", 10), 10, 14, 18, "surprise"),
        (clip(tmp_path / "b", 30), 30, 34, 38, "joy"),
    ]
    data = gamdss.KeyFrameDataset(clips, image_size=40, normalised=False, preset="none")
    assert data.classes == ("joy", "surprise")
    assert data.labels == (1, 0)
    assert [keys.numbers for keys in data.keys] == [(10, 14, 18), (30, 34, 38)]
    *frames, label = data[1]
    assert label == 0
    for number, frame in zip((30, 34, 38), frames, strict=True):
        expected = torch.from_numpy(clips[1][0][number][..., ::-1].copy()).permute(2, 0, 1)
        assert torch.equal(frame, expected)
    assert not torch.equal(frames[0], frames[2])


@pytest.mark.parametrize("custom", [True, False])
def test_every_epoch_shows_other_draws(cas2, small_dataset, tmp_path, custom):
    if custom:
        folders = [clip(tmp_path / "a", 10), clip(tmp_path / "b", 30)]
        source = [[(folders[0], 10, 14, 18, 0), (folders[1], 30, 34, 38, 1)]]
    else:
        source = ["cas2", small_dataset]
    options = {"image_size": 40, "preset": "none", "cache": tmp_path / "cache", "progress": False}
    data = gamdss.KeyFrameDataset(*source, draws=3, jitter=0.5, **options)
    plain = gamdss.KeyFrameDataset(*source, **options)
    assert all(map(torch.equal, data[1], plain[1]))
    drawn = data.drawn(1)
    assert drawn.shape == (3, 3, 3, 40, 40)
    shown = []
    for epoch in range(3):
        data.set_epoch(epoch)
        shown.append(torch.stack(data[1][:3]))
    assert sorted(image.sum().item() for image in shown) == pytest.approx(
        sorted(image.sum().item() for image in drawn)
    )
    data.set_epoch(0)
    assert torch.equal(torch.stack(data[1][:3]), shown[0])
    with pytest.raises(ConfigError, match="no draws of key frames"):
        plain.set_epoch(0)
    with pytest.raises(ConfigError, match="no posterior to draw from"):
        gamdss.KeyFrameDataset(*source, draws=3, **options)


def test_custom_clips_have_the_subjects_that_they_are_given_with(tmp_path):
    frames = clip(tmp_path / "a", 10)

    def of(*clips):
        options = {"image_size": 40, "preset": "none", "progress": False}
        return gamdss.KeyFrameDataset([(frames, 10, 14, 18, *more) for more in clips], **options)

    assert of((0, " anna"), (1, "ben")).subjects == ("anna", "ben")
    with pytest.raises(ConfigError, match="the subject of clip 2 is nan"):
        of((0, "anna"), (1, float("nan")))
    with pytest.raises(ConfigError, match="without subjects"):
        _ = of((0,), (1,)).subjects
    with pytest.raises(ConfigError, match="of clips 1 and 2, only one has a subject"):
        of((0, "anna"), (1,))


def of_one_recording(tmp_path, *clips):
    """A dataset of clips (label, subject) that have the same frames."""
    frames = clip(tmp_path / "a", 10)
    options = {"image_size": 40, "preset": "none", "progress": False}
    return gamdss.KeyFrameDataset([(frames, 10, 14, 18, *more) for more in clips], **options)


def test_spellings_of_a_subject_are_one_person(tmp_path, caplog):
    names = ("01", "1", 1.0, "Bob", " bob", "\uff11", "ann  b", "Ann b", "p2", "s2")
    data = of_one_recording(tmp_path, *((0, name) for name in names))
    assert data.subjects == (*["01"] * 3, "Bob", "Bob", "01", "ann  b", "ann  b", "p2", "s2")
    (said,) = caplog.messages
    assert said.startswith("4 other spelling(s) of a subject: '1' is taken as '01', 'bob' is taken")


@pytest.mark.parametrize("twins", [("sub01", "1"), ("1", "S1"), ("p1", "1")])
def test_subjects_with_and_without_a_prefix_are_refused(tmp_path, twins):
    with pytest.raises(ConfigError, match=rf"^subjects '{twins[0]}' and '{twins[1]}' may be one"):
        of_one_recording(tmp_path, *((0, name) for name in twins))


def test_a_subject_has_no_slash_which_ends_it_in_the_name_of_a_clip(tmp_path):
    with pytest.raises(ConfigError, match=r"the subject of clip 1 is 'lab/1'\n.*without a slash"):
        of_one_recording(tmp_path, (0, "lab/1"))


def test_clips_are_named_by_subject_and_source(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, two = clip(tmp_path / "a" / "film", 10), clip(tmp_path / "b" / "film", 10)

    def names(*clips):
        options = {"image_size": 40, "preset": "none", "progress": False}
        return gamdss.KeyFrameDataset([(f, *keys, 0, *who) for f, keys, *who in clips], **options)

    whole, part = (10, 14, 18), (10, 12, 15)
    assert names((one, whole, "1"), (two, whole, "2")).clips == ("1/film", "2/film")
    assert names((one, whole, "1"), (two, whole, "1")).clips == ("1/a_film", "1/b_film")
    assert names((one, whole, "1"), (one, part, "1")).clips == ("1/film:10-18", "1/film:10-15")
    assert names((one, whole, "1"), (one, whole, "1")).clips == (
        "1/film:10-18#1",
        "1/film:10-18#2",
    )
    assert names((one, whole), (two, whole)).clips == ("a_film", "b_film")


def test_metrics_take_the_clips_of_a_dataset(tmp_path):
    data = of_one_recording(tmp_path, *((place % 2, place // 2) for place in range(8)))
    folds = []
    for who in sorted(set(data.subjects)):
        places = [place for place, subject in enumerate(data.subjects) if subject == who]
        labels = np.array([data.labels[place] for place in places])
        logits = np.eye(2, dtype=np.float32)[labels][None]
        folds.append(FoldResult(who, tuple(data.clips[i] for i in places), labels, logits))
    found = predictions(folds, 2, "final")
    assert found.subjects == data.subjects
    assert intervals(found, 2)["uf1"] is not None


def test_class_names_that_differ_in_case_or_blanks_are_one_class(tmp_path, caplog):
    data = of_one_recording(tmp_path, *((label,) for label in ("joy", "Joy", " joy", "fear")))
    assert data.classes == ("fear", "joy")
    assert data.labels == (1, 1, 1, 0)
    (said,) = caplog.messages
    assert said == "1 other spelling(s) of a class: 'Joy' is taken as 'joy'"


@pytest.mark.parametrize("blank", ["", "  ", "\u200b"])
def test_a_class_has_a_name(tmp_path, blank):
    with pytest.raises(ConfigError, match=r"the class of clip 2 is '.*\nName the class\."):
        of_one_recording(tmp_path, ("joy",), (blank,))


def test_numbers_may_be_numpy_integers(tmp_path):
    frames, labels = clip(tmp_path / "a", 10), np.array([2, 0])
    keys = np.array([10, 14, 18])
    clips = [(frames, *keys, label) for label in labels]
    data = gamdss.KeyFrameDataset(clips, image_size=40, preset="none", progress=False)
    assert data.labels == (2, 0)
    assert data[0][3].dtype == torch.int64
    assert all(type(number) is int for number in data.keys[0].numbers)


def test_numbered_classes_are_named_by_their_numbers_and_keep_them(tmp_path, caplog):
    frames = clip(tmp_path / "a", 10)

    def of(*labels):
        clips = [(frames, 10, 14, 18, label) for label in labels]
        return gamdss.KeyFrameDataset(clips, image_size=48, preset="none", progress=False)

    data = of(1, 0, 1)
    assert data.classes == ("0", "1")
    assert not caplog.messages
    gaps = of(5, 1, 1, 3)
    assert gaps.labels == (5, 1, 1, 3)
    assert gaps.classes == tuple("012345")
    (said,) = caplog.messages
    assert said.startswith("no clip has the class number 0, 2, 4: the labels are kept")
    with pytest.raises(ConfigError, match="a class number is 1000000000"):
        of(0, 10**9)
    # As many outputs as the loss needs.
    net = gamdss.TwoBranchNet(num_classes=len(gaps.classes), image_size=48)
    onset, apex, offset, labels = next(iter(DataLoader(gaps, batch_size=4)))
    assert torch.isfinite(gamdss.two_phase_loss(*net(onset, apex, offset), labels))


@pytest.mark.parametrize("wrong", [-1, 0.5, "0", None])
def test_epochs_and_seeds_count_from_0(tmp_path, wrong):
    clips = [(clip(tmp_path / "a", 10), 10, 14, 18, 0)]
    options = {"preset": "none", "draws": 2, "jitter": 0.5, "progress": False}
    data = gamdss.KeyFrameDataset(clips, image_size=40, **options)
    with pytest.raises(ConfigError, match=rf"^epoch is {wrong!r}\nGive an integer from 0 on"):
        data.set_epoch(wrong)
    with pytest.raises(ConfigError, match=rf"^seed is {wrong!r}"):
        data.set_epoch(0, seed=wrong)


def test_frames_of_mixed_size(tmp_path):
    frames = clip(tmp_path / "a", 10)
    cv2.imwrite(str(tmp_path / "a" / "18.png"), np.full((44, 46, 3), 90, np.uint8))
    clips = [(frames, 10, 14, 18, 0)]
    message = r"frame 18 is 44x46, the apex frame 40x40.*\n.*mixed_size=\"resize\""
    with pytest.raises(FrameError, match=message):
        gamdss.KeyFrameDataset(clips, image_size=40, preset="full", progress=False)
    options = {"image_size": 40, "preset": "full", "progress": False}
    assert len(gamdss.KeyFrameDataset(clips, mixed_size="resize", **options)) == 1
    with pytest.raises(ConfigError, match="mixed_size is 'pad'"):
        gamdss.KeyFrameDataset(clips, mixed_size="pad", **options)


def test_a_spec_may_be_a_path(small_dataset, tmp_path):
    shipped = files("gamdss.data.specs") / "cas2.yaml"
    spec = tmp_path / "mine.yaml"
    spec.write_bytes(shipped.read_bytes())
    data = gamdss.KeyFrameDataset(spec, small_dataset, image_size=16, cache=tmp_path / "cache")
    assert len(data) == 12


def test_videos_are_closed_after_their_clip(tmp_path):
    levels = (40, 60, 80, 100, 120, 100, 80, 60, 40)
    images = [np.full((48, 64, 3), level, np.uint8) for level in levels]
    frames = gamdss.FrameSequence(film(tmp_path / "clip.avi", images, 30))
    data = gamdss.KeyFrameDataset(
        [(frames, 1, 5, 9, 0)], image_size=32, normalised=False, preset="full", progress=False
    )
    assert abs(int(data[0][1].float().mean()) - 120) < 8
    assert frames._video._stream is None


def test_a_plain_table_of_frames_in_other_folders(small_dataset, tmp_path):
    (clip_folder,) = (small_dataset / "Cropped" / "sub01").glob("EP01_*")
    first = min(int(path.stem[7:]) for path in clip_folder.iterdir())
    keys = f"{first + 2},{first + 5},{first + 9}"
    table = tmp_path / "t.csv"
    rows = [
        f"{subject},{clip_folder.name},{keys},{joy}" for subject, joy in ((1, "joy"), (2, "fear"))
    ]
    table.write_text("\n".join(["subject,clip,onset,apex,offset,emotion", *rows]))

    def opened(**options):
        return gamdss.KeyFrameDataset(
            *("csv", small_dataset / "Cropped"),
            annotations=table,
            task="c2",
            cache=tmp_path,
            progress=False,
            image_size=32,
            **options,
        )

    with pytest.raises(FrameError) as caught:
        opened()
    assert "--" not in str(caught.value)
    assert len(opened(pattern="sub{number:02d}/{clip}/reg_img{frame}.jpg")) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"task": "c9"}, "no task called 'c9'"),
        ({"annotations": "none.xlsx"}, r"Check annotations\."),
        ({"draws": 3}, r"^draws is 3, (.|\n)*preset=\"motion\", (.|\n)*jitter=0\.1"),
        ({"ratio": 3.0}, r"^ratio is 3\.0"),
        ({"ratio": "0.1"}, r"^ratio is '0\.1'\nIt must be between 0 and 1"),
        ({"jitter": "0.1", "draws": 2}, r"^jitter is '0\.1'\nIt must be between 0 and 0\.5"),
        ({"jitter": 0.1}, r"^draws is 0\n.*with jitter"),
        ({"image_size": 0}, "^image_size is 0"),
        ({"image_size": 48.0}, r"^image_size is 48\.0\nIt must be an integer"),
        ({"draws": 2.0, "jitter": 0.1}, r"^draws is 2\.0\nIt must be an integer"),
        ({"pattern": "x"}, "^pattern is 'x'"),
        ({"missing": "x"}, "^missing is 'x'"),
    ],
)
def test_errors_name_arguments(small_dataset, options, message):
    with pytest.raises(GamdssError, match=message) as caught:
        gamdss.KeyFrameDataset("cas2", small_dataset, **options, progress=False)
    assert "--" not in str(caught.value)


def test_mistakes_are_explained(tmp_path):
    with pytest.raises(DataRootError, match=r"^data_root must name the folder") as caught:
        gamdss.KeyFrameDataset("cas2")
    assert "--demo" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"Did you mean|Known"):
        gamdss.KeyFrameDataset("casme9", tmp_path)
    with pytest.raises(ConfigError, match="no clip"):
        gamdss.KeyFrameDataset([])
    frames = clip(tmp_path / "a", 10)
    with pytest.raises(FrameError, match=r"clip 1, .*annotated offset, frame 40, is missing"):
        gamdss.KeyFrameDataset([(frames, 10, 14, 40, 0)], progress=False)
    with pytest.raises(ConfigError, match=r"A clip is \(FrameSequence, onset"):
        gamdss.KeyFrameDataset([(frames, 10, 14)], progress=False)
    for source in (3, None):
        with pytest.raises(
            ConfigError, match=rf"the source is of type {type(source).__name__}\n.*name"
        ):
            gamdss.KeyFrameDataset(source)
    for wrong in (3, "clips", ({12: 0}, 10, 14, 18, 0)):
        with pytest.raises(ConfigError, match=r"clip 1 is (.|\n)*A clip is \(FrameSequence, onset"):
            gamdss.KeyFrameDataset([wrong])
    with pytest.raises(ConfigError, match=r"onset, apex and offset are 10\.0, '14', True\n.*int"):
        gamdss.KeyFrameDataset([(frames, 10.0, "14", True, 0)])
    for label in (True, -1, 1.5, None):
        with pytest.raises(ConfigError, match="Give class names"):
            gamdss.KeyFrameDataset([(frames, 10, 14, 18, label)], progress=False)
    with pytest.raises(ConfigError, match="Give class names"):
        gamdss.KeyFrameDataset([(frames, 10, 14, 18, 0), (frames, 10, 14, 18, "joy")])


def test_a_missing_key_frame_of_a_custom_clip_moves_to_the_nearest(tmp_path, caplog):
    clip(tmp_path / "clip", 10)
    (tmp_path / "clip" / "14.png").unlink()
    made = gamdss.KeyFrameDataset(
        [(gamdss.FrameSequence(tmp_path / "clip"), 10, 14, 18, 0)],
        preset="none",
        missing="nearest",
        image_size=32,
        progress=False,
    )
    assert made.keys[0].numbers == (10, 13, 18)
    assert made.keys[0].notes == ("annotated apex frame 14 missing: 13 taken",)
    assert made.keys[0].substituted == ("apex",)
    assert "annotated apex frame 14 missing: 13 taken" in caplog.text
