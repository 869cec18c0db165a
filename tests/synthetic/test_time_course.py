"""Time courses: the key frames of every family, and the numbers of the default."""

import numpy as np
import pytest

from gamdss.errors import ConfigError
from gamdss.synthetic import SynthConfig
from gamdss.synthetic.settings import COURSES
from gamdss.synthetic.time_course import draw_time_course


def course(names, seed, fps=200.0):
    config = SynthConfig(course=list(names), margin_ms=150)
    return draw_time_course(config, fps, np.random.default_rng(seed))


@pytest.mark.parametrize("fps", [30.0, 200.0])
@pytest.mark.parametrize("family", COURSES)
def test_strength_is_0_outside_and_1_at_the_apex(family, fps):
    for seed in range(40):
        drawn = course([family], seed, fps)
        at = dict(zip(drawn.numbers.tolist(), drawn.strength.tolist(), strict=True))
        onset, apex, offset = drawn.true.numbers
        assert onset < apex < offset
        assert all(at[n] == 0 for n in at if n <= onset or n >= offset)
        assert at[apex] == 1
        assert at[onset + 1] > 0
        assert at[offset - 1] > 0
        assert np.all(np.diff([at[n] for n in range(onset, apex + 1)]) >= 0)
        assert np.all(np.diff([at[n] for n in range(apex, offset + 1)]) <= 0)


@pytest.mark.parametrize("family", COURSES)
def test_between_frames_the_nearest_are_the_key_frames(family):
    for seed in range(20):
        config = SynthConfig(course=[family], margin_ms=150, between_frames=True)
        drawn = draw_time_course(config, 200.0, np.random.default_rng(seed))
        on_frames = course([family], seed)
        assert drawn.true == on_frames.true
        onset, apex, offset = np.array(drawn.true.numbers) - drawn.numbers[0]
        assert not np.array_equal(drawn.strength, on_frames.strength)
        assert np.all(drawn.strength[: onset - 1] == 0)
        assert np.all(drawn.strength[offset + 2 :] == 0)
        assert drawn.strength.max() - drawn.strength[apex] < 0.03


def test_the_default_has_not_changed():
    drawn = course(["cosine"], 0)
    default = draw_time_course(SynthConfig(), 200.0, np.random.default_rng(0))
    assert default.true.numbers == (37, 70, 101)
    assert default.strength.sum() == pytest.approx(30.653590299507634, abs=1e-9)
    assert drawn.family == default.family == "cosine"


def test_families_differ_in_the_course_only():
    first = course(["cosine"], 5)
    for family in ("power", "tail", "plateau"):
        other = course([family], 5)
        assert other.true == first.true
        assert np.array_equal(other.numbers, first.numbers)
        assert not np.array_equal(other.strength, first.strength)


def test_properties_of_the_families():
    plateaus = [np.mean(course(["plateau"], s).strength == 1) for s in range(30)]
    plain = [np.mean(course(["cosine"], s).strength == 1) for s in range(30)]
    assert np.mean(plateaus) > 3 * np.mean(plain)
    for seed in range(30):
        onset, apex, offset = course(["asymmetric"], seed).true.numbers
        rise, fall = apex - onset, offset - apex
        assert max(rise / fall, fall / rise) > 1.2
        tail = course(["tail"], seed)
        middle = (tail.true.apex + tail.true.offset) // 2
        assert tail.strength[middle - tail.numbers[0]] < 0.6


def test_mixed_draws_all_families():
    seen = {course(["mixed"], seed).family for seed in range(60)}
    assert seen == set(COURSES) - {"mixed"}
    assert {course(["power", "tail"], seed).family for seed in range(20)} == {"power", "tail"}


@pytest.mark.parametrize("names", [[], ["sine"]])
def test_an_unknown_family_is_refused(names):
    with pytest.raises(ConfigError, match=r"--course is .*\n.*cosine, power, tail"):
        SynthConfig(course=names)
