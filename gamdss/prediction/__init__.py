"""Clips without annotation -> key frames."""
