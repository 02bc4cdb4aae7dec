"""When each population of hardware is in which step of NIR: a synapse takes a step at least, and an edge of NIR none.

Population p is in step t of NIR when hardware is in step t + level(p). A synapse for an edge with a delay of D steps then has a delay of
D + level(target) - level(source), which must be 1 or more. Levels are the smallest that allow it, so that all paths stay as long as they were to each
other, and populations stand still until their first step.
"""

from collections.abc import Collection, Sequence

__all__ = ["Edge", "Unplaced", "levels", "looping"]

Edge = tuple[str, str, int]


class Unplaced(Exception):  # noqa: N818
    """A loop that is quicker than hardware: its populations."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(", ".join(names))
        self.names = names


def _reached(start: str, after: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for name in after.get(ahead.pop(), ()):
            if name not in seen:
                seen.add(name)
                ahead.append(name)
    return seen


def looping(edges: Sequence[Edge]) -> set[Edge]:
    """Edges that are in a loop of edges which all take no time."""
    after: dict[str, set[str]] = {}
    for pre, post, delay in edges:
        if delay == 0:
            after.setdefault(pre, set()).add(post)
    reached = {name: _reached(name, after) for name in after}
    return {(pre, post, delay) for pre, post, delay in edges if delay == 0 and pre in reached.get(post, ())}


def levels(names: Collection[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The level of each of the names.

    Parameters
    ----------
    names : Collection of str
        Populations and inputs; those that no edge leads to have level 0.
    edges : sequence of tuple
        Source, target and delay in steps.

    Raises
    ------
    Unplaced
        If a loop takes fewer steps than it has synapses.
    """
    found = dict.fromkeys(names, 0)
    for _ in range(len(found) + 1):
        changed = []
        for pre, post, delay in edges:
            if found[pre] + 1 - delay > found[post]:
                found[post] = found[pre] + 1 - delay
                changed.append(post)
        if not changed:
            return found
    raise Unplaced(sorted(set(changed)))
