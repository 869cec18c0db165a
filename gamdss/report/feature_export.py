"""Phase features of a dataset as files: the clips, a description, an index and a picture."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.clip_pool import clip_pool
from gamdss.data.composite import sources
from gamdss.data.dataset import listed_clips, no_data, read_clips
from gamdss.data.feature_files import FeatureJob, Written, feature_folder, write_features
from gamdss.data.key_frames import KeyFrameReader
from gamdss.data.specs import get_spec
from gamdss.features import FEATURES, scale
from gamdss.features.phase_features import feature_settings
from gamdss.files import write_csv
from gamdss.records import KEYS
from gamdss.report.feature_strip import clip_picture, draw_strip

INDEX, STRIP = "features.csv", "features.png"


def export_features(config: Config, output: Path, size: int, pictures: bool) -> list[Written]:
    """Write the features of every clip, their index and a picture of some clips; resumable.

    Args:
        config: datasets, task, reselection and features.
        output: the folder.
        size: height and width of the features in pixels; 0 keeps that of the frames.
        pictures: also draw the features of each clip.

    Returns:
        The result of each clip, in the order of the dataset.

    Raises:
        DataRootError, AnnotationError: the data is missing or unusable.
        ConfigError: the name of a clip cannot be that of a folder.
        RunError: the folder cannot be written, is in use, or contains other files or features.
    """
    jobs = _jobs(config, size)
    picture = clip_picture(config.features.name) if pictures else None
    found = []
    with feature_folder(output, _about(config, size)):
        with tqdm(total=len(jobs), desc="computing features", unit="clip") as bar:
            for written in write_features(jobs, output, picture, config.frames.workers):
                if written.problem is not None:
                    bar.write(f"failed: {written.problem.problem}", file=sys.stderr)
                found.append(written)
                bar.update()
        computed = [written for written in found if written.keys is not None]
        _write_index(output / INDEX, computed)
        if computed:
            draw_strip(output / STRIP, computed, config)
    return found


def _jobs(config: Config, size: int) -> list[FeatureJob]:
    """The clips of all datasets of the config; of several, folders begin with the dataset."""
    jobs = []
    parts = sources(config)
    for part in parts:
        spec = get_spec(part.dataset, part.annotations, part.data_root)
        part = replace(part, task=spec.task_or_widest(part.task))  # noqa: PLW2901
        spec.task(part.task)
        if part.data_root is None:
            raise no_data(spec)
        root = Path(part.data_root).expanduser()
        reader = KeyFrameReader(spec.colour, size, part.frames, part.reselection, part.features)
        annotations, clips = read_clips(part, spec, root)
        if reader.learns:
            with clip_pool(config.frames.workers, len(clips)) as pool:
                reader.learn(clips, pool, skip_broken=True)
        places, annotations = listed_clips(part, annotations)
        above = PurePosixPath(spec.name) if len(parts) > 1 else PurePosixPath()
        for number, place in enumerate(places):
            clip = clips[place].clip
            folder = above / clip.subject / clip.name
            alone, name = reader.of(clips[place]), annotations.class_name(number)
            jobs.append(FeatureJob(clips[place], alone, name, folder))
    return jobs


def _about(config: Config, size: int) -> dict[str, Any]:
    """The values of `features.json`: what the files are, and the settings that decide them."""
    kind = FEATURES[config.features.name]
    return {
        "files": "SUBJECT/CLIP/rising.npy (onset to apex) and falling.npy (offset to apex)",
        "dtype": "float32",
        "shape": [len(kind.channels), size or "height", size or "width"],
        "channels": list(kind.channels),
        "units": list(kind.units),
        "network_sees": kind.normalisation,
        "network_factors": [float(f) for f in scale(config.features.name, size)] if size else None,
        "source": kind.source,
        "settings": {
            "dataset": config.dataset,
            "task": config.task,
            "size": size,
            "preset": config.reselection.preset,
            "ratio": config.reselection.ratio,
            "prior": config.reselection.prior,
            "features": feature_settings(config.features),
            **_named_files(config),
        },
    }


def _named_files(config: Config) -> dict[str, Any]:
    """The list of clips and that of annotators by name and content, if there are any."""
    named = {"clip_list": config.clip_list, "annotators": config.reselection.annotators}
    files = {name: Path(value).expanduser() for name, value in named.items() if value is not None}
    return {
        name: {
            "file": file.name,
            "digest": hashlib.blake2b(file.read_bytes(), digest_size=12).hexdigest(),
        }
        for name, file in files.items()
    }


def _write_index(file: Path, written: Sequence[Written]) -> None:
    annotated = (f"annotated_{key}" for key in KEYS)
    names = ("dataset", "subject", "clip", "emotion", "label", *KEYS, *annotated)
    rows = []
    for one in written:
        clip, folder = one.job.item.clip, one.job.folder
        numbers = (one.keys or clip.annotated).numbers
        about = (clip.dataset, clip.subject, clip.name, clip.emotion, one.job.label)
        files = (folder / "rising.npy", folder / "falling.npy")
        rows.append((*about, *numbers, *clip.annotated.numbers, *files))
    write_csv(file, [(*names, "rising", "falling"), *rows])
