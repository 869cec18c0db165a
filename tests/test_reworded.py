"""Numbers come from values: every message may be reworded, and nothing that is measured changes."""

import csv
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from gamdss.config import Config, FramesConfig, ModelConfig, ReselectionConfig
from gamdss.data.key_frame_table import write_key_frames
from gamdss.records import KEYS, KeyFrames
from gamdss.report import page_warnings
from gamdss.runs.finished import read_run
from gamdss.studies.bias import study_shifts
from gamdss.studies.bias.sources import open_sources, warnings
from gamdss.studies.stress.cells import FACTORS
from gamdss.studies.stress.clip import WAYS, ClipResult
from gamdss.studies.stress.numbers import cell_numbers
from gamdss.studies.stress.report import write_numbers
from gamdss.studies.tables.cells import paper_table
from gamdss.studies.tables.plan import read_plan
from gamdss.studies.tables.stress import StressPlan, stress_table
from gamdss.studies.tables.train import RowRuns
from gamdss.synthetic import SynthConfig, write_dataset

FEW = SynthConfig(
    **{"subjects": 2, "clips_per_subject": 2, "emotions": ["happiness", "surprise"], "seed": 3},
    **{"height": 72, "width": 64, "fps": 60, "amplitude": (2.0, 2.5), "blink": 0.0},
)
# Words that once decided something, in a note that says none of it.
MISLEADING = "onset kept: midpoint; annotated offset frame 7 missing; Synthetic"


def bias_of(root, dataset, folder):
    """What `gamdss bias` measures: the study, its warnings, and what a page warns of."""
    config = Config(
        dataset=dataset,
        task="all",
        data_root=str(root),
        model=ModelConfig(image_size=32),
        frames=FramesConfig(missing="nearest"),
        reselection=ReselectionConfig(preset="motion"),
    )
    joined = open_sources(config, folder / "cache", None)
    found = study_shifts("", joined.shifts, truth=joined.truth, draws=50)
    write_key_frames(folder / "keyframes.csv", joined.sources[0].dataset)
    return joined, found, warnings(joined.sources, "motion")


def titles(results, config, keyframes):
    """The warnings of a page, without the sentences that they cite."""
    with keyframes.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return [w.title for w in page_warnings.warnings(results, config, [], rows, [])]


@pytest.fixture(params=["cas2", "smic"])
def source(request, made, tmp_path):
    """A dataset with a missing key frame, and one without apexes."""
    if request.param == "smic":
        return made("smic"), "smic"
    data = write_dataset(tmp_path / "data", FEW, progress=False)
    first, still = [p for p in sorted(data.rglob("*")) if list(p.glob("*.jpg"))][:2]
    with (data / "ground_truth.csv").open(newline="") as lines:
        rows = {f"sub{row['subject']}/{row['clip']}": row for row in csv.DictReader(lines)}
    row = rows[f"{first.parent.name}/{first.name}"]
    next(first.glob(f"*img{row['annotated_offset']}.jpg")).unlink()
    frames = sorted(still.iterdir())
    for file in frames[1:]:  # nothing moves: all key frames are left unchanged
        file.write_bytes(frames[0].read_bytes())
    return data, "cas2"


@pytest.mark.slow
def test_notes_of_key_frames(source, finished_run, tmp_path, monkeypatch):
    root, dataset = source
    run = read_run(finished_run)
    before = bias_of(root, dataset, tmp_path / "before")
    make = KeyFrames.__init__

    def reworded(self, *values, **named):
        make(self, *values, **named)
        object.__setattr__(self, "notes", (MISLEADING,) * len(self.notes))

    monkeypatch.setattr(KeyFrames, "__init__", reworded)
    after = bias_of(root, dataset, tmp_path / "after")
    (first, _, _), (second, _, _) = before, after
    for field in fields(first.shifts):
        one, two = (getattr(joined.shifts, field.name) for joined in (first, second))
        assert one.tolist() == two.tolist() or np.array_equal(one, two, equal_nan=True)
    assert not first.shifts.labelled.all()
    assert dataset == "smic" or first.shifts.kept.any()
    notes = [keys.notes for keys in second.sources[0].keys if keys.notes]
    assert notes
    assert all(set(words) == {MISLEADING} for words in notes)
    assert before[1].as_dict() == after[1].as_dict()
    assert before[2] == after[2]
    assert first.store.digest == second.store.digest
    pages = [
        titles(run.results, run.config, tmp_path / which / "keyframes.csv")
        for which in ("before", "after")
    ]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("synthetic", [True, False])
def test_the_title_of_a_dataset(synthetic, finished_run, tmp_path):
    run = read_run(finished_run)
    assert run.results.synthetic is True
    plan = read_plan(_table(tmp_path))
    found = []
    for title in ("Synthetic clips in CASME II's layout", "CASME II"):
        results = replace(run.results, dataset=title, synthetic=synthetic)
        shown = [w.title for w in page_warnings.warnings(results, run.config, [], [], [])]
        runs = [
            replace(run, results=replace(results, dataset=f"{title}, {number}"))
            for number in range(len(plan.rows))
        ]
        rows = [RowRuns(row, (one,)) for row, one in zip(plan.rows, runs, strict=True)]
        table = paper_table(plan, rows, "t")
        found.append((shown, "Synthetic clips in the layout of each" in table.caption))
    assert found[0] == found[1]
    assert ("The clips are synthetic." in found[0][0]) is synthetic
    assert found[0][1] is synthetic


def _table(folder):
    (folder / "base.yaml").write_text("task: c5\n")
    file = folder / "t.yaml"
    file.write_text(
        "title: T\nconfig: base.yaml\nseeds: [0]\nnames: [n]\ncolumns: [uf1]\n"
        "rows: [{name: a}, {name: b, set: {model.branches: rising}}]\n"
    )
    return file


def test_a_run_that_an_earlier_version_wrote(finished_run, tmp_path):
    values = json.loads((finished_run / "results.json").read_text())
    del values["synthetic"]
    for file in ("config.yaml", "folds"):
        (tmp_path / file).symlink_to(finished_run / file)
    for title, synthetic in ((values["dataset"], True), ("CASME II", False)):
        (tmp_path / "results.json").write_text(json.dumps({**values, "dataset": title}))
        assert read_run(tmp_path).results.synthetic is synthetic


def test_names_of_lines_of_a_stress_test(tmp_path):
    keys = dict.fromkeys(WAYS, (95, 130, 170))
    stated = dict.fromkeys(("motion", "spotted"), ((98, 101), (119, 121), (150, 165)))
    found = {**keys, "motion": (101, 119, 161)}
    numbers = cell_numbers([ClipResult((100, 120, 160), found, stated, 1.0, "power")] * 2)
    names = {name for _, name in FACTORS["blink"].levels}
    file = tmp_path / "stress.csv"
    write_numbers(dict.fromkeys(names, numbers), ["blink"], file)
    plan = StressPlan("Errors", ("blink",))
    before = stress_table(plan, file, "t")
    assert [column.title for column in before.columns[3:]] == list(WAYS)
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["kind"] for row in rows} == {"error", "difference", "median", "coverage"}
    assert {row["key_frame"] for row in rows} == set(KEYS)
    for row in rows:
        if row["kind"] != "error":
            row["way"] = "oneword"
    _write(file, rows)
    assert stress_table(plan, file, "t") == before
    # Earlier versions wrote no kind.
    write_numbers(dict.fromkeys(names, numbers), ["blink"], file)
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        del row["kind"]
    _write(file, rows)
    assert stress_table(plan, file, "t") == before


def _write(file: Path, rows):
    with file.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
