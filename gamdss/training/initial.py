"""Training that starts from weights of another run: leaks refused, parameters frozen."""

from __future__ import annotations

import csv
import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gamdss.config import Config
from gamdss.data.people import people, person_of_run, shared
from gamdss.data.splits import Fold, Labelled
from gamdss.errors import CheckpointError, ConfigError
from gamdss.models.hub import ABOUT, CONFIG, WEIGHTS, read_config_json
from gamdss.models.two_branch import TwoBranchNet
from gamdss.records import subject_of
from gamdss.training.checkpoint import fit, load_result, read_about, read_weights
from gamdss.training.fold_data import FoldData
from gamdss.training.run_files import read_config

log = logging.getLogger("gamdss")
_SAME = ("backbone", "image_size", "input_statistics")  # fields that decide which weights fit
_CLASSIFIER = "head.classify."
UNKNOWN = "unknown"  # among the people: there may be others


@dataclass(frozen=True)
class Source:
    """Weights that a fold may start from.

    `people` are those whom they have seen (`gamdss.data.people`); None if that is unknown.
    """

    file: Path
    model: Mapping[str, Any]
    classes: tuple[str, ...]
    people: tuple[str, ...] | None


@dataclass(frozen=True, eq=False)
class Start:
    """The source of each fold; the one called `` is for all folds.

    Attributes:
        place: the run or folder.
        sources: by name of the fold.
        allow_seen: start although the weights have seen held-out subjects.
    """

    place: Path
    sources: Mapping[str, Source]
    allow_seen: bool

    def source(self, fold: str) -> Source:
        """The weights that a fold starts from.

        Raises:
            ConfigError: the run has no finished fold of this name.
        """
        found = self.sources.get("") or self.sources.get(fold)
        if found is None:
            raise ConfigError(
                f"--init-from has no finished fold {fold!r} to start fold {fold!r} from",
                file=self.place,
                remedy=f"Its folds are {', '.join(self.sources)}. To start all folds from one, "
                "export it with `gamdss export --format pretrained`, and name the folder.",
            )
        return found

    def seen(self, folds: Sequence[Fold], data: Labelled) -> dict[str, list[str]]:
        """Held-out people whom the weights of a fold have seen or may have seen, by fold.

        Raises:
            ConfigError: a fold has no source.
        """
        found = {}
        for fold in folds:
            held_out = people(data.clips[i] for i in fold.held_out)
            known = self.source(fold.name).people
            found[fold.name] = list(held_out) if known is None else shared(held_out, known)
        return {name: names for name, names in found.items() if names}

    def check(self, folds: Sequence[Fold], data: Labelled) -> None:
        """Refuse weights that have seen a held-out subject, or warn if `allow_seen`.

        Raises:
            ConfigError: there are such weights, or a fold has no source.
        """
        seen = self.seen(folds, data)
        if not seen:
            return
        name, found = next(iter(seen.items()))
        unknown = self.source(name).people is None
        problem = (
            f"the weights {'may have' if unknown else 'have'} seen {', '.join(found[:5])}, held "
            f"out by fold {name}; so in {len(seen)} of {len(folds)} folds"
        )
        if not self.allow_seen:
            raise ConfigError(
                f"--init-from: {problem}",
                file=self.place,
                remedy="Start from weights of other people, or of a fold that holds the same "
                "subject out. With --init-from-seen true the run starts, and its results say that "
                "they cannot be trusted.",
            )
        log.warning("%s: %s. The results cannot be trusted", self.place, problem)

    def digest(self, folds: Sequence[Fold]) -> str:
        """Identifies the weights of these folds."""
        return digest(dict.fromkeys(self.source(fold.name).file for fold in folds))

    def apply(self, net: TwoBranchNet, fold: str, data: FoldData) -> tuple[str, ...]:
        """Load the weights of a fold; the classifier stays new if the classes differ.

        Returns:
            Whom the network will have seen: those of the weights, and those of the fold.

        Raises:
            CheckpointError: missing or corrupt, or weights of another network.
        """
        source = self.source(fold)
        tensors = read_weights(source.file)[1]
        if source.classes != data.classes:
            own = {k: v for k, v in net.state_dict().items() if k.startswith(_CLASSIFIER)}
            tensors = {k: v for k, v in tensors.items() if not k.startswith(_CLASSIFIER)} | own
            log.info("fold %s: the classes differ from those of %s", fold, source.file)
        fit(source.file, net, tensors)
        return tuple(sorted({*data.people, *(source.people or (UNKNOWN,))}))


def digest(files: Iterable[Path]) -> str:
    """Identifies files of weights."""
    found = hashlib.blake2b(digest_size=12)
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()


