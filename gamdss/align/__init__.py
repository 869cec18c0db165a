"""Raw frames to aligned face crops: one similarity transform per clip.

Works on lists of image files and on videos; `align.sources` finds these in folders and datasets.
"""

from gamdss.align.clip import Outcome
from gamdss.align.jobs import ClipJob
from gamdss.align.run import align_clips
from gamdss.align.settings import AlignConfig

__all__ = ["AlignConfig", "ClipJob", "Outcome", "align_clips"]
