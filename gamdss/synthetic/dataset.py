"""Write a made dataset in a dataset's native layout: workbook, folders, frames, ground truth."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from filelock import FileLock
from tqdm import tqdm

from gamdss.data.specs import DatasetSpec, get_spec
from gamdss.data.truth import GROUND_TRUTH, MANIFEST
from gamdss.errors import RunError
from gamdss.files import unwritable
from gamdss.synthetic.clip import draw_clip
from gamdss.synthetic.face import Face, render_face
from gamdss.synthetic.faults import PLANTED, plant, write_planted
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.native import MadeRow, Plan, made_row, table, write_table
from gamdss.synthetic.settings import SynthConfig

GROUPS = "groups.csv"
TRUE_ANNOTATION = "true_annotation"  # folder of the workbook as a perfect annotator writes it
# Streams of random numbers: each person and clip has its own, whatever is drawn beside it.
_PERSON, _CLIP = range(2)


def write_dataset(root: Path, config: SynthConfig, progress: bool = True) -> Path:
    """Make the dataset at `root`, or leave it if it is there already; returns `root`.

    It is made under another name and moved into place when it is whole.

    Raises:
        RunError: the folder cannot be written, or holds something else.
    """
    values = {name: value for name, value in asdict(config).items() if name != "workers"}
    manifest = yaml.safe_dump(_plain(values), sort_keys=False)
    partial = root.with_name(f".{root.name}.partial")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(root.with_name(f".{root.name}.lock")):
            if _is_there(root, manifest):
                return root
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            _write(partial, config, progress)
            (partial / MANIFEST).write_text(manifest, encoding="utf-8")
            if root.exists():
                root.rmdir()
            os.replace(partial, root)
    except OSError as error:
        raise unwritable(root, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return root


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _is_there(root: Path, manifest: str) -> bool:
    """Whether `root` is this very dataset; an error if it is something else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    file = root / MANIFEST
    if file.is_file() and file.read_text(encoding="utf-8") == manifest:
        return True
    what = "a made dataset with other settings" if file.is_file() else "something else"
    raise RunError(
        f"there is {what} already", file=root, remedy="Choose another folder, or remove this one."
    )


def _write(root: Path, config: SynthConfig, progress: bool) -> None:
    spec = get_spec(config.dataset)
    fps = config.fps or spec.fps or 100.0
    rows: list[MadeRow] = []
    total = config.subjects * config.clips_per_subject
    with (
        ThreadPoolExecutor(config.workers or os.cpu_count()) as pool,
        tqdm(total=total, desc="making clips", unit="clip", disable=not progress) as bar,
    ):
        for subject, plans in _plans(spec, config):
            person = np.random.default_rng((config.seed, _PERSON, subject))
            face = render_face(draw_identity(person), config.height, config.width)
            own = _annotated_by(config, subject)
            jobs = [pool.submit(_write_clip, root, spec, face, p, own, fps) for p in plans]
            for job in jobs:
                rows.append(job.result())
                bar.update()
    lines = table(spec, rows)
    if config.faults:
        planted = plant(root, spec, config, rows, lines)
        write_planted(root / PLANTED, planted)
    write_table(root, spec, lines)
    write_table(root / TRUE_ANNOTATION, spec, table(spec, [_truly(row) for row in rows]))
    _write_truth(root / GROUND_TRUTH, rows, fps)
    _write_groups(root / GROUPS, rows)


def _truly(row: MadeRow) -> MadeRow:
    """The clip with its true key frames as annotation."""
    return replace(row, clip=replace(row.clip, annotated=row.made.course.true))


def _annotated_by(config: SynthConfig, subject: int) -> SynthConfig:
    """The settings of a subject's annotator: group B's labels offsets later."""
    late = config.offset_bias + (config.late_group if subject % 2 == 0 else 0.0)
    return replace(config, offset_bias=max(-1.0, min(1.0, late)))


def _plans(spec: DatasetSpec, config: SynthConfig) -> Iterator[tuple[int, list[Plan]]]:
    emotions = config.emotions or list(next(iter(spec.tasks.values())).emotions)
    for subject in range(1, config.subjects + 1):
        plans = []
        for index in range(config.clips_per_subject):
            # Each round of clips shows every emotion once; subjects start at different ones.
            emotion = emotions[(index + subject) % len(emotions)]
            plans.append(Plan(subject, index, emotion, (config.seed, _CLIP, subject, index)))
        yield subject, plans


def _write_clip(
    root: Path, spec: DatasetSpec, face: Face, plan: Plan, config: SynthConfig, fps: float
) -> MadeRow:
    drawn = draw_clip(face, plan.emotion, config, fps, np.random.default_rng(plan.seed))
    row = made_row(spec, plan, drawn)
    layout = spec.layout(config.layout or next(iter(spec.layouts)))
    names = row.clip.path_names
    folder = root / layout.native.format(**names)
    folder.mkdir(parents=True, exist_ok=layout.whole_video)
    quality = [cv2.IMWRITE_JPEG_QUALITY, config.jpeg_quality]
    for number, frame in row.made.frames():
        file = folder / layout.file.format(frame=number, **names)
        image = frame if spec.colour else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        done, data = cv2.imencode(file.suffix, image, quality if file.suffix == ".jpg" else [])
        assert done
        file.write_bytes(data.tobytes())
    return row


def _write_truth(path: Path, rows: list[MadeRow], fps: float) -> None:
    header = ("subject", "clip", "emotion", "action_units", "fps", "amplitude")
    keys = ("onset", "apex", "offset")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow((*header, *keys, *(f"annotated_{key}" for key in keys)))
        for row in rows:
            clip, made = row.clip, row.made
            about = (clip.subject, clip.name, clip.emotion, made.expression.code, fps)
            numbers = (*made.course.true.numbers, *made.annotated.numbers)
            writer.writerow((*about, f"{made.amplitude:.3f}", *numbers))


def _write_groups(path: Path, rows: list[MadeRow]) -> None:
    people = {row.clip.subject: "AB"[row.plan.subject % 2 == 0] for row in rows}
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("subject", "group"), *people.items()])
