"""Functional coverage as data: points with bins, crosses of points, hits that merge over runs, and a report that lists every bin."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spikegate.models.errors import InputError
from spikegate.models.files import write_whole

__all__ = ["Point", "Cross", "Model", "Coverage"]


@dataclass(frozen=True)
class Point:
    """One property and the bins that its values fall into, words without a space."""

    name: str
    bins: tuple[str, ...]
    summary: str = ""

    def goals(self) -> list[tuple[str, ...]]:
        """What has to be hit, a bin each."""
        return [(bin,) for bin in self.bins]


@dataclass(frozen=True)
class Cross:
    """Points whose bins have to be hit together.

    Parameters
    ----------
    points : tuple of Point
    excluded : Mapping of str to str
        Combinations that cannot be, as bins in the order of the points, joined by a space, ``*`` for any; and why.
    """

    points: tuple[Point, ...]
    excluded: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Names of the points, joined."""
        return " x ".join(point.name for point in self.points)

    def excludes(self, goal: tuple[str, ...]) -> str | None:
        """Why a combination cannot be, or None."""
        for pattern, reason in self.excluded.items():
            if all(wanted in ("*", bin) for wanted, bin in zip(pattern.split(), goal)):
                return reason
        return None

    def goals(self) -> list[tuple[str, ...]]:
        """What has to be hit."""
        return [goal for goal in itertools.product(*(point.bins for point in self.points)) if self.excludes(goal) is None]


@dataclass(frozen=True)
class Model:
    """All that is declared.

    Raises
    ------
    InputError
        If two points have one name, a bin is no single word, or an exclusion names no combination of its cross.
    """

    points: tuple[Point, ...]
    crosses: tuple[Cross, ...]

    def __post_init__(self):
        names = [group.name for group in self.groups]
        if len(set(names)) != len(names):
            raise InputError(f"Points and crosses must have names of their own, not {names}")
        if odd := [bin for point in self.points for bin in point.bins if len(bin.split()) != 1]:
            raise InputError(f"Bins must be single words, not {odd}")
        for cross in self.crosses:
            for pattern in cross.excluded:
                words = pattern.split()
                if len(words) != len(cross.points) or any(word not in (*point.bins, "*") for word, point in zip(words, cross.points)):
                    raise InputError(f"Exclusion {pattern!r} must name a bin or * for each point of {cross.name}")

    @property
    def groups(self) -> tuple[Point | Cross, ...]:
        """Points, then crosses."""
        return (*self.points, *self.crosses)


class Coverage:
    """Hits of a model's bins and combinations.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model):
        self.model = model
        self._bins = {point.name: set(point.bins) for point in model.points}
        self.hits: dict[str, Counter] = {group.name: Counter() for group in model.groups}

    def sample(self, event: Mapping[str, str], context: Mapping[str, str] | None = None, count: int = 1) -> None:
        """Count what was seen together: the bins of ``event``, and every cross of points of it and of ``context`` with at least one of it.

        Raises
        ------
        InputError
            If a bin was not declared, or an excluded combination was seen.
        """
        for name, bin in event.items():
            if bin not in self._bins.get(name, ()):
                raise InputError(f"Bin {bin!r} of {name} was seen, but not declared")
            self.hits[name][(bin,)] += count
        seen = {**(context or {}), **event}
        for cross in self.model.crosses:
            names = [point.name for point in cross.points]
            if any(name in event for name in names) and all(name in seen for name in names):
                goal = tuple(seen[name] for name in names)
                if reason := cross.excludes(goal):
                    raise InputError(f"Combination {' '.join(goal)} of {cross.name} was seen, but is excluded: {reason}")
                self.hits[cross.name][goal] += count

    def merge(self, hits: Mapping[str, Mapping[str, int]]) -> None:
        """Add what `as_hits` gave of another run."""
        for name, found in hits.items():
            for goal, count in found.items():
                self.hits[name][tuple(goal.split())] += count

    def as_hits(self) -> dict[str, dict[str, int]]:
        """Hits, for JSON."""
        return {name: {" ".join(goal): count for goal, count in found.items()} for name, found in self.hits.items()}

    def totals(self) -> tuple[int, int]:
        """Bins and combinations that were hit, and that are declared."""
        goals = [(group.name, goal) for group in self.model.groups for goal in group.goals()]
        return sum(self.hits[name][goal] > 0 for name, goal in goals), len(goals)

    def open(self) -> list[str]:
        """``group: bins`` for all that was not hit."""
        return [f"{group.name}: {' '.join(goal)}" for group in self.model.groups for goal in group.goals() if not self.hits[group.name][goal]]

    @property
    def closed(self) -> bool:
        """Whether all was hit."""
        return not self.open()

    def as_dict(self) -> dict:
        """The report: every group with every bin, its hits and whether it is closed, and what is excluded and why."""
        hit, declared = self.totals()
        groups = [{"name": group.name, "kind": type(group).__name__.lower(), "closed": all(self.hits[group.name][goal] for goal in group.goals()),
                   "bins": [{"bin": " ".join(goal), "hits": self.hits[group.name][goal], "closed": self.hits[group.name][goal] > 0}
                            for goal in group.goals()],
                   "excluded": dict(getattr(group, "excluded", {}))} for group in self.model.groups]
        return {"closed": self.closed, "hit": hit, "declared": declared, "groups": groups}

    def write(self, path: Path) -> None:
        """Write `as_dict` as JSON."""
        write_whole(path, json.dumps(self.as_dict(), indent=1))

    def lines(self) -> Iterable[str]:
        """The report as text: a line for each group, and one for each of its bins."""
        hit, declared = self.totals()
        yield f"{hit} of {declared} bins hit"
        for group in self.as_dict()["groups"]:
            yield f"{group['name']}: {'closed' if group['closed'] else 'open'}"
            yield from (f"  {bin['bin']}: {bin['hits']:,}{'' if bin['closed'] else ' open'}" for bin in group["bins"])
            yield from (f"  {pattern}: excluded, {reason}" for pattern, reason in group["excluded"].items())
