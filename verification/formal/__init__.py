"""Claims about every leaf, each written from its documentation."""

from collections.abc import Callable

from verification.contracts.catalogue import LEAVES
from verification.formal import arithmetic, counts, encoders, frames, linear, lines, neurons, points, quadratic, rows_made, sources, tables
from verification.formal.bench import Bench, Claim

__all__ = ["PROPERTIES", "Bench", "Claim", "bench"]

MODULES = (arithmetic, neurons, linear, quadratic, sources, encoders, lines, tables, points, rows_made, frames, counts)
#: Leaf -> what makes its claims, the function of its name.
PROPERTIES: dict[str, Callable[[Bench], None]] = {name: getattr(module, name) for module in MODULES for name in module.__all__ if name in LEAVES}


def bench(name: str) -> Bench:
    """The bench of a leaf with all its claims."""
    made = Bench(name, LEAVES[name]())
    PROPERTIES[name](made)
    return made
