"""True key frames of synthetic clips, and the files that mark a synthetic dataset."""

from __future__ import annotations

import csv
from pathlib import Path

from gamdss.records import KeyFrames

MANIFEST = "synthetic.yaml"
GROUND_TRUTH = "ground_truth.csv"


def read_truth(file: Path) -> dict[str, KeyFrames] | None:
    """True key frames by clip id from a synthetic dataset's ground truth; None without one."""
    if not file.is_file():
        return None
    with file.open(newline="", encoding="utf-8") as rows:
        return {
            f"{row['subject']}/{row['clip']}": KeyFrames(
                int(row["onset"]), int(row["apex"]), int(row["offset"])
            )
            for row in csv.DictReader(rows)
        }
