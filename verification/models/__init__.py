"""Mutants of the golden models."""
