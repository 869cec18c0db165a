"""Options with a value for each name: `cas2=/data/CASME2,samm=/data/SAMM`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gamdss.errors import ConfigError


def parse_pairs(text: str, option: str, names: Sequence[str]) -> dict[str, str]:
    """The values by name, in the order of the text.

    Args:
        text: pairs `name=value`, separated by commas.
        option: of the command line, without `--`.
        names: the names that are allowed.

    Raises:
        ConfigError: a name that is not allowed or is given twice, or no value.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    values = {name.strip(): value.strip() for name, _, value in pairs}
    if len(values) < len(pairs) or not all(n in names and value for n, value in values.items()):
        example = format_pairs({name: f"/data/{name.upper()}" for name in names})
        raise ConfigError(
            f"--{option} is {text!r}",
            remedy=f"Write it as {example}; name each once.",
        )
    return values


def format_pairs(values: Mapping[str, str]) -> str:
    """The inverse of `parse_pairs`."""
    return ",".join(f"{name}={value}" for name, value in values.items())
