"""Layers of the temporal stream: retention and the blocks around it."""
