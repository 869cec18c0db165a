"""The embedded default: a small made dataset and the settings that learn it in minutes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml

from gamdss.config import Config
from gamdss.data.specs import get_spec
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


def data_root(config: Config, cache: Path, settings: Path | None = None) -> str:
    """Synthetic clips in the layout of each dataset of a config, as the value of `--data-root`."""
    names = config.dataset.split("+")
    roots = {}
    for name in names:
        emotions = list(get_spec(name, config.annotations).task(config.task).emotions)
        roots[name] = str(dataset(cache, name, emotions, settings))
    return ",".join(f"{n}={r}" for n, r in roots.items()) if len(names) > 1 else roots[names[0]]
