"""Formats and rounding, and the generators of random and low-discrepancy numbers."""
