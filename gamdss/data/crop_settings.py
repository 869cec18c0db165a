"""How the frames below a folder were cropped, if `gamdss align` wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gamdss.files import read_record

ALIGN_FOLDER = ".gamdss-align"  # the record of `gamdss align` in its output folder
ALIGN_SETTINGS = "settings.json"


def crop_settings(data_root: Path) -> dict[str, Any] | None:
    """Size, margin and detector of the crops in a dataset's folder; None if they are unknown."""
    return read_record(data_root / ALIGN_FOLDER / ALIGN_SETTINGS) or None
