"""How much training a table takes, by the published sizes of datasets."""

import pytest

from gamdss.cli import main
from gamdss.config import Config, ProtocolConfig, TrainingConfig
from gamdss.studies.tables.cost import RowCost, cost_text, sample_steps

SPEC = """
title: Of the lab
fps: 100
colour: true
workbooks: [coding.xlsx]
columns: {subject: S, clip: C, onset: On, apex: A, offset: Off, emotion: E}
subject: "{number:02d}"
layouts: {faces: {folders: ["{subject}/{clip}"], file: "{frame}.png"}}
emotions: [happiness, surprise]
tasks: {c2: [happiness, surprise]}
"""


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        # CASME II has 246 clips of 26 subjects in c5, SAMM 133 of 29 in c3, CASME II 156.
        (Config(dataset="cas2", task="c5"), 246 * 25 * 199),
        (Config(dataset="cas2", task="c5", training=TrainingConfig(epochs=2)), 246 * 25 * 2),
        (
            Config(dataset="cas2", task="c5", protocol=ProtocolConfig(name="kfold", parts=5)),
            246 * 4 * 199,
        ),
        (
            Config(
                dataset="cas2+samm",
                task="c3",
                protocol=ProtocolConfig(name="leave-one-dataset-out"),
            ),
            (156 + 133) * 199,
        ),
        (
            Config(
                dataset="cas2",
                task="c5",
                training=TrainingConfig(selection="inner", inner_share=0.2, epochs=10),
            ),
            4920 * 10,
        ),
        (
            Config(
                dataset="dfme",
                task="c7",
                protocol=ProtocolConfig(name="fixed", split="challenge.csv"),
            ),
            7526 * 199,
        ),
    ],
)
def test_sample_steps_of_a_run(config, steps):
    assert sample_steps(config) == steps


def test_a_dataset_without_published_sizes(tmp_path):
    (tmp_path / "lab.yaml").write_text(SPEC)
    assert sample_steps(Config(dataset=str(tmp_path / "lab.yaml"), task="c2")) is None


def test_a_table_of_clips_in_the_datasets_folder(tmp_path):
    rows = ["subject,clip,onset,offset,emotion", "1,a,1,9,joy", "2,a,1,9,fear"]
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    config = Config("csv", "c2", data_root=str(tmp_path), annotations="clips.csv")
    assert sample_steps(config) is None
    (tmp_path / "c.yaml").write_text("{dataset: csv, annotations: clips.csv, task: c2}")
    table = tmp_path / "t.yaml"
    table.write_text(
        "{title: t, config: c.yaml, seeds: [2], selection: final, names: [n], columns: [uf1], "
        "rows: [{name: a, set: {training.epochs: 1}}], published: {}}"
    )
    assert main(["table", str(table), "--list", "--data-root", str(tmp_path)]) == 0


def test_only_missing_runs_take_time():
    costs = [RowCost("one", 3, 1, 1_800_000), RowCost("two", 3, 0, None)]
    text = cost_text(costs, step_ms=2.0)
    assert "1,800,000" in text
    assert "not known" in text
    assert text.endswith("Missing runs: 5, of 3,600,000 sample-steps, 2.0 hours at least.")
    assert "hours" not in cost_text(costs)
