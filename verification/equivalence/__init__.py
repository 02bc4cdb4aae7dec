"""Proofs that two circuits are the same."""
