"""The statistics on sampled numbers, whose bias and spread are known."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from gamdss.records import KEYS, Clip, KeyFrames
from gamdss.reselection.motion.annotator import FIXED, Annotator
from gamdss.reselection.motion.course import Posterior
from gamdss.studies.bias import (
    Grouping,
    bias_of_groups,
    compare_groups,
    join_shifts,
    measure_shifts,
    offsets_against,
    pool,
)
from gamdss.studies.bias.pooling import annotation_errors, interval, moments, p_value
from gamdss.studies.bias.significance import holm, signed_ranks
from gamdss.studies.bias.study import study_shifts

NORMAL = stats.norm.ppf((np.arange(800) + 0.5) / 800)


def stated(middle, sd):
    """Whole frames that `motion` states for Gaussian samples."""
    samples = middle + sd * NORMAL[:, None]
    return Posterior(samples, np.zeros(1), np.ones(3), np.arange(5001)).intervals()


def table(
    bias=(0, 0, 0),
    spread=(0.1, 0.1, 0.1),
    uncertainty=0.5,
    subjects=12,
    each=8,
    dataset="cas2",
    seed=0,
    phases=None,
    annotator=FIXED,
):
    """Clips as `motion` would measure them, its uncertainty a share of the annotation's prior."""
    rng = np.random.default_rng(seed)
    clips, found = [], []
    for i in range(subjects * each):
        rise, fall = (100, 200) if phases is None else rng.integers(*phases, 2)
        annotated = np.array((1000, 1000 + rise, 1000 + rise + fall))
        lengths = np.array((rise, rise, fall))
        error = rng.normal(bias, spread) * lengths
        expected, prior = annotator.prior(annotated)
        noise = prior * uncertainty / np.sqrt(1 - uncertainty**2)
        seen = annotated - error + rng.normal(0, noise)
        middle = expected + (seen - expected) * (1 - uncertainty**2)
        ends = stated(middle, prior * uncertainty)
        numbers = tuple(int(m) for m in np.round(middle))
        person = f"{i % subjects:02d}"
        clips.append(Clip(dataset, person, f"c{i}", KeyFrames(*map(int, annotated)), "joy"))
        found.append(KeyFrames(*numbers, intervals=ends))
    return measure_shifts(clips, found, 200, [annotator] * len(clips))


def by_dataset(shifts):
    return Grouping("dataset", shifts.dataset)


def percent(found, key):
    return next(b for b in found if b.key == key).pooled["percent"]


@pytest.mark.parametrize("planted", [-0.2, 0.0, 0.1])
def test_a_learned_prior_is_not_taken_for_what_the_clips_show(planted):
    learned = Annotator(bias=(0, 0, 0.25), width=(0.1, 0.1, 0.1))
    bias = (0, 0, planted)
    shifts = table(bias, (0.1, 0.1, 0.1), 0.6, subjects=30, seed=8, annotator=learned)
    got = percent(bias_of_groups(shifts, [by_dataset(shifts)], draws=500), "offset")
    assert got.mean_interval[0] <= 100 * planted <= got.mean_interval[1]
    assert abs(got.mean - 100 * planted) < 4


def test_clips_that_show_nothing_but_a_learned_bias_do_not_count():
    learned = Annotator(bias=(0, 0, 0.25), width=(0.1, 0.1, 0.1))
    value, variance = annotation_errors(table(uncertainty=0.99, annotator=learned))
    assert np.isnan(value[:, 2]).all()
    assert np.isnan(variance[:, 2]).all()
    assert np.isfinite(value[:, :2]).all()  # no bias is expected there, so that nothing is echoed


@pytest.mark.parametrize("uncertainty", [0.2, 0.5, 0.75])
def test_planted_bias_and_spread_are_recovered_at_any_uncertainty(uncertainty):
    shifts = table((0.05, 0, -0.2), (0.08, 0.12, 0.2), uncertainty, subjects=30, seed=8)
    found = bias_of_groups(shifts, [by_dataset(shifts)], draws=500)
    for key, mean, spread in zip(KEYS, (5, 0, -20), (8, 12, 20), strict=True):
        got = percent(found, key)
        assert got.mean_interval[0] <= mean <= got.mean_interval[1]
        assert got.spread_interval[0] <= spread <= got.spread_interval[1]
        assert abs(got.mean - mean) < 4
        assert got.mean_interval[1] - got.mean_interval[0] < 12
    frames = next(b for b in found if b.key == "offset").pooled["frames"]
    ms = next(b for b in found if b.key == "offset").pooled["ms"]
    assert ms.mean == pytest.approx(frames.mean * 5)


