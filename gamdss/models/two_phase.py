"""Both phases around a custom image classifier.

Source: GAMDSS (arXiv 2603.04766): the rising phase and then the falling phase pass through one set
of weights, here those of any image classifier.
"""

from __future__ import annotations

from torch import Tensor, nn

from gamdss.errors import ConfigError
from gamdss.models.temporal import check_floating


class TwoPhase(nn.Module):
    """Three key frames -> logits of the rising and of the falling phase, from one classifier.

    It adds no parameters. The phases pass one after the other, rising first, so norms see each as
    a separate batch.

    Args:
        model: maps images (B, C, H, W) to logits (B, classes).

    Raises:
        ConfigError: `model` is not an `nn.Module`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise ConfigError(
                f"the model is of type {type(model).__name__}",
                remedy="Pass a torch.nn.Module that maps images (B, C, H, W) to logits.",
            )
        self.model = model

    def forward(self, onset: Tensor, apex: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        """Return (rising, falling) logits, each (B, classes), for frames (B, C, H, W).

        Raises:
            ConfigError: frames of different shapes or of integers, or a model that does not return
                logits.
        """
        return self.predict_logits(onset, apex), self._logits(apex, offset, "offset")

    def predict_logits(self, onset: Tensor, apex: Tensor) -> Tensor:
        """The rising phase's logits (B, classes), used for predictions; errors as in `forward`."""
        return self._logits(apex, onset, "onset")

    def _logits(self, apex: Tensor, rest: Tensor, name: str) -> Tensor:
        if apex.shape != rest.shape:
            raise ConfigError(
                f"{name} has shape {tuple(rest.shape)}, apex {tuple(apex.shape)}",
                remedy="Pass key frames of one shape.",
            )
        check_floating(apex, "apex")
        check_floating(rest, name)
        logits = self.model(apex - rest)
        if not isinstance(logits, Tensor) or logits.shape[:-1] != apex.shape[:1]:
            found = tuple(getattr(logits, "shape", ())) or type(logits).__name__
            raise ConfigError(
                f"the model returned {found} for a batch of {len(apex)}",
                remedy="It must return logits (B, classes); wrap it in a module that does.",
            )
        return logits


def two_phase(model: nn.Module) -> TwoPhase:
    """Put both phases around an image classifier.

    `gamdss.two_phase_loss(*two_phase(model)(onset, apex, offset), labels)` trains it.

    Args:
        model: maps images (B, C, H, W) to logits (B, classes).

    Returns:
        A module that maps three key frames, each (B, C, H, W), to the logits (B, classes) of the
        rising and of the falling phase, with the parameters of `model`.

    Raises:
        ConfigError: `model` is not an `nn.Module`.
    """
    return TwoPhase(model)
