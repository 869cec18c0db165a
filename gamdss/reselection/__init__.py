"""Dynamic frame reselection (arXiv 2603.04766): annotated key frames become the clearest ones.

An annotator's onset, apex and offset are a frame or two off; reselection looks a little around
them for the pair onset-apex that differs most, then for the offset that differs most from it.
"""

from gamdss.reselection.presets import PRESETS, Preset, needed_frames
from gamdss.reselection.select import reselect
from gamdss.reselection.spotting import spot

__all__ = ["PRESETS", "Preset", "needed_frames", "reselect", "spot"]
