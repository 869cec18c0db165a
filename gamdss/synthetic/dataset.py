"""Write a synthetic dataset in a dataset's native layout: workbook, frames, ground truth."""

from __future__ import annotations

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
from loky import cpu_count
from tqdm import tqdm

from gamdss.checksums import file_checksum
from gamdss.config.changes import changes
from gamdss.data.specs import DatasetSpec, get_spec, is_spec_file
from gamdss.data.truth import GROUND_TRUTH, MANIFEST
from gamdss.errors import RunError
from gamdss.files import inside, unwritable
from gamdss.synthetic.clip import draw_clip
from gamdss.synthetic.face import Face, render_face
from gamdss.synthetic.faults import PLANTED, PlantedFault, plant
from gamdss.synthetic.identity import draw_identity
from gamdss.synthetic.native import (
    ClipPlan,
    WorkbookRow,
    check_names,
    named_lines,
    sheet_lines,
    workbook_row,
    write_lines,
    write_workbook,
)
from gamdss.synthetic.settings import GENERATOR, SynthConfig

GROUPS = "groups.csv"
TRUE_ANNOTATION = "true_annotation"  # folder of the workbook as a perfect annotator writes it
# Every person and every clip has a random stream of its own, independent of what else is drawn.
_PERSON, _CLIP = range(2)


def write_dataset(root: Path, config: SynthConfig, progress: bool = True) -> Path:
    """Write the dataset to `root` unless it exists already; returns `root`.

    It is written to a temporary folder and moved to `root` when complete.

    Raises:
        RunError: the folder cannot be written, or holds something else.
        ConfigError: there are fewer clips than faults to plant, or more than names for them.
    """
    plain = _plain(config)
    root = root.absolute()  # the working directory itself has no name
    partial = root.with_name(f".{root.name}.partial")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(root.with_name(f".{root.name}.lock")):
            if _exists(root, plain):
                return root
            try:
                _replace(root, partial, config, progress)
            finally:  # with the lock, without which it may be another process's
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise unwritable(root, error) from error
    return root


def _replace(root: Path, partial: Path, config: SynthConfig, progress: bool) -> None:
    """Write the dataset to `partial`, then move it to `root`, which is absent or empty."""
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    _write(partial, config, progress)
    manifest = yaml.safe_dump(_plain(config), sort_keys=False)
    (partial / MANIFEST).write_text(manifest, encoding="utf-8")
    if root.exists():
        root.rmdir()
    os.replace(partial, root)


