"""Match folders on disk with a layout's path templates, ignoring case and zero padding."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from unicodedata import normalize

from gamdss.data.cells import plain_name
from gamdss.data.specs import DatasetSpec, Layout
from gamdss.data.specs.spec import FRAME_SUFFIXES, filled
from gamdss.errors import ConfigError, DataRootError, FrameError, some

PATTERN = "pattern"  # name of the layout of --frames.pattern
_DIGITS = re.compile(r"\d+")
# What browsers and file managers add to the name of a copy: ` (1)`, ` - Copy`, ` - Copy (2)`.
_COPY = re.compile(
    r"(?:[ _-]+(?:copy|copie|copia|kopie|kopia|копия|副本|コピー)(?:[ _-]?\d+)?|\s*\(\d+\))+\Z",
    re.IGNORECASE,
)
_NAME = re.compile(r"\\\{\w+(?::[^}]*)?\\\}|\\\*")
# How many folders of each level are searched for a layout.
_LOOKED_AT = 200


def listed(folder: Path) -> list[Path]:
    """The contents of a folder, sorted.

    Raises:
        FrameError: the folder cannot be read.
    """
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise FrameError(
            f"the folder cannot be read ({error.strerror})",
            file=folder,
            remedy="Check that it exists and may be read.",
            kind="unreadable folder",
        ) from error


def walk(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[tuple[Path, list[Path]]]:
    """`folder` and the folders below it, each with its files; hidden ones are left out.

    A link to a folder is followed unless it leads to one that contains it.

    Raises:
        FrameError: a folder cannot be read.
    """
    above |= {folder.resolve()}
    children = [path for path in listed(folder) if not path.name.startswith(".")]
    folders = {path for path in children if path.is_dir()}
    yield folder, [path for path in children if path not in folders]
    for child in sorted(folders):
        if child.resolve() not in above:
            yield from walk(child, above)


def image_folders(folder: Path) -> Iterator[tuple[Path, list[Path]]]:
    """`folder` and the folders below it that contain images, with these; skips hidden ones.

    Raises:
        FrameError: a folder cannot be read.
    """
    for place, files in walk(folder):
        images = [path for path in files if path.suffix.lower() in FRAME_SUFFIXES]
        if images:
            yield place, images


def folder_images(folder: Path) -> list[Path]:
    """The images of one folder, sorted; skips hidden ones.

    Raises:
        FrameError: it cannot be read, or contains none.
    """
    _, files = next(walk(folder))
    images = [path for path in files if path.suffix.lower() in FRAME_SUFFIXES]
    if not images:
        raise FrameError(
            f"the folder contains no image ({', '.join(FRAME_SUFFIXES)})",
            file=folder,
            remedy="Give a folder of frames, or a video.",
            kind="clip without frames",
        )
    return images


class Folders:
    """Listings of folders, each read only once."""

    def __init__(self) -> None:
        self._listings: dict[Path, dict[str, Path]] = {}

    def descend(self, start: Path, relative: str) -> Path | None:
        """The folder `relative` under `start`; None if it does not exist."""
        folder = start
        for part in relative.split("/") if relative != "." else ():
            found = self._child(folder, part)
            if found is None:
                return None
            folder = found
        return folder

    def matching(
        self, start: Path, template: str, limit: int | None = _LOOKED_AT
    ) -> Iterator[Path]:
        """Folders under `start` that match a template; at most `limit` on each level."""
        part, _, rest = template.partition("/")
        form = re.compile(_NAME.sub(".*", re.escape(part)), re.IGNORECASE)
        children = {path for path in self._children(start).values() if form.fullmatch(path.name)}
        for child in sorted(children)[:limit]:
            if rest:
                yield from self.matching(child, rest, limit)
            else:
                yield child

    def _child(self, folder: Path, name: str) -> Path | None:
        """The subfolder `name`: the exact one, else ignoring case, else ignoring padding too.

        `*` stands for any characters; of several, the first is taken.
        """
        listing = self._children(folder)
        if "*" in name:
            form = re.compile(_NAME.sub(".*", re.escape(name)), re.IGNORECASE)
            return next((listing[key] for key in sorted(listing) if form.fullmatch(key)), None)
        return listing.get(name) or listing.get(_caseless(name)) or listing.get(folded(name))

    def _children(self, folder: Path) -> dict[str, Path]:
        if folder not in self._listings:
            names = [p for p in listed(folder) if p.is_dir()] if folder.is_dir() else []
            listing: dict[str, Path] = {}
            for key in (str, _caseless, folded):
                for path in names:
                    listing.setdefault(key(path.name), path)
            self._listings[folder] = listing
        return self._listings[folder]


def _caseless(name: str) -> str:
    return plain_name(name).lower()


def folded(name: str) -> str:
    """A name without regard to case, zero padding, blanks and width: `１` is 1, `ß` is ss."""
    text = normalize("NFKC", " ".join(plain_name(name).split())).casefold()
    return _DIGITS.sub(lambda digits: digits.group().lstrip("0") or "0", text)


def frame_number(path: Path) -> int | None:
    """The frame number of a file, the last digits of its name; None if it is not a frame.

    A copy, such as `img40 (1).jpg`, has the number of its frame.
    """
    digits = _DIGITS.findall(_original(path.stem))
    if path.suffix.lower() not in FRAME_SUFFIXES or not digits or path.name.startswith("."):
        return None  # hidden files are none: macOS adds `._1.jpg` beside `1.jpg`
    return int(digits[-1])


def _original(stem: str) -> str:
    """The name of the file that a copy is of; that of any other file as it is."""
    if stem.isascii() and not stem.endswith(")") and "cop" not in stem.lower():
        return stem  # found so at once
    match = _COPY.search(stem)
    before = stem if match is None else stem[: match.start()]
    return before if before[-1:].isdigit() else stem


def frame_numbers(files: Iterable[Path]) -> dict[Path, int]:
    """The frame number of each frame of a folder; other files are left out.

    `sub01 (1).jpg`, `sub01 (2).jpg` ... are no copies if no other frame is there: file managers
    number so what they rename together.
    """
    found = {file: number for file in files if (number := frame_number(file)) is not None}
    stems = {_original(file.stem) for file in found}
    if len(found) > 1 and len(stems) == 1 and all(file.stem not in stems for file in found):
        return {file: int(_DIGITS.findall(file.stem)[-1]) for file in found}
    return found


def files_by_number(
    files: Iterable[Path], numbers: Mapping[Path, int] | None = None
) -> dict[int, Path]:
    """Frames by their number, in rising order; other files are left out.

    Args:
        files: of a folder.
        numbers: their numbers, if these are not those of `frame_numbers`.

    Raises:
        FrameError: two files have one number, so that a label could mean either.
    """
    found: dict[int, Path] = {}
    for file, number in (frame_numbers(files) if numbers is None else numbers).items():
        first = found.setdefault(number, file)
        if first is not file:
            raise FrameError(
                f"{first.name} and {file.name} are both frame {number}",
                file=file.parent,
                remedy="Remove one of them.",
                kind="two files of one frame",
            )
    return dict(sorted(found.items()))


def numbered_images(images: Sequence[Path]) -> tuple[dict[int, Path], str]:
    """Images by the last number of their name, in rising order, and a warning or "".

    If these numbers are unique, the images without one are left out, unless they are the most. Else
    all images are counted from 1 in natural order: `img2` comes before `img10`. Copies of an image,
    such as `img2 (1).jpg`, are left out.
    """
    stems = {path.stem for path in images}
    copies = [p.name for p in images if p.stem != _original(p.stem) and _original(p.stem) in stems]
    images = [path for path in images if path.name not in copies]
    copied = f"copies of images are left out: {some(copies, 3)}" if copies else ""
    numbers = frame_numbers(images)
    numbered = [(number, path) for path, number in numbers.items()]
    unique = len({number for number, _ in numbered}) == len(numbered)
    if unique and 2 * len(numbered) > len(images):
        others = [path.name for path in images if path not in numbers]
        text = f"images without a frame number are left out: {some(others, 3)}"
        return dict(sorted(numbered)), "; ".join([text] * bool(others) + [copied] * bool(copied))
    ordered = sorted(images, key=_natural)
    copied += "; " if copied else ""
    why = "some images have no" if unique else "several images have the same"
    return dict(enumerate(ordered, start=1)), (
        f"{copied}{why} frame number (the last number of their name): frames are counted in the "
        f"order of their names, from {ordered[0].name} to {ordered[-1].name}"
    )


def _natural(path: Path) -> list[tuple[int, str]]:
    """A key that sorts numbers in a name by value."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part) if i % 2 else 0, part) for i, part in enumerate(parts)]