@pytest.mark.slow
@pytest.mark.parametrize(("phases", "off"), [((6, 13), 8), ((8, 13), 5), ((12, 20), 4)])
@pytest.mark.parametrize("uncertainty", [0.4, 0.6])
def test_spread_is_recovered_where_phases_have_few_frames(phases, off, uncertainty):
    # Whole frames show little of an uncertainty below a frame: the fewer, the less exact.
    spreads = []
    for seed in (9, 10, 11):
        shifts = table(
            (0, 0, 0), (0.2, 0.2, 0.2), uncertainty, subjects=40, phases=phases, seed=seed
        )
        value, variance = (part / shifts.phases for part in annotation_errors(shifts))
        variance /= shifts.phases
        for k in range(3):
            mean, spread = moments(value[:, k], variance[:, k], np.ones((1, len(shifts))))
            assert abs(100 * mean[0]) < 4
            spreads.append(100 * spread[0])
    assert max(np.abs(np.array(spreads) - 20)) < off
    assert np.mean(spreads) > 19


@pytest.mark.parametrize("sd", [0.7, 1.0, 1.5, 2.5, 5.0])
def test_the_uncertainty_behind_whole_frames_is_recovered(sd):
    keys = KeyFrames(1000, 1060, 1120)
    prior = FIXED.prior(np.array(keys.numbers))[1]
    rng = np.random.default_rng(4)
    sds = sd * rng.uniform(0.75, 1.25, 300)
    middles = np.array(keys.numbers) + rng.uniform(-5, 5, (300, 1))
    found = [
        KeyFrames(*keys.numbers, intervals=stated(*both)) for both in zip(middles, sds, strict=True)
    ]
    clips = [Clip("cas2", "01", str(i), keys, "joy") for i in range(300)]
    variance = annotation_errors(measure_shifts(clips, found, 200))[1]
    # `variance` is of the clip alone; with the prior it is that of the samples.
    got = np.sqrt(1 / (1 / variance + 1 / prior**2)).mean(axis=0)
    assert got == pytest.approx(np.full(3, sds.mean()), rel=0.2)


def test_the_raw_mean_understates_a_bias_since_shifts_are_pulled_to_the_annotation():
    shifts = table((0, 0, 0.2), uncertainty=0.7, subjects=30)
    offset = bias_of_groups(shifts, [by_dataset(shifts)], draws=200)[2]
    assert offset.raw["percent"].mean == pytest.approx(20 * (1 - 0.49), abs=2)
    assert offset.pooled["percent"].mean == pytest.approx(20, abs=4)


@pytest.mark.slow
def test_intervals_cover_as_often_as_they_say():
    inside, spreads = [], []
    for seed in range(30):
        shifts = table((0, 0, 0.1), (0.1, 0.1, 0.15), subjects=8, each=3, seed=seed)
        found = bias_of_groups(shifts, [by_dataset(shifts)], draws=300)
        for key, mean, spread in zip(KEYS, (0, 0, 10), (10, 10, 15), strict=True):
            low, high = percent(found, key).mean_interval
            inside.append(low <= mean <= high)
            low, high = percent(found, key).spread_interval
            spreads.append(low <= spread <= high)
    assert 0.9 <= np.mean(inside) <= 0.995
    assert np.mean(spreads) >= 0.85


def test_pooling_agrees_with_statsmodels():
    rng = np.random.default_rng(1)
    variances = rng.uniform(0.5, 4, 200)
    values = rng.normal(1, 2, 200) + rng.normal(0, np.sqrt(variances))
    theirs = combine_effects(values, variances, method_re="iterated")
    ours = pool(values, variances, np.arange(200), draws=500)
    assert ours.mean == pytest.approx(theirs.mean_effect_re, abs=0.01)
    assert ours.spread**2 == pytest.approx(theirs.tau2, rel=0.03)
    half = (ours.mean_interval[1] - ours.mean_interval[0]) / 2
    assert half == pytest.approx(1.96 * theirs.sd_eff_w_re, rel=0.15)


def test_subjects_who_differ_widen_the_interval():
    rng = np.random.default_rng(2)
    people = np.repeat(np.arange(10), 20)
    values = rng.normal(0, 1, 10)[people] + rng.normal(0, 0.1, 200)
    clustered = pool(values, np.zeros(200), people)
    alone = pool(values, np.zeros(200), np.arange(200))
    assert np.diff(clustered.mean_interval) > 3 * np.diff(alone.mean_interval)


def test_few_subjects_who_agree_by_chance_do_not_narrow_it():
    values = np.tile([-1.0, 1.0, -2.0, 2.0], 4)
    agree = pool(values, np.zeros(16), np.repeat(["a", "b", "c", "d"], 4))
    low, high = agree.mean_interval
    assert low < -0.7
    assert high > 0.7


