"""Where the data of a finished run is now, if it has moved since the training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from gamdss.config import Config
from gamdss.data.composite import JOINT
from gamdss.data.specs import is_spec_file
from gamdss.errors import ConfigError, GamdssError

# By option of the training: the option that names the file if it has moved.
_OPTIONS = {
    "--dataset": "--spec",
    "--reselection.annotators": "--annotators",
    "--protocol.split": "--split",
}


@dataclass
class MovedData:
    """Where the data of a run is.

    Args:
        data_root: the dataset's folder, if it has moved.
        annotations: the workbook or table, if it has moved.
        annotators: the file of `--reselection.annotators`, if it has moved.
        clip_list: the file of `--clip-list`, if it has moved.
        split: the file of `--protocol.split`, if it has moved.
        spec: the YAML file of `--dataset`, if it has moved; of several datasets, all as there.
        cache: folder of decoded frames; the run's if omitted.
    """

    data_root: str | None = field(default=None, kw_only=True)
    annotations: str | None = field(default=None, kw_only=True)
    annotators: str | None = field(default=None, kw_only=True)
    clip_list: str | None = field(default=None, kw_only=True)
    split: str | None = field(default=None, kw_only=True)
    spec: str | None = field(default=None, kw_only=True)
    cache: str | None = field(default=None, kw_only=True)

    def placed(self, config: Config) -> Config:
        """The config of a run with its data where it is now.

        Raises:
            ConfigError: a file is named of which the run has none.
        """
        selection, protocol = config.reselection, config.protocol
        spec = config.dataset if any(map(is_spec_file, config.dataset.split(JOINT))) else None
        return replace(
            config,
            dataset=moved("spec", self.spec, spec) or config.dataset,
            data_root=self.data_root or config.data_root,
            annotations=self.annotations or config.annotations,
            clip_list=moved("clip-list", self.clip_list, config.clip_list),
            reselection=replace(
                selection, annotators=moved("annotators", self.annotators, selection.annotators)
            ),
            protocol=replace(protocol, split=moved("split", self.split, protocol.split)),
        )


def moved(option: str, named: str | None, trained: str | None) -> str | None:
    """The file that an option names now, or the one of the training."""
    if named is not None and trained is None:
        raise ConfigError(
            f"--{option} is {named!r}, but the run was trained without", remedy="Omit it."
        )
    return named or trained


@contextmanager
def own_options() -> Iterator[None]:
    """Remedies name the options of `MovedData` in place of those of the training."""
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
