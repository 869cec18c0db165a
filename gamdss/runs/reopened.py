"""A finished run, reopened with its data and trained networks.

The checkpoint of a fold has the network of the evaluated epoch: the final one, or the one chosen
on inner subjects. There are no checkpoints of the oracle's epochs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from gamdss.config import Config
from gamdss.data.dataset import Dataset, open_dataset
from gamdss.data.splits import Fold, digest, make_folds
from gamdss.files import cache_folder
from gamdss.models.two_branch import without_start
from gamdss.runs.finished import FinishedRun, read_run
from gamdss.runs.moved_data import MovedData, own_options
from gamdss.training import device
from gamdss.training.checkpoint import load_weights
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import FoldData, Inputs, fold_data, load_inputs
from gamdss.training.run_data import require_same_data

_RESTORE = (
    "Restore them, or name where they are with --data-root, --annotations, --split or another "
    "option of this command."
)


@dataclass
class DataOptions(MovedData):
    """Where the data of a run is, and on which device networks run.

    Args:
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
    """

    device: str = field(default="auto", kw_only=True)

    def placed(self, config: Config) -> Config:
        """The config of a run with its data and device as named here; raises as `MovedData`."""
        return replace(super().placed(config), device=self.device)


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """A finished run with its dataset and folds; networks are loaded fold by fold.

    `inputs` are on the device that computes.
    """

    run: FinishedRun
    config: Config
    dataset: Dataset
    folds: tuple[Fold, ...]
    inputs: Inputs

    def trained(self, fold: Fold) -> FoldTrainer:
        """The evaluated network of a fold with its clips, in evaluation mode.

        Raises:
            CheckpointError: it is missing, incomplete or corrupt, or of another network.
        """
        folder = self.run.path / "folds" / fold.name
        config = replace(self.config, model=without_start(self.config.model))
        data = fold_data(self.dataset, fold, self.inputs, config)
        trainer = FoldTrainer(config, data, folder)
        load_weights(folder / "checkpoint.safetensors", trainer.net)
        trainer.net.eval()
        return trainer

    def training_clips(self, fold: Fold, data: FoldData) -> tuple[int, ...]:
        """Indices of the training clips in the order of `data.training`, then `data.inner`."""
        places = {self.dataset.annotations.clips[i].id: i for i in fold.training}
        aside = [places.pop(clip) for clip in data.inner_clips]
        return (*places.values(), *aside)


def open_run(
    run: FinishedRun | str | Path,
    options: DataOptions | None = None,
    progress: bool = True,
) -> OpenedRun:
    """Open the data of a run, and check that the run was trained on it.

    Args:
        run: the finished run, or its directory.
        options: where its data is, if it has moved, and the device.
        progress: show progress bars.

    Raises:
        ConfigError: a file is named of which the run has none.
        DataRootError, AnnotationError, FrameError: the data is missing or unusable.
        RunError: the run was trained on other data or folds.
    """
    if not isinstance(run, FinishedRun):
        run = read_run(Path(run).expanduser())
    where = options or DataOptions()
    cache = cache_folder(where.cache or run.config.cache)
    config = where.placed(run.config)
    # Embeddings are read by a hook, which replayed code would not call.
    config = device.resolve(replace(config, training=replace(config.training, compile="off")))
    target = device.set_up(config)
    with own_options():
        dataset = open_dataset(config, cache, progress)
    file, about = run.path / "data.json", dataset.about()
    require_same_data(file, about, _RESTORE)  # first: folds of other data would be another error
    with own_options():
        folds = make_folds(config.protocol, dataset.labelled, config.seed)
    about |= {"folds": digest(folds, dataset.annotations.clips)}
    require_same_data(file, about, _RESTORE)
    return OpenedRun(run, config, dataset, folds, load_inputs(dataset.store, target))
