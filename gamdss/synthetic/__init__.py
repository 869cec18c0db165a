"""Synthetic faces with known key frames, written in a dataset's native layout."""

from gamdss.synthetic.dataset import GROUPS, TRUE_ANNOTATION, write_dataset
from gamdss.synthetic.settings import SynthConfig

__all__ = ["GROUPS", "TRUE_ANNOTATION", "SynthConfig", "write_dataset"]
