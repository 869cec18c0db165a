"""The command line: finds the command, turns a user's mistake into a message."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gamdss import __version__
from gamdss.arguments import parse
from gamdss.commands import (
    align,
    attribution,
    bench,
    bias,
    check,
    compare,
    datasets,
    export,
    features,
    merge,
    models,
    original_report,
    report,
    spot,
    stress,
    synth,
    table,
    train,
    tsne,
)
from gamdss.errors import GamdssError

DESCRIPTION = "Micro-expression recognition with reselected key frames and a two-phase network."
COMMANDS = {
    "train": train,
    "merge": merge,
    "compare": compare,
    "original-report": original_report,
    "table": table,
    "datasets": datasets,
    "models": models,
    "export": export,
    "check": check,
    "align": align,
    "bias": bias,
    "spot": spot,
    "features": features,
    "synth": synth,
    "bench": bench,
    "stress": stress,
    "report": report,
    "tsne": tsne,
    "attribution": attribution,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    A mistake of the user's ends in a message on standard error, not in a traceback.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    if words == ["--version"]:
        print(f"gamdss {__version__}")
        return 0
    try:
        parsers = {name: command.parser() for name, command in COMMANDS.items()}
        chosen = parse(parsers, train.with_demo_settings(words), DESCRIPTION)
        done = COMMANDS[chosen.subcommand].run(chosen[chosen.subcommand])
        sys.stdout.flush()
    except GamdssError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # whoever read the output has seen enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\nstopped; the same command continues the run", file=sys.stderr)
        return 130
    return done or 0


def train_script(config: Path) -> None:
    """What a script per dataset does: `gamdss train --config CONFIG` and the user's options."""
    sys.exit(main(["train", "--config", str(config), *sys.argv[1:]]))


def tsne_script(config: Path) -> None:
    """What a script under `visual/` does: `gamdss tsne --experiment CONFIG` and the options."""
    sys.exit(main(["tsne", "--experiment", str(config), *sys.argv[1:]]))
