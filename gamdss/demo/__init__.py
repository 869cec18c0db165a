"""The embedded default: a small made dataset and the settings that learn it in minutes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml

from gamdss.synthetic import SynthConfig, write_dataset

SETTINGS = Path(__file__).parent / "train.yaml"
DATASET = Path(__file__).parent / "dataset.yaml"
# Of the tables, which train many networks.
TABLE = Path(__file__).parent / "table.yaml"
TABLE_DATASET = Path(__file__).parent / "table_dataset.yaml"


def dataset(
    cache: Path,
    name: str,
    emotions: list[str],
    settings: Path | None = None,
    progress: bool = True,
) -> Path:
    """The demo's clips in a dataset's layout, in `cache`, made first if not there; their root.

    Args:
        cache: where made datasets are kept.
        name: the dataset's spec.
        emotions: those of the task.
        settings: of the clips; `DATASET` if None.
        progress: show a progress bar.
    """
    values = {
        "dataset": name,
        "emotions": emotions,
        **yaml.safe_load((settings or DATASET).read_text(encoding="utf-8")),
    }
    key = hashlib.blake2b(json.dumps(values).encode(), digest_size=6).hexdigest()
    root = cache / "synthetic" / f"demo-{Path(name).stem}-{key}"
    if not root.is_dir():
        write_dataset(root, SynthConfig(**values), progress)
    return root
