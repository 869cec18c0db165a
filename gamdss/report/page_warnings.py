"""What a reader of the page must know before believing its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gamdss.report.page import Warn
from gamdss.report.tables import judged_by, judged_epoch

MOST_NAMED = 12
FEW_CLIPS = 10


def warnings(
    results: Mapping[str, Any],
    config: Mapping[str, Any],
    clips: Sequence[Mapping[str, str]],
    key_frames: Sequence[Mapping[str, str]],
    composition: Sequence[Mapping[str, str]],
) -> list[Warn]:
    """Everything that applies to this run, the gravest first.

    Args:
        results: values of `results.json`.
        config: the run's config, nested.
        clips: rows of `annotations.csv`.
        key_frames: rows of `keyframes.csv`.
        composition: rows of `composition.csv`.
    """
    found = [
        _made(results),
        _oracle(results),
        _treatment(config),
        _classes(results),
        _corrections(clips),
        _notes(key_frames),
        _kept(key_frames),
        _published(composition),
    ]
    return [warning for warning in found if warning is not None]


def _made(results: Mapping[str, Any]) -> Warn | None:
    if not results["synthetic"]:
        return None
    return Warn(
        "The clips are made, not recorded.",
        "The scores show that everything works, and nothing about real faces.",
    )


def _oracle(results: Mapping[str, Any]) -> Warn | None:
    judged, oracle = judged_by(results), results["oracle"]
    gap = oracle["uf1"] - judged["uf1"]
    if gap < 0.005:
        return None
    return Warn(
        f"Choosing epochs on the held-out subjects would add {gap:.3f} to UF1.",
        f"The oracle's {oracle['uf1']:.3f} compares with published figures chosen that way; the "
        f"result is the {judged_epoch(results)}'s {judged['uf1']:.3f}.",
    )


def _treatment(config: Mapping[str, Any]) -> Warn | None:
    if config["reselection"]["clips"] == "all" or config["reselection"]["preset"] == "none":
        return None
    return Warn(
        "Held-out clips use annotated key frames, training clips reselected ones.",
        "This is what the release did (reselection.clips: training).",
    )


def _classes(results: Mapping[str, Any]) -> Warn | None:
    few = [
        f"{name}: {scores['support']} clip(s), recall {scores['recall']:.2f}"
        for name, scores in judged_by(results)["per_class"].items()
        if scores["support"] < FEW_CLIPS
    ]
    if not few:
        return None
    return Warn(
        f"{len(few)} class(es) have fewer than {FEW_CLIPS} clips.",
        "One clip more or less moves their recall, and with it UF1 and UAR, by a visible step.",
        few,
    )


def _corrections(clips: Sequence[Mapping[str, str]]) -> Warn | None:
    items = [_line(row, row["correction"]) for row in clips if row["correction"]]
    if not items:
        return None
    return Warn(
        f"Known mistakes of the workbook were corrected in {len(items)} clip(s).",
        "--corrections false leaves them.",
        _shortened(items, "Data"),
    )


def _notes(key_frames: Sequence[Mapping[str, str]]) -> Warn | None:
    items = [_line(row, row["notes"]) for row in key_frames if row["notes"]]
    if not items:
        return None
    return Warn(
        f"Key frames of {len(items)} clip(s) were mended or could not be searched in full.",
        "Missing apexes, missing frames:",
        _shortened(items, "keyframes.csv"),
    )


def _kept(key_frames: Sequence[Mapping[str, str]]) -> Warn | None:
    clips = sum(bool(row["kept"]) for row in key_frames)
    if not clips:
        return None
    return Warn(
        f"In {clips} of {len(key_frames)} clips, key frames stay as annotated.",
        "The motion does not tell them better than the annotation (keyframes.csv: kept).",
    )


def _published(composition: Sequence[Mapping[str, str]]) -> Warn | None:
    items = [
        f"{row['dataset']}, {row['class']}: {row['clips']} here, {row['published']} published"
        for row in composition
        if row["published"] and row["published"] != row["clips"]
    ]
    if not items:
        return None
    return Warn(
        "The clips are not those of the published protocol.",
        "Scores on other clips do not compare with published ones.",
        items,
    )


def _line(row: Mapping[str, str], words: str) -> str:
    return f"{row['subject']}/{row['clip']}: {words}"


def _shortened(items: Sequence[str], where: str) -> list[str]:
    more = len(items) - MOST_NAMED
    return [*items[:MOST_NAMED], *([f"and {more} more (see {where})"] if more > 0 else [])]
