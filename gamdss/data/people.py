"""Who is in the clips: names by which subjects are recognised in other runs and datasets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from gamdss.config import Config
from gamdss.data.cells import without_prefix
from gamdss.data.composite import JOINT
from gamdss.data.specs import spec_names
from gamdss.errors import ConfigError
from gamdss.records import Clip

_GROUPS = {"p", "s"}  # initials that may tell people apart: patients, subjects


def person(dataset: str, subject: str) -> str:
    """`dataset/subject` without differences of spelling.

    Case, width, invisible characters, a prefix such as `sub`, that of a composite's dataset, and
    leading zeros do not count: `Sub01` and `1` are one person.
    """
    text = unicodedata.normalize("NFKC", subject).casefold()
    text = "".join(c for c in text if unicodedata.category(c) != "Cf").strip()
    text = without_prefix(text.removeprefix(f"{dataset.casefold()}-"))
    return f"{dataset}/{re.sub(r'[0-9]+', lambda digits: str(int(digits[0])), text)}"


def person_of_run(config: Config, subject: str) -> str:
    """The person of a subject as a run names it: in a composite with the dataset before it."""
    return person(dataset_of_run(config, subject), subject)


def dataset_of_run(config: Config, subject: str) -> str:
    """The dataset of a subject as a run names it."""
    datasets = datasets_of_run(config)
    return next((name for name in datasets if subject.startswith(f"{name}-")), datasets[0])


def datasets_of_run(config: Config) -> list[str]:
    """The names of a run's datasets; several of a composite."""
    return [Path(name).stem for name in config.dataset.split(JOINT)]


def told_apart(dataset: str, subject: str, other: str) -> bool:
    """Whether subjects of one number are two people by their initials: patient p1, subject s1."""
    names = (name.removeprefix(f"{dataset}-")[:1].lower() for name in (subject, other))
    return set(names) == _GROUPS


def check_prefixes(subjects: Iterable[tuple[str, str]]) -> None:
    """Refuse subjects, given as (dataset, subject), that may be one person: `sub01` and `1`.

    Raises:
        ConfigError: names the two.
    """
    known: dict[str, list[str]] = {}
    for dataset, subject in dict.fromkeys(subjects):
        same = known.setdefault(person(dataset, subject), [])
        for other in same:
            if not told_apart(dataset, subject, other):
                raise ConfigError(
                    f"subjects {other!r} and {subject!r} may be one person, with and without a "
                    "prefix",
                    remedy="Spell a person the same in all clips. If these are two people, give "
                    "one of them another number.",
                )
        same.append(subject)


def people(clips: Iterable[Clip]) -> tuple[str, ...]:
    """The people of clips, sorted."""
    return tuple(sorted({person(clip.dataset, clip.subject) for clip in clips}))


def shared(some: Iterable[str], others: Iterable[str]) -> list[str]:
    """The people of `some` who may be among `others`.

    A table of clips or a custom spec may have anybody: there the dataset does not count.
    """
    known = set(others)
    names = {name.partition("/")[2] for name in known}
    elsewhere = {name.partition("/")[2] for name in known if _is_custom(name)}
    return sorted(
        name
        for name in set(some)
        if name in known or name.partition("/")[2] in (names if _is_custom(name) else elsewhere)
    )


def _is_custom(name: str) -> bool:
    return name.partition("/")[0] not in spec_names()
