"""The embedded default: a small synthetic dataset, and settings that learn it in minutes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import yaml

from gamdss.checksums import file_checksum
from gamdss.config import Config
from gamdss.config.pairs import format_pairs
from gamdss.data.composite import JOINT
from gamdss.data.specs import get_spec, is_spec_file
from gamdss.data.specs.plain import PLAIN
from gamdss.errors import ConfigError
from gamdss.synthetic import SynthConfig, write_dataset
from gamdss.synthetic.settings import GENERATOR

_HERE = Path(__file__).parent
SETTINGS, DATASET = _HERE / "train.yaml", _HERE / "dataset.yaml"
TABLE, TABLE_DATASET = _HERE / "table.yaml", _HERE / "table_dataset.yaml"


def dataset(
    cache: Path,
    name: str,
    emotions: list[str],
    settings: Path | None = None,
    progress: bool = True,
) -> Path:
    """Write the demo's clips in a dataset's layout, unless they exist; returns their folder.

    Args:
        cache: the folder for decoded frames and synthetic datasets.
        name: name or file of the dataset's spec.
        emotions: the emotions of the task.
        settings: YAML file with fields of `SynthConfig`; `DATASET` by default.
        progress: show a progress bar.
    """
    values = {
        "dataset": name,
        "emotions": emotions,
        **yaml.safe_load((settings or DATASET).read_text(encoding="utf-8")),
    }
    about = json.dumps([values, GENERATOR])
    if is_spec_file(name):
        about += file_checksum(Path(name).expanduser())
    key = hashlib.blake2b(about.encode(), digest_size=6).hexdigest()
    root = cache / "synthetic" / f"demo-{Path(name).stem}-{key}"
    if not root.is_dir():
        write_dataset(root, SynthConfig(**values), progress)
    return root


def check_no_data(data_root: str | None) -> None:
    """Refuse `--data-root` beside `--demo`.

    Raises:
        ConfigError: there is one.
    """
    if data_root is not None:
        raise ConfigError(
            f"--demo generates its own data, but --data-root is {data_root!r}",
            remedy="Omit one of the two.",
        )


def data_root(config: Config, cache: Path, settings: Path | None = None) -> str:
    """Synthetic clips in the layout of each dataset of a config, as the value of `--data-root`."""
    names = config.dataset.split(JOINT)
    if PLAIN in names:
        raise ConfigError(
            "--demo generates clips in the layout of a dataset, and a plain table has none",
            remedy="Omit --demo, or choose another --dataset.",
        )
    roots = {}
    for name in names:
        emotions = list(get_spec(name, config.annotations).task(config.task).emotions)
        roots[name] = str(dataset(cache, name, emotions, settings))
    return format_pairs(roots) if len(names) > 1 else roots[names[0]]
