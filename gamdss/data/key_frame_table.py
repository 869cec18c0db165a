"""`keyframes.csv` and the tables beside it: what was read, and what was found."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from gamdss.data.annotations import write_annotations
from gamdss.data.composite import composition
from gamdss.data.dataset import Dataset
from gamdss.files import write_csv, write_json
from gamdss.records import APEX_PHASE, KEYS


def write_key_frames(path: Path, dataset: Dataset) -> None:
    """Write `keyframes.csv`: annotated and reselected frame numbers, difference, intervals, fit.

    The apex phase is that of an expression that is held, else blank.

    Its columns `kept`, `estimated`, `substituted` and `uncertain` name key frames as `KeyFrames`
    does. Beside it, `annotations.csv` has every clip as it was read and its corrections,
    `composition.csv` the number of clips of each dataset and class, with the published number, and
    `learned.json` what was learned of the annotation's errors and the courses, if anything was.
    """
    clips, found = dataset.annotations.clips, dataset.store.reselected_keys
    write_annotations(path.with_name("annotations.csv"), clips)
    counts = composition(dataset.annotations, dataset.expected)
    write_csv(
        path.with_name("composition.csv"), [("dataset", "class", "clips", "published"), *counts]
    )
    if dataset.learned:
        learned = {name: asdict(found) for name, found in dataset.learned.items()}
        write_json(path.with_name("learned.json"), learned)
    header = ["subject", "clip", "emotion"]
    header += [f"{when}_{name}" for when in ("annotated", "reselected") for name in KEYS]
    header += [f"{name}_shift" for name in KEYS]
    header += [f"{name}_{end}" for name in KEYS for end in ("low", "high")]
    header += APEX_PHASE
    how = ("kept", "estimated", "substituted", "uncertain")
    lines: list[list[Any]] = [[*header, "notes", *how, "quality"]]
    for clip, keys in zip(clips, found, strict=True):
        before, after = clip.annotated.numbers, keys.numbers
        shifts = [b - a for a, b in zip(before, after, strict=True)]
        ends = [str(end) for pair in keys.intervals for end in pair] or [""] * 6
        held = keys.apex_phase or ("", "")
        about = (clip.subject, clip.name, clip.emotion)
        which = [" ".join(getattr(keys, name)) for name in how]
        quality = "" if keys.quality is None else f"{keys.quality:.3f}"
        notes = "; ".join(keys.notes)
        lines.append([*about, *before, *after, *shifts, *ends, *held, notes, *which, quality])
    write_csv(path, lines)
