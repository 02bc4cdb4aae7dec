"""Engines, each in a process of its own."""
