"""True key frames of synthetic clips, and the files that mark a synthetic dataset."""

from __future__ import annotations

import csv
from pathlib import Path

from gamdss.errors import AnnotationError
from gamdss.records import KeyFrames

MANIFEST = "synthetic.yaml"
GROUND_TRUTH = "ground_truth.csv"


def read_truth(file: Path) -> dict[str, KeyFrames] | None:
    """True key frames by clip id from a synthetic dataset's ground truth; None without one.

    Raises:
        AnnotationError: incomplete or corrupt.
    """
    if not file.is_file():
        return None
    try:
        with file.open(newline="", encoding="utf-8") as rows:
            return {
                f"{row['subject']}/{row['clip']}": KeyFrames(
                    int(row["onset"]), int(row["apex"]), int(row["offset"])
                )
                for row in csv.DictReader(rows)
            }
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise AnnotationError(
            f"incomplete or corrupt true key frames ({type(error).__name__}: {error})",
            file=file,
            remedy="Remove the synthetic dataset, and write it again.",
        ) from error
