"""The command line: one module per command, imported when it is called.

A user's mistake ends with a message on standard error, never with a traceback.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from gamdss.errors import printable
from gamdss.version import __version__

if TYPE_CHECKING:
    from gamdss.config.command_line import Command

DESCRIPTION = "Micro-expression recognition with reselected key frames and a two-phase network."
# Name and help of each command; its module has a `COMMAND`.
COMMANDS = {
    "train": "train and evaluate a network, leaving one subject out; tables and figures",
    "merge": "merge run directories with different folds of one run, and report",
    "compare": "compare two runs on the same clips, with paired intervals",
    "original-report": "print what the release would have printed for a run",
    "table": "reproduce a table of results: train the missing runs, write the table",
    "datasets": "list datasets, their tasks, sizes and request pages",
    "models": "list backbones, what they cost, and how fast they are here",
    "export": "write a fold's trained network for other programs",
    "check": "check the workbook and frames of a dataset, and list all faults",
    "align": "find the face in raw frames and write aligned crops, which training reads",
    "bias": "measure the bias and uncertainty of a dataset's annotation, and correct it",
    "spot": "find onset, apex and offset in clips, or expressions in a long-video dataset",
    "predict": "find and classify expressions in videos, with the networks of a run",
    "features": "write the phase features of every clip as files",
    "synth": "write a synthetic dataset with known key frames in a native layout",
    "bench": "measure how fast this machine trains, compared with the release's way",
    "stress": "measure reselection, or recognition, against known truth",
    "report": "write a finished run as one HTML page",
    "tsne": "draw t-SNE of the embeddings of finished runs",
    "attribution": "draw where on the face the networks of a run see their evidence",
}


class _Formatter(logging.Formatter):
    """Shows control characters of names as escapes."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), keep="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if words == ["--version"]:
        print(f"gamdss {__version__}")
        return 0
    # Imported here: jsonargparse is slow to load, and `--version` does not need it.
    from gamdss.config.command_line import choose_command, exit_on_mistake  # noqa: PLC0415

    try:
        with exit_on_mistake():
            name = choose_command(words, COMMANDS, DESCRIPTION)
            command = load(name).chosen(words[1:])
            status: int | None = command.run(*command.parse(name, words[1:]))
    except SystemExit as stop:
        return int(stop.code or 0)
    return status or 0


def load(name: str) -> Command:
    """The command of this name."""
    command: Command = import_module(f"gamdss.cli.{name.replace('-', '_')}").COMMAND
    return command
