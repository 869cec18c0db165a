"""What a reader of the page must know before relying on its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gamdss.config import Config
from gamdss.records import RELIABLE
from gamdss.report.page import Warn
from gamdss.report.tables import epoch_name
from gamdss.report.unit_tables import measure_titles, undefined_units
from gamdss.training.results import RunResults, seen_note

MOST_NAMED = 12
FEW_CLIPS = 10


def warnings(
    results: RunResults,
    config: Config,
    clips: Sequence[Mapping[str, str]],
    key_frames: Sequence[Mapping[str, str]],
    composition: Sequence[Mapping[str, str]],
) -> list[Warn]:
    """Every warning that applies to this run, the most serious first.

    Args:
        results: of the run.
        config: the run's config.
        clips: rows of `annotations.csv`.
        key_frames: rows of `keyframes.csv`.
        composition: rows of `composition.csv`.
    """
    found = [_seen(results), _synthetic(results)]
    if results.scored:
        found += [_oracle(results), _treatment(config), _undefined(results), _classes(results)]
    found += [_corrections(clips), _notes(key_frames), _kept(key_frames), _unreliable(key_frames)]
    found.append(_published(composition))
    return [warning for warning in found if warning is not None]


def _synthetic(results: RunResults) -> Warn | None:
    text = "The scores show that everything works, and say nothing about real faces."
    return Warn("The clips are synthetic.", text) if results.synthetic else None


def _seen(results: RunResults) -> Warn | None:
    title = "The initial weights had seen held-out subjects."
    return Warn(title, seen_note(results)) if results.seen else None


def _oracle(results: RunResults) -> Warn | None:
    found, oracle = results.evaluated, results.evaluations["oracle"]
    gap = oracle.uf1 - found.uf1
    if gap < 0.005:
        return None
    return Warn(
        f"Choosing epochs on the held-out subjects would add {gap:.3f} to "
        f"{measure_titles(results.task)['uf1']}.",
        f"The oracle's {oracle.uf1:.3f} compares with published figures chosen that way; the "
        f"result is the {epoch_name(results)}'s {found.uf1:.3f}.",
    )


def _treatment(config: Config) -> Warn | None:
    if config.reselection.test_draws:
        return Warn(
            f"Probabilities are averaged over {config.reselection.test_draws} draws of each "
            "clip's key frames.",
            "Pictures show the reselected key frames, for which the network alone may predict "
            "another class (reselection.test_draws).",
        )
    if config.reselection.clips == "all" or config.reselection.preset == "none":
        return None
    return Warn(
        "Held-out clips use annotated key frames, training clips reselected ones.",
        "This is what the release did (reselection.clips: training).",
    )


def _classes(results: RunResults) -> Warn | None:
    few = [
        f"{name}: {scores.support} clip(s), recall {scores.recall:.2f}"
        for name, scores in results.evaluated.per_class.items()
        if scores.recall is not None and scores.support < FEW_CLIPS
    ]
    titles = measure_titles(results.task)
    return _listed(
        f"{len(few)} {'action unit(s)' if results.of_units else 'class(es)'} have fewer than "
        f"{FEW_CLIPS} clips.",
        f"One clip more or less changes their recall, and with it {titles['uf1']} and "
        f"{titles['uar']}, by a visible step.",
        few,
    )


def _undefined(results: RunResults) -> Warn | None:
    if not results.of_units:
        return None
    found = undefined_units(results)
    return _listed(
        f"{len(found)} action unit(s) have no F1 and are in no mean.",
        "No fold has clips of them both to train on and to evaluate.",
        found,
    )


def _corrections(clips: Sequence[Mapping[str, str]]) -> Warn | None:
    items = _lines(clips, "correction")
    return _listed(
        f"Known mistakes in the workbook were corrected for {len(items)} clip(s).",
        "--corrections false keeps the workbook's values.",
        _shortened(items, "Data"),
    )


def _notes(key_frames: Sequence[Mapping[str, str]]) -> Warn | None:
    items = _lines(key_frames, "notes")
    return _listed(
        f"Key frames of {len(items)} clip(s) were substituted, or could not be fully searched.",
        "Apexes or frames are missing:",
        _shortened(items, "keyframes.csv"),
    )


def _kept(key_frames: Sequence[Mapping[str, str]]) -> Warn | None:
    clips = sum(bool(row["kept"]) for row in key_frames)
    title = f"In {clips} of {len(key_frames)} clips, key frames are unchanged."
    text = (
        "The motion does not locate them more precisely than the annotation (keyframes.csv: kept)."
    )
    return Warn(title, text) if clips else None


def _unreliable(key_frames: Sequence[Mapping[str, str]]) -> Warn | None:
    # Earlier versions wrote no quality.
    fits = [row for row in key_frames if row.get("quality")]
    weak = [row for row in fits if float(row["quality"]) < RELIABLE]
    return _listed(
        f"In {len(weak)} of {len(fits)} clips, the fit of the motion is unreliable.",
        f"Its course explains less than {RELIABLE:.0%} of the level's variance: key frames that it "
        "moved mean little (keyframes.csv: quality).",
        _shortened(_lines(weak, "quality"), "keyframes.csv"),
    )


def _published(composition: Sequence[Mapping[str, str]]) -> Warn | None:
    return _listed(
        "The clips are not those of the published protocol.",
        "Scores on other clips cannot be compared with published ones.",
        [
            f"{row['dataset']}, {row['class']}: {row['clips']} here, {row['published']} published"
            for row in composition
            if row["published"] and row["published"] != row["clips"]
        ],
    )


def _listed(title: str, text: str, items: Sequence[str]) -> Warn | None:
    """A warning about these items; None without any."""
    return Warn(title, text, items) if items else None


def _lines(rows: Sequence[Mapping[str, str]], column: str) -> list[str]:
    """What the rows of clips have in a column, where it is not empty."""
    return [f"{row['subject']}/{row['clip']}: {row[column]}" for row in rows if row[column]]


def _shortened(items: Sequence[str], where: str) -> list[str]:
    more = len(items) - MOST_NAMED
    return [*items[:MOST_NAMED], *([f"and {more} more (see {where})"] if more > 0 else [])]
