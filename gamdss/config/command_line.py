"""Command lines -> dataclasses, by jsonargparse: fields are options, docstrings their help."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from argparse import ArgumentError
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO, TypeVar, cast

from jsonargparse import ArgumentParser, Namespace
from typing_extensions import Self

from gamdss.config.load import check_file, new_parser
from gamdss.config.mistakes import explain_words
from gamdss.errors import (
    ConfigError,
    DeviceError,
    GamdssError,
    did_you_mean,
    printable,
    short_of_memory,
)

Values = TypeVar("Values")


def positional(text: str, nargs: str | None = None) -> Any:
    """A field of an options dataclass that is a positional argument; `nargs` as in argparse."""
    about = {"help": text, "nargs": nargs}
    if nargs == "*":
        return field(default_factory=list, metadata=about)
    return field(default=None, metadata=about)


@dataclass(frozen=True)
class Command:
    """A command of the command line.

    Args:
        run: takes the parsed `options`, then `settings` if there are any; returns an exit status,
            None for 0.
        options: dataclass of the command's own options; its docstring is the command's help.
        settings: dataclass whose fields can be set by options and also by `--config FILE`.
        unused: fields and groups of `settings`, such as `seed`, `model` and `reselection.draws`,
            that a config file may contain but that have no effect here; their options are refused.
        defaults: of fields of `settings`, if they differ for this command.
        arrange: sorts the words by precedence; later ones win.
        variants: commands of the same name, by the option that selects them.
    """

    run: Callable[..., int | None]
    options: type
    settings: type | None = None
    unused: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    arrange: Callable[[Sequence[str]], list[str]] = list
    variants: Mapping[str, Command] = field(default_factory=dict)

    def chosen(self, words: Sequence[str]) -> Command:
        """The variant whose option is among the words; else the command itself."""
        given = {word.partition("=")[0] for word in words}
        return next((c for option, c in self.variants.items() if option in given), self)

    def parser(self, name: str) -> ArgumentParser:
        """The parser of the command `name`."""
        text, _, _ = inspect.getdoc(self.options).partition("\n\nArgs:")  # type: ignore[union-attr]
        named = [item for item in fields(self.options) if "help" in item.metadata]
        parser = new_parser(text, name, self.settings)
        for item in named:
            nargs = item.metadata["nargs"]
            more = {} if nargs is None else {"nargs": nargs}
            if nargs == "*":
                more["default"] = []
            parser.add_argument(item.name, help=item.metadata["help"], **more)
        if len(named) < len(fields(self.options)):
            parser.add_class_arguments(self.options, skip={item.name for item in named})
        for group in parser._action_groups:
            if group.title and text.startswith(group.title):  # repeats the docstring
                group.title = "options of this command"
        for action in parser._actions:
            if getattr(action, "_typehint", None) is bool:  # a switch without value means true
                action.nargs, action.const = "?", True
            if action.dest == "print_config":
                action.metavar = "[FLAGS]"  # the default contains a control character
            if self.ignores(action.dest):
                action.help = argparse.SUPPRESS
        parser.set_defaults(dict(self.defaults))
        return parser

    def ignores(self, option: str) -> bool:
        """Whether an option, such as `training.epochs`, has no effect on the command."""
        name = option.replace("-", "_")
        return any(name == one or name.startswith(f"{one}.") for one in self.unused)

    def parse(self, name: str, words: Sequence[str]) -> list[Any]:
        """The options, and the settings if any, of the words after the command's name.

        Raises:
            ConfigError: an unknown or unused option, or a value of the wrong type.
        """
        for word in words:
            option = word.partition("=")[0]
            if option.startswith("--") and self.ignores(option[2:]):
                raise ConfigError(
                    f"{option.replace('_', '-')} has no effect on `gamdss {name}`",
                    remedy="Omit it.",
                )
        values = parse(self.parser(name), self.arrange(words))
        given: list[Any] = [build(values, self.options)]
        if self.settings is not None:
            given.append(build(values, self.settings))
        return given


class _Printable:
    """A text stream that shows control characters of names as escapes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(printable(text, keep="\n\t"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def safe_output() -> Iterator[None]:
    """Print any name on any terminal: what it cannot show, or would obey, is escaped."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # not a real stream, or a closed one
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    with redirect_stdout(cast("TextIO", _Printable(sys.stdout))):
        yield


@contextmanager
def exit_on_mistake() -> Iterator[None]:
    """End the program with a message, not a traceback, if the user can fix what is wrong.

    Raises:
        SystemExit: with the error's exit status; 130 if interrupted, 0 if the reader of the output
            closed it.
    """
    try:
        with safe_output():
            yield
            sys.stdout.flush()
    except GamdssError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except OSError as error:  # a path that the system refuses, such as a name that is too long
        if error.filename is None:
            raise
        where = printable(os.fsdecode(error.filename))
        print(f"error: {where[:300]}: {error.strerror}\nCheck the path.", file=sys.stderr)
        raise SystemExit(GamdssError.exit_code) from None
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # PyTorch's, which not all commands import
            raise
        print(f"error: {short_of_memory(error)}", file=sys.stderr)
        raise SystemExit(DeviceError.exit_code) from None
    except KeyboardInterrupt:
        print("\ninterrupted; the same command resumes", file=sys.stderr)
        raise SystemExit(130) from None


class Session:
    """What a `with` statement of a script or notebook holds until it ends."""

    def __init__(self) -> None:
        self._held = ExitStack()

    def of_a_script(self) -> Self:
        """Itself; a user's mistake in the `with` statement ends the program with a message."""
        self._held.enter_context(exit_on_mistake())
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._held.__exit__(kind, error, trace)


def choose_command(words: Sequence[str], commands: Mapping[str, str], description: str) -> str:
    """The command of a command line; prints the help and exits for `--help`.

    Args:
        words: the command line without the program's name.
        commands: each command and its help.
        description: of the program.

    Raises:
        ConfigError: no command, or an unknown one (with the nearest valid one).
    """
    if words and words[0] in commands:
        return words[0]
    if words and words[0] in ("-h", "--help"):
        width = max(map(len, commands)) + 2
        lines = [f"  {name:<{width}}{text}" for name, text in commands.items()]
        print("usage: gamdss COMMAND [options]", description, "commands:", sep="\n\n")
        print(*lines, "", "`gamdss COMMAND --help` lists the options of a command.", sep="\n")
        raise SystemExit(0)
    if not words:
        raise ConfigError("no command given", remedy=f"Commands: {', '.join(commands)}.")
    hint = did_you_mean(words[0], commands)
    remedy = f"{hint}Commands: {', '.join(commands)}."
    raise ConfigError(f"unknown command {words[0]!r}", remedy=remedy)


def parse(parser: ArgumentParser, arguments: Sequence[str]) -> Namespace:
    """Parse the options of a command; their names may have hyphens or underscores.

    Raises:
        ConfigError: an unknown option (with the nearest valid one), or a value of the wrong type.
    """
    words = [_underscores(argument) for argument in arguments]
    for file in split_configs(words)[0]:
        check_file(parser, Path(file))
    try:
        return parser.instantiate(parser.parse_args(words))
    except ArgumentError as error:
        raise explain_words(parser, str(error), words) from error


def build(values: Any, kind: type[Values]) -> Values:
    """The dataclass `kind` from parsed values."""
    return kind(**{item.name: values[item.name] for item in fields(kind)})  # type: ignore[arg-type]


def _underscores(argument: str) -> str:
    if not argument.startswith("--"):
        return argument
    name, equals, value = argument.partition("=")
    return "--" + name[2:].replace("-", "_") + equals + value


def split_configs(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files of `--config FILE` and `--config=FILE` in order, and all other words."""
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
