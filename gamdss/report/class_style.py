"""A colour and a marker for each class: either of them is enough to tell the classes apart."""

from __future__ import annotations

from gamdss.report.style import BLUE, GREEN, INK, ORANGE, VERMILLION

# The eight colours of Okabe and Ito; yellow, the palest on white, is the last to be used.
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, INK, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


def class_style(number: int) -> tuple[str, str]:
    """(colour, marker) of a class; from the ninth class on, colours meet other markers."""
    shift = number // len(COLOURS)
    return COLOURS[number % len(COLOURS)], MARKERS[(number + shift) % len(MARKERS)]
