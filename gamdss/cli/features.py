"""`gamdss features`: the input features of every clip as files, for use elsewhere."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from gamdss.cli.fields import build
from gamdss.config import Config, flatten
from gamdss.config.load import new_parser
from gamdss.errors import ConfigError, FrameError
from gamdss.files import read_yaml, write_atomic
from gamdss.reselection.presets import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gamdss.data.feature_files import FeatureJob, Written

ALL = "all"  # the task with the most emotions and classes
INDEX, STRIP = "features.csv", "features.png"
_UNUSED = {"model", "augmentation", "training", "protocol"}
_KEYS = ("onset", "apex", "offset")


def parser() -> ArgumentParser:
    """Options: the fields of `Config`, of which those of training are not used."""
    options = new_parser(
        "write the input features of every clip (differences, optical flow, strain) as files",
        "features",
        Config,
    )
    options.add_argument("--preset", help="the same as --reselection.preset")
    options.add_argument(
        "--size",
        type=int,
        default=224,
        help="height and width of the features in pixels; 0 keeps the frames' own",
    )
    options.add_argument(
        "--pictures",
        action="store_true",
        help="draw each clip's features too, as picture.png beside them",
    )
    options.set_defaults({"task": ALL})
    return options


def run(namespace: Any) -> None:
    """Write the files, their index and a picture of some clips, and say where they lie."""
    # Reading datasets loads PyTorch and pandas: the other commands need not wait for them.
    from tqdm import tqdm  # noqa: PLC0415

    from gamdss.data.feature_files import feature_folder, write_features  # noqa: PLC0415
    from gamdss.report.feature_pictures import clip_picture, draw_strip  # noqa: PLC0415

    config = _config(namespace)
    name = f"features_{Path(config.dataset).stem}_{config.features.name}"
    output = Path(config.output or f"runs/{name}").expanduser()
    jobs = _jobs(config, namespace.size)
    picture = clip_picture(config.features.name) if namespace.pictures else None
    with feature_folder(output, _about(config, namespace.size)):
        done: list[Written] = []
        bar = tqdm(total=len(jobs), desc="computing features", unit="clip")
        with bar:
            for written in write_features(jobs, output, picture, config.frames.workers):
                if written.problem is not None:
                    bar.write(f"failed: {written.problem.problem}", file=sys.stderr)
                done.append(written)
                bar.update()
        place = {id(job): number for number, job in enumerate(jobs)}
        done.sort(key=lambda written: place[id(written.job)])
        whole = [written for written in done if written.keys is not None]
        _write_index(output / INDEX, whole)
        if whole:
            draw_strip(output / STRIP, whole, config)
            print(f"{len(whole)} clips  {output}\nindex  {output / INDEX}")
            print(f"picture  {output / STRIP}")
        _raise_failures(done)


def _config(namespace: Any) -> Config:
    config = build(namespace, Config)
    _refuse_unused(config, namespace.config or ())
    if namespace.preset is not None:
        config = replace(config, reselection=replace(config.reselection, preset=namespace.preset))
    resolve(config.reselection.preset, config.reselection.ratio)  # refused before work begins
    size = namespace.size
    if size and not 16 <= size <= 4096:
        raise ConfigError(
            f"--size is {size}", remedy="It must be 0 (the frames' own), or 16 to 4096."
        )
    return config


def _refuse_unused(config: Config, files: Iterable[Any]) -> None:
    """Refuse settings of training on the command line; the files of a run may have them."""
    known: set[str] = set()
    for file in files:
        known |= flatten(read_yaml(Path(str(file)), "the config", "--config")).keys()
    given, defaults = flatten(config.as_dict()), flatten(Config().as_dict())
    for name, value in given.items():
        unused = name.partition(".")[0] in _UNUSED
        if unused and value != defaults[name] and name not in known:
            raise ConfigError(
                f"--{name.replace('_', '-')} changes nothing here: no network is trained",
                remedy="Leave it out; --size is the height and width of the features.",
            )


def _jobs(config: Config, size: int) -> list[FeatureJob]:
    """The clips of all datasets of the config; of several, folders begin with the dataset."""
    from gamdss.data.composite import sources  # noqa: PLC0415
    from gamdss.data.dataset import listed_clips, no_data, read_clips  # noqa: PLC0415
    from gamdss.data.feature_files import FeatureJob  # noqa: PLC0415
    from gamdss.data.key_frames import KeyFrameReader  # noqa: PLC0415
    from gamdss.data.specs import get_spec  # noqa: PLC0415

    jobs = []
    parts = sources(config)
    for part in parts:
        spec = get_spec(part.dataset, part.annotations)
        if part.task == ALL:
            part = replace(part, task=spec.widest_task)  # noqa: PLW2901
        spec.task(part.task)
        if part.data_root is None:
            raise no_data(spec)
        root = Path(part.data_root).expanduser()
        reader = KeyFrameReader(spec.colour, size, part.frames, part.reselection, part.features)
        annotations, clips = read_clips(part, spec, root)
        places, annotations = listed_clips(part, annotations)
        above = PurePosixPath(spec.name) if len(parts) > 1 else PurePosixPath()
        for place, label in zip(places, annotations.labels, strict=True):
            clip = clips[place].clip
            folder = above / clip.subject / clip.name
            jobs.append(FeatureJob(clips[place], reader, annotations.classes[label], folder))
    return jobs


def _about(config: Config, size: int) -> dict[str, Any]:
    """What the files are, for whoever reads them, and the settings that decide them."""
    from gamdss.features import FEATURES, scale  # noqa: PLC0415
    from gamdss.features.phase_features import feature_settings  # noqa: PLC0415

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
            "features": feature_settings(config.features),
            **_list_settings(config),
        },
    }


def _list_settings(config: Config) -> dict[str, Any]:
    """The list of clips, by name and content; nothing where there is none."""
    if config.clip_list is None:
        return {}
    file = Path(config.clip_list).expanduser()
    digest = hashlib.blake2b(file.read_bytes(), digest_size=12).hexdigest()
    return {"clip_list": {"file": file.name, "digest": digest}}


def _write_index(file: Path, written: Sequence[Written]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    annotated = (f"annotated_{key}" for key in _KEYS)
    names = ("dataset", "subject", "clip", "emotion", "label", *_KEYS, *annotated)
    writer.writerow((*names, "rising", "falling"))
    for one in written:
        clip, folder = one.job.item.clip, one.job.folder
        numbers = (one.keys or clip.annotated).numbers
        about = (clip.dataset, clip.subject, clip.name, clip.emotion, one.job.label)
        files = (folder / "rising.npy", folder / "falling.npy")
        writer.writerow((*about, *numbers, *clip.annotated.numbers, *files))
    write_atomic(file, lambda target: target.write_text(text.getvalue(), encoding="utf-8"))


def _raise_failures(done: Sequence[Written]) -> None:
    problems = [written.problem for written in done if written.problem is not None]
    if problems:
        first = problems[0]
        raise FrameError(
            f"{len(problems)} of {len(done)} clips have no features; the first: {first.problem}",
            file=first.file,
            remedy=f"{first.remedy}\nThe same command goes on with what is missing.",
        )
