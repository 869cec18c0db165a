"""What commands share: dataclasses out of parsed values, and the cache folder."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from gamdss import files
from gamdss.config import Config

Values = TypeVar("Values")


def build(namespace: Any, config: type[Values]) -> Values:
    """The dataclass `config` from the parsed values of its fields."""
    return config(**{field.name: namespace[field.name] for field in fields(config)})  # type: ignore[arg-type]


def cache_folder(config: Config) -> Path:
    """Where decoded frames and made datasets are kept."""
    return files.cache_folder(config.cache)