def _plain(config: SynthConfig) -> dict[str, Any]:
    """The settings as YAML stores them, without `workers`, which does not affect the files.

    With the version of the generator, and the checksum of a custom spec, which decides how workbook
    and folders look.
    """
    values = {**asdict(config), "generator": GENERATOR}
    del values["workers"]
    if is_spec_file(config.dataset):
        values["spec"] = file_checksum(Path(config.dataset).expanduser())
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def _exists(root: Path, plain: dict[str, Any]) -> bool:
    """Whether `root` is this dataset; an error if it is something else.

    Settings that an earlier version did not have count as their defaults, with which nothing
    changed.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    file = root / MANIFEST
    stored = _stored(file) if file.is_file() else {}
    if stored and "spec" in plain:
        stored = {"spec": plain["spec"], **stored}
    if stored == plain:
        return True
    what = "a synthetic dataset with other settings" if file.is_file() else "something else"
    if stored:
        what += f" ({changes(stored, plain)})"
    raise RunError(
        f"the folder already holds {what}",
        file=root,
        remedy="Choose another folder, or remove this one.",
    )


def _stored(file: Path) -> dict[str, Any]:
    """The settings in a manifest; empty if it has none."""
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError):
        return {}
    # Manifests of the first version of the generator do not state it.
    defaults = {**_plain(SynthConfig()), "generator": 1}
    return {**defaults, **values} if isinstance(values, dict) else {}


def _write(root: Path, config: SynthConfig, progress: bool) -> None:
    spec = get_spec(config.dataset)
    fps = config.fps or spec.fps or 100.0
    rows: list[WorkbookRow] = []
    total = config.subjects * config.clips_per_subject
    with (
        ThreadPoolExecutor(config.workers or cpu_count()) as pool,
        tqdm(total=total, desc="writing clips", unit="clip", disable=not progress) as bar,
    ):
        for subject, plans in _plans(spec, config):
            person = np.random.default_rng((config.seed, _PERSON, subject))
            face = render_face(draw_identity(person), config.height, config.width)
            own = _with_annotator(config, subject)
            jobs = [pool.submit(_write_clip, root, spec, face, p, own, fps) for p in plans]
            for job in jobs:
                rows.append(job.result())
                bar.update()
    lines = sheet_lines(spec, rows)
    if config.faults:
        planted = plant(root, spec, config, rows, lines)
        write_lines(root / PLANTED, [PlantedFault._fields, *planted])
    write_workbook(root, spec, lines)
    write_workbook(root / TRUE_ANNOTATION, spec, named_lines(spec, [_true(row) for row in rows]))
    _write_truth(root / GROUND_TRUTH, rows, fps)
    groups = {row.clip.subject: "AB"[row.plan.subject % 2 == 0] for row in rows}
    write_lines(root / GROUPS, [("subject", "group"), *groups.items()])


def _true(row: WorkbookRow) -> WorkbookRow:
    """The clip annotated with its true key frames."""
    return replace(row, clip=replace(row.clip, annotated=row.drawn.course.true))


def _with_annotator(config: SynthConfig, subject: int) -> SynthConfig:
    """The settings with a subject's annotator: that of group B labels offsets later."""
    late = config.offset_bias + (config.late_group if subject % 2 == 0 else 0.0)
    return replace(config, offset_bias=max(-1.0, min(1.0, late)))


def _plans(spec: DatasetSpec, config: SynthConfig) -> Iterator[tuple[int, list[ClipPlan]]]:
    """Each subject's number and clips."""
    emotions = config.emotions or list(next(iter(spec.tasks.values())).emotions)
    for subject in range(1, config.subjects + 1):
        plans = []
        for index in range(config.clips_per_subject):
            # All emotions in turn; subjects start at different ones.
            emotion = emotions[(index + subject) % len(emotions)]
            plans.append(ClipPlan(subject, index, emotion, (config.seed, _CLIP, subject, index)))
        check_names(spec, plans)
        yield subject, plans


def _write_clip(
    root: Path, spec: DatasetSpec, face: Face, plan: ClipPlan, config: SynthConfig, fps: float
) -> WorkbookRow:
    drawn = draw_clip(face, plan.emotion, config, fps, np.random.default_rng(plan.seed))
    row = workbook_row(spec, plan, drawn, fps)
    layout = config.layout_of(spec)
    names = row.clip.path_names
    folder = inside(root, layout.native.format(**names), "the folder of a clip")
    folder.mkdir(parents=True, exist_ok=layout.whole_video)
    quality = [cv2.IMWRITE_JPEG_QUALITY, config.jpeg_quality]
    for number, frame in row.drawn.frames():
        file = inside(folder, layout.file.format(frame=number, **names), "the file of a frame")
        image = frame if spec.colour else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        done, data = cv2.imencode(file.suffix, image, quality if file.suffix == ".jpg" else [])
        assert done
        file.write_bytes(data.tobytes())
    return row


def _write_truth(path: Path, rows: list[WorkbookRow], fps: float) -> None:
    about: tuple[object, ...] = ("subject", "clip", "emotion", "action_units", "fps", "amplitude")
    keys: tuple[object, ...] = ("onset", "apex", "offset")
    lines = [(*about, *keys, *(f"annotated_{key}" for key in keys))]
    for row in rows:
        clip, drawn = row.clip, row.drawn
        about = (clip.subject, clip.name, clip.emotion, drawn.expression.code, fps)
        keys = (*drawn.course.true.numbers, *drawn.annotated.numbers)
        lines.append((*about, f"{drawn.amplitude:.3f}", *keys))
    write_lines(path, lines)
