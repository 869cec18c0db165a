"""`gamdss features`: the input features of every clip as files, for use elsewhere."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from gamdss.config import Config
from gamdss.config.checks import require
from gamdss.config.command_line import Command
from gamdss.errors import FrameError
from gamdss.files import write_atomic
from gamdss.reselection.presets import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gamdss.data.feature_files import FeatureJob, Written
    from gamdss.data.specs import DatasetSpec

ALL = "all"  # the task with the most emotions and classes
INDEX, STRIP = "features.csv", "features.png"
_KEYS = ("onset", "apex", "offset")


@dataclass
class Options:
    """Write the phase features of every clip (differences, optical flow, strain) as files.

    Args:
        preset: the same as `--reselection.preset`.
        size: height and width of the features in pixels; 0 keeps the frames' own.
        pictures: also draw the features of each clip, as `picture.png` beside them.
    """

    preset: str | None = None
    size: int = 224
    pictures: bool = False

    def __post_init__(self) -> None:
        fits = not self.size or 16 <= self.size <= 4096
        require(fits, "size", self.size, "0 (the frames' own), or 16 to 4096")


def run(options: Options, config: Config) -> None:
    """Write the files, their index and a picture of some clips, and print where they are."""
    # Reading datasets loads PyTorch and pandas: the other commands need not wait for them.
    from tqdm import tqdm  # noqa: PLC0415

    from gamdss.data.feature_files import feature_folder, write_features  # noqa: PLC0415
    from gamdss.report.feature_strip import clip_picture, draw_strip  # noqa: PLC0415

    if options.preset is not None:
        config = replace(config, reselection=replace(config.reselection, preset=options.preset))
    resolve(config.reselection.preset, config.reselection.ratio)  # refused before work begins
    name = f"features_{Path(config.dataset).stem}_{config.features.name}"
    output = Path(config.output or f"runs/{name}").expanduser()
    jobs = _jobs(config, options.size)
    picture = clip_picture(config.features.name) if options.pictures else None
    with feature_folder(output, _about(config, options.size)):
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
            part = replace(part, task=_widest(spec))  # noqa: PLW2901
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


def _widest(spec: DatasetSpec) -> str:
    """The task that leaves out the fewest emotions; of equals the one that merges the fewest."""
    sizes = {name: (len(task.emotions), len(task.classes)) for name, task in spec.tasks.items()}
    return max(sizes, key=sizes.__getitem__)


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


COMMAND = Command(
    run,
    Options,
    Config,
    unused=("model", "augmentation", "training", "protocol", "seed", "device", "threads"),
    defaults={"task": ALL},
)
