"""GAMDSS: reselected key frames and a two-phase network for micro-expression recognition."""

__version__ = "0.1.0"
