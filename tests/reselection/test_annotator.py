"""Bias and width of an annotator, learned from what the motion of each clip allows."""

import numpy as np
import pytest

from gamdss.records import KeyFrames
from gamdss.reselection.motion.annotator import (
    FIXED,
    LEAST_CLIPS,
    Annotator,
    learn,
    learn_without,
    phase_lengths,
    usual_phases,
)
from gamdss.reselection.motion.course import Posterior, strength
from gamdss.reselection.motion.fit import AnnotatedMotion

TRUE = np.array([100.0, 130.0, 170.0])
PHASES = np.array([30.0, 30.0, 40.0])


def seen(errors, located=0.05, seed=0):
    """Evidence of clips annotated with `errors` (N, 3) of which the motion knows the truth well."""
    rng = np.random.default_rng(seed)
    annotated = TRUE + errors * PHASES
    usual = usual_phases([tuple(map(int, keys)) for keys in annotated])
    found = []
    for keys in annotated:
        # The product of the wide prior and of a normal likelihood around nearly the truth.
        width, sd = usual.wide(keys), located * PHASES
        middle = TRUE + rng.normal(0, sd)
        share = width**2 / (width**2 + sd**2)
        samples = keys + (middle - keys) * share + sd * np.sqrt(share) * rng.normal(0, 1, (300, 3))
        found.append(usual.evidence(samples, keys))
    return found


@pytest.mark.parametrize("bias", [(0.0, 0.0, 0.0), (0.15, -0.1, 0.3)])
@pytest.mark.parametrize("width", [0.06, 0.15, 0.3])
def test_bias_and_width_are_learned(bias, width):
    errors = np.random.default_rng(1).normal(bias, width, (80, 3))
    learned = learn(seen(errors))
    assert learned.bias == pytest.approx(errors.mean(axis=0), abs=0.03)
    assert learned.width == pytest.approx(errors.std(axis=0), abs=0.04)


def test_wild_labels_do_not_widen_an_exact_annotator():
    errors = np.random.default_rng(2).normal(0, 0.03, (60, 3))
    plain = learn(seen(errors))
    errors[:4, 1] = (0.8, 0.6, -0.7, 0.9)
    wild = learn(seen(errors))
    assert max(wild.width) < 0.08
    assert wild.width == pytest.approx(plain.width, abs=0.02)


def test_a_subject_is_not_learned_from_its_own_clips():
    errors = np.random.default_rng(3).normal(0, 0.05, (40, 3))
    errors[20:] += 0.3
    clips, subjects = seen(errors), ["01"] * 20 + ["02"] * 20
    found = learn_without(subjects, clips)
    assert found["01"] == learn(clips[20:])
    assert found["02"] == learn(clips[:20])
    assert found[""] == learn(clips)
    assert min(found["01"].bias) > 0.2
    assert max(found["02"].bias) < 0.05


def test_too_few_clips_leave_the_fixed_errors():
    clips = seen(np.zeros((LEAST_CLIPS - 1, 3)))
    assert learn(clips) == FIXED
    assert learn_without(["01"] * 11 + ["02"], [*clips, clips[0]])["01"] == FIXED


def test_phases_do_not_vanish_with_a_wrong_apex():
    assert phase_lengths(np.array([100, 101, 172])).min() > 15
    assert phase_lengths(np.array([100, 132, 172])) == pytest.approx([32.2, 32.2, 39.8])


def motion(middle, annotated, sd=1.0):
    """A clip whose samples under the wide prior are around `middle`."""
    usual = usual_phases([(100, 130, 170)])
    times = np.arange(60, 211)
    samples = middle + sd * np.random.default_rng(4).normal(0, 1, (3000, 3))
    level = strength(np.array([[*middle, 0.1, 0, 0.6, 0.4, 0.6, 0.4]]), times)[0]
    level = level + 0.02 * np.random.default_rng(5).normal(0, 1, len(times))
    posterior = Posterior(samples, level, np.ones(3), times)
    return AnnotatedMotion(KeyFrames(*annotated), usual, times, level, posterior)


def test_an_exact_annotator_narrows_the_intervals():
    clip = motion(np.array([102.0, 131, 167]), (101, 129, 168), sd=4.0)
    wide, exact = clip.under(FIXED).keys, clip.under(Annotator(width=(0.03, 0.03, 0.03))).keys
    lengths = [[high - low for low, high in keys.intervals] for keys in (wide, exact)]
    assert np.all(np.array(lengths[1]) < lengths[0])
    assert np.abs(np.array(exact.numbers) - (101, 129, 168)).max() <= 1


def test_a_wild_label_of_an_exact_annotator_is_corrected():
    clip = motion(TRUE, (100, 130, 210))
    keys = clip.under(Annotator(width=(0.03, 0.03, 0.03))).keys
    assert keys.offset == pytest.approx(170, abs=2)
    assert "offset" not in keys.kept


def test_a_bias_moves_key_frames_that_the_motion_leaves_open():
    clip = motion(np.array([100.0, 130, 170]), (100, 130, 170), sd=5.0)
    late = clip.under(Annotator(bias=(0.0, 0.0, 0.25), width=(0.1, 0.1, 0.1))).keys
    assert late.offset < 166


def test_broad_posteriors_are_uncertain():
    assert motion(TRUE, (100, 130, 170), sd=1.0).under(FIXED).keys.uncertain == ()
    broad = motion(TRUE, (100, 130, 170), sd=np.array([1, 1, 20])).under(
        Annotator(width=(0.4,) * 3)
    )
    assert broad.keys.uncertain == ("offset",)
