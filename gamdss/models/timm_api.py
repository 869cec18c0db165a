"""What timm expects of an image model, for `RMT` and `TwoBranchNet`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from timm.models._features import feature_take_indices
from torch import Tensor, nn

from gamdss.errors import ConfigError, is_whole
from gamdss.models.heads import PooledHead, init_linear


class HasHead(nn.Module):
    """A network whose classifier can be replaced or removed; it has a `head`."""

    head: PooledHead
    num_classes: int

    @property
    def head_hidden_size(self) -> int:
        """Width of what the classifier takes: the output with `num_classes=0`."""
        return self.head.hidden_size

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.head.classify

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the classifier by a new one; with 0 classes the network returns features.

        Raises:
            ConfigError: a negative number, or classes without global pooling.
        """
        pool = str(self.head.pool.pool_type) if global_pool is None else global_pool
        check_sizes(num_classes, global_pool=pool)
        device = next(self.parameters()).device
        self.num_classes = num_classes
        self.head.reset(num_classes, pool)
        self.head.classify.apply(init_linear).to(device)


def check_sizes(
    num_classes: int, in_chans: int = 3, drop_path: float = 0.0, global_pool: str = "avg"
) -> None:
    """Raise ConfigError for sizes that no network can have."""
    rules = (
        (
            "num_classes",
            num_classes,
            is_whole(num_classes),
            "an integer, 0 (features, no classifier) or more",
        ),
        ("in_chans", in_chans, is_whole(in_chans, 1), "an integer, 1 or more"),
        ("drop_path", drop_path, 0 <= drop_path < 1, "in [0, 1)"),
        ("global_pool", global_pool, bool(global_pool) or not num_classes, "avg with classes"),
    )
    for name, value, holds, allowed in rules:
        if not holds:
            raise ConfigError(f"{name} is {value!r}", remedy=f"It must be {allowed}.")


def chosen_levels(
    maps: Sequence[Tensor], indices: int | Sequence[int] | None, output_fmt: str
) -> list[Tensor]:
    """The maps at timm's `indices`: all if None, the last n for a number."""
    places: Sequence[int] = feature_take_indices(len(maps), _plain(indices))[0]
    chosen = [maps[place] for place in places]
    return chosen if output_fmt == "NCHW" else [level.permute(0, 2, 3, 1) for level in chosen]


def _plain(indices: int | Sequence[int] | None) -> int | list[int] | None:
    return indices if indices is None or isinstance(indices, int) else list(indices)


Levels = tuple[Any, list[Tensor]] | list[Tensor]
OutputFormat = Literal["NCHW", "NHWC"]
