"""Mutated tables, command lines, YAML files and API calls: refused with a remedy, or used.

`GAMDSS_SEED` starts the random streams elsewhere.
"""

import csv
import os
import random
import shutil
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import torch
from killing import EFFORT
from openpyxl.utils.exceptions import IllegalCharacterError
from torch import nn

import gamdss
from gamdss.cli import COMMANDS, load
from gamdss.config.features import FeaturesConfig
from gamdss.config.load import checked
from gamdss.config.yaml_file import read_yaml
from gamdss.data.annotations import read_annotations
from gamdss.data.specs import FOLDER, get_spec
from gamdss.data.specs.reader import read_spec
from gamdss.data.workbook import find_workbook
from gamdss.errors import GamdssError
from gamdss.metrics.scores import scores
from gamdss.studies.tables.plan import read_plan

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("GAMDSS_SEED", "0"))
CONFIGS = Path(__file__).parents[2] / "configs"
# Cells, options and fields: wrong types, extremes, text that other programs take for something.
VALUES = [
    *("", " ", "0", "-1", "1.5", "1e400", "nan", "inf", "TRUE", "#REF!", "=1+1", "46frames", "1_0"),
    *(
        "9" * 30,
        "x" * 5000,
        "../..",
        "/",
        "a/b",
        "a\0b",
        "\x1b[31m",
        "\u202e",
        "é",
        "刘",
        "<b>",
        "|",
    ),
    *("2024-01-01", "1,2", "[1,2]", "{}", "null", "~", "%s", "{0}", "{clip}", "'", '"', "\\", "\n"),
]


class Tally:
    """What became of the cases: used, refused with an error for the user, or failed."""

    def __init__(self):
        self.used = self.refused = 0
        self.failed = []

    def add(self, call, what, allowed=()):
        """Try one case."""
        try:
            call()
            self.used += 1
        except (GamdssError, *allowed):
            self.refused += 1
        except Exception as error:
            self.failed.append(f"{type(error).__name__}: {error} from {what}"[:600])

    def check(self):
        """Fail with every case that failed."""
        assert not self.failed, f"{len(self.failed)} failed:\n" + "\n".join(self.failed)
        assert self.refused


def cases(count, what):
    """Random generators, one for each case."""
    number = count * EFFORT // 10
    return [random.Random(f"{SEED} {what} {case}") for case in range(number)]


def changed(draw, data):
    """Bytes with a few flipped, inserted, cut out or repeated."""
    data = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        start = draw.randrange(max(1, len(data)))
        end = start + draw.randint(1, 20)
        kind = draw.randrange(4)
        if kind == 0 and data:
            data[start] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[start:start] = draw.choice(VALUES).encode("utf-8")
        elif kind == 2:
            del data[start:end]
        else:
            data[end:end] = data[start:end]
    return bytes(data)


def test_tables(places, tmp_path):
    spec = get_spec("cas2")
    book = find_workbook(spec, places.data)
    lines = [list(row) for row in openpyxl.load_workbook(book).active.iter_rows(values_only=True)]
    tally = Tally()
    for draw in cases(500, "table"):
        rows = [list(row) for row in lines]
        for _ in range(draw.randint(1, 3)):
            row = draw.choice(rows)
            row[draw.randrange(len(row))] = draw.choice([*VALUES, None, 3.7, -2, 10**12])
        if draw.random() < 0.2:
            del rows[draw.randrange(len(rows))]
        file = tmp_path / f"table{draw.choice(['.csv', '.xlsx'])}"
        if draw.random() < 0.3:  # bytes
            file.write_bytes(changed(draw, book.read_bytes()))
        elif file.suffix == ".csv":
            with file.open("w", newline="", encoding="utf-8") as target:
                csv.writer(target).writerows(rows)
        else:
            _save(rows, file)
        tally.add(lambda file=file: read_annotations(spec, file, "c5"), f"{file.suffix} {rows}")
    assert tally.used
    tally.check()


def _save(rows, file):
    book = openpyxl.Workbook()
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row, start=1):
            try:
                book.active.cell(number, column).value = value
            except (ValueError, IllegalCharacterError):
                book.active.cell(number, column).value = "?"
    book.save(file)


def test_command_lines():
    names = list(COMMANDS)
    options = ["--data-root", "--output", "--help", "--config", "--task", "--nonsense", "--folds"]
    options += ["--training.epochs", "--model.image-size", "--seed", "--size", "--protocol.split"]
    tally = Tally()
    for draw in cases(200, "command line"):
        name = draw.choice(names)
        words = []
        for _ in range(draw.randint(0, 4)):
            words.append(draw.choice([*options, *VALUES]))
            words += [draw.choice(VALUES)] if draw.random() < 0.7 else []

        def parse(name=name, words=tuple(words)):
            load(name).chosen(words).parse(name, words)

        tally.add(parse, [name, *words], (SystemExit,))
    tally.check()


