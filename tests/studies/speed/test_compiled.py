"""Kernels and traffic of the compiled step, of a tiny network."""

import pytest

compiled = pytest.importorskip("gamdss.studies.speed.compiled", exc_type=ImportError)


@pytest.mark.slow
@pytest.mark.usefixtures("one_stage_rmt")
def test_kernels_and_their_traffic_are_counted():
    found = compiled.compiled_step(16, 2)
    assert found.fused > 10
    assert found.library > 20  # products and convolutions of both streams, forward and backward
    assert 1e-4 < found.gigabytes < 1e-1


def test_the_larger_of_memory_and_products_bounds_the_step():
    """33.5 GB at 3.35 TB/s take 10 ms; the products of 16 samples 1.3 ms, of 160 13.1 ms."""
    found = compiled.Kernels(1, 1, 33.5)
    memory, products = (
        compiled.roofline(found, size, 6000).splitlines()[2].split() for size in (16, 160)
    )
    assert memory[-4:] == ["10.00", "1.31", "10.00", "1.0"]
    assert products[-4:] == ["10.00", "13.07", "13.07", "1.3"]
