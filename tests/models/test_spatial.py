"""The spatial stream: any grid, and an effect of position."""

import pytest
import torch

from gamdss.models.spatial import SpatialStream


@pytest.mark.parametrize(("width", "grid", "size"), [(64, 7, 112), (32, 3, 50), (64, 1, 16)])
def test_the_map_has_the_requested_grid(width, grid, size):
    stream = SpatialStream(width, grid)
    assert stream(torch.randn(2, 3, size, size)).shape == (2, width, grid, grid)


def test_positions_distinguish_equal_pixels():
    stream = SpatialStream(32, 4).eval()
    flat = stream(torch.ones(1, 3, 32, 32))
    assert flat.std((2, 3)).max() > 1e-3
    torch.nn.init.zeros_(stream.position)
    flat = stream(torch.ones(1, 3, 32, 32))
    assert flat.std((2, 3)).max() < 1e-5


def test_a_frame_of_the_grid_size_is_not_resampled():
    stream = SpatialStream(32, 4, antialias=False).eval()
    smooth = SpatialStream(32, 4, antialias=True).eval()
    smooth.load_state_dict(stream.state_dict())
    x = torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(stream(x), smooth(x))
