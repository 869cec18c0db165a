"""What a run was trained on, and how a recording differs from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gamdss.align.settings import AlignConfig
from gamdss.data.composite import sources
from gamdss.data.specs import get_spec
from gamdss.data.specs.spec import DatasetSpec
from gamdss.data.store import FORMAT
from gamdss.errors import GamdssError
from gamdss.files import read_record
from gamdss.prediction.stretches import Tracking
from gamdss.runs.finished import FinishedRun
from gamdss.training.run_files import read_object
from gamdss.version import __version__

# Relative differences of frame rates and of the shapes of crops that are reported.
_OTHER_RATE, _OTHER_SHAPE = 0.2, 0.02
_MOST_RATES = 3  # of which each is named
SYNTHETIC = (
    "The run was trained on synthetic clips, as those of the demo are. Its classes mean nothing on "
    "real faces."
)


@dataclass(frozen=True)
class TrainedOn:
    """The training data of a run.

    `scored` is whether clips were held out. `grey` is whether all training frames were, `rates`
    their frames per second as far as known, ascending. `crops` has the settings of `gamdss align`
    by dataset, None if it did not crop the frames; it is empty if an earlier version trained the
    run. `seen` is whether its initial weights had, or may have, seen held-out subjects.
    """

    dataset: str
    synthetic: bool
    scored: bool
    grey: bool
    rates: tuple[float, ...]
    crops: Mapping[str, Mapping[str, Any] | None]
    seen: bool = False

    def differences(self, tracking: Tracking, settings: AlignConfig) -> list[str]:
        """Warnings about a recording that is unlike the training data."""
        found = []
        rates = self.rates
        if rates and all(abs(tracking.fps / rate - 1) > _OTHER_RATE for rate in rates):
            known = " and ".join(f"{rate:.4g}" for rate in rates)
            if len(rates) > _MOST_RATES:
                known = f"{rates[0]:.4g} to {rates[-1]:.4g}"
            found.append(
                f"{tracking.fps:.4g} frames per second, but the training data has {known}: "
                "expressions are sampled differently"
            )
        size = min((stretch.pose.size for stretch in tracking.stretches), default=float("inf"))
        wanted = settings.width / (1 + 2 * settings.margin)
        if size < wanted / 1.5:
            found.append(
                f"the face is {size:.0f} pixels wide, and enlarged {wanted / size:.1f} times for "
                "the crops: details that the networks were trained on are missing"
            )
        found += self.other_crops(settings)
        if not self.scored:
            found.append(
                "the run was trained on everybody: its score is unknown, and its probabilities are "
                "not calibrated"
            )
        if self.seen:
            found.append(
                "the run started from weights that had seen its held-out subjects: its "
                "probabilities are calibrated on them, and may be too certain"
            )
        if self.grey:
            found.append("the training frames are grey: crops are converted")
        return found

    def other_crops(self, settings: AlignConfig) -> list[str]:
        """Warnings about crops that differ from those of the training data, or may differ."""
        now: Mapping[str, Any] = settings.identity
        found = []
        for name, crops in self.crops.items():
            if crops is None:
                continue
            differ = [
                f"{what} {_shown(crops, what)} in training, {_shown(now, what)} here"
                for what in ("margin", "detector", "predictor", "yunet")
                if crops.get(what) != now.get(what)
            ]
            shapes = [one["width"] / one["height"] for one in (crops, now)]
            if abs(shapes[0] / shapes[1] - 1) > _OTHER_SHAPE:
                differ.append(f"width / height {shapes[0]:.2f} in training, {shapes[1]:.2f} here")
            if differ:
                found.append(f"crops differ from {name}'s: {'; '.join(differ)}")
        unknown = [name for name, crops in self.crops.items() if crops is None]
        if (unknown or not self.crops) and not self.synthetic:
            of = f" of {', '.join(unknown)}" if unknown else ""
            found.append(
                f"the crops of the training data{of} are not known: compare them with the faces "
                "here"
            )
        return found


def trained_on(run: FinishedRun) -> TrainedOn:
    """What a run was trained on, from its directory."""
    data = read_record(run.path / "data.json")
    if "grey" in data and "fps" in data:
        grey, rates = data["grey"], data["fps"]
    else:  # an earlier version trained the run
        specs = _specs(run)
        grey = bool(specs) and not any(spec.colour for spec in specs)
        rates = sorted({spec.fps for spec in specs} - {0.0})
    results = run.results
    crops = read_record(run.path / "crops.json")
    return TrainedOn(
        results.dataset,
        results.synthetic,
        results.scored,
        grey,
        tuple(rates),
        crops,
        bool(results.seen),
    )


def _specs(run: FinishedRun) -> Sequence[DatasetSpec]:
    """The specs of a run's datasets; none if they are not at hand."""
    try:
        return [
            get_spec(part.dataset, part.annotations, part.data_root) for part in sources(run.config)
        ]
    except GamdssError:  # a custom spec that is elsewhere; predictions do not need it
        return []


def _shown(settings: Mapping[str, Any], name: str) -> str:
    """A setting; a detector by its name, and files of models by a digest."""
    value = settings.get(name)
    if value is None:
        return "dlib" if name == "detector" else "none"
    return str(value).partition(" ")[0]


def identity(run: FinishedRun, settings: AlignConfig) -> dict[str, object]:
    """What identifies a run and the crops, as plain values: the same give the same predictions."""
    config = json.dumps(run.config.as_dict(), sort_keys=True, default=str).encode()
    return {
        "gamdss": __version__,
        "key_frames": FORMAT,  # so that another version of the method predicts again
        "config": hashlib.blake2b(config, digest_size=12).hexdigest(),
        "data": read_object(run.path / "data.json"),
        "synthetic": run.results.synthetic,
        "task": run.results.task,
        "classes": list(run.classes),
        "protocol": run.results.protocol,
        "folds": [fold.name for fold in run.folds],
        "model": asdict(run.config.model),
        "features": asdict(run.config.features),
        "crops": settings.identity,
        "training_crops": read_record(run.path / "crops.json"),
    }
