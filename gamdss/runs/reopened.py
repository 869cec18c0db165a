"""A finished run, reopened with its data and trained networks.

The checkpoint of a fold has the network of the evaluated epoch: the final one, or the one chosen
on inner subjects. There are no checkpoints of the oracle's epochs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from gamdss.config import Config
from gamdss.data.composite import JOINT
from gamdss.data.dataset import Dataset, open_dataset
from gamdss.data.specs import is_spec_file
from gamdss.data.splits import Fold, digest, make_folds
from gamdss.errors import ConfigError, GamdssError
from gamdss.files import cache_folder
from gamdss.models.two_branch import without_start
from gamdss.runs.finished import FinishedRun
from gamdss.training import device
from gamdss.training.checkpoint import load_weights
from gamdss.training.fold import FoldTrainer
from gamdss.training.fold_data import FoldData, Inputs, fold_data, load_inputs
from gamdss.training.run_data import require_same_data

# By option of the training: the option that names the file if it has moved.
_OPTIONS = {
    "--dataset": "--spec",
    "--reselection.annotators": "--annotators",
    "--protocol.split": "--split",
}
_RESTORE = (
    "Restore them, or name where they are with --data-root, --annotations, --split or another "
    "option of this command."
)


@dataclass
class DataOptions:
    """Where the data of a run is, and on which device networks run.

    Args:
        data_root: the dataset's folder, if it has moved.
        annotations: the workbook or table, if it has moved.
        annotators: the file of `--reselection.annotators`, if it has moved.
        clip_list: the file of `--clip-list`, if it has moved.
        split: the file of `--protocol.split`, if it has moved.
        spec: the YAML file of `--dataset`, if it has moved; of several datasets, all as there.
        cache: folder of decoded frames; the run's if omitted.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
    """

    data_root: str | None = field(default=None, kw_only=True)
    annotations: str | None = field(default=None, kw_only=True)
    annotators: str | None = field(default=None, kw_only=True)
    clip_list: str | None = field(default=None, kw_only=True)
    split: str | None = field(default=None, kw_only=True)
    spec: str | None = field(default=None, kw_only=True)
    cache: str | None = field(default=None, kw_only=True)
    device: str = field(default="auto", kw_only=True)

    def placed(self, config: Config) -> Config:
        """The config of a run with its data and device as named here.

        Raises:
            ConfigError: a file is named of which the run has none.
        """
        selection, protocol = config.reselection, config.protocol
        spec = config.dataset if any(map(is_spec_file, config.dataset.split(JOINT))) else None
        return replace(
            config,
            dataset=_moved("spec", self.spec, spec) or config.dataset,
            data_root=self.data_root or config.data_root,
            annotations=self.annotations or config.annotations,
            clip_list=_moved("clip-list", self.clip_list, config.clip_list),
            device=self.device,
            reselection=replace(
                selection, annotators=_moved("annotators", self.annotators, selection.annotators)
            ),
            protocol=replace(protocol, split=_moved("split", self.split, protocol.split)),
        )


def _moved(option: str, named: str | None, trained: str | None) -> str | None:
    """The file that an option names now, or the one of the training."""
    if named is not None and trained is None:
        raise ConfigError(
            f"--{option} is {named!r}, but the run was trained without", remedy="Omit it."
        )
    return named or trained


@contextmanager
def _own_options() -> Iterator[None]:
    """Remedies name the options of `DataOptions` in place of those of the training."""
    try:
        yield
    except GamdssError as error:
        remedy = error.remedy
        for trained, here in _OPTIONS.items():
            remedy = remedy.replace(f"{trained}.", f"{here}.")
        if remedy == error.remedy:
            raise
        raise type(error)(
            error.problem, remedy=remedy, file=error.file, row=error.row, kind=error.kind
        ) from error


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
    run: FinishedRun, options: DataOptions | None = None, progress: bool = True
) -> OpenedRun:
    """Open the data of a run, and check that the run was trained on it.

    Args:
        run: the finished run.
        options: where its data is, if it has moved, and the device.
        progress: show progress bars.

    Raises:
        ConfigError: a file is named of which the run has none.
        DataRootError, AnnotationError, FrameError: the data is missing or unusable.
        RunError: the run was trained on other data or folds.
    """
    where = options or DataOptions()
    cache = cache_folder(where.cache or run.config.cache)
    config = where.placed(run.config)
    # Embeddings are read by a hook, which replayed code would not call.
    config = device.resolve(replace(config, training=replace(config.training, compile="off")))
    target = device.set_up(config)
    with _own_options():
        dataset = open_dataset(config, cache, progress)
    file, about = run.path / "data.json", dataset.about()
    require_same_data(file, about, _RESTORE)  # first: folds of other data would be another error
    with _own_options():
        folds = make_folds(config.protocol, dataset.labelled, config.seed)
    about |= {"folds": digest(folds, dataset.annotations.clips)}
    require_same_data(file, about, _RESTORE)
    return OpenedRun(run, config, dataset, folds, load_inputs(dataset.store, target))
