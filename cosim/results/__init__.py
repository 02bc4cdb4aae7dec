"""Comparison, statistics, the report and the picture."""
