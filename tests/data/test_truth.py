"""True key frames and the frame rate of synthetic datasets."""

import json

import pytest

from gamdss.data.truth import GROUND_TRUTH, read_truth, true_rate
from gamdss.errors import AnnotationError


def test_a_run_knows_the_rate_at_which_its_clips_were_drawn(finished_run, small_dataset):
    assert true_rate(small_dataset / GROUND_TRUTH) == 60  # of CASME II: 200
    assert json.loads((finished_run / "data.json").read_text())["fps"] == [60.0]


def test_no_truth_is_none_and_a_broken_one_is_reported(tmp_path):
    file = tmp_path / GROUND_TRUTH
    assert read_truth(file) is None
    assert true_rate(file) == 0
    for read in (read_truth, true_rate):
        file.write_text("subject,clip,onset,apex,offset,fps\n01,a,1,x,3,fast\n")
        with pytest.raises(AnnotationError, match="Remove the synthetic dataset"):
            read(file)
    file.write_text("subject,clip,onset,apex,offset,fps\n")
    assert read_truth(file) == {}
    assert true_rate(file) == 0
