"""A YAML file that the user named, as plain values; what is wrong with it is a ConfigError."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from gamdss.errors import ConfigError
from gamdss.files import read_regular

_MOST_BYTES = 4 << 20
_MOST_VALUES = 100_000  # with aliases filled in
_DEEPEST = 50
_LONGEST_REASON = 300


def read_yaml(path: Path, what: str, option: str) -> Any:
    """The plain values of a YAML file that the user named.

    Args:
        path: the file.
        what: what it is, for the error.
        option: the option that names it, for the error.

    Raises:
        ConfigError: it cannot be read, or is not YAML.
    """
    try:
        text = read_regular(path, _MOST_BYTES).decode()
        _check_size(yaml.compose(text, yaml.SafeLoader), {}, 0)
        return yaml.safe_load(text)
    except OSError as error:
        raise ConfigError(
            f"{what} cannot be read ({error.strerror})", file=path, remedy=f"Check {option}."
        ) from error
    except RecursionError as error:
        raise ConfigError("nested too deeply", file=path, remedy="Correct it.") from error
    except Exception as error:  # PyYAML raises whatever its constructors do
        where = " ".join(str(error).split())[:_LONGEST_REASON]
        raise ConfigError(f"not valid YAML: {where}", file=path, remedy="Correct it.") from error


def _check_size(node: yaml.Node | None, sizes: dict[int, int], depth: int) -> int:
    """The number of values in a YAML document once its aliases are filled in.

    Raises:
        RecursionError: it is nested too deeply, or contains itself.
        ValueError: it is too large, or gives a key twice.
    """
    if depth > _DEEPEST:
        raise RecursionError
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in sizes:
        if isinstance(node, yaml.MappingNode):
            _check_keys(node)
        pairs = [
            part for pair in node.value for part in (pair if isinstance(pair, tuple) else [pair])
        ]
        sizes[id(node)] = 1 + sum(_check_size(part, sizes, depth + 1) for part in pairs)
    if sizes[id(node)] > _MOST_VALUES:
        raise ValueError(f"it has more than {_MOST_VALUES} values")
    return sizes[id(node)]


def _check_keys(node: yaml.MappingNode) -> None:
    keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
    twice = [key for key, count in keys.items() if count > 1 and key != "<<"]
    if twice:
        line = node.start_mark.line + 1
        raise ValueError(f"the mapping in line {line} has the key {twice[0]!r} more than once")
