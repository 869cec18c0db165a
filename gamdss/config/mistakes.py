"""What is wrong with an option or a field, by its type; jsonargparse's messages only name it."""

from __future__ import annotations

import difflib
import re
from argparse import Action
from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from jsonargparse import ArgumentParser

from gamdss.errors import ConfigError, did_you_mean

_USUAL = {"lr": "learning-rate", "wd": "weight-decay"}  # what other programs call an option
_KEY = re.compile(r'[Pp]arser key "([^"]+)":\s*(.+)', re.DOTALL)
_ONE = {int: "an integer", float: "a number", bool: "true or false", str: "text"}
_SEVERAL = {int: "integers", float: "numbers", str: "texts"}


def field_names_of(parser: ArgumentParser) -> list[str]:
    """Dotted names of a parser's fields, without groups and `config`."""
    return [name for name in parser.get_defaults().keys() if name != "config"]  # noqa: SIM118


def is_group(name: object, known: Sequence[str]) -> bool:
    """Whether some of the known fields are in a group of this name."""
    return any(field.startswith(f"{name}.") for field in known)


def nearest(name: str, known: Sequence[str]) -> str:
    """A remedy with the valid field most similar to `name`, by its full name or its last part."""
    hint = did_you_mean(_USUAL.get(name.rpartition(".")[2], name), known)
    if not hint:
        last = {field.rpartition(".")[2]: field for field in known}
        near = difflib.get_close_matches(name.rpartition(".")[2], last, n=1)
        hint = did_you_mean(last[near[0]], known) if near else ""
    return f"{hint}--help lists all fields."


def explain_words(parser: ArgumentParser, message: str, words: Sequence[str]) -> ConfigError:
    """The error for jsonargparse's message about the words of a command line."""
    message = message.strip()
    if message.startswith("unrecognized arguments:"):
        return _unknown(parser, message.partition(":")[2].split())
    if message.startswith("the following arguments are required:"):
        names = [name.rpartition(".")[2] for name in message.partition(":")[2].split(", ")]
        return _missing(parser, [name.strip() for name in names])
    found = _KEY.search(message)
    if found is None:
        return ConfigError(" ".join(message.split()), remedy="--help lists all fields.")
    action = _action(parser, found[1])
    named = action is None or bool(action.option_strings)
    shown = f"--{found[1].replace('_', '-')}" if named else found[1].upper()
    given = _given(words, found[1]) if named else list(words)
    # Of several, the one that the message is about.
    value = next((text for text in given if message.endswith(text)), given[-1] if given else None)
    known = field_names_of(parser)
    if is_group(found[1], known):
        first = next(name for name in known if name.startswith(f"{found[1]}."))
        return ConfigError(
            f"{shown} is a group of options",
            remedy=f"Set them one by one, such as --{first.replace('_', '-')}.",
        )
    return _mistyped(action, shown, value, found[2])


def explain_field(
    parser: ArgumentParser, message: str, values: Mapping[str, object]
) -> ConfigError:
    """The error for jsonargparse's message about the values of a file, by dotted name."""
    found = _KEY.search(message)
    if found is None:
        return ConfigError(" ".join(message.split()), remedy="Correct the value.")
    shown = f"field {found[1]!r}"
    return _mistyped(_action(parser, found[1]), shown, values.get(found[1]), found[2])


def _mistyped(action: Action | None, shown: str, value: object, reason: str) -> ConfigError:
    """The error for a value of the wrong type; `reason` is jsonargparse's."""
    kind = getattr(action, "_typehint", None)
    allowed = _allowed(kind)
    if value is None or allowed is None:
        return ConfigError(f"{shown}: {' '.join(reason.split())}", remedy="Correct the value.")
    hint = did_you_mean(value, _choices(kind)) if isinstance(value, str) else ""
    return ConfigError(f"{shown} is {value!r}", remedy=f"{hint}It must be {allowed}.")


def _allowed(kind: Any) -> str | None:
    """What a field of a type may be, to complete "It must be"; None for other types."""
    if choices := _choices(kind):
        return f"one of {', '.join(choices)}"
    if get_origin(kind) in (Union, UnionType):
        kinds = [_allowed(part) for part in get_args(kind) if part is not NoneType]
        return None if None in kinds else " or ".join(filter(None, kinds))
    if get_origin(kind) in (list, tuple) and {*get_args(kind)[1:]} <= {...}:
        several = _SEVERAL.get(get_args(kind)[0])
        return several and f"a list of {several}"
    return _ONE.get(kind)


def _choices(kind: Any) -> list[str]:
    """The values of a Literal, or of one in an optional field."""
    if get_origin(kind) is Literal:
        return list(map(str, get_args(kind)))
    parts = [part for part in get_args(kind) if part is not NoneType]
    one = get_origin(kind) in (Union, UnionType) and len(parts) == 1
    return _choices(parts[0]) if one else []


def _given(words: Sequence[str], name: str) -> list[str]:
    """The values of `--name VALUE` and `--name=VALUE`."""
    after = zip(words, [*words, ""][1:], strict=True)
    option = f"--{name}"
    return [
        value if word == option else word.partition("=")[2]
        for word, value in after
        if word == option or word.startswith(f"{option}=")
    ]


def _action(parser: ArgumentParser, name: str) -> Action | None:
    return next((action for action in parser._actions if action.dest == name), None)


def _unknown(parser: ArgumentParser, words: Sequence[str]) -> ConfigError:
    """The error for an unknown option, with the nearest valid one, or for one argument too many."""
    option = next((word for word in words if word.startswith("--")), words[0] if words else " ")
    name = option.lstrip("-").partition("=")[0]
    known = [n.replace("_", "-") for n in field_names_of(parser)]
    if not option.startswith("-"):
        return ConfigError(
            f"{option!r} is one argument too many", remedy="--help shows what is expected."
        )
    problem = f"unknown option {option.partition('=')[0].replace('_', '-')!r}"
    return ConfigError(problem, remedy=nearest(name.replace("_", "-"), known))


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
