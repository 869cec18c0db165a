"""Heads: from the map where the streams meet to logits.

Source: the paper's head as in GAMDSS (arXiv 2603.04766); the plain ones as in its release's
`backbone/` scripts. They follow timm's conventions: `reset`, `pre_logits`, any global pooling.
"""

from __future__ import annotations

from timm.layers import create_classifier
from torch import Tensor, nn

from gamdss.models.phase_norm import PhaseBatchNorm

HEAD_DIM = 1024


class PooledHead(nn.Module):
    """Global pooling and a classifier: (B, dim, H, W) -> (B, classes).

    Attributes:
        num_features: channels of the map that is pooled.
    """

    num_features: int
    pool: nn.Module
    classify: nn.Module

    def reset(self, num_classes: int, global_pool: str = "avg") -> None:
        """Replace the classifier; with 0 classes it is removed, with no pooling (`""`) too."""
        self.pool, self.classify = create_classifier(self.num_features, num_classes, global_pool)

    @property
    def hidden_size(self) -> int:
        """Width of what the classifier takes."""
        return self.num_features * int(self.pool.feat_mult())  # type: ignore[operator]

    def prepare(self, x: Tensor) -> Tensor:
        """Map (B, dim, H, W) to what is pooled, (B, num_features, H, W)."""
        return x

    def finish(self, x: Tensor) -> Tensor:
        """Map what was pooled to what is classified, both (B, num_features)."""
        return x

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Logits (B, num_classes) of a map (B, dim, H, W), or what they are computed from."""
        x = self.finish(self.pool(self.prepare(x)))
        return x if pre_logits else self.classify(x)


class Head(PooledHead):
    """The paper's: Linear, BatchNorm, Swish, global average and classifier."""

    def __init__(
        self, dim: int, hidden_dim: int, num_classes: int, global_pool: str = "avg"
    ) -> None:
        super().__init__()
        self.num_features = hidden_dim
        self.expand = nn.Linear(dim, hidden_dim)
        self.norm = PhaseBatchNorm(hidden_dim)
        self.activation = nn.SiLU()
        self.reset(num_classes, global_pool)

    def prepare(self, x: Tensor) -> Tensor:
        """Map (B, dim, H, W) to (B, hidden_dim, H, W)."""
        x = self.expand(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)  # (B, hidden, H, W)
        return self.activation(self.norm(x))


class PlainHead(PooledHead):
    """Global average and classifier, with a LayerNorm (`eps`) before or after the average."""

    def __init__(
        self, dim: int, num_classes: int, *, before: float | None = None, after: float | None = None
    ) -> None:
        super().__init__()
        self.num_features = dim
        eps = after if before is None else before
        self.norm = nn.Identity() if eps is None else nn.LayerNorm(dim, eps=eps)
        self.norm_first = before is not None
        self.reset(num_classes)

    def prepare(self, x: Tensor) -> Tensor:
        """Normalise the channels of (B, dim, H, W) if the norm comes before the average."""
        return self._normalise(x) if self.norm_first else x

    def finish(self, x: Tensor) -> Tensor:
        """Normalise (B, dim) if the norm comes after the average."""
        return x if self.norm_first else self._normalise(x)

    def _normalise(self, x: Tensor) -> Tensor:
        return self.norm(x.movedim(1, -1)).movedim(-1, 1)


def init_linear(module: nn.Module) -> None:
    """For `nn.Module.apply`: Linear truncated normal (std 0.02) and zero bias.

    LayerNorm and convolutions keep PyTorch's defaults, which are the method's.
    """
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
