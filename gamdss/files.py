"""Output files that are never incomplete, output folders held by one process, safe names."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import category

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from gamdss.checksums import sealed, unsealed
from gamdss.errors import ConfigError, RunError

_TEMPORARY = ".writing-"
_ABANDONED = 3600  # seconds after which a temporary file is that of a killed process
_LONGEST_NAME = 200  # bytes; file systems allow 255, and temporary names are longer
_FORMULA = tuple("=+-@\t\r")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?")
# Without waiting for the other end of a pipe; Windows would translate line ends.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def safe_name(name: str, what: str, *, file: Path | None = None, row: int | None = None) -> str:
    """The name of a file or folder that comes from data or a config, if it is one name.

    Args:
        name: the name.
        what: what it is the name of, for the error.
        file: the file that it comes from, for the error.
        row: its row there.

    Raises:
        ConfigError: it is empty, `.` or `..`, too long, or contains a slash, a backslash or a
            control character: it could leave the folder that it is meant for.
    """
    problem = ""
    if not name.strip(". "):
        problem = "names no file"
    elif any(letter in "/\\" or category(letter) in ("Cc", "Cs") for letter in name):
        problem = "contains a slash, a backslash or a control character"
    elif len(os.fsencode(name)) > _LONGEST_NAME:
        problem = f"is longer than {_LONGEST_NAME} bytes"
    if problem:
        raise ConfigError(
            f"{what} is {name[:80]!r}, which {problem}",
            file=file,
            row=row,
            remedy="Choose a plain name, such as part-1.",
        )
    return name


def inside(folder: Path, relative: str | PurePosixPath, what: str) -> Path:
    """The path of `relative` (`a/b`) in `folder`, never outside it.

    Raises:
        ConfigError: it is absolute, or one of its names is refused by `safe_name`.
    """
    for part in PurePosixPath(relative).parts:
        safe_name(part, f"a part of {what} {str(relative)[:80]!r}")
    return folder / relative


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write` with a temporary path, then move the file to `path` in one step.

    A process killed at any moment leaves the old file or the new one, never a part. A write that
    fails leaves no file. `write` must report failures as OSError: a library with other errors
    should produce bytes that are then written here.

    Raises:
        RunError: the folder cannot be written.
    """
    # Another name for each writer, since two may write the same file. With the same suffix, since
    # writers choose the format by it.
    temporary = path.with_name(f"{_TEMPORARY}{secrets.token_hex(4)}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise unwritable(path, error) from error
        raise


def check_file(path: Path, option: str) -> None:
    """Check an output file before the work for it begins.

    Raises:
        RunError: `path`, which the user named with `option`, is a folder.
    """
    if path.is_dir():
        raise RunError("this is a folder", file=path, remedy=f"Name a file with {option}.")


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8; raises as `write_atomic`."""
    write_atomic(path, lambda target: target.write_text(text, encoding="utf-8"))


def write_bytes(path: Path, data: bytes | memoryview) -> None:
    """Write the bytes of a file; raises as `write_atomic`."""
    write_atomic(path, lambda target: target.write_bytes(data))


def without_formula(cell: object) -> object:
    """A cell for a CSV file: text that a spreadsheet program would run has a quote before it."""
    if not isinstance(cell, str) or cell[:1] not in _FORMULA or _NUMBER.fullmatch(cell):
        return cell
    return f"'{cell}" if cell.strip("-+") else cell


def write_csv(path: Path, rows: Iterable[Iterable[object]], line_end: str = "\n") -> None:
    """Write rows, the header first, as CSV in UTF-8, without formulas; raises as `write_atomic`."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator=line_end)
    table.writerows([without_formula(cell) for cell in row] for row in rows)
    write_bytes(path, text.getvalue().encode())


def write_json(path: Path, values: Any) -> None:
    """Write plain values as JSON; the same values give the same bytes. Raises as `write_atomic`."""
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_record(path: Path, values: Mapping[str, Any]) -> None:
    """Write plain values with their checksum, for `read_record`; raises as `write_atomic`."""
    write_json(path, sealed(values))


def read_record(path: Path) -> dict[str, Any]:
    """Values that `write_record` or `write_json` wrote, for programs that resume.

    Returns:
        The values; empty if the file is missing, incomplete or corrupt, so that the work is redone.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return unsealed(values) if isinstance(values, dict) else {}


def as_stored(values: Any) -> Any:
    """Plain values as they are read back from JSON: tuples are lists."""
    return json.loads(json.dumps(values))


def file_states(files: Iterable[Path]) -> str:
    """A digest of names, sizes and times of change: another one if a file was written again."""
    digest = hashlib.blake2b(digest_size=12)
    for file in files:
        status = file.stat() if file.is_file() else None
        state = (status.st_size, status.st_mtime_ns) if status else None
        digest.update(repr((file.name, state)).encode())
    return digest.hexdigest()


def read_regular(path: Path, limit: int) -> bytes:
    """The bytes of a file of at most `limit` bytes; never waits for a pipe or a device.

    Raises:
        OSError: it cannot be read, is larger, or is not a regular file.
    """
    try:
        opened = os.open(path, _READ)
    except ValueError as error:  # a zero byte in the path
        raise OSError(errno.EINVAL, str(error), str(path)) from error
    try:
        about = os.fstat(opened)
        if stat.S_ISDIR(about.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe or a device, not a file", str(path))
        if about.st_size > limit:
            size = f"{about.st_size / 2**20:.1f} MB, more than {limit / 2**20:g} MB"
            raise OSError(errno.EFBIG, f"it has {size}", str(path))
        data = os.read(opened, about.st_size)
        while len(data) < about.st_size and (more := os.read(opened, about.st_size - len(data))):
            data += more  # a system may return less at a time than it was asked for
        return data
    finally:
        os.close(opened)


def unwritable(path: Path, error: OSError) -> RunError:
    """The error for a file or folder that cannot be written."""
    return RunError(
        f"cannot be written ({error.strerror or error})",
        file=path,
        remedy="Choose a writable folder with enough free space.",
    )


@contextlib.contextmanager
def hold_folder(folder: Path, marker: str | None = None) -> Iterator[None]:
    """Create an output folder if needed, and hold it for this process.

    Args:
        folder: the folder.
        marker: the file that shows that the same command wrote the folder before; None for a
            folder that may contain anything.

    Raises:
        RunError: it cannot be written, another process holds it, or it contains other files.
    """
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RunError(
            "another process is working in this folder",
            file=folder,
            remedy="Wait for it, or choose another folder with --output.",
        ) from error
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        _remove_abandoned(folder)
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if names and marker is not None and marker not in names:
            raise RunError(
                f"this folder contains {', '.join(names[:5])}, but no {marker}",
                file=folder,
                remedy="Choose an empty folder with --output.",
            )
        yield
    finally:
        lock.release()


def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files that killed processes left."""
    for file in folder.rglob(f"{_TEMPORARY}*"):
        with contextlib.suppress(OSError):
            if time.time() - file.stat().st_mtime > _ABANDONED and file.is_file():
                file.unlink()


def cache_folder(named: str | Path | None) -> Path:
    """The folder of decoded frames and synthetic datasets: the named one, or the user's cache."""
    return Path(named).expanduser() if named else user_cache_path("gamdss")
