"""Both phases around a network of one's own.

Source: GAMDSS (arXiv 2603.04766): the rising and the falling phase pass, one after the other,
through one set of weights; here that of any image classifier.
"""

from __future__ import annotations

from torch import Tensor, nn

from gamdss.errors import ConfigError


class TwoPhase(nn.Module):
    """Three key frames -> logits of the rising and of the falling phase, from one classifier.

    It has no parameters but the classifier's. The phases pass one after the other, rising first,
    so that norms see each as a batch of its own.

    Args:
        model: maps images (B, C, H, W) to logits (B, classes).

    Raises:
        ConfigError: `model` is no `nn.Module`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        if not isinstance(model, nn.Module):
            raise ConfigError(
                f"the model is a {type(model).__name__}",
                remedy="Pass a torch.nn.Module that maps images (B, C, H, W) to logits.",
            )
        self.model = model

    def forward(self, onset: Tensor, apex: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
        """Return (rising, falling) logits, each (B, classes), of frames (B, C, H, W).

        Raises:
            ConfigError: frames of different shapes, or a model that gives no logits.
        """
        return self.predict_logits(onset, apex), self._logits(apex, offset, "offset")

    def predict_logits(self, onset: Tensor, apex: Tensor) -> Tensor:
        """The rising logits (B, classes), which decide; errors as in `forward`."""
        return self._logits(apex, onset, "onset")

    def _logits(self, apex: Tensor, rest: Tensor, name: str) -> Tensor:
        if apex.shape != rest.shape:
            raise ConfigError(
                f"{name} has shape {tuple(rest.shape)}, apex {tuple(apex.shape)}",
                remedy="Pass the key frames of a batch in one shape.",
            )
        logits = self.model(apex - rest)
        if not isinstance(logits, Tensor) or logits.shape[:-1] != apex.shape[:1]:
            found = tuple(getattr(logits, "shape", ())) or type(logits).__name__
            raise ConfigError(
                f"the model gave {found} for a batch of {len(apex)}",
                remedy="It must give logits (B, classes); wrap it in a module that does.",
            )
        return logits


def two_phase(model: nn.Module) -> TwoPhase:
    """Put both phases around an image classifier; see `TwoPhase`.

    `gamdss.two_phase_loss(*two_phase(model)(onset, apex, offset), labels)` trains it.
    """
    return TwoPhase(model)
