"""The networks of a run as a folder to share: all that `gamdss predict` reads, and nothing else.

The folder is a run without its data: no frames, tables and figures, and no places on this machine.
It has the names of the run's clips and subjects, by which networks that have seen a person are
left out.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import yaml
from tqdm import tqdm

from gamdss.config import Config
from gamdss.data.composite import JOINT
from gamdss.errors import RunError
from gamdss.files import inside, read_record, unwritable, write_json, write_record, write_text
from gamdss.models.model_card import LIMITS, card_score, card_warnings
from gamdss.prediction.ensemble import Ensemble
from gamdss.prediction.trained_on import trained_on
from gamdss.runs.export_pretrained import about_run
from gamdss.runs.finished import FinishedRun, read_run
from gamdss.runs.trained import load_trained
from gamdss.training.checkpoint import load_weights, save_weights
from gamdss.training.initial import people_of_fold
from gamdss.training.run_files import read_object
from gamdss.version import __version__

_CARD = """\
# GAMDSS, {title}: networks to predict with

{networks} ([arXiv 2603.04766](https://arxiv.org/abs/2603.04766)).
`gamdss predict` finds micro-expressions in videos and classifies them with {pronoun}:
{classes}.

{warnings}## Use

With gamdss {version} or later, in this folder:

```bash
gamdss predict . --input recordings --output predictions
```

## Data and protocol

- Data: {title}, task {task}; {clips} clips of {subjects} subjects
- Protocol: {protocol}; {epochs} epochs ({selection} epoch), seed {seed}
- Temporal stream: {backbone}; frames of {size} x {size} pixels
- Started from: {start}
- Written by gamdss {version}

## Held-out score

{score}

{limits}"""


def export_predictor(run: Path, folder: Path, progress: bool = False) -> Ensemble:
    """Write the folder; it is read back before it gets its name.

    Args:
        run: the directory of a finished run.
        folder: the folder; it must not exist, or be empty.
        progress: show a progress bar.

    Returns:
        The classifier of the run, whose copy the folder is.

    Raises:
        RunError: the run is not finished, is of action units or lacks checkpoints; or the folder
            is not empty or cannot be written.
        CheckpointError: a checkpoint is incomplete or corrupt.
    """
    finished = read_run(run)
    ensemble = Ensemble(finished, "cpu")
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise RunError(
            "this is a file" if folder.is_file() else "this folder is not empty",
            file=folder,
            remedy="Name a new folder with --output, or delete this one.",
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=folder.parent) as made:
            target = Path(made) / folder.name
            _write(finished, ensemble, target, progress)
            Ensemble(read_run(target), "cpu")
            with suppress(FileNotFoundError):
                folder.rmdir()
            target.replace(folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    return ensemble


def _write(run: FinishedRun, ensemble: Ensemble, target: Path, progress: bool) -> None:
    text = yaml.safe_dump(
        _without_places(run.config).as_dict(), sort_keys=False, allow_unicode=True
    )
    write_text(target / "config.yaml", text)
    known = trained_on(run)  # runs of earlier versions have to look for it outside of the run
    data = {**read_object(run.path / "data.json"), "grey": known.grey, "fps": list(known.rates)}
    write_json(target / "data.json", data)
    if known.crops:
        write_record(target / "crops.json", read_record(run.path / "crops.json"))
    write_json(target / "results.json", run.results.as_dict())
    net = load_trained(run.path, ensemble.folds[0]).net
    for fold in tqdm(ensemble.folds, desc="export", unit="fold", disable=not progress):
        source, place = (inside(at / "folds", fold, "the fold") for at in (run.path, target))
        place.mkdir(parents=True)
        shutil.copyfile(source / "predictions.npz", place / "predictions.npz")
        about = load_weights(source / "checkpoint.safetensors", net)
        about["model"] = {**about.get("model", {}), "weights": None}
        people = people_of_fold(run.path, fold)  # of earlier versions, not in the checkpoint
        about |= {} if people is None else {"people": list(people)}
        save_weights(place / "checkpoint.safetensors", net, about)
    write_text(target / "README.md", _card(run, ensemble))


def _without_places(config: Config) -> Config:
    """The config, of files their names alone."""

    def name(path: str | None) -> str | None:
        return path and Path(path).name

    return replace(
        config,
        dataset=JOINT.join(Path(part).name for part in config.dataset.split(JOINT)),
        data_root=None,
        annotations=None,
        output=None,
        cache=None,
        clip_list=name(config.clip_list),
        init_from=name(config.init_from),
        reselection=replace(config.reselection, annotators=name(config.reselection.annotators)),
        model=replace(config.model, weights=name(config.model.weights)),
        protocol=replace(config.protocol, split=name(config.protocol.split)),
    )


def _card(run: FinishedRun, ensemble: Ensemble) -> str:
    about = about_run(run)
    count = len(ensemble.folds)
    warned = "".join(f"> **Warning.** {text}\n\n" for text in card_warnings(about))
    return _CARD.format(
        **{name: about[name] for name in ("title", "protocol", "epochs", "selection", "seed")},
        **{name: about[name] for name in ("clips", "subjects")},
        task=run.results.task,
        networks="One network of GAMDSS" if count == 1 else f"{count} networks of GAMDSS",
        pronoun="it" if count == 1 else "the mean of their probabilities",
        classes=", ".join(run.classes),
        warnings=warned,
        backbone=run.config.model.backbone,
        size=run.config.model.image_size,
        start=about["started_from"] or "random weights",
        version=__version__,
        score=card_score(about, "these networks are those"),
        limits=LIMITS,
    )