def pattern_layout(pattern: str) -> Layout:
    """The layout of `--frames.pattern`.

    Raises:
        ConfigError: the pattern has no folder, no `{frame}` in the file's name, or an unknown name.
    """
    folder, _, file = pattern.rpartition("/")
    names = {"subject": "", "number": 0, "clip": "", "video": "", "take": "", "emotion": ""}
    try:
        filled(folder + file, frame=1, **names)
        known = True
    except (KeyError, IndexError, ValueError):
        known = False
    if not folder or "{frame" not in file or "{frame" in folder or not known:
        raise ConfigError(
            f"--frames.pattern is {pattern!r}",
            remedy="Give folders and a file name, such as {subject}/{clip}/{frame}.jpg; the names "
            f"are {', '.join((*names, 'frame'))}.",
        )
    return Layout((folder,), file)


def choose_layout(
    spec: DatasetSpec, data_root: Path, layouts: Mapping[str, Layout], folders: Folders
) -> tuple[str, Path]:
    """Name and root of the first layout with frames under `data_root`, else with folders.

    All clips use one root, so that cropped and raw frames are never mixed.

    Raises:
        DataRootError: there is none.
    """
    places = [(name, root) for name, layout in layouts.items() for root in layout.roots]
    for name, root in places:
        start = folders.descend(data_root, root)
        for template in layouts[name].folders if start else ():
            for folder in folders.matching(start or data_root, template):
                if any(frame_number(path) is not None for path in listed(folder)):
                    return name, start or data_root
    for name, root in places:
        start = folders.descend(data_root, root)
        for template in layouts[name].folders if start else ():
            fixed = "/".join(takewhile(lambda part: "{" not in part, template.split("/")))
            there = folders.descend(start or data_root, fixed or ".")
            if there and there != data_root:
                return name, start or data_root
    first = next(iter(layouts.values()))
    templates = " or ".join(layout.native for layout in layouts.values())
    raise DataRootError(
        f"no folder of frames found ({templates})",
        file=data_root,
        remedy=f"Unpack the frames of {spec.title} as {data_root / first.native / first.file}, "
        f"or describe their paths with --frames.pattern. They are {', '.join(FRAME_SUFFIXES)}.",
        kind="no frame folder",
    )
