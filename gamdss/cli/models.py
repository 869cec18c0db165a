"""`gamdss models`: backbones, and their cost on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import torch

from gamdss.config.command_line import Command
from gamdss.errors import require
from gamdss.studies.speed import models


@dataclass
class Options:
    """List backbones with their cost and speed on this machine.

    Args:
        filter: measure timm's models that match: a part of a name, or a pattern with wildcards.
        all: print the names of all of timm's models.
        image_size: pixels; by default the size that each backbone was designed for.
        threads: CPU threads; 0 leaves the number to PyTorch.
        json: print plain values for other programs.
    """

    filter: str | None = None
    all: bool = False
    image_size: int | None = None
    threads: int = 0
    json: bool = False

    def __post_init__(self) -> None:
        if self.image_size is not None:
            require(self.image_size >= 1, "image_size", self.image_size, "1 or more")
        require(self.threads >= 0, "threads", self.threads, "0 or more")


def run(options: Options) -> None:
    """Measure and print a table, or only print names."""
    names = models.find(options.filter, options.all)
    if options.all:  # measuring them would take hours
        print(json.dumps(names, indent=2) if options.json else "\n".join(names))
        return
    if options.threads:
        torch.set_num_threads(options.threads)
    costs = models.measure(names, options.image_size)
    if options.json:
        print(json.dumps([asdict(cost) for cost in costs], indent=2))
        return
    print(models.table(costs))
    print(
        "\nmap: where the streams meet, height x width x channels. GFLOP and ms: predicting one "
        f"clip, in batches of {models.BATCH} on {torch.get_num_threads()} CPU thread(s).\n"
        "--all lists every name, --filter measures those that match: most models of timm work."
    )


COMMAND = Command(run, Options)
