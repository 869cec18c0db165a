"""What `gamdss features` draws: a picture of each clip's features, and a strip of some clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from gamdss.config import Config
from gamdss.config.features import FeatureName
from gamdss.data.feature_files import FeatureJob, Written
from gamdss.data.key_frames import KeyFrameReader
from gamdss.features import FEATURES
from gamdss.files import write_atomic
from gamdss.records import KeyFrames
from gamdss.report.feature_colours import motion_colours, robust_limit, value_colours
from gamdss.report.feature_strip import StripPhase, feature_strip

CLIPS = 3
SIZE = 224  # pixels of a panel of the strip
SHOWN: tuple[FeatureName, ...] = (
    "difference",
    "grey-difference",
    "flow-dis",
    "flow-farneback",
    "flow-strain",
)


def clip_picture(name: FeatureName) -> Callable[[Path, np.ndarray], None]:
    """Draws features (2, C, H, W) of a clip: rising above falling, each in the clip's own scale.

    A flow is a panel of motion and one of its third channel; a difference one panel.
    """
    kind = FEATURES[name]

    def rgb(values: np.ndarray, limits: np.ndarray) -> np.ndarray:
        if kind.flow is None:
            return value_colours(values.mean(axis=0), limits[0], signed=True)
        flow = motion_colours(values[:2], limits[0])
        return np.concatenate((flow, value_colours(values[2], limits[1], signed=False)), axis=1)

    def draw(file: Path, values: np.ndarray) -> None:
        motion = values if kind.flow is None else np.hypot(values[:, 0], values[:, 1])
        limits = np.array([robust_limit(motion, 0.1), robust_limit(values[:, -1], 1e-3)])
        rows = np.concatenate([rgb(phase, limits) for phase in values])
        image = np.rint(255 * rows[..., ::-1]).astype(np.uint8)
        # As bytes: OpenCV's own writer leaves half a picture on a full disk, and says nothing.
        _, whole = cv2.imencode(".png", image)
        write_atomic(file, lambda target: target.write_bytes(whole.tobytes()))

    return draw


def draw_strip(path: Path, written: Sequence[Written], config: Config) -> None:
    """The first clips of different labels, with every feature that needs no further package."""
    firsts: dict[str, Written] = {}
    for one in written:
        firsts.setdefault(one.job.label, one)
    chosen = [*firsts.values(), *(one for one in written if one not in firsts.values())][:CLIPS]
    wanted = config.features.name
    names = SHOWN if wanted in SHOWN else (*SHOWN, wanted)
    clips = [(_heading(one.job), _phases(one, names, config)) for one in chosen]
    factor = config.features.magnification
    note = f"Motion magnified {factor:g} times." if factor > 1 else ""
    feature_strip(path, clips, wanted, note)


def _heading(job: FeatureJob) -> str:
    clip = job.item.clip
    return f"Subject {clip.subject}, clip {clip.name}: {clip.emotion}"


def _phases(one: Written, names: Sequence[FeatureName], config: Config) -> list[StripPhase]:
    item, keys = one.job.item, one.keys or KeyFrames(*one.job.item.clip.annotated.numbers)
    old = one.job.reader
    readers = {
        name: KeyFrameReader(
            old.colour, SIZE, old.frames, old.reselection, replace(config.features, name=name)
        )
        for name in names
    }
    images = old.images(item)
    pairs = ((keys.onset, keys.apex), (keys.offset, keys.apex))
    values = {name: reader.phase_features(item, images, pairs) for name, reader in readers.items()}
    faces = {n: readers[names[0]].resize(images[n]).transpose(1, 2, 0) for n in keys.numbers}
    return [
        StripPhase(
            caption=f"{end} {start}",
            start=faces[start],
            apex_caption=f"apex {apex}",
            apex=faces[apex],
            features={name: feature[number] for name, feature in values.items()},
        )
        for number, (end, (start, apex)) in enumerate(zip(("onset", "offset"), pairs, strict=True))
    ]
