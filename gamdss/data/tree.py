"""A dataset whose folders say it all: clips, emotions, first and last frame, without a workbook."""

from __future__ import annotations

import re
from pathlib import Path

from gamdss.data.folders import Folders, choose_layout, frame_number, listed
from gamdss.data.specs import DatasetSpec
from gamdss.data.workbook import Row, Table

_NAME = re.compile(r"\\\{(\w+)(?::[^}]*)?\\\}")
_ROLES = ("subject", "clip", "emotion", "onset", "offset")


def read_tree(spec: DatasetSpec, data_root: Path) -> Table:
    """The clips that lie under `data_root`, a row each, in the order of their paths.

    Onset and offset are the first and the last frame. The native template of the layout that is
    there must name subject, clip and emotion.

    Raises:
        DataRootError: none of the spec's layouts is there.
    """
    folders = Folders()
    name, root = choose_layout(spec, data_root, spec.layouts, folders)
    template = spec.layouts[name].folders[0]
    form = re.compile(_NAME.sub(r"(?P<\1>[^/]+)", re.escape(template)), re.IGNORECASE)
    rows = []
    for index, folder in enumerate(folders.matching(root, template, limit=None)):
        match = form.fullmatch(folder.relative_to(root).as_posix())
        cells = dict(match.groupdict()) if match else {}
        found = (frame_number(file) for file in listed(folder))
        numbers = [number for number in found if number is not None]
        cells |= {"onset": min(numbers, default=""), "offset": max(numbers, default="")}
        rows.append(Row(index + 2, index, cells))
    headers = {role: role for role in _ROLES}
    return Table("folders", spec.writing.lead + 1, headers, tuple(rows), len(rows))
