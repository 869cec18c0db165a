"""What a film strip says: title, headings, and the caption under each picture."""

from __future__ import annotations

import numpy as np

from gamdss.records import Clip, KeyFrames


def title(moved: int, clips: int, shown: int, with_truth: bool) -> tuple[str, str]:
    """A headline and two lines that tell how to read the figure."""
    if moved:
        which = "the one that moved most" if shown == 1 else f"the {shown} that moved most"
        headline = f"Reselection moved key frames of {moved} of {clips} clips; here {which}"
    else:
        which = "the first clip" if shown == 1 else f"the first {shown} of {clips}"
        headline = f"Reselection moved no key frame; here {which}"
    truth = " “True” is the frame that was drawn as such." if with_truth else ""
    return headline, (
        "Annotated and reselected onset, apex and offset, with frame numbers; in brackets the "
        f"move.{truth}\n"
        "Right: how brightness changes in the rising and the falling phase, in one colour scale "
        "per clip: stronger colour, stronger motion."
    )


def heading(clip: Clip) -> str:
    """Who, which clip, which emotion."""
    return f"Subject {clip.subject}, clip {clip.name}: {clip.emotion}"


def frame_text(
    keys: KeyFrames, annotated: KeyFrames, truth: KeyFrames | None, which: int
) -> tuple[str, bool]:
    """Caption of key frame 0, 1 or 2 (onset, apex, offset), and whether it was moved."""
    number = keys.numbers[which]
    shift = number - annotated.numbers[which]
    text = f"frame {number} ({shift:+d})" if shift else f"frame {number}"
    if truth is not None:
        error = number - truth.numbers[which]
        missed = f"{abs(error)} {'late' if error > 0 else 'early'}" if error else "exact"
        text += f"\ntrue {truth.numbers[which]}: {missed}"
    return text, shift != 0


def differ_text(difference: np.ndarray) -> str:
    """Caption of a difference in grey levels, any shape."""
    return f"mean change {np.abs(difference).mean():.2f}"
