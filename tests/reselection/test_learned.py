"""Errors of an annotator and shapes of courses, learned from what each clip's motion allows."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from gamdss.records import KeyFrames
from gamdss.reselection.motion.annotator import Annotator, phase_lengths, usual_phases
from gamdss.reselection.motion.course import USUAL, Expected, Shapes, fit_course, strength
from gamdss.reselection.motion.fit import AnnotatedMotion
from gamdss.reselection.motion.learned import (
    LEAST_BIAS,
    LEAST_CLIPS,
    Learned,
    LearnedDataset,
    learn,
    learn_dataset,
)

TRUE = np.array([100.0, 130.0, 170.0])
PHASES = np.array([30.0, 30.0, 40.0])


def seen(errors, located=0.05, seed=0, shape=USUAL.mean):
    """Evidence of clips annotated with `errors` (N, 3) of which the motion knows the truth well."""
    rng = np.random.default_rng(seed)
    annotated = TRUE + errors * PHASES
    usual = usual_phases([tuple(map(int, keys)) for keys in annotated])
    found = []
    for keys in annotated:
        # The product of the wide prior and of a normal likelihood around nearly the truth.
        prior = np.array([*keys, *USUAL.mean]), np.array([*usual.wide(keys), *USUAL.deviation])
        sd = np.array([*(located * PHASES), *[0.2] * 6])
        middle = np.array([*TRUE, *shape]) + rng.normal(0, sd)
        share = prior[1] ** 2 / (prior[1] ** 2 + sd**2)
        noise = sd * np.sqrt(share) * rng.normal(0, 1, (300, 9))
        found.append(usual.evidence(prior[0] + (middle - prior[0]) * share + noise, keys))
    return found


@pytest.mark.parametrize("bias", [(0.0, 0.0, 0.0), (0.15, -0.1, 0.3)])
@pytest.mark.parametrize("width", [0.06, 0.15, 0.3])
def test_bias_and_width_are_learned(bias, width):
    errors = np.random.default_rng(1).normal(bias, width, (80, 3))
    learned = learn(seen(errors)).annotator
    bias = errors.mean(axis=0)
    believed = bias * np.maximum(0, 1 - (LEAST_BIAS / bias) ** 2)
    assert learned.bias == pytest.approx(believed, abs=0.05)
    assert learned.width == pytest.approx(errors.std(axis=0), abs=0.04)


def test_wild_labels_do_not_widen_an_exact_annotator():
    errors = np.random.default_rng(2).normal(0, 0.03, (60, 3))
    plain = learn(seen(errors)).annotator
    errors[:4, 1] = (0.8, 0.6, -0.7, 0.9)
    wild = learn(seen(errors)).annotator
    assert max(wild.width) < 0.08
    assert wild.width == pytest.approx(plain.width, abs=0.02)


def test_a_subject_is_not_learned_from_its_own_clips():
    errors = np.random.default_rng(3).normal(0, 0.05, (40, 3))
    errors[20:] += 0.3
    clips, subjects = seen(errors), ["01"] * 20 + ["02"] * 20
    found = learn_dataset(subjects, clips)
    assert found.without["01"] == learn(clips[20:])
    assert found.without["02"] == learn(clips[:20])
    assert found.all == learn(clips)
    assert found.annotators == {}
    assert min(found.without["01"].annotator.bias) > 0.19
    assert max(found.without["02"].annotator.bias) < 0.05


def test_annotators_are_learned_apart():
    errors = np.random.default_rng(7).normal(0, 0.05, (60, 3))
    errors[30:] += 0.3
    clips, subjects = seen(errors), [f"{n // 5:02d}" for n in range(60)]
    names = ["early"] * 30 + ["late"] * 30
    found = learn_dataset(subjects, clips, names)
    assert max(found.without["00"].annotator.bias) < 0.05
    assert min(found.without["11"].annotator.bias) > 0.19
    assert found.without["00"].shapes == learn(clips[5:]).shapes
    assert found.annotators["late"] == learn(clips[30:]).annotator
    together = learn_dataset(subjects, clips, ["one"] * 60)
    assert together == learn_dataset(subjects, clips)
    assert 0.05 < min(together.without["00"].annotator.bias) < 0.2
    again = json.loads(json.dumps(asdict(found)))
    assert LearnedDataset.from_dict(again) == found


def test_an_annotator_of_few_clips_is_taken_for_all():
    errors = np.random.default_rng(8).normal(0, 0.05, (40, 3))
    subjects = [f"{n // 4:02d}" for n in range(40)]
    few = LEAST_CLIPS + 3  # of the subjects' four clips each
    found = learn_dataset(subjects, seen(errors), ["B"] * few + ["A"] * (40 - few))
    assert found.without["00"] == learn_dataset(subjects, seen(errors)).without["00"]


def test_a_small_bias_is_taken_for_nothing():
    errors = np.random.default_rng(4).normal((0.03, -0.02, 0.4), 0.05, (60, 3))
    onset, apex, offset = learn(seen(errors)).annotator.bias
    assert onset == apex == 0
    assert 0.32 < offset < 0.4


def test_shapes_are_learned():
    shape = (0.2, 0.0, 0.1, 0.1, 1.0, 0.9)
    errors = np.random.default_rng(5).normal(0, 0.1, (60, 3))
    shapes = learn(seen(errors, shape=shape)).shapes
    assert shapes.mean == pytest.approx(shape, abs=0.12)
    assert np.all(np.array(shapes.deviation) < USUAL.deviation)
    few = learn(seen(errors[:LEAST_CLIPS], shape=shape)).shapes  # count less against the usual
    assert few.mean[2] > shapes.mean[2]


def test_what_is_learned_survives_json():
    learned = learn(seen(np.random.default_rng(6).normal(0.1, 0.1, (20, 3))))
    assert Learned.from_dict(json.loads(json.dumps(asdict(learned)))) == learned


def test_too_few_clips_leave_the_fixed_errors():
    clips = seen(np.zeros((LEAST_CLIPS - 1, 3)))
    assert learn(clips) == Learned()
    assert learn_dataset(["01"] * 11 + ["02"], [*clips, clips[0]]).without["01"] == Learned()


def test_phases_do_not_vanish_with_a_wrong_apex():
    assert phase_lengths(np.array([100, 101, 172])).min() > 15
    assert phase_lengths(np.array([100, 132, 172])) == pytest.approx([32.2, 32.2, 39.8])


def motion(annotated, noise=0.02):
    """A clip whose true key frames are `TRUE`, as measured under the wide prior."""
    usual = usual_phases([(100, 130, 170)])
    times, keys = np.arange(60, 211), np.array(annotated)
    level = strength(np.array([[*TRUE, *USUAL.mean]]), times)[0]
    level = level + noise * np.random.default_rng(5).normal(0, 1, len(times))
    posterior = fit_course(level, times, Expected(keys, usual.wide(keys)))
    return AnnotatedMotion(KeyFrames(*annotated), usual, times, level, posterior)


def prior(width, bias=(0.0, 0.0, 0.0)):
    return Learned(Annotator(bias, (width,) * 3))


@pytest.fixture(scope="module")
def noisy():
    """A clip whose motion hardly locates its key frames."""
    return motion((101, 129, 168), noise=0.3)


def test_an_exact_annotator_narrows_the_intervals(noisy):
    usual, exact = noisy.under(Learned()).keys, noisy.under(prior(0.03)).keys
    lengths = [[high - low for low, high in keys.intervals] for keys in (usual, exact)]
    assert np.all(np.array(lengths[1]) < lengths[0])
    assert np.abs(np.array(exact.numbers) - (101, 129, 168)).max() <= 1


def test_a_wild_label_of_an_exact_annotator_is_corrected():
    keys = motion((100, 130, 210)).under(prior(0.03)).keys
    assert keys.offset == pytest.approx(170, abs=4)
    assert "offset" not in keys.kept


def test_a_bias_moves_key_frames_that_the_motion_leaves_open(noisy):
    late = noisy.under(prior(0.1, bias=(0.0, 0.0, 0.25))).keys
    assert late.offset < noisy.under(prior(0.1)).keys.offset - 4


def test_shapes_move_key_frames_that_the_motion_leaves_open(noisy):
    soft, hard = (
        noisy.under(Learned(shapes=Shapes((*USUAL.mean[:4], faint, 0.0), (0.05,) * 6))).keys
        for faint in (1.2, 0.0)
    )
    assert soft.offset > hard.offset


def test_the_fit_does_not_depend_on_where_it_starts():
    clip = motion((103, 127, 175), noise=0.1)
    learned = prior(0.15)
    expected = learned.expected(np.array(clip.annotated.numbers), clip.usual)
    again = fit_course(clip.level, clip.times, expected)
    found = clip.under(learned)
    assert found.posterior.middle() == pytest.approx(again.middle(), abs=1.0)
    assert found.posterior.spread == pytest.approx(again.spread, rel=0.35)
    assert found.course == pytest.approx(again.course, abs=0.05)


def test_broad_posteriors_are_uncertain(noisy):
    assert motion((100, 130, 170)).under(Learned()).keys.uncertain == ()
    assert "offset" in noisy.under(prior(0.4)).keys.uncertain
