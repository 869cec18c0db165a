"""The run directory: what was asked for, with what, and what came out."""

from __future__ import annotations

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
from gamdss.files import hold_folder, write_atomic, write_json
from gamdss.training.run_files import differences, other_data, read_config, read_json, same_data
from gamdss.version import __version__

_PACKAGES = ("torch", "torchvision", "timm", "numpy", "opencv-python-headless", "scikit-learn")


class RunDirectory:
    """`runs/<name>/` of one resolved config.

    Args:
        path: the directory; created when it is opened.
        config: the resolved config; written, or compared with the stored one.
    """

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        self.config = config

    def fold(self, name: str) -> Path:
        """The folder of a fold."""
        return self.path / "folds" / name

    @contextmanager
    def open(self, data: dict[str, Any], ranks: int = 1) -> Iterator[None]:
        """Hold the directory for this process and write, or compare, its config and data.

        Args:
            data: what identifies the dataset; written to `data.json`.
            ranks: how many processes share the folds; written to `environment.json`.

        Raises:
            RunError: another process holds it, or it belongs to another config or dataset.
        """
        with hold_folder(self.path, "config.yaml"):
            # The config first: a directory that has it is this run's, whatever else is missing.
            self._write_config()
            self._write_environment(ranks)
            self._write_data(data)
            yield

    def _write_config(self) -> None:
        file = self.path / "config.yaml"
        if file.exists():
            self._compare()
            return
        text = yaml.safe_dump(self.config.as_dict(), sort_keys=False, allow_unicode=True)
        write_atomic(file, lambda target: target.write_text(text, encoding="utf-8"))

    def _write_environment(self, ranks: int) -> None:
        file = self.path / "environment.json"
        if not file.exists():
            write_json(file, environment(self.config, ranks))

    def _write_data(self, data: dict[str, Any]) -> None:
        file = self.path / "data.json"
        if not file.exists():
            write_json(file, data)
            return
        if not same_data(read_json(file), data):
            raise other_data(file)

    def _compare(self) -> None:
        differing = [
            f"{name}: {before!r} there, {now!r} now"
            for name, (before, now) in differences(read_config(self.path), self.config).items()
        ]
        if differing:
            raise RunError(
                "the run directory belongs to another config:\n  " + "\n  ".join(differing),
                file=self.path,
                remedy="Choose another directory with --output, or the config that is there.",
            )


def environment(config: Config, ranks: int) -> dict[str, Any]:
    """Versions, device, threads, git commit and seed: what a number may depend on."""
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
    """The processor's name where the system tells it, and what PyTorch uses of it."""
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
    """The commit of the checkout this library runs from, with a + if it was changed since."""
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
