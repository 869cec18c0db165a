"""Made faces with known key frames, written in a dataset's native layout."""

from gamdss.data.synthetic.dataset import (
    GROUND_TRUTH,
    GROUPS,
    MANIFEST,
    TRUE_ANNOTATION,
    write_dataset,
)
from gamdss.data.synthetic.settings import SynthConfig
from gamdss.data.synthetic.truth import read_truth

__all__ = [
    "GROUND_TRUTH",
    "GROUPS",
    "MANIFEST",
    "TRUE_ANNOTATION",
    "SynthConfig",
    "read_truth",
    "write_dataset",
]
