"""Emotions of labels of long-video datasets, and their classes in a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gamdss.data.annotations import scan_annotations
from gamdss.data.long_videos import LongEvent, LongVideos
from gamdss.data.specs import get_spec
from gamdss.data.specs.plain import VALENCE
from gamdss.data.specs.spec import SYNONYMS
from gamdss.errors import ConfigError

# The dataset of clips whose workbook has the emotions of a long-video dataset's micro-expressions.
CLIPS_OF = {"sammlv": "samm", "cas3lv": "cas3"}
_ESTIMATES = {"positive", "negative", "surprise", "others"}


def with_emotions(data: LongVideos, workbook: Path | None) -> LongVideos:
    """The recordings with the emotions of their micro-expressions.

    Args:
        data: the dataset. The labels of CAS(ME)2 have emotions already.
        workbook: that of the same clips in SAMM or CAS(ME)3.

    Raises:
        ConfigError: there is no workbook, or the dataset needs none.
        AnnotationError: the workbook cannot be read, or none of its clips is a label.
    """
    name = data.spec.name
    if name not in CLIPS_OF:
        if workbook is not None:
            raise ConfigError(
                "--emotions has no effect: the workbook has emotions", remedy="Omit it."
            )
        return data
    if workbook is None:
        raise ConfigError(
            f"the workbook of {data.spec.title} has no emotions",
            remedy=f"Name that of {get_spec(CLIPS_OF[name]).title} with --emotions FILE.",
        )
    found = scan_annotations(get_spec(CLIPS_OF[name]), workbook).clips
    emotions = {clip.id.lower(): clip.emotion for clip in found}
    videos = tuple(
        replace(video, events=tuple(_known(video.subject, e, emotions) for e in video.events))
        for video in data.videos
    )
    if not any(event.emotion for video in videos for event in video.events):
        raise ConfigError(
            f"none of the {len(emotions)} clips in --emotions is a label of {data.spec.title}",
            file=workbook,
            remedy=f"Give the workbook of {get_spec(CLIPS_OF[name]).title}.",
        )
    return replace(data, videos=videos)


def label_class(event: LongEvent, classes: Sequence[str]) -> str | None:
    """The class of a label among those of a task; None if it has none.

    Classes that only say positive, negative, surprise or others are compared with the coders'
    estimate if there is one, other classes with the reported emotion.
    """
    estimated = event.estimated and set(classes) <= _ESTIMATES
    text = (event.estimated if estimated else event.emotion).strip().lower()
    name = SYNONYMS.get(text, text)
    if name in classes:
        return name
    valence = None if estimated else VALENCE.get(name)
    return valence if valence in classes else None


def _known(subject: str, event: LongEvent, emotions: dict[str, str]) -> LongEvent:
    if event.type != "micro":
        return event
    return replace(event, emotion=emotions.get(f"{subject}/{event.name}".lower(), ""))
