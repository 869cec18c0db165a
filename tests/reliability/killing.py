"""Run a command in a process that dies at one of its writes, and compare what folders contain."""

import os
import re
import threading
import zipfile
from pathlib import Path

from forked import CONTEXT, KILLED

# How much is tried: 1 in the suite; 10 or more is the long form, which also tries slow commands.
EFFORT = int(os.environ.get("GAMDSS_CAMPAIGN", "1"))
LONG = EFFORT > 1
EVERY = [  # commands that write; the suite kills the first six
    *("align", "bias", "features", "merge", "recordings", "synth"),
    *("export", "predict", "spot", "stress", "table", "train"),
]
COARSE = {"figure.dpi": 20, "savefig.dpi": 20}  # drawing is most of what commands do here


def _run(words, count, kill_at, output):
    """Run `gamdss`; with `kill_at` = N, die at write N // 2: in the middle of it, or just after."""
    from stub_detector import detect_everywhere

    from gamdss.cli import main
    from gamdss.report import style

    style._STYLE.update(COARSE)
    with open(output, "w") as shown:
        os.dup2(shown.fileno(), 1)
        os.dup2(shown.fileno(), 2)
    detect_everywhere()
    lock = threading.Lock()

    def dying(real, begin):
        def write(*given, **named):
            with lock:
                count.value += 1
                mine = count.value == kill_at // 2
                if mine and kill_at % 2 == 0:
                    begin(*given)
                    os.kill(os.getpid(), -KILLED)
                done = real(*given, **named)
                if mine:
                    os.kill(os.getpid(), -KILLED)
                return done

        return write

    def half(path, data, *_, **__):
        data = data.encode() if isinstance(data, str) else bytes(data)
        with open(path, "wb") as file:
            file.write(data[: len(data) // 2])

    os.replace = dying(os.replace, lambda *_: None)
    Path.write_bytes = dying(Path.write_bytes, half)
    Path.write_text = dying(Path.write_text, half)
    os._exit(main([str(word) for word in words]))


def start(words, log, kill_at=0):
    """A process that runs the command, and the count of its writes."""
    count = CONTEXT.Value("i", 0)
    process = CONTEXT.Process(target=_run, args=(words, count, kill_at, str(log)))
    process.start()
    return process, count


def run(words, log, kill_at=0):
    """Exit status of the command, and the number of its writes."""
    process, count = start(words, log, kill_at)
    process.join(300)
    return process.exitcode, count.value


def contents(folder):
    """What a command wrote, without what differs between two runs of the same command."""
    return {
        str(path.relative_to(folder)): _content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in ("environment.json", "config.yaml", "stress.md")
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _content(path):
    if path.name == "log.csv":  # the last column has seconds
        return [line.rpartition(",")[0] for line in path.read_text().splitlines()]
    if path.parent.name == "cells" and path.suffix == ".json":
        text = path.read_text("utf-8", errors="replace")
        return re.sub(r'"((milli)?seconds|checksum)": [^,}\s]*', "", text)
    if path.suffix == ".xlsx":  # contains the time at which it was written
        with zipfile.ZipFile(path) as book:
            return {n: book.read(n) for n in book.namelist() if not n.startswith("docProps")}
    return path.read_bytes()
