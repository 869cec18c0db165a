"""Who annotated each clip, where a file says so."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gamdss.data.annotations import Annotations
from gamdss.data.specs import DatasetSpec
from gamdss.data.subject_groups import read_annotators
from gamdss.records import Clip
from gamdss.reselection.motion.learned import LEAST_CLIPS

log = logging.getLogger("gamdss")


def with_annotators(annotations: Annotations, spec: DatasetSpec, file: str) -> Annotations:
    """The annotations with who made each, from `--reselection.annotators`; warns of few clips.

    Raises:
        AnnotationError: the file is unreadable, or does not name each clip's annotator once.
    """
    clips = annotations.clips
    names = read_annotators(
        Path(file).expanduser(),
        [(spec.name, clip.subject, clip.name) for clip in clips],
        lambda dataset, cell: spec.subject(cell) if dataset == spec.name else cell,
    )
    named = (replace(clip, annotator=name) for clip, name in zip(clips, names, strict=True))
    annotations = replace(annotations, clips=tuple(named))
    if few := _few_clips(annotations.clips):
        log.warning(
            "%s: some subjects have fewer than %d other subjects' clips by the same annotator, and "
            "use what is learned from the clips of all annotators (clips: %s)",
            file,
            LEAST_CLIPS,
            ", ".join(f"{name} {count}" for name, count in few.items()),
        )
    return annotations


def _few_clips(clips: Sequence[Clip]) -> dict[str, int]:
    """Annotators with fewer than `LEAST_CLIPS` clips without those of one of their subjects.

    With the number that remains without the subject of most clips; none if there is one annotator.
    """
    counts: dict[str, Counter[str]] = {}
    for clip in clips:
        counts.setdefault(clip.annotator, Counter())[clip.subject] += 1
    rest = {name: own.total() - max(own.values()) for name, own in sorted(counts.items())}
    few = {name: count for name, count in rest.items() if count < LEAST_CLIPS}
    return few if len(counts) > 1 else {}
