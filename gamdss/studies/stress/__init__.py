"""Reselection against known truth."""
