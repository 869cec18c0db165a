"""Long-video datasets: published numbers, workbooks, and folders of recordings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gamdss.data.folders import Folders, frame_number, listed
from gamdss.data.long_rows import LongRow, casme2_rows, casme3_names, casme3_rows, samm_rows
from gamdss.data.specs import LONG_VIDEOS, get_spec
from gamdss.errors import ConfigError, DataRootError, did_you_mean


@dataclass(frozen=True)
class LongLayout:
    """Where the frames are: below `root` in folders of this form; `cropped` to the face or not."""

    root: str
    form: str
    cropped: bool = False


@dataclass(frozen=True)
class LongSpec:
    """A long-video dataset: published numbers, file names, and how its rows are read.

    `video` maps a folder to subject and key of a recording; None for other folders. `shifts` are
    what is added to a recording's frame numbers for those of the dataset of clips (SAMM).
    """

    name: str
    title: str
    reference: str
    request_page: str
    fps: float
    subjects: int
    recordings: int
    micro: int
    macro: int
    workbooks: tuple[str, ...]
    layouts: Mapping[str, LongLayout]
    rows: Callable[[Path], list[LongRow]]
    video: Callable[[Path], tuple[str, str] | None]
    shifts: Mapping[str, int] = field(default_factory=dict)
    from_folders: bool = False
    parts: bool = False


def long_spec(name: str) -> LongSpec:
    """The dataset of this name.

    Raises:
        ConfigError: there is none.
    """
    if name not in LONG_SPECS:
        raise ConfigError(
            f"unknown long-video dataset {name!r}",
            remedy=f"{did_you_mean(name, LONG_SPECS)}Choose one of: {', '.join(LONG_SPECS)}.",
        )
    return LONG_SPECS[name]


def recording_folders(
    spec: LongSpec, data_root: Path, layout: str | None = None
) -> tuple[LongLayout, dict[str, tuple[str, Path]]]:
    """The layout found, and subject and folder of each recording by its key, sorted by key.

    Args:
        spec: the dataset.
        data_root: its folder.
        layout: name of the layout; by default the first one with frames.

    Raises:
        ConfigError: the dataset has no such layout.
        DataRootError: there are no frames, or two folders of one recording.
    """
    if layout is not None and layout not in spec.layouts:
        names = ", ".join(spec.layouts)
        raise ConfigError(f"--layout is {layout!r}", remedy=f"{spec.title} has: {names}.")
    chosen = [spec.layouts[layout]] if layout else list(spec.layouts.values())
    folders = Folders()
    for one in chosen:
        start = folders.descend(data_root, one.root)
        places = [] if start is None else folders.matching(start, one.form, None)
        found: dict[str, tuple[str, Path]] = {}
        for folder in places:
            key = spec.video(folder)
            if key is None or not any(frame_number(file) is not None for file in listed(folder)):
                continue
            if key[1] in found:
                raise DataRootError(
                    f"{found[key[1]][1]} is another folder of recording {key[1]}",
                    file=folder,
                    remedy="Remove one of them.",
                )
            found[key[1]] = key[0], folder
        if found:
            return one, dict(sorted(found.items()))
    raise DataRootError(
        "no folder of frames found",
        file=data_root,
        remedy=f"Unpack the frames of {spec.title} below {data_root / chosen[0].root}.",
    )


def _casme2_video(folder: Path) -> tuple[str, str] | None:
    """`s15/15_0101disgustingteeth` is recording s15_0101."""
    match = re.match(r"[^_]+_(\d{4})", folder.name)
    subject = folder.parent.name.lower()
    return (subject, f"{subject}_{match.group(1)}") if match else None


def _samm_video(folder: Path) -> tuple[str, str] | None:
    """`006_1` is a recording of subject 006."""
    match = re.fullmatch(r"(\d{3})_\d+", folder.name)
    return (match.group(1), folder.name) if match else None


def _casme3_video(folder: Path) -> tuple[str, str] | None:
    """`spNO.1/a/color` and `spNO.1/a` are recording spNO.1_a."""
    video = folder.parent if folder.name.lower() == "color" else folder
    match = re.fullmatch(r"spno\.\d+", video.parent.name, re.IGNORECASE)
    return casme3_names(video.parent.name, video.name) if match else None


# SAMM's frame numbers minus those of SAMM Long Videos; 0 for other recordings.
_SAMM_SHIFTS = {
    **dict.fromkeys(["006_2", "007_6"], 100),
    **dict.fromkeys(["006_5", "007_7"], 300),
    "014_1": 499,
    **dict.fromkeys(["006_3", "009_3", "017_6", "019_3", "020_1"], 500),
    **dict.fromkeys(["014_3", "016_7", "026_7"], 1000),
    **dict.fromkeys(["018_5", "025_4", "030_5"], 1500),
    "007_3": 1800,
    **dict.fromkeys(["006_1", "011_3", "021_7", "025_5", "025_6", "030_1"], 2000),
    "007_5": 2500,
    **dict.fromkeys(["009_2", "010_4", "024_2", "032_3", "034_3"], 3000),
    **dict.fromkeys(["026_6", "031_3"], 3500),
    **dict.fromkeys(["019_4", "019_5", "032_6"], 4000),
    **dict.fromkeys(["023_1", "026_5"], 4500),
    "033_1": 5000,
    "015_5": 5500,
    "007_4": 5600,
    "012_7": 7000,
    "035_1": 9000,
    **dict.fromkeys(["018_1", "018_7"], 10000),
}

_CASME2 = LongSpec(
    name="casme2sq",
    title="CAS(ME)2",
    reference="Qu et al., IEEE TAFFC 2018, doi 10.1109/TAFFC.2017.2654440",
    request_page="http://casme.psych.ac.cn/casme/e3",
    fps=30.0,
    subjects=22,
    recordings=98,
    micro=57,
    macro=300,
    workbooks=(
        "CAS(ME)^2code_final.xlsx",
        "CAS(ME)^2code_final(Updated).xlsx",
        "code_final.xlsx",
    ),
    layouts={
        "raw": LongLayout("rawpic", "{subject}/{video}"),
        "cropped": LongLayout(
            "CAS(ME)2_longVideoFaceCropped/longVideoFaceCropped", "{subject}/{video}", cropped=True
        ),
        "cropped-folder": LongLayout("longVideoFaceCropped", "{subject}/{video}", cropped=True),
    },
    rows=casme2_rows,
    video=_casme2_video,
)
_SAMM = LongSpec(
    name="sammlv",
    title="SAMM Long Videos",
    reference="Yap et al., FG 2020, arXiv 1911.01519",
    request_page=get_spec("samm").request_page,
    fps=200.0,
    subjects=30,
    recordings=147,
    micro=159,
    macro=343,
    workbooks=tuple(f"SAMM_LongVideos_V{n}_Release.xlsx" for n in (1, 2, 3)),
    layouts={"raw": LongLayout("SAMM_longvideos", "{video}")},
    rows=samm_rows,
    video=_samm_video,
    shifts=_SAMM_SHIFTS,
)
_CASME3 = LongSpec(
    name="cas3lv",
    title="CAS(ME)3 part A, long recordings",
    reference=get_spec("cas3").reference,
    request_page=get_spec("cas3").request_page,
    fps=30.0,
    subjects=100,
    recordings=1300,
    micro=860,
    macro=3346,
    workbooks=(
        "CAS(ME)3_part_A_v2.xls",
        "CAS(ME)3_part_A_v2.xlsx",
        "annotation/partA/CAS(ME)3_part_A_v2.xls",
    ),
    layouts={
        "raw": LongLayout("part_A", "{subject}/{video}/color"),
        "raw-folder": LongLayout("part_A/part_A", "{subject}/{video}/color"),
        "raw-root": LongLayout(".", "{subject}/{video}/color"),
        "cropped": LongLayout(".", "{subject}/{video}", cropped=True),
        "cropped-folder": LongLayout("part_A", "{subject}/{video}", cropped=True),
    },
    rows=casme3_rows,
    video=_casme3_video,
)
LONG_SPECS = dict(zip(LONG_VIDEOS, (_CASME2, _SAMM, _CASME3), strict=True))