@pytest.mark.parametrize(("people", "alone"), [("a", True), ("ab", True), ("abc", False)])
def test_few_clips_have_a_mean_and_no_spread_and_no_interval(people, alone):
    one = pool(np.full(len(people), 3.0), np.ones(len(people)), np.array([*people]), 50, alone)
    assert one.mean == pytest.approx(3)
    assert np.isnan([one.spread, *one.mean_interval, *one.spread_interval]).all()


def test_few_subjects_have_no_interval_unless_it_is_of_one_alone():
    values = np.random.default_rng(0).normal(0, 5, 24)
    for people in (np.zeros(24), np.arange(24) % 2, np.arange(24) % 3):
        few = pool(values, np.ones(24), people, 200)
        assert few.spread > 0
        assert np.isnan([*few.mean_interval, *few.spread_interval]).all()
        assert np.isnan(p_value(few.mean, few.means, few.units))
    alone = pool(values, np.ones(24), np.zeros(24), 200, alone=True)
    assert alone.mean_interval[0] < alone.mean < alone.mean_interval[1]
    assert (alone.subjects, alone.units) == (1, (24, 24))


def test_a_spread_that_no_draw_shows_has_no_interval():
    same = pool(np.full(8, 3.0), np.ones(8), np.arange(8), 200)
    assert same.spread == pytest.approx(0, abs=1e-9)
    assert np.isnan(same.spread_interval).all()


def test_nothing_is_no_error():
    none = pool(np.array([np.nan]), np.array([np.nan]), np.array(["a"]))
    assert none.clips == 0
    assert np.isnan(none.mean)


@pytest.mark.slow
def test_more_uncertain_offsets_are_found_and_equal_ones_are_not():
    worse = table(spread=(0.08, 0.08, 0.25), subjects=20, seed=3)
    same = table(spread=(0.1, 0.1, 0.1), subjects=20, dataset="samm", seed=4)
    tests = offsets_against(join_shifts([worse, same]), draws=1000)
    assert len(tests) == 8
    verdicts = {(t.dataset, t.other, t.unit): t.verdict for t in tests}
    assert verdicts["cas2", "onset", "percent"] == "more uncertain"
    assert verdicts["cas2", "apex", "percent"] == "more uncertain"
    assert verdicts["samm", "onset", "percent"] == "not shown"
    assert verdicts["samm", "apex", "percent"] == "not shown"
    first = next(t for t in tests if (t.dataset, t.other, t.unit) == ("cas2", "onset", "percent"))
    assert first.excess_interval[0] <= 17 <= first.excess_interval[1]
    assert first.rank_biserial > 0.3
    assert first.wilcoxon_holm < 0.01
    # A falling phase of twice the length makes the same share twice the time.
    longer = next(t for t in tests if (t.dataset, t.other, t.unit) == ("samm", "onset", "ms"))
    assert longer.excess_interval[0] <= 50 <= longer.excess_interval[1]
    assert longer.excess > 25


def test_too_few_clips_have_no_verdict():
    tests = offsets_against(table(subjects=2, each=2))
    assert {t.verdict for t in tests} == {"too few clips"}
    tests = offsets_against(table(spread=(0.02, 0.02, 0.3), subjects=3), draws=100)
    assert {t.verdict for t in tests} == {"too few subjects"}


def test_groups_of_few_subjects_are_not_compared():
    parts = [table((0, 0, 0), subjects=3), table((0, 0, 0.4), subjects=3, dataset="samm", seed=6)]
    shifts = join_shifts(parts)
    assert not compare_groups(shifts, [by_dataset(shifts)], draws=50)


def of_people(bias, people, seed, each=10):
    """Shifts of groups (A, B, ...) of `people`, whose bias is `bias` frames of 120; people differ.

    Between people, biases differ as much as clips of one person do.
    """
    rng = np.random.default_rng(seed)
    given, found, groups = [], [], []
    for name, late, count in zip("ABC", bias, people, strict=False):
        for person in range(count):
            own = rng.normal((0, 0, late), 8)
            for clip in range(each):
                numbers = np.array([100, 200, 320])
                moved = np.round(numbers - own - rng.normal(0, 8, 3)).astype(int)
                keys = KeyFrames(*map(int, numbers))
                given.append(Clip("cas2", f"{name}{person}", f"c{clip}", keys, "joy"))
                found.append(KeyFrames(*map(int, moved)))
                groups.append(name)
    return measure_shifts(given, found, 200), Grouping("coder", np.array(groups))


