"""Instruments around the method: bias, stress, tables, speed."""
