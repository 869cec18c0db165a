"""The run directory: config, environment and data of a run, checked before it resumes."""

from __future__ import annotations

import logging
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import yaml

from gamdss.config import Config
from gamdss.errors import RunError
from gamdss.files import hold_folder, inside, write_json, write_text
from gamdss.training.run_data import in_both, require_same_data
from gamdss.training.run_files import (
    difference_lines,
    differences,
    read_config,
    read_json,
    read_object,
)
from gamdss.version import __version__

log = logging.getLogger("gamdss")

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "opencv-python-headless", "scikit-learn")


class RunDirectory:
    """`runs/<name>/` of one resolved config.

    Args:
        path: the directory; created by `open`.
        config: the resolved config.
        trains: whether folds are trained, for which device and threads must be the stored ones.
    """

    def __init__(self, path: Path, config: Config, trains: bool = True) -> None:
        self.path = path
        self.config = config
        self.trains = trains

    def fold(self, name: str) -> Path:
        """The folder of a fold."""
        return inside(self.path / "folds", name, "the fold")

    @contextmanager
    def open(self, data: dict[str, Any], ranks: int = 1) -> Iterator[None]:
        """Hold the directory for this process; write its config and data, or compare the stored.

        Args:
            data: what identifies the dataset, for `data.json`.
            ranks: number of processes that share the folds, for `environment.json`.

        Raises:
            RunError: another process holds the directory, or it belongs to another config or data.
        """
        with hold_folder(self.path, "config.yaml"):
            self.write_or_compare(data, ranks)
            yield

    def write_or_compare(self, data: dict[str, Any], ranks: int) -> None:
        """Write what identifies the run if it is new, else compare it; arguments as `open`.

        Raises:
            RunError: the directory belongs to another config or data.
        """
        # The config first: it marks the directory as this run's, whatever else is missing.
        self._write_config(data)
        self._write_environment(ranks)
        self._write_data(data)

    def threads(self) -> int:
        """The CPU threads with which the run was started, since other numbers round differently.

        0 if it was not started yet, and on CUDA.
        """
        file = self.path / "environment.json"
        if not self.config.device.startswith("cpu") or not file.exists():
            return 0
        known = threads_of(read_object(file))
        if not known:
            return 0
        threads = min(known)
        if len(known) > 1:
            text = "%s: its folds were trained with different threads (%s), whose rounding differs"
            log.warning(text, self.path, ", ".join(map(str, sorted(known))))
        if not self.config.threads and threads != torch.get_num_threads():
            log.warning("%s: threads: %d, with which the run was started", self.path, threads)
        return threads

    def _write_config(self, data: dict[str, Any]) -> None:
        file = self.path / "config.yaml"
        if file.exists():
            self._compare(data)
            return
        write_text(file, yaml.safe_dump(self.config.as_dict(), sort_keys=False, allow_unicode=True))

    def _write_environment(self, ranks: int) -> None:
        file = self.path / "environment.json"
        if not file.exists():
            write_json(file, environment(self.config, ranks))

    def _write_data(self, data: dict[str, Any]) -> None:
        file = self.path / "data.json"
        if not file.exists():
            write_json(file, data)
            return
        require_same_data(file, data)

    def _compare(self, data: dict[str, Any]) -> None:
        file = self.path / "data.json"
        identified = in_both(read_json(file), data) if file.exists() else ()
        found = differences(
            read_config(self.path), self.config, machine=self.trains, identified=identified
        )
        if found:
            raise RunError(
                f"the run directory belongs to another config:{difference_lines(found)}",
                file=self.path,
                remedy="Choose another directory with --output, or use the stored config.",
            )


def threads_of(environment: dict[str, Any]) -> set[int]:
    """The CPU threads with which the folds of a run were trained; several of a merged run."""
    if "merged" not in environment:
        return {int(environment.get("threads", 0))} - {0}
    return set().union(*(threads_of(part) for part in environment["merged"].values()))


def environment(config: Config, ranks: int) -> dict[str, Any]:
    """Versions, device, threads, git commit and seed: all that results may depend on."""
    device = torch.device(config.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return {
        "gamdss": __version__,
        "git_commit": _git_commit(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {package: _version(package) for package in _PACKAGES},
        "device": str(device),
        "device_name": name,
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "ranks": ranks,
        "threads": torch.get_num_threads(),
        "precision": config.training.precision,
        "seed": config.seed,
    }


def _processor() -> str:
    """The name of the processor, if known, and the instruction set that PyTorch uses."""
    name = platform.processor() or platform.machine()
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The commit of the checkout that contains this library, with a + if files were changed."""
    folder = Path(__file__).parent

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")) != folder.parents[1]:
            return None
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None
