"""`gamdss spot`: key frames of clips without annotation."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gamdss.config.command_line import Command
from gamdss.errors import FrameError, require
from gamdss.prediction.spot_clips import spot_clips, write_spotted


@dataclass
class Options:
    """Find onset, apex and offset in clips without annotation: one face, one expression.

    Args:
        input: a folder of frames, a tree of such folders (one per clip), or a video; align them
            first with `gamdss align`.
        output: folder of the table and the figures.
        workers: threads; 0 takes one per processor.
    """

    input: str = field(kw_only=True)
    output: str = field(kw_only=True)
    workers: int = 0

    def __post_init__(self) -> None:
        require(self.workers >= 0, "workers", self.workers, "0 or more")


def run(options: Options) -> int:
    """Spot every clip, write the table and figures; returns 1 if a clip could not be spotted."""
    place, output = (Path(path).expanduser() for path in (options.input, options.output))
    found = spot_clips(place, output, options.workers)
    print(write_spotted(found, output))
    failed = [item for item in found if item.fit is None]
    if len(failed) == len(found):
        raise FrameError(
            f"no clip could be spotted: {failed[0].problem}",
            file=place,
            remedy="A clip is a folder of frames of one size, or a video, with one face.",
        )
    return 1 if failed else 0


COMMAND = Command(run, Options)
