"""Folds -> results: the scores of each dataset of a composite, and what tables say beside them."""

import numpy as np
import pytest

from gamdss.config import Config
from gamdss.metrics import scores
from gamdss.records import FoldResult
from gamdss.report.tables import results_markdown, summary_text
from gamdss.training.scoring import results

CLASSES = ("negative", "positive", "surprise")


def fold(name, dataset, subjects, seed):
    rng = np.random.default_rng(seed)
    clips = tuple(f"{dataset}-{who}/{n}" for who in subjects for n in range(6))
    labels = rng.integers(0, 2, len(clips))  # nobody is surprised
    logits = rng.normal(0, 1, (2, len(clips), 3))
    history = np.zeros(2)
    return FoldResult(name, clips, labels, logits.astype(np.float32), history, history)


FOLDS = (
    fold("smic", "smic", ("s1", "s2", "s3", "s4", "s5"), 0),
    fold("cas2", "cas2", ("01", "02"), 1),
)


def of(dataset):
    return results(Config(dataset=dataset, task="c3"), "both", True, CLASSES, FOLDS, 7)


def test_each_dataset_of_a_composite_has_its_scores():
    found = of("smic+cas2").datasets
    assert list(found) == ["smic", "cas2"]
    for by, one in zip(found.values(), FOLDS, strict=True):
        expected = scores(one.labels, one.logits[-1].argmax(1), 3)
        assert (by.accuracy, by.uf1, by.uar) == (expected.accuracy, expected.uf1, expected.uar)
    assert (found["smic"].clips, found["smic"].subjects) == (30, 5)
    assert found["smic"].intervals["uf1"] is not None
    assert found["cas2"].intervals["uf1"] is None  # two subjects are too few
    text = results_markdown(of("smic+cas2"))
    assert "## Datasets" in text
    assert f"{found['smic'].uf1:.3f} (" in text
    assert "dataset" in summary_text(of("smic+cas2"))


def test_one_dataset_has_no_table_of_datasets():
    found = of("lab/smic.yaml")
    assert not found.datasets
    assert "datasets" not in found.as_dict()
    assert "Datasets" not in results_markdown(found)


@pytest.mark.parametrize("show", [summary_text, results_markdown])
def test_the_most_frequent_class_and_absent_ones_are_named(show):
    labels = np.concatenate([one.labels for one in FOLDS])
    most = np.bincount(labels).argmax()
    expected = scores(labels, np.full(len(labels), most), 3)
    text = show(of("smic+cas2"))
    row = next(line for line in text.splitlines() if "always the most frequent class" in line)
    assert [f"{expected.accuracy:.3f}", f"{expected.uf1:.3f}"] == row.replace("|", " ").split()[5:7]
    assert "No clip is of surprise: UAR is the mean of the others." in text
