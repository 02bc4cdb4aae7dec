"""Neurons of a network that have a name of their own."""

from typing import NamedTuple

__all__ = ["Population"]


class Population(NamedTuple):
    """Neurons ``first`` to ``last`` - 1."""

    name: str
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.last - self.first
