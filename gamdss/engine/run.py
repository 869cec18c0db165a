"""The run directory: what was asked for, with what, and what came out."""

from __future__ import annotations

import json
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
from filelock import FileLock, Timeout

from gamdss import __version__
from gamdss.config import Config, flatten
from gamdss.errors import RunError
from gamdss.files import unwritable, write_atomic, write_json

# Where data and results lie, and how often a crash costs what: they change no number. What the
# data is stands in `data.json`.
FREE = {
    "data_root",
    "annotations",
    "output",
    "cache",
    "tensorboard",
    "frames.workers",
    "training.checkpoint_every",
}
_PACKAGES = ("torch", "torchvision", "timm", "numpy", "opencv-python-headless", "scikit-learn")


class RunDirectory:
    """`runs/<name>/` of one resolved config.

    Args:
        path: the directory; made if it is not there.
        config: the resolved config; written, or compared with the one that is there.

    Raises:
        RunError: the directory cannot be written, or holds a run of another config.
    """

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        self.config = config
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from error

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
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise RunError(
                "another process is working in this run directory",
                file=self.path,
                remedy="Wait for it, or choose another directory with --output.",
            ) from error
        except OSError as error:
            raise unwritable(self.path, error) from error
        try:
            # The config first: a directory that has it is this run's, whatever else is missing.
            self._write_config()
            self._write_environment(ranks)
            self._write_data(data)
            yield
        finally:
            lock.release()

    def _write_config(self) -> None:
        file = self.path / "config.yaml"
        values = self.config.as_dict()
        if file.exists():
            self._compare(file, values)
            return
        strangers = [p.name for p in self.path.iterdir() if not p.name.startswith(".")]
        if strangers:
            raise RunError(
                f"this is no run: it has no config.yaml, but {', '.join(strangers[:5])}",
                file=self.path,
                remedy="Choose an empty directory with --output.",
            )
        text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
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
        try:
            there = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            there = None
        if not same_data(there, data):
            raise other_data(file)

    def _compare(self, file: Path, values: dict[str, Any]) -> None:
        differing = [
            f"{name}: {before!r} there, {now!r} now"
            for name, (before, now) in differences(read_config(file), values).items()
        ]
        if differing:
            raise RunError(
                "the run directory belongs to another config:\n  " + "\n  ".join(differing),
                file=self.path,
                remedy="Choose another directory with --output, or the config that is there.",
            )


def same_data(first: Any, second: Any) -> bool:
    """Whether two `data.json` are of the same data.

    Frames are left out of the comparison if their digests were made in different ways (a run of
    an earlier version).
    """
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return bool(first == second)
    different = first.get("digest", 1) != second.get("digest", 1)
    left_out = {"digest", "frames"} if different else set()
    pair = ({n: v for n, v in data.items() if n not in left_out} for data in (first, second))
    return next(pair) == next(pair)


def other_data(file: Path) -> RunError:
    """The error for a run whose `data.json` is not of the data that is there now."""
    return RunError(
        "the run was started on other data: the workbook or the frames have changed since",
        file=file,
        remedy="Restore them, or choose another directory with --output.",
    )


def read_config(file: Path) -> dict[str, Any]:
    """The plain values of a run's `config.yaml`.

    Raises:
        RunError: it is not there, or not the config of a run.
    """
    try:
        return dict(yaml.safe_load(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise RunError(
            f"this is no run's config ({type(error).__name__})",
            file=file,
            remedy="Choose another run directory.",
        ) from error


def differences(first: dict[str, Any], second: dict[str, Any]) -> dict[str, tuple[object, object]]:
    """Fields that make two configs different runs, with both values ("absent" where missing)."""
    before, now = flatten(first), flatten(second)
    pairs = {
        name: (before.get(name, "absent"), now.get(name, "absent"))
        for name in sorted((before.keys() | now.keys()) - FREE)
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


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
