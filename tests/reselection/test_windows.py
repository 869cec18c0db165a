"""Window presets: parity with the release, exact differences, ties, gaps, bad input."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from gamdss.errors import AnnotationError, ConfigError, FrameError
from gamdss.reselection import PRESETS, Preset, needed_frames, reselect
from gamdss.reselection.windows import resolve, squared_differences

FIXTURES = Path(__file__).parents[1] / "fixtures"
EXPECTED = json.loads((FIXTURES / "reselection_expected.json").read_text())
PRESET_OF = {
    "flow_difference": "original-short",
    "samm_difference": "original-short",
    "casme3_difference": "original-short",
    "flow_full_difference": "original-full",
    "samm_full_difference": "original-full",
    "casme3_full_difference": "original-full",
    "samm_min_max_difference": "original-min-max",
    "samm_max_difference": "original-max",
}

WINDOWED = [name for name, preset in PRESETS.items() if preset.criterion == "difference"]


class Recording(Mapping[int, np.ndarray]):
    """A mapping that remembers which frames were read, and how often."""

    def __init__(self, frames: dict[int, np.ndarray]) -> None:
        self.frames = frames
        self.read: list[int] = []

    def __getitem__(self, number: int) -> np.ndarray:
        self.read.append(number)
        return self.frames[number]

    def __contains__(self, number: object) -> bool:
        return number in self.frames

    def __iter__(self) -> Iterator[int]:
        return iter(self.frames)

    def __len__(self) -> int:
        return len(self.frames)


def noise(frames: int, seed: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, (frames, 6, 5, 3), dtype=np.uint8)


def norm(start: np.ndarray, end: np.ndarray, wrap: bool) -> float:
    difference = end - start if wrap else end.astype(np.int64) - start.astype(np.int64)
    return float((difference.astype(np.int64) ** 2).sum())


def brute_force(images: Mapping[int, np.ndarray], rule: Preset, onset: int, apex: int, offset: int):
    """The search, spelt out pair by pair; strictly larger differences win."""
    rise, fall = int(rule.rise * (apex - onset)), int(rule.fall * (offset - apex))
    apexes = [apex]
    apexes += [apex - i for i in range(1, rise + 1) if rule.apex_before]
    apexes += [apex + i for i in range(1, fall + 1) if rule.apex_after]
    pairs = [(onset, apex)]
    if rule.onset_after:
        pairs += [(onset + i, other) for i in range(1, rise + 1) for other in apexes]
    if not rule.onset_moves:
        pairs += [(onset, other) for other in apexes[1:]]
    best, largest = pairs[0], -1.0
    for first, second in pairs:
        found = norm(images[first], images[second], rule.wrap)
        if first <= second and found > largest:
            best, largest = (first, second), found
    last, largest = offset, -1.0
    for other in [offset - i for i in range(fall + 1)] if rule.offset_before else [offset]:
        found = norm(images[other], images[best[1]], rule.wrap)
        if other >= best[1] and found > largest:
            last, largest = other, found
    return (*best, last)


@pytest.fixture(scope="module")
def clips() -> dict[str, np.ndarray]:
    with np.load(FIXTURES / "reselection_clips.npz") as stored:
        return dict(stored)


@pytest.mark.parametrize("function", PRESET_OF)
@pytest.mark.parametrize("case", EXPECTED, ids=lambda case: case["clip"])
def test_original_presets_return_what_the_release_returned(case, function, clips):
    annotated = case["onset"], case["apex"], case["offset"]
    found = reselect(
        clips[case["clip"]], *annotated, case["first_frame"], preset=PRESET_OF[function]
    )
    expected = case["expected"][function]
    # The short functions return no offset: it stays as annotated.
    assert list(found.numbers) == expected + [case["offset"]] * (3 - len(expected))
    assert found.notes == ()


@pytest.mark.parametrize("ratio", [None, 0.6, 1.0])
@pytest.mark.parametrize("name", [name for name in WINDOWED if name != "none"])
def test_search_equals_brute_force_also_where_many_differences_tie(name, ratio):
    rule = resolve(name, ratio)
    for seed in range(40):
        rng = np.random.default_rng(seed)
        # Few grey levels and repeated frames make equal differences common.
        frames = noise(31, seed, high=(1, 2, 3, 256)[seed % 4])
        frames[rng.integers(0, 31, 12)] = frames[rng.integers(0, 31, 12)]
        annotated = tuple(int(number) for number in np.sort(rng.integers(1, 32, 3)))
        images = dict(enumerate(frames, start=1))
        found = reselect(frames, *annotated, preset=name, ratio=ratio).numbers
        assert found == brute_force(images, rule, *annotated)
        assert found[0] <= found[1] <= found[2]


@pytest.mark.parametrize("name", WINDOWED)
def test_of_equal_frames_the_annotated_stay(name):
    assert reselect(np.full((60, 4, 5), 7, np.uint8), 1, 30, 60, preset=name).numbers == (1, 30, 60)


@pytest.mark.parametrize("wrap", [False, True])
def test_squared_differences_are_exact_over_many_steps(wrap):
    # 50,000 values: more than one step; 0 and 255 are the largest difference there is.
    frames = np.random.default_rng(1).integers(0, 256, (5, 50_000), dtype=np.uint8)
    frames[0], frames[1] = 0, 255
    found = squared_differences(frames[:3], frames[1:], wrap=wrap)
    assert found.tolist() == [[norm(a, b, wrap) for b in frames[1:]] for a in frames[:3]]


def test_float_frames_give_what_whole_numbers_give():
    frames = noise(40, seed=3)
    expected = reselect(frames, 1, 20, 40, ratio=0.3)
    assert reselect(frames.astype(np.float32), 1, 20, 40, ratio=0.3) == expected


def test_wrap_counts_what_got_darker():
    frames = np.full((21, 4, 4, 3), 100, np.uint8)
    frames[10] = 110  # the annotated apex: 10 brighter
    frames[9] = 98  # 2 darker, which modulo 256 is 254
    assert reselect(frames, 1, 11, 21).apex == 11
    assert reselect(frames, 1, 11, 21, preset="original-full").apex == 10


def test_both_sides_finds_an_apex_annotated_too_early():
    frames = np.full((41, 4, 4, 3), 100, np.uint8)
    frames[0], frames[22] = 90, 140
    assert reselect(frames, 1, 21, 41, preset="both-sides").numbers == (1, 23, 41)
    assert reselect(frames, 1, 21, 41, preset="full").numbers == (1, 21, 41)


def test_ratio_replaces_the_presets_own():
    frames = np.full((41, 4, 4, 3), 100, np.uint8)
    frames[15] = 140  # five frames before the apex: outside a tenth, inside a quarter
    assert reselect(frames, 1, 21, 41).apex == 21
    assert reselect(frames, 1, 21, 41, ratio=0.25).apex == 16


def test_a_custom_preset():
    frames = np.full((41, 4, 4, 3), 100, np.uint8)
    frames[24] = 140
    own = Preset("apex after only", fall=0.2, apex_after=True)
    assert reselect(frames, 1, 21, 41, preset=own).numbers == (1, 25, 41)


@pytest.mark.parametrize("annotated", [(5, 5, 5), (5, 5, 40), (5, 40, 40), (5, 6, 7)], ids=str)
@pytest.mark.parametrize("name", WINDOWED)
def test_degenerate_windows_keep_annotated_frames_in_order(name, annotated):
    found = reselect(noise(40), *annotated, preset=name).numbers
    assert annotated[0] <= found[0] <= found[1] <= found[2] <= annotated[2]
    if annotated not in ((5, 5, 40), (5, 40, 40)):
        assert found == annotated


@pytest.mark.parametrize("name", WINDOWED)
def test_needed_frames_are_exactly_those_read_each_once(name):
    frames = Recording(dict(enumerate(noise(90), start=10)))
    reselect(frames, 12, 50, 98, preset=name)
    assert sorted(frames.read) == list(needed_frames(12, 50, 98, name))


def test_needed_frames_of_full():
    assert needed_frames(10, 30, 50) == (10, 11, 12, 28, 29, 30, 48, 49, 50)
    assert needed_frames(10, 30, 50, "none") == (10, 30, 50)
    assert needed_frames(10, 30, 50, "full", ratio=0.05) == (10, 11, 29, 30, 49, 50)


def test_missing_candidates_are_skipped_and_noted():
    numbers = [number for number in range(1, 62) if number not in (2, 29, 30)]
    frames = np.full((58, 4, 4, 3), 100, np.uint8)
    frames[0], frames[numbers.index(28)] = 90, 140
    found = reselect(frames, 1, 31, 61, frame_numbers=numbers)
    assert found.numbers == (1, 28, 61)
    assert found.notes == (
        "frame 2 missing inside the onset window: skipped",
        "frames 29, 30 missing inside the apex window: skipped",
    )


@pytest.mark.parametrize("name", ["full", "none"])
def test_missing_annotated_frame_is_named(name):
    frames = dict(enumerate(noise(40), start=1))
    del frames[20]
    with pytest.raises(FrameError, match="annotated apex, frame 20, is missing"):
        reselect(frames, 1, 20, 40, preset=name)
    with pytest.raises(FrameError, match="annotated offset, frame 41"):
        reselect(noise(40), 1, 20, 41, preset=name)


def test_unknown_preset_lists_names_and_the_nearest():
    with pytest.raises(ConfigError, match="'orignal-full'") as caught:
        reselect(noise(3), 1, 2, 3, preset="orignal-full")
    assert "Did you mean 'original-full'?" in caught.value.remedy
    assert all(name in caught.value.remedy for name in PRESETS)


@pytest.mark.parametrize("ratio", [-0.1, 1.01, float("nan"), True])
def test_bad_ratio(ratio):
    with pytest.raises(ConfigError, match="ratio"):
        reselect(noise(3), 1, 2, 3, ratio=ratio)


def test_ratio_without_a_window_to_search():
    with pytest.raises(ConfigError, match="keeps the annotation"):
        needed_frames(1, 2, 3, "none", ratio=0.1)


@pytest.mark.parametrize("annotated", [(2, 1, 3), (1, 3, 2), (1, 2.0, 3), (1, None, 3)])
def test_bad_annotation(annotated):
    with pytest.raises(AnnotationError, match=f"apex {annotated[1]!r}"):
        reselect(noise(3), *annotated)


@pytest.mark.parametrize(
    ("frames", "preset", "message"),
    [
        (noise(3)[0, 0], "full", r"shape \(5, 3\)"),
        ([1, 2, 3], "full", "frames are of type list"),
        (np.zeros((3, 4, 4, 4), np.uint8), "full", r"shape \(4, 4, 4\)"),
        (np.zeros((3, 0, 4, 3), np.uint8), "full", r"shape \(0, 4, 3\)"),
        (np.zeros((3, 4, 5), np.int64), "full", "type int64"),
        (np.zeros((3, 4, 5)), "original-full", "type float64"),
        (np.full((3, 4, 5), np.nan), "full", "not finite"),
        ({1: [[1]], 2: [[1]], 3: [[1]]}, "full", "frame 1 is of type list"),
        (
            {1: noise(1)[0], 2: noise(1)[0], 3: noise(1)[0, :4]},
            "full",
            "frame 3 is .4, 5, 3.*frame 1",
        ),
    ],
)
def test_unusable_frames(frames, preset, message):
    with pytest.raises(FrameError, match=message):
        reselect(frames, 1, 2, 3, preset=preset)


@pytest.mark.parametrize("preset", ["full", "motion"])
def test_frames_may_be_a_list_of_images(preset):
    frames = noise(20)
    assert reselect(list(frames), 3, 9, 15, preset=preset) == reselect(
        frames, 3, 9, 15, preset=preset
    )


@pytest.mark.parametrize("preset", ["full", "motion"])
@pytest.mark.parametrize("channels", [3, 4])
def test_one_image_in_colour_is_not_taken_for_grey_frames(channels, preset):
    image = np.zeros((60, 50, channels), np.uint8)
    with pytest.raises(FrameError, match=rf"shape \(60, 50, {channels}\): one image in colour"):
        reselect(image, 1, 20, 40, preset=preset)
    assert reselect(np.zeros((60, 50, 5), np.uint8), 1, 20, 40).numbers == (1, 20, 40)


def test_frame_numbers_must_fit_the_frames():
    with pytest.raises(FrameError, match="3 frames but 2 different"):
        reselect(noise(3), 1, 2, 3, frame_numbers=[1, 2, 2])
    with pytest.raises(FrameError, match="mapping"):
        reselect({1: noise(1)[0]}, 1, 1, 1, frame_numbers=[1])


def test_presets_explain_themselves():
    assert all(preset.summary for preset in PRESETS.values())


@pytest.mark.parametrize("ratio", ["0.3", True, float("nan"), [0.3], 1.5])
@pytest.mark.parametrize("preset", ["full", "motion"])
def test_a_ratio_is_a_number_from_0_to_1(preset, ratio):
    message = rf"^the reselection ratio \(rise\) is {re.escape(repr(ratio))}\nIt must be a share"
    with pytest.raises(ConfigError, match=message):
        reselect(np.zeros((9, 20, 20), np.uint8), 1, 4, 9, preset=preset, ratio=ratio)
    assert resolve(preset, np.float32(0.5)).rise == 0.5
