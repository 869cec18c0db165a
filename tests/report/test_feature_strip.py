"""The feature strip: one scale for all rows, any choice of features, the same bytes each time."""

import numpy as np
import pytest

from gamdss.errors import FrameError
from gamdss.report import feature_strip as module
from gamdss.report.feature_strip import StripPhase, feature_strip


def phase(names, strength):
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)
    features = {n: strength * rng.normal(size=(1 if "grey" in n else 3, 24, 24)) for n in names}
    return StripPhase("onset 3", frame, "apex 9", frame, features)


def test_strong_and_weak_clips_share_one_scale():
    phases = [phase(["flow-dis", "difference", "flow-strain"], s) for s in (0.1, 5.0)]
    limits = module._limits(phases)
    assert limits.motion == pytest.approx(module._limits(phases[1:]).motion, rel=0.1)
    assert limits.motion > 5
    assert limits.difference > 5
    assert module._limits([phase(["flow-dis"], 0.0)]).motion > 0


@pytest.mark.parametrize("names", [["flow-strain-tvl1"], ["difference", "grey-difference"]])
def test_any_choice_of_features_is_drawn_and_gives_the_same_bytes(tmp_path, names):
    clips = [("Subject 01, clip a: happiness", [phase(names, 2.0), phase(names, 1.0)])]
    for file in ("a.png", "b.png"):
        feature_strip(tmp_path / file, clips, names[0], "Motion magnified 3 times.")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_nothing_to_draw(tmp_path):
    with pytest.raises(FrameError, match="no clip"):
        feature_strip(tmp_path / "x.png", [], "difference")
