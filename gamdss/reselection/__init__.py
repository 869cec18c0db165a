"""Dynamic frame reselection (arXiv 2603.04766): annotated key frames become the clearest ones.

Annotated onsets, apexes and offsets are inaccurate. Reselection searches windows around them for
the largest image difference, or fits a rise and fall to the motion of the clip (`motion`).
"""

from gamdss.reselection.select import reselect
from gamdss.reselection.spotting import spot
from gamdss.reselection.windows import PRESETS, Preset, needed_frames

__all__ = ["PRESETS", "Preset", "needed_frames", "reselect", "spot"]
