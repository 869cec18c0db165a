"""Made faces with known key frames, written in a dataset's native layout."""

from gamdss.data.synthetic.dataset import GROUND_TRUTH, MANIFEST, write_dataset
from gamdss.data.synthetic.settings import SynthConfig

__all__ = ["GROUND_TRUTH", "MANIFEST", "SynthConfig", "write_dataset"]
