"""The check that every field goes through."""

from __future__ import annotations

from gamdss.errors import ConfigError


def require(condition: bool, flag: str, value: object, allowed: str) -> None:
    """Refuse the value of the option `--flag` unless the condition holds."""
    if not condition:
        flag = flag.replace("_", "-")
        raise ConfigError(f"--{flag} is {value!r}", remedy=f"It must be {allowed}.")
