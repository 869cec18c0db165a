"""Key frames and their draws, as the settings of a run find them among the frames of a clip."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gamdss.config import ReselectionConfig
from gamdss.errors import ConfigError
from gamdss.records import KeyFrames
from gamdss.reselection import needed_frames
from gamdss.reselection.jitter import jitter_span
from gamdss.reselection.select import draw_key_frames, reselect_with_posterior
from gamdss.reselection.windows import resolve


def frames_needed(
    annotated: tuple[int, int, int], reselection: ReselectionConfig
) -> tuple[int, ...]:
    """Frame numbers from which key frames are reselected and drawn, ascending."""
    needed = needed_frames(*annotated, reselection.preset, reselection.ratio)
    if not reselection.jitter:
        return needed
    return tuple(sorted({*needed, *jitter_span(*annotated, reselection.jitter)}))


def found_and_drawn(
    images: Mapping[int, np.ndarray],
    annotated: tuple[int, int, int],
    reselection: ReselectionConfig,
) -> tuple[KeyFrames, tuple[tuple[int, int, int], ...]]:
    """Key frames reselected among `images` (by frame number), and their draws."""
    found, posterior = reselect_with_posterior(
        images, annotated, reselection.preset, reselection.ratio
    )
    draws, jitter = reselection.draws, reselection.jitter
    return found, draw_key_frames(found, posterior, list(images), draws, jitter)


def check_draws(reselection: ReselectionConfig) -> None:
    """Check that there is something to draw from.

    Raises:
        ConfigError: the preset has no posterior.
    """
    preset = reselection.preset
    if not reselection.draws or reselection.jitter or resolve(preset).criterion == "motion":
        return
    raise ConfigError(
        f"reselection.draws is {reselection.draws}, but the preset {preset!r} has no posterior "
        "to draw from",
        remedy="Use --reselection.preset motion, or move key frames at random with "
        "--reselection.jitter 0.1",
    )
