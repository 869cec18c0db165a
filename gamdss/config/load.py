"""YAML files -> config dataclasses, by jsonargparse; errors name the nearest valid field."""

from __future__ import annotations

import difflib
import re
from argparse import ArgumentError
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jsonargparse import ActionConfigFile, ArgumentParser, DefaultHelpFormatter, Namespace

from gamdss.config import flatten
from gamdss.config.yaml_file import read_yaml
from gamdss.errors import ConfigError, did_you_mean, of_type

Values = TypeVar("Values")
_OPTION = re.compile(r"--[a-z][\w.\-]*")
_USUAL = {"lr": "learning-rate", "wd": "weight-decay"}  # what other programs call an option
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
            if _is_group(name.value, _fields(self)) and value.tag == _NULL:
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
    names = {name.partition(".")[0] for name in _fields(parser)}
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
    known = _fields(parser)
    values = {n: v for n, v in values.items() if v is not None or not _is_group(n, known)}
    for name, value in flatten(values).items():
        if _is_group(name, known):
            problem = f"{name!r} is a group of fields, and is {value!r}"
            remedy = f"Give it fields such as `{name}: {{name: value}}`, or remove the line."
            raise ConfigError(problem, file=file, remedy=remedy)
        if name not in known:
            raise ConfigError(f"unknown field {name!r}", file=file, remedy=_nearest(name, known))
        if value is None and parser.get_defaults()[name] is not None:
            remedy = "Give it a value, or remove the line to use the default."
            raise ConfigError(f"field {name!r} is null", file=file, remedy=remedy)
        if isinstance(value, str) and "\0" in value:
            problem = f"field {name!r} contains a zero byte"
            raise ConfigError(problem, file=file, remedy="Correct the value.")
    try:
        return parser.parse_object(values)
    except ArgumentError as error:
        explained = explain(parser, str(error))
        raise ConfigError(explained.problem, file=file, remedy=explained.remedy) from error


def _fields(parser: ArgumentParser) -> list[str]:
    return [name for name in parser.get_defaults().keys() if name != "config"]  # noqa: SIM118


def _is_group(name: object, known: Sequence[str]) -> bool:
    return any(field.startswith(f"{name}.") for field in known)


def _nearest(name: str, known: Sequence[str]) -> str:
    """A remedy with the valid field most similar to `name`, by its full name or its last part."""
    hint = did_you_mean(_USUAL.get(name.rpartition(".")[2], name), known)
    if not hint:
        last = {field.rpartition(".")[2]: field for field in known}
        near = difflib.get_close_matches(name.rpartition(".")[2], last, n=1)
        hint = did_you_mean(last[near[0]], known) if near else ""
    return f"{hint}--help lists all fields."


def explain(parser: ArgumentParser, message: str) -> ConfigError:
    """jsonargparse's message in one line, with the nearest valid option for an unknown one."""
    message = message.strip()
    if message.startswith("unrecognized arguments:"):
        words = message.partition(":")[2].split()
        option = next((word for word in words if word.startswith("--")), words[0] if words else " ")
        name = option.lstrip("-").partition("=")[0]
        known = [n.replace("_", "-") for n in _fields(parser)]
        if not option.startswith("-"):
            return ConfigError(
                f"{option!r} is one argument too many", remedy="--help shows what is expected."
            )
        problem = f"unknown option {option.partition('=')[0].replace('_', '-')!r}"
        return ConfigError(problem, remedy=_nearest(name.replace("_", "-"), known))
    if message.startswith("the following arguments are required:"):
        names = [name.rpartition(".")[2] for name in message.partition(":")[2].split(", ")]
        return _missing(parser, [name.strip() for name in names])
    match = re.search(r'[Pp]arser key "([^"]+)":\s*(.+)', message, re.DOTALL)
    if match:
        reason = " ".join(match.group(2).split())
        return ConfigError(f"field {match.group(1)!r}: {reason}", remedy="Correct the value.")
    return ConfigError(" ".join(message.split()), remedy="--help lists all fields.")


def _missing(parser: ArgumentParser, names: Sequence[str]) -> ConfigError:
    """The error for required arguments; those that are no options are shown in capitals."""
    about = {action.dest: action.help for action in parser._actions if not action.option_strings}
    shown = [n.upper() if n in about else f"--{n.replace('_', '-')}" for n in names]
    added = [
        f"{one} ({about[n]})" if n in about else one for n, one in zip(names, shown, strict=True)
    ]
    verb = "is" if len(names) == 1 else "are"
    return ConfigError(
        f"{' and '.join(shown)} {verb} missing", remedy=f"Add {' and '.join(added)}."
    )
