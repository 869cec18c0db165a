"""Finished runs."""
