"""`gamdss models`: backbones, and what they cost on this machine."""

from __future__ import annotations

import json
from typing import Any

from jsonargparse import ArgumentParser

from gamdss.config.checks import require
from gamdss.config.load import new_parser


def parser() -> ArgumentParser:
    """Options: which backbones, and at which size."""
    options = new_parser("list backbones, what they cost, and how fast they are here", "models")
    options.usage = "gamdss models [--filter PATTERN] [--all] [--image-size PIXELS] [--json]"
    options.add_argument(
        "--filter", help="measure timm's models of such names: a part of one, or with wildcards"
    )
    options.add_argument(
        "--all", action="store_true", help="print the names of all of timm's models"
    )
    options.add_argument(
        "--image_size", type=int, help="pixels; where left out, each backbone's own"
    )
    options.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves it open")
    options.add_argument("--json", action="store_true", help="print plain values for machines")
    return options


def run(namespace: Any) -> None:
    """Measure and print a table, or print names alone."""
    import torch  # noqa: PLC0415

    from gamdss.studies.speed import models  # noqa: PLC0415

    if namespace.image_size is not None:
        require(namespace.image_size >= 1, "image_size", namespace.image_size, "1 or more")
    require(namespace.threads >= 0, "threads", namespace.threads, "0 or more")
    names = models.find(namespace.filter, namespace.all)
    if namespace.all:  # measuring them would take hours
        print(json.dumps(names, indent=2) if namespace.json else "\n".join(names))
        return
    if namespace.threads:
        torch.set_num_threads(namespace.threads)
    costs = models.measure(names, namespace.image_size)
    if namespace.json:
        print(json.dumps(models.values(costs), indent=2))
        return
    print(models.table(costs))
    print(
        "\nmap: where the streams meet, height x width x channels. GFLOP and ms: predicting one "
        f"clip, in batches of {models.BATCH} on {torch.get_num_threads()} CPU thread(s).\n"
        "--all lists every name, --filter measures those that fit: most models of timm work."
    )