def test_yaml_files(tmp_path):
    specs, configs = sorted(FOLDER.glob("*.yaml")), sorted(CONFIGS.glob("*.yaml"))
    plans = sorted((CONFIGS / "tables").glob("*.yaml"))
    shutil.copytree(CONFIGS, tmp_path / "configs")
    tally = Tally()
    for draw in cases(100, "yaml"):
        kind = draw.randrange(3)
        source = draw.choice((specs, configs, plans)[kind])
        # Beside the files that it refers to.
        file = tmp_path / "configs" / ("tables" if kind == 2 else "") / f"changed-{source.name}"
        lines = source.read_text("utf-8").splitlines(keepends=True)
        place = draw.randrange(len(lines))
        name, colon, _ = lines[place].partition(":")
        if colon and draw.random() < 0.7:
            lines[place] = f"{name}: {draw.choice([*VALUES, '*a', '&a [*a]', '[' * 3000])}\n"
            file.write_text("".join(lines), "utf-8", errors="replace")
        else:
            file.write_bytes(changed(draw, "".join(lines).encode()))

        def read(kind=kind, file=file):
            if kind == 0:
                read_spec(file)
            elif kind == 1:
                checked(gamdss.Config, read_yaml(file, "the config", "--config"), file)
            else:
                read_plan(file)

        tally.add(read, f"{source.name} {lines[place][:200]!r}")
    tally.check()


FRAMES = {number: np.full((24, 24, 3), 10 * number, np.uint8) for number in range(1, 8)}
IMAGES = torch.rand(2, 3, 32, 32)
LOGITS = torch.zeros(2, 3)
TENSORS = [
    *(torch.zeros(0), LOGITS, torch.full((2, 3), torch.nan), torch.zeros(2, dtype=torch.int64)),
    *(IMAGES, IMAGES[:1], IMAGES[0], IMAGES.to(torch.uint8), IMAGES.double()),
]
ARRAYS = [np.array([]), np.array([np.nan, 1]), np.zeros((2, 2)), np.array(["a", "b"]), np.ones(2)]
PLAIN = [None, -1, 0, 1.5, float("nan"), float("inf"), 10**30, True, "", "x", "a\0b", [], ["a"]]
MAPPINGS = [{}, {1: FRAMES[1]}, {"1": FRAMES[1]}, {1: None}, {**FRAMES, 3: FRAMES[3][:5]}, FRAMES]


def wrong(draw, value):
    """Another value of the kind that a caller may confuse with `value`."""
    kinds = {torch.Tensor: TENSORS, np.ndarray: ARRAYS, dict: MAPPINGS}
    return draw.choice(kinds.get(type(value), PLAIN))


class Plain(nn.Module):
    """A classifier."""

    def forward(self, images):
        return images.flatten(1)[:, :3]


CALLS = {  # each with arguments that it accepts
    "reselect": (gamdss.reselect, [FRAMES, 1, 4, 7], {"preset": "full", "ratio": None}),
    "needed_frames": (gamdss.needed_frames, [1, 4, 7], {"preset": "full", "ratio": 0.2}),
    "spot": (gamdss.spot, [FRAMES], {}),
    "two_phase_loss": (
        gamdss.two_phase_loss,
        [LOGITS, LOGITS, torch.tensor([0, 1])],
        {},
    ),
    "two_phase": (gamdss.two_phase(Plain()), [IMAGES, IMAGES, IMAGES], {}),
    "scores": (scores, [np.array([0, 1]), np.array([0, 1]), 2], {}),
    "ReselectionConfig": (gamdss.ReselectionConfig, ["full", 0.2], {"clips": "all"}),
    "TrainingConfig": (
        gamdss.TrainingConfig,
        [],
        {"epochs": 2, "learning_rate": 0.1, "batch_size": 2},
    ),
    "ModelConfig": (
        gamdss.ModelConfig,
        [],
        {"backbone": "rmt", "image_size": 32, "drop_path": 0.1},
    ),
    "Config": (gamdss.Config, [], {"dataset": "cas2", "task": "c5", "seed": 1, "threads": 1}),
    "FeaturesConfig": (FeaturesConfig, [], {"name": "flow-dis"}),
    "KeyFrames": (gamdss.KeyFrames, [1, 2, 3], {}),
    "FrameSequence": (gamdss.FrameSequence, [str(CONFIGS)], {}),
    "TwoBranchNet": (gamdss.TwoBranchNet, [3, 32], {"backbone": "test_vit", "drop_path": 0.1}),
}


def test_api_calls():
    tally = Tally()
    for draw in cases(300, "API call"):
        name = draw.choice(sorted(CALLS))
        function, given, named = CALLS[name]
        given, named = list(given), dict(named)
        place = draw.choice([*range(len(given)), *named])
        arguments = given if isinstance(place, int) else named
        value = arguments[place] = wrong(draw, arguments[place])

        def call(function=function, given=given, named=named):
            function(*given, **named)

        shown = " ".join(repr(value).split())[:100]
        tally.add(call, f"{name}, argument {place}: {shown}", (TypeError,))
    tally.check()
