"""Networks: the temporal and the spatial stream, and the two branches that share them."""
