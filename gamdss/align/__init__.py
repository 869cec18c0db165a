"""Raw frames to aligned face crops: a face found once, one similarity transform for each clip.

Knows clips as lists of files, not as datasets; `gamdss.cli.align` brings the two together.
"""

from gamdss.align.clip import Outcome
from gamdss.align.jobs import ClipJob
from gamdss.align.run import align_clips
from gamdss.align.settings import AlignConfig

__all__ = ["AlignConfig", "ClipJob", "Outcome", "align_clips"]
