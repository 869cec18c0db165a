"""YAML files -> config dataclasses, by jsonargparse; errors name the nearest valid field."""

from __future__ import annotations

import re
from argparse import ArgumentError
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonargparse import ActionConfigFile, ArgumentParser, DefaultHelpFormatter, Namespace

from gamdss.config import flatten
from gamdss.config.mistakes import explain_field, field_names_of, is_group, nearest
from gamdss.config.yaml_file import read_yaml
from gamdss.errors import ConfigError, of_type

Values = TypeVar("Values")
_OPTION = re.compile(r"--[a-z][\w.\-]*")
_NULL = "tag:yaml.org,2002:null"


class _HyphenHelp(DefaultHelpFormatter):
    """Shows `--data-root` for the field `data_root`; both spellings are accepted."""

    def _format_action_invocation(self, action: Any) -> str:
        return _hyphens(super()._format_action_invocation(action))

    def _format_usage(self, *args: Any, **kwargs: Any) -> str:
        return _hyphens(super()._format_usage(*args, **kwargs))


def _hyphens(text: str) -> str:
    return _OPTION.sub(lambda option: option.group().replace("_", "-"), text)


class _Parser(ArgumentParser):
    """Accepts a group of fields without any, such as one whose lines are all comments."""

    def parse_string(self, content: str, *args: Any, **more: Any) -> Namespace:
        """The values of a YAML text."""
        document = yaml.compose(content, yaml.SafeLoader)
        pairs = document.value if isinstance(document, yaml.MappingNode) else []
        for name, value in reversed(pairs):
            if is_group(name.value, field_names_of(self)) and value.tag == _NULL:
                start, end = value.start_mark.index, value.end_mark.index
                content = f"{content[:start]} {{}}{content[end:]}"
        return super().parse_string(content, *args, **more)


def new_parser(description: str, name: str = "", config: type | None = None) -> ArgumentParser:
    """A parser of the command `name`; fields of `config` and `--config FILE` become options."""
    parser = _Parser(
        prog=f"gamdss {name}".strip(),
        description=description,
        formatter_class=_HyphenHelp,
        exit_on_error=False,
        allow_abbrev=False,
    )
    if config is not None:
        parser.usage = f"gamdss {name} [--config FILE ...] [options]"
        parser.add_argument(
            "--config",
            action=ActionConfigFile,
            help="a YAML file of fields; may be given several times, later ones win",
        )
        parser.add_class_arguments(config)
    return parser


def checked(config: type[Values], values: dict[str, Any], file: Path) -> Values:
    """The dataclass `config` from the nested plain values of `file`.

    Raises:
        ConfigError: an unknown field (with the nearest valid one), or a value of the wrong type or
            out of range.
    """
    parser = _parser_of(config)  # type: ignore[arg-type]
    names = {name.partition(".")[0] for name in field_names_of(parser)}
    parsed = _object(parser, values, file)
    try:
        found = parser.instantiate(parsed)
        return config(**{name: found[name] for name in names})
    except ConfigError as error:  # the dataclass does not know the file
        raise ConfigError(error.problem, file=file, remedy=error.remedy) from error


@cache
def _parser_of(config: type) -> ArgumentParser:
    return new_parser("", config=config)


def check_file(parser: ArgumentParser, file: Path) -> None:
    """Raise ConfigError for an unreadable file, an unknown field or a value of the wrong type."""
    values = read_yaml(file, "the config", "--config")
    if not isinstance(values, dict):
        raise ConfigError(
            f"the config is {of_type(values)}",
            file=file,
            remedy="It must contain lines such as `seed: 2`.",
        )
    _object(parser, values, file)


def _object(parser: ArgumentParser, values: dict[str, Any], file: Path) -> Namespace:
    """The values of a file, parsed."""
    known = field_names_of(parser)
    values = {n: v for n, v in values.items() if v is not None or not is_group(n, known)}
    for name, value in flatten(values).items():
        if is_group(name, known):
            problem = f"{name!r} is a group of fields, and is {value!r}"
            remedy = f"Give it fields such as `{name}: {{name: value}}`, or remove the line."
            raise ConfigError(problem, file=file, remedy=remedy)
        if name not in known:
            raise ConfigError(f"unknown field {name!r}", file=file, remedy=nearest(name, known))
        if value is None and parser.get_defaults()[name] is not None:
            remedy = "Give it a value, or remove the line to use the default."
            raise ConfigError(f"field {name!r} is null", file=file, remedy=remedy)
        if isinstance(value, str) and "\0" in value:
            problem = f"field {name!r} contains a zero byte"
            raise ConfigError(problem, file=file, remedy="Correct the value.")
    try:
        return parser.parse_object(values)
    except ArgumentError as error:
        explained = explain_field(parser, str(error), flatten(values))
        raise ConfigError(explained.problem, file=file, remedy=explained.remedy) from error
