"""The tables in `configs/tables/`: complete, without duplicate rows, all covered here."""

from dataclasses import replace
from pathlib import Path

import pytest

from gamdss.cli import main
from gamdss.config import ReselectionConfig
from gamdss.studies.tables.plan import is_stress, read_plan
from gamdss.studies.tables.stress import read_stress_plan

ROOT = Path(__file__).parents[3]
# With their minimum number of rows.
SHIPPED = {"backbones": 18, "branches": 8, "features": 3, "recognition": 8, "reselection": 8}


@pytest.mark.parametrize(("name", "rows"), SHIPPED.items())
def test_shipped_tables_are_complete(name, rows):
    plan = read_plan(ROOT / "configs" / "tables" / f"{name}.yaml")
    assert len(plan.seeds) == 3
    assert len(plan.rows) >= rows
    assert all(row.config.training.epochs == 199 for row in plan.rows)


@pytest.mark.parametrize("name", [*SHIPPED, "label_errors"])
def test_no_two_rows_of_a_shipped_table_are_the_same_training(name):
    plan = read_plan(ROOT / "configs" / "tables" / f"{name}.yaml")
    seen = {}
    for row in plan.rows:
        config = row.config
        if config.reselection.preset == "none":  # then `clips` has no effect
            config = replace(config, reselection=ReselectionConfig(preset="none"))
        assert config not in seen.values(), row.key
        seen[row.key] = config


def test_every_shipped_table_is_covered_here():
    found = {file.stem for file in (ROOT / "configs" / "tables").glob("*.yaml")}
    assert found == {*SHIPPED, "key_frames", "label_errors"}


def test_the_table_of_label_errors_differs_in_key_frames_only():
    plan = read_plan(ROOT / "configs" / "tables" / "label_errors.yaml")
    assert len(plan.seeds) == 5
    first = plan.rows[0].config
    assert [row.config.reselection.preset for row in plan.rows] == [
        *("none", "original-full", "motion", "none")
    ]
    for row in plan.rows:
        same = replace(row.config, reselection=first.reselection, annotations=None)
        assert same == first
    assert plan.rows[-1].config.annotations.startswith("true_annotation/")


def test_key_frames_of_a_stress_test(tmp_path, capsys):
    file = ROOT / "configs" / "tables" / "key_frames.yaml"
    assert is_stress(file)
    assert read_stress_plan(file, demo=False).clips == 40
    lines = ["factor,level,cell,clips,key_frame,way,error,low,high"]
    for level, errors in (("no", (5.0, 7.0, 1.0)), ("yes", (6.0, 4.0, 0.5))):
        for way, error in zip(("annotation", "motion", "bound"), errors, strict=True):
            lines.append(f"blink,{level},x,4,apex,{way},{error},{error - 1},{error + 1}")
        lines.append(f"blink,{level},x,4,apex,motion minus annotation,1,0,2")
    (tmp_path / "stress.csv").write_text("\n".join(lines) + "\n")
    small = tmp_path / "errors.yaml"
    small.write_text("title: Errors\nfactors: [blink]\n")
    words = ["table", str(small), "--stress", str(tmp_path / "stress.csv")]
    assert main([*words, "--output", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "of 4 synthetic clips a cell" in shown
    assert "**5.0** (4.0 to 6.0)" in shown
    assert "**4.0** (3.0 to 5.0)" in shown
    assert "**0.5**" not in shown
    assert "minus" not in shown
    words = ["table", str(file), "--stress", str(tmp_path / "stress.csv")]
    assert main([*words, "--output", str(tmp_path / "none")]) == 2
    assert "no line has factor" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
