"""Command line and YAML files -> config dataclasses, by jsonargparse; errors name the remedy."""

from __future__ import annotations

import difflib
import re
from argparse import ArgumentError
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jsonargparse import ActionConfigFile, ArgumentParser, DefaultHelpFormatter, Namespace

from gamdss.config import flatten
from gamdss.errors import ConfigError
from gamdss.files import read_yaml

Values = TypeVar("Values")
_OPTION = re.compile(r"--[a-z][\w.\-]*")


class _HyphenHelp(DefaultHelpFormatter):
    """Shows `--data-root` for the field `data_root`; both spellings are taken."""

    def _format_action_invocation(self, action: Any) -> str:
        return _hyphens(super()._format_action_invocation(action))

    def _format_usage(self, *args: Any, **kwargs: Any) -> str:
        return _hyphens(super()._format_usage(*args, **kwargs))


def _hyphens(text: str) -> str:
    return _OPTION.sub(lambda option: option.group().replace("_", "-"), text)


def new_parser(description: str, name: str = "", config: type | None = None) -> ArgumentParser:
    """A parser of the command `name`; with `config`, its fields and `--config FILE` are options."""
    parser = ArgumentParser(
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
            help="a YAML file of fields; may be given several times, what comes later wins",
        )
        parser.add_class_arguments(config)
        for action in parser._actions:  # a switch alone means true
            if getattr(action, "_typehint", None) is bool:
                action.nargs, action.const = "?", True
    return parser


def parse(
    commands: dict[str, ArgumentParser], arguments: Sequence[str], description: str
) -> Namespace:
    """Parse a command line; `.subcommand` names the command, the field so called its values.

    Raises:
        ConfigError: an unknown command or field (with the nearest valid one), or a value of the
            wrong type.
    """
    top = new_parser(description)
    subcommands = top.add_subcommands(required=True, metavar="COMMAND")
    for name, parser in commands.items():
        subcommands.add_subcommand(name, parser, help=parser.description)
    words = [_underscores(argument) for argument in arguments]
    command = commands.get(words[0]) if words else None
    if command is not None:
        for file in split_configs(words)[0]:
            _check_file(command, Path(file))
    try:
        return top.instantiate(top.parse_args(words))
    except ArgumentError as error:
        raise _explain(command or top, str(error)) from error


def checked(config: type[Values], values: dict[str, Any], file: Path) -> Values:
    """The dataclass `config` of nested plain values that come from `file`.

    Raises:
        ConfigError: an unknown field (with the nearest valid one), or a value of the wrong type or
            one that is not allowed.
    """
    parser = _parser_of(config)  # type: ignore[arg-type]
    names = {name.partition(".")[0] for name in _fields(parser)}
    parsed = _object(parser, values, file)
    try:
        found = parser.instantiate(parsed)
        return config(**{name: found[name] for name in names})
    except ConfigError as error:  # the dataclass does not know where its values come from
        raise ConfigError(error.problem, file=file, remedy=error.remedy) from error


@cache
def _parser_of(config: type) -> ArgumentParser:
    return new_parser("", config=config)


def _underscores(argument: str) -> str:
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value


def split_configs(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files of `--config FILE` and `--config=FILE`, in order, and all other words."""
    files, others = [], []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name != "--config":
            others.append(word)
            continue
        file = value if equals else next(rest, "")
        if file:
            files.append(file)
        else:
            others.append(word)
    return files, others


def _check_file(parser: ArgumentParser, file: Path) -> None:
    """Refuse a file that cannot be read, an unknown field, or a value of the wrong type."""
    values = read_yaml(file, "the config", "--config")
    if not isinstance(values, dict):
        raise ConfigError(
            f"the config is a {type(values).__name__}",
            file=file,
            remedy="It must hold lines such as `seed: 2`.",
        )
    _object(parser, values, file)


def _object(parser: ArgumentParser, values: dict[str, Any], file: Path) -> Namespace:
    """The values of a file, parsed."""
    known = _fields(parser)
    for name in flatten(values):
        if name not in known:
            raise ConfigError(f"unknown field {name!r}", file=file, remedy=_nearest(name, known))
    try:
        return parser.parse_object(values)
    except ArgumentError as error:
        explained = _explain(parser, str(error))
        raise ConfigError(explained.problem, file=file, remedy=explained.remedy) from error


def _fields(parser: ArgumentParser) -> list[str]:
    return [name for name in parser.get_defaults().keys() if name != "config"]  # noqa: SIM118


def _nearest(name: str, known: Sequence[str]) -> str:
    """The valid field that is most like `name`, by its whole name or its last part."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not near:
        last = {field.rpartition(".")[2]: field for field in known}
        near = [last[n] for n in difflib.get_close_matches(name.rpartition(".")[2], last, n=1)]
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}--help lists all fields."


def _explain(parser: ArgumentParser, message: str) -> ConfigError:
    """jsonargparse's message in one line, with the nearest valid option where one is unknown."""
    message = message.strip()
    if message.startswith("unrecognized arguments:"):
        words = message.partition(":")[2].split()
        option = next((word for word in words if word.startswith("--")), words[0])
        name = option.lstrip("-").partition("=")[0]
        known = [n.replace("_", "-") for n in _fields(parser)]
        problem = f"unknown option {option.partition('=')[0].replace('_', '-')!r}"
        return ConfigError(problem, remedy=_nearest(name.replace("_", "-"), known))
    if message.startswith("the following arguments are required:"):
        names = [name.rpartition(".")[2] for name in message.partition(":")[2].split(", ")]
        flags = " and ".join(f"--{name.strip().replace('_', '-')}" for name in names)
        return ConfigError(f"{flags} is missing", remedy=f"Add {flags}.")
    match = re.search(r'[Pp]arser key "([^"]+)":\s*(.+)', message, re.DOTALL)
    if match:
        reason = " ".join(match.group(2).split())
        return ConfigError(f"field {match.group(1)!r}: {reason}", remedy="Correct the value.")
    return ConfigError(" ".join(message.split()), remedy="--help lists all fields.")
