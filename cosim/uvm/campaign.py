"""All geometries under pyuvm, their coverage merged into one report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spikegate.cosim.uvm.core import check
from spikegate.cosim.uvm.coverage import Coverage
from spikegate.cosim.uvm.networks import GEOMETRIES
from spikegate.cosim.uvm.plan import CORE

__all__ = ["Campaign", "campaign"]


@dataclass(frozen=True)
class Campaign:
    """What all benches compared, by geometry, and what they have seen."""

    compared: dict[str, int]
    coverage: Coverage

    def write(self, folder: Path) -> None:
        """Write ``coverage.json``, and the same as text in ``coverage.txt``."""
        folder.mkdir(parents=True, exist_ok=True)
        self.coverage.write(folder / "coverage.json")
        total = f"{sum(self.compared.values()):,} values compared on {len(self.compared)} geometries"
        (folder / "coverage.txt").write_text("\n".join([total, *self.coverage.lines()]) + "\n")


def campaign(*, count: int, seed: int, geometries: Sequence[str] = tuple(GEOMETRIES)) -> Campaign:
    """Run ``count`` items on each geometry, the corners first.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    compared, coverage = {}, Coverage(CORE)
    for name in geometries:
        compared[name], found = check(name, count=count, seed=seed)
        coverage.merge(found.as_hits())
    return Campaign(compared, coverage)
