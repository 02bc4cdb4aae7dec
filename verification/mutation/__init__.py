"""Mutants of the gateware."""
