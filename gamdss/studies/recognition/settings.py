"""What the study trains: ways to choose key frames, by the annotator's error and seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from gamdss.config import Config, ModelConfig, ProtocolConfig, ReselectionConfig, TrainingConfig
from gamdss.errors import require
from gamdss.synthetic.settings import SynthConfig

# Version of the method. Raise it with every change that can change a number of a cell: in
# reselection, in training, in the synthetic clips, in this package. Cells of other versions are
# refused rather than mixed with new ones. Renaming, moving and commenting do not change it.
METHOD = 6
ANNOTATED, JITTER, MOTION, MOVED, TESTED, DRAWS, TRUE = (
    "annotated",
    "jitter",
    "motion",
    "motion, trained with jitter",
    "motion, tested on draws",
    "draws",
    "true",
)
WAYS = (ANNOTATED, JITTER, MOTION, MOVED, TESTED, DRAWS, TRUE)
MOTION_AND_JITTER = "motion_and_jitter"
# By training: the ways of which its networks give predictions.
TRAININGS = {
    ANNOTATED: (ANNOTATED,),
    MOTION: (MOTION, TESTED),
    DRAWS: (DRAWS,),
    TRUE: (TRUE,),
    JITTER: (JITTER,),
    MOTION_AND_JITTER: (MOVED,),
}


@dataclass
class Sizes:
    """How much is trained, and how.

    Args:
        levels: standard deviations of the annotator's errors, in percent of a phase.
        people: synthetic people.
        clips: clips of each.
        clips_seed: seed of people, clips and errors; nothing was tuned on the default.
        seeds: trainings of each way, with seeds from 1 on.
        backbone: the temporal stream, `rmt` or a model of timm.
        image_size: height and width in pixels of the frames that the network sees.
        epochs: passes over the training clips; the last one is evaluated.
        parts: parts of whole people that are held out in turn.
        draws: key frames drawn for each clip, for training and for tests.
        jitter: share of a phase by which ways with jitter move key frames in training.
        threads: CPU threads; 0 leaves the number to PyTorch.
        device: `cpu`, `cuda` or `cuda:N`. A GPU rounds differently: cells of both are not mixed.
    """

    levels: list[int] = field(default_factory=lambda: [0, 20, 35, 50])
    people: int = 8
    clips: int = 5
    clips_seed: int = 7_350_000
    seeds: int = 2
    backbone: str = "resnet10t"
    image_size: int = 48
    epochs: int = 16
    parts: int = 2
    draws: int = 16
    jitter: float = 0.25
    threads: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        levels = self.levels
        ok = bool(levels) and len(set(levels)) == len(levels) and 0 <= min(levels) <= max(levels)
        ok = ok and max(levels) <= 100
        require(ok, "levels", levels, "different numbers from 0 to 100, such as [0,35]")
        for name in ("clips", "seeds", "draws"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")
        people, parts = self.people, self.parts
        require(2 <= parts <= people, "parts", parts, f"2 to the number of people, {people}")
        require(0 < self.jitter <= 0.5, "jitter", self.jitter, "above 0, up to 0.5")
        require(self.clips_seed >= 0, "clips_seed", self.clips_seed, "0 or more")
        self.config(0, self.reselection(TRUE))  # refuses what a training would

    def synthetic(self) -> SynthConfig:
        """The clips: those of all levels are the same, annotated exactly."""
        return SynthConfig(
            subjects=self.people,
            clips_per_subject=self.clips,
            seed=self.clips_seed,
            height=128,
            width=112,
            fps=200,
            margin_ms=150,  # a wrong annotation still lies within the clip
            course=["mixed"],
            noise=1,
            onset_jitter=0,
            apex_jitter=0,
            offset_jitter=0,
        )

    def config(self, seed: int, reselection: ReselectionConfig) -> Config:
        """The config of a training."""
        return Config(
            seed=seed,
            device=self.device,
            threads=self.threads,
            model=ModelConfig(backbone=self.backbone, image_size=self.image_size),
            reselection=reselection,
            training=TrainingConfig(epochs=self.epochs, precision="auto"),
            protocol=ProtocolConfig("kfold", parts=self.parts),
        )

    def reselection(self, training: str) -> ReselectionConfig:
        """From which key frames a training's networks learn."""
        by_motion = training in (MOTION, MOTION_AND_JITTER, DRAWS)
        posterior = training in (MOTION, DRAWS)  # else draws are by jitter
        return ReselectionConfig(
            "motion" if by_motion else "none",
            draws=self.draws,
            train_draws=training in (DRAWS, JITTER, MOTION_AND_JITTER),
            test_draws=self.draws,
            jitter=0.0 if posterior else self.jitter,
        )


class Cell(NamedTuple):
    """One training of all folds; `level` is 0 for the true key frames."""

    level: int
    training: str
    seed: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"error{self.level:02d}_{self.training}_seed{self.seed}"

    def about(self, sizes: Sizes, precision: str) -> dict[str, Any]:
        """The settings that its numbers depend on; the precision is what the machine resolved."""
        values = asdict(sizes)
        kind = values.pop("device").partition(":")[0]
        if kind != "cpu":  # which has no name in cells, nor had it in earlier versions
            values["device"] = kind
        values["precision"] = precision
        for name in ("levels", "seeds", "threads"):
            del values[name]
        return {"cell": self.name, "method": METHOD, "settings": values}


def cells(sizes: Sizes) -> Iterator[Cell]:
    """All cells, so that whole seeds come first: the study may be read before it is finished."""
    for seed in range(1, sizes.seeds + 1):
        yield Cell(0, TRUE, seed)
        for level in sizes.levels:
            for training in TRAININGS:
                # An exact annotation is the truth.
                if training != TRUE and not (training == ANNOTATED and level == 0):
                    yield Cell(level, training, seed)
