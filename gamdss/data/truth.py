"""True key frames of synthetic clips, and the files that mark a synthetic dataset."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
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
    with _reported(file):
        rows = _rows(file)
        return (
            None
            if rows is None
            else {
                f"{row['subject']}/{row['clip']}": KeyFrames(
                    int(row["onset"]), int(row["apex"]), int(row["offset"])
                )
                for row in rows
            }
        )


def true_rate(file: Path) -> float:
    """Frames per second of a synthetic dataset, which may differ from the spec's; 0 for others.

    Raises:
        AnnotationError: incomplete or corrupt.
    """
    with _reported(file):
        rows = _rows(file)
        return float(rows[0].get("fps") or 0) if rows else 0.0


def _rows(file: Path) -> list[dict[str, str]] | None:
    if not file.is_file():
        return None
    with file.open(newline="", encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


@contextmanager
def _reported(file: Path) -> Iterator[None]:
    """Anything that is wrong in the file is an AnnotationError."""
    try:
        yield
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise AnnotationError(
            f"incomplete or corrupt true key frames ({type(error).__name__}: {error})",
            file=file,
            remedy="Remove the synthetic dataset, and write it again.",
        ) from error