# Seeds with which rank tests of clips, and an interval over subjects that is not corrected, found
# a difference.
@pytest.mark.parametrize(
    ("people", "seeds"),
    [((10, 10), (4, 6, 8, 21)), ((4, 12), (0, 6, 7, 23)), ((6, 5, 4), (6, 8, 10, 14))],
)
def test_people_who_differ_are_no_difference_between_groups(people, seeds):
    for seed in seeds:
        shifts, coder = of_people((0, 0, 0), people, seed)
        found = compare_groups(shifts, [coder], draws=100)
        assert len(found) == 3 * (len(people) * (len(people) - 1)) // 2
        assert not any(d.differs for d in found)


@pytest.mark.parametrize("people", [(10, 10), (8, 12, 10)])
def test_a_difference_between_groups_is_found_although_people_differ(people):
    shifts, coder = of_people((24, 0, 0), people, 2)
    found = compare_groups(shifts, [coder], draws=200)
    assert {(d.key, d.a, d.b) for d in found if d.differs} == {
        ("offset", "A", b) for b in "BC"[: len(people) - 1]
    }
    first = next(d for d in found if d.differs)
    assert first.subjects == people[:2]
    assert first.bias_interval[0] <= 100 * 24 / 120 <= first.bias_interval[1]


@pytest.mark.slow
def test_groups_that_differ_are_found_and_others_are_not():
    shifts = join_shifts(
        [
            table((0, 0, 0), subjects=10, seed=5),
            table((0, 0, 0.2), subjects=10, dataset="samm", seed=6),
            table((0, 0, 0), subjects=10, dataset="smic", seed=7),
        ]
    )
    found = compare_groups(shifts, [by_dataset(shifts)], draws=500)
    assert len(found) == 9
    differ = {(d.key, d.a, d.b) for d in found if d.differs}
    assert differ == {("offset", "cas2", "samm"), ("offset", "samm", "smic")}
    pair = next(d for d in found if d.differs)
    assert pair.holm < 0.001
    assert pair.bias_interval[0] <= -20 <= pair.bias_interval[1]
    assert min(d.holm for d in found if d.key != "offset") > 0.05


@pytest.mark.slow
def test_holm_of_the_textbook():
    # Holm, Scandinavian Journal of Statistics 6, 1979: p times tests left, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    kept = holm([0.01, float("nan"), 0.04])
    assert kept[0::2] == pytest.approx([0.02, 0.04])
    assert np.isnan(kept[1])


def test_wilcoxon_of_the_textbook():
    # Darwin's maize, as R. A. Fisher and many since: W = 24 of 120, two-sided p = 0.0413.
    maize = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)
    p, effect = signed_ranks(maize)
    assert p == pytest.approx(0.0413, abs=5e-4)
    assert effect == pytest.approx((96 - 24) / 120)
    assert np.isnan(signed_ranks(np.zeros(4))).all()


def test_small_parts():
    many = (1000, 1000)
    drawn = np.random.default_rng(0).normal(2, 1, (2, 4000))
    assert p_value(2, drawn, many) == pytest.approx(2 * stats.norm.sf(2), rel=0.1)
    assert p_value(2, drawn, (5, 1000)) > 0.1
    assert p_value(0, drawn, many) == 1
    assert np.isnan(interval(1, np.ones((2, 10)), (1, 1))).all()
    draws = np.stack([np.linspace(-1, 1, 9999)] * 2)
    narrow, wide = (np.diff(interval(0, draws, (n, 1000))) for n in (1000, 5))
    assert wide > narrow


def test_without_intervals_shifts_are_exact():
    clips = [Clip("cas2", "01", str(i), KeyFrames(10, 20, 40), "joy") for i in range(3)]
    shifts = measure_shifts(clips, [KeyFrames(11, 19, 38)] * 3, 0)
    value, variance = annotation_errors(shifts)
    assert value.tolist() == [[-1, 1, 2]] * 3
    assert not variance.any()
    assert np.isnan(shifts.scale("ms")).all()


def test_groupings_of_one_table_are_corrected_together():
    shifts = table(seed=3)
    groupings = [
        Grouping(f"column {n}", np.array(["ab"[(int(p) >> n) % 2] for p in shifts.subject]))
        for n in range(4)
    ]
    apart = [d for grouping in groupings for d in compare_groups(shifts, [grouping], draws=50)]
    together = compare_groups(shifts, groupings, draws=50)
    assert [d.holm for d in together] == holm([d.p for d in apart])
    assert min(d.holm for d in together) > min(d.holm for d in apart)
    study = study_shifts("table", shifts, groupings, draws=50)
    assert [d.holm for d in study.differences][-12:] == [d.holm for d in together]