def weights_digests(config: Config, start: Start | None, folds: Sequence[Fold]) -> dict[str, Any]:
    """What identifies the weights that a run starts from, for `data.json`."""
    found: dict[str, Any] = {}
    if start is not None:
        found["initial_weights"] = start.digest(folds)
    if config.model.weights:
        found["model_weights"] = digest([Path(config.model.weights).expanduser()])
    return found


def find_start(config: Config) -> Start | None:
    """What `init_from` names; None without it.

    Raises:
        ConfigError: neither a run nor a folder of weights, or weights of another network.
        CheckpointError: a file is missing or corrupt.
    """
    if config.init_from is None:
        return None
    place = Path(config.init_from).expanduser()
    if (place / CONFIG).is_file():
        sources = {"": _folder_source(place)}
    elif (place / "config.yaml").is_file():
        sources = _run_sources(place)
    else:
        raise ConfigError(
            "--init-from names neither a run nor a folder of weights",
            file=place,
            remedy="Name a run directory, or a folder of `gamdss export --format pretrained`.",
        )
    model = asdict(config.model)
    for source in sources.values():
        wrong = [k for k in _SAME if k in source.model and source.model[k] != model[k]]
        if wrong:
            pairs = [f"{k} {source.model[k]!r} and not {model[k]!r}" for k in wrong]
            raise ConfigError(
                f"--init-from has weights of another network: {', '.join(pairs)}",
                file=place,
                remedy=f"Set --model.{wrong[0].replace('_', '-')} {source.model[wrong[0]]}.",
            )
    return Start(place, sources, config.init_from_seen)


def _folder_source(place: Path) -> Source:
    config = read_config_json(place)
    about = config[ABOUT]
    classes = tuple(about.get("classes", ()))
    return Source(place / WEIGHTS, config, classes, _known(about.get("people")))


def _known(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """The people, None if there may be others."""
    return None if names is None or UNKNOWN in names else tuple(names)


def _run_sources(place: Path) -> dict[str, Source]:
    """The finished folds of a run; the fold of the protocol `all` is for all folds."""
    sources = {}
    everybody = read_config(place).protocol.name == "all"
    for file in sorted(place.glob("folds/*/checkpoint.safetensors")):
        about = read_about(file)
        name = file.parent.name
        source = Source(
            file, about.get("model", {}), tuple(about["classes"]), people_of_fold(place, name)
        )
        sources["" if everybody else name] = source
    if not sources:
        raise ConfigError(
            "--init-from names a run without a finished fold",
            file=place,
            remedy="Finish it with the command that started it.",
        )
    return sources


def people_of_fold(run: Path, fold: str) -> tuple[str, ...] | None:
    """The people whom a fold's network has seen; None if the run does not record them.

    Runs of earlier versions have no list: for them it is everybody whom the fold does not hold
    out.
    """
    folder = run / "folds" / fold
    stored = read_about(folder / "checkpoint.safetensors").get("people")
    if stored is not None:
        return _known(stored)
    config = read_config(run)
    try:
        held_out = {subject_of(clip) for clip in load_result(folder / "predictions.npz").clips}
        with (run / "annotations.csv").open(newline="", encoding="utf-8") as lines:
            subjects = {row["subject"] for row in csv.DictReader(lines)} - held_out
    except (OSError, KeyError, CheckpointError):
        return None
    found = {person_of_run(config, subject) for subject in subjects}
    return None if config.init_from else tuple(sorted(found))


def freeze(net: nn.Module, patterns: str | None) -> None:
    """Freeze the parameters whose names match one of the patterns, which commas separate.

    BatchNorms without a parameter left to train keep their running statistics.

    Raises:
        ConfigError: a pattern matches no parameter, or all parameters are frozen.
    """
    named = dict(net.named_parameters())
    for pattern in [part.strip() for part in (patterns or "").split(",") if part.strip()]:
        chosen = [name for name in named if fnmatchcase(name, pattern)]
        if not chosen:
            parts = dict.fromkeys(".".join(name.split(".")[:2]) for name in named)
            raise ConfigError(
                f"--training.freeze: {pattern!r} matches no parameter",
                remedy=f"Names begin with {', '.join(parts)}; a pattern is such as 'temporal.*'.",
            )
        for name in chosen:
            named[name].requires_grad_(False)
    if not any(values.requires_grad for values in named.values()):
        raise ConfigError(
            f"--training.freeze is {patterns!r}, which freezes all parameters",
            remedy="Leave some to train, such as 'head.*'.",
        )
    for module in net.modules():
        own = [values.requires_grad for values in module.parameters(recurse=False)]
        has_statistics = isinstance(getattr(module, "running_mean", None), torch.Tensor)
        kept = _keep_statistics in module._forward_pre_hooks.values()  # by the fold before
        if has_statistics and own and not any(own) and not kept:
            module.register_forward_pre_hook(_keep_statistics)


def _keep_statistics(module: nn.Module, _inputs: Any) -> None:
    """Before each call, since the trainer puts the whole network into training mode."""
    module.eval()
