"""The trained network of a fold as a folder of weights, config and model card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from gamdss.errors import RunError
from gamdss.files import unwritable
from gamdss.models.hub import CARD
from gamdss.models.two_branch import TwoBranchNet
from gamdss.records import subject_of
from gamdss.runs.export import TOLERANCE
from gamdss.runs.finished import FinishedRun, read_run
from gamdss.runs.trained import PredictingBranch, Trained, load_trained
from gamdss.training.initial import people_of_fold


def export_pretrained(run: Path, fold: str, folder: Path) -> tuple[Trained, float]:
    """Write the folder, read it back and compare its logits.

    A model card that is already in the folder is replaced.

    Returns:
        The network, and the largest difference of the folder's logits from its own.

    Raises:
        RunError: the run is not finished, the folder cannot be written, or it does not give the
            same logits.
        CheckpointError: the fold's checkpoint is incomplete or corrupt.
    """
    finished = read_run(run)
    trained = load_trained(run, fold)
    net = trained.net
    net.about = {**trained.about, **_about(finished, fold)}
    if folder.is_file():
        raise RunError("this is a file", file=folder, remedy="Name a folder with --output.")
    try:
        (folder / CARD).unlink(missing_ok=True)
        net.save_pretrained(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    with torch.no_grad():
        branches = [
            PredictingBranch(each, trained.from_features)
            for each in (net, TwoBranchNet.from_pretrained(folder))
        ]
        own, read = (branch(*branch.example(2)) for branch in branches)
    difference = float((own - read).abs().max())
    if not difference <= TOLERANCE:
        raise RunError(
            f"the logits of the folder differ by {difference:.2g} from the network's",
            file=folder,
            remedy="Report the backbone and the package versions.",
        )
    return trained, difference


def _about(run: FinishedRun, fold: str) -> dict[str, Any]:
    """What the config and the model card say about the weights of a fold."""
    people = people_of_fold(run.path, fold)
    return {
        **about_run(run),
        "held_out": sorted(set(map(subject_of, run.fold(fold).clips))),
        "people": None if people is None else list(people),
    }


def about_run(run: FinishedRun) -> dict[str, Any]:
    """What model cards say about a run, as plain values."""
    results = run.results
    scores = None
    if results.scored:
        found = results.evaluated
        scores = {
            name: [value, *(found.intervals.get(name) or (None, None))]
            for name, value in found.measures.items()
        }
    return {
        "title": results.dataset,
        "synthetic": results.synthetic,
        "protocol": results.protocol,
        "epochs": results.epochs,
        "selection": results.selection,
        "seed": results.seed,
        "clips": results.clips,
        "subjects": results.subjects,
        "scores": scores,
        "started_from": results.started_from,
        "seen": list(results.seen),
    }
