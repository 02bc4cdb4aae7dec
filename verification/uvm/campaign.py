"""All geometries under pyuvm, their coverage merged into one report a bench."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from verification.stimuli.networks import GEOMETRIES
from verification.uvm import core, stream_bench
from verification.uvm.coverage import Coverage
from verification.uvm.plan import CORE
from verification.uvm.stream_unit import STREAM

__all__ = ["BENCHES", "Campaign", "campaign"]

#: What runs a bench on a geometry, what it has to see, and where.
BENCHES = {"core": (core.check, CORE, tuple(GEOMETRIES)),
           "stream": (stream_bench.check, STREAM, tuple(name for name, g in GEOMETRIES.items() if g.streams))}


@dataclass(frozen=True)
class Campaign:
    """What a bench compared, by geometry, and what it has seen."""

    bench: str
    compared: dict[str, int]
    coverage: Coverage

    def write(self, folder: Path) -> None:
        """Write the coverage as ``<bench>.json``, and the same as text in ``<bench>.txt``."""
        folder.mkdir(parents=True, exist_ok=True)
        self.coverage.write(folder / f"{self.bench}.json")
        total = f"{self.bench}: {sum(self.compared.values()):,} values compared on {len(self.compared)} geometries"
        (folder / f"{self.bench}.txt").write_text("\n".join([total, *self.coverage.lines()]) + "\n")


def campaign(bench: str, *, count: int, seed: int, geometries: Sequence[str] = ()) -> Campaign:
    """Run ``count`` items on each geometry, by default all that the bench is for, the corners first.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    check, model, everything = BENCHES[bench]
    compared, coverage = {}, Coverage(model)
    for name in geometries or everything:
        compared[name], found = check(name, count=count, seed=seed)
        coverage.merge(found.as_hits())
    return Campaign(bench, compared, coverage)


def main() -> int:
    """Run both benches and leave their reports in ``build/uvm``; 1 if a bin is open."""
    made = [campaign("core", count=100, seed=1), campaign("stream", count=60, seed=1)]
    for each in made:
        each.write(Path("build/uvm"))
        hit, declared = each.coverage.totals()
        print(f"{each.bench}: {sum(each.compared.values()):,} values compared on {len(each.compared)} geometries, {hit} of {declared} bins hit",
              *each.coverage.open(), sep="\n")
    return int(not all(each.coverage.closed for each in made))


if __name__ == "__main__":
    sys.exit(main())
