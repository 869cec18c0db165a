"""The embedded default: a small made dataset and the settings that learn it in minutes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import yaml

from gamdss.data.synthetic import SynthConfig, write_dataset

SETTINGS = Path(__file__).parent / "train.yaml"
DATASET = Path(__file__).parent / "dataset.yaml"


def dataset(cache: Path, progress: bool = True) -> Path:
    """The demo's dataset in `cache`, made first if it is not there; its root."""
    text = DATASET.read_text(encoding="utf-8")
    key = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
    root = cache / "synthetic" / f"demo-{key}"
    if not root.is_dir():
        write_dataset(root, SynthConfig(**yaml.safe_load(text)), progress)
    return root
