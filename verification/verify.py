"""Verification in one table: for each module what was compared, covered, proved and mutated, and whether the synthesised netlist is the RTL."""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from spikegate.cosim.engines import netlist
from spikegate.cosim.toolchain.synthesis import FAMILIES, synthesise
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.files import write_whole
from verification.contracts.catalogue import LEAVES, WHOLE, leaf_verilog
from verification.coverage.cores import CORES, cover_core
from verification.coverage.link import LINKS, cover_link
from verification.coverage.points import KINDS, Coverage, cover_leaf
from verification.equivalence.equivalence import prove
from verification.formal.prove import prove_leaf
from verification.mutation.assess import assess
from verification.mutation.survivors import SHARE, listed, share
from verification.stress.second_simulator import second
from verification.stress.traffic import traffic

__all__ = ["MIN_CLAIMS", "TRAFFIC_CYCLES", "Row", "same_netlists", "verify_mutants", "verify_coverage", "verify_leaf", "verify_whole",
           "verify_traffic", "verify_second", "table", "main"]

#: Claims that each leaf must have at least.
MIN_CLAIMS = 10
#: Clock cycles of random traffic through cores.
TRAFFIC_CYCLES = 10_000_000
#: Names of the rows for these, and for the second simulator.
TRAFFIC, SECOND = "traffic", "icarus"
#: What is covered alone, under native drivers.
NATIVE: dict[str, Callable[[], Coverage]] = {
    name: partial(cover, name) for cover, names in ((cover_core, CORES), (cover_link, LINKS)) for name in names}
MODULES = (*LEAVES, *WHOLE, *NATIVE, TRAFFIC, SECOND)
MEMORY = re.compile(r"^ *reg (\[\d+:\d+\] )?\S+ \[\d+:\d+\];", re.MULTILINE)
HEADERS = ("module", "compared", "line %", "branch %", "expr %", "toggle %", "waived", "claims", "depth", "mutants", "killed", "equivalent",
           "survivors", "netlist", "s", "verdict")


@dataclass
class Row:
    """What is known of a module; a part that was not looked at is absent.

    Parameters
    ----------
    module : str
    compared : int
        Outputs or signals held against the golden model.
    parts : dict
        Part -> figures, for JSON; those of the table among them.
    problems : list of str
        What keeps it from being signed off.
    seconds : float
    """

    module: str
    compared: int = 0
    parts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


def same_netlists(name: str) -> list[str]:
    """The families for which Yosys's netlist of a leaf is proved to be its RTL; of one with memories none is, its contents being unknown.

    Raises
    ------
    Mismatch
        If one is not.
    """
    text, same = leaf_verilog(name), []
    if MEMORY.search(text):
        return same
    for family in FAMILIES:
        made = synthesise(text, name, family, options="-nodsp" if family == "ecp5" else "")
        prove(f"{name}: RTL = netlist for {family}", text, netlist.flat(made), name)
        same.append(family)
    return same


def _part(row: Row, name: str, look: Callable[[], Any], say: Callable[[str], None]) -> Any:
    say(f"{row.module}: {name}")
    try:
        return look()
    except SpikegateError as error:
        row.problems.append(f"{name}: {error}")
        return None


def verify_mutants(row: Row, *, say: Callable[[str], None] = lambda _: None) -> Row:
    """The mutants of a row's module."""
    start = time.perf_counter()
    if (mutants := _part(row, "mutants", lambda: assess(row.module), say)) is not None:
        row.compared, row.seconds = mutants.compared, time.perf_counter() - start
        row.parts["mutants"] = asdict(mutants)
        known = listed().get(row.module, ())
        row.problems += [f"mutant {one.name}: {one.verdict}, and not in the list" for one in mutants.survivors if one.name not in known]
    return row


def verify_coverage(row: Row, *, say: Callable[[str], None] = lambda _: None) -> Row:
    """The coverage of a row's module."""
    start, name = time.perf_counter(), row.module
    if (covered := _part(row, "coverage", NATIVE.get(name, partial(cover_leaf, name)), say)) is not None:
        row.compared, row.seconds = covered.compared, time.perf_counter() - start
        row.parts["coverage"] = {**asdict(covered), "share": {kind: covered.share(kind) for kind in KINDS}}
        row.problems += [f"open {point.kind}, line {point.line}: {point.what}" for point in covered.open]
    return row


def verify_whole(name: str, *, say: Callable[[str], None] = lambda _: None) -> Row:
    """Coverage and mutants of a whole."""
    row, start = Row(name), time.perf_counter()
    verify_coverage(row, say=say)
    verify_mutants(row, say=say)
    row.seconds = time.perf_counter() - start
    return row


def verify_leaf(name: str, *, say: Callable[[str], None] = lambda _: None) -> Row:
    """All parts of one leaf; a part that fails is a problem of the row, and the others go on."""
    row, start = Row(name), time.perf_counter()
    verify_coverage(row, say=say)
    if (proofs := _part(row, "proofs", lambda: prove_leaf(name), say)) is not None:
        row.parts["proofs"] = [asdict(proof) for proof in proofs]
        if len(proofs) < MIN_CLAIMS:
            row.problems.append(f"proofs: {len(proofs)} claims, at least {MIN_CLAIMS} are asked for")
    verify_mutants(row, say=say)
    if (same := _part(row, "netlists", lambda: same_netlists(name), say)) is not None:
        row.parts["netlists"] = same
    row.seconds = time.perf_counter() - start
    return row


def verify_traffic(cycles: int, *, seed: int = 1, say: Callable[[str], None] = lambda _: None) -> Row:
    """Random networks through cores of many geometries, against the golden model."""
    row = Row(TRAFFIC)
    if (found := _part(row, f"{cycles:,} cycles of random traffic", lambda: traffic(cycles, seed), say)) is not None:
        row.compared, row.seconds, row.parts["traffic"] = found.items, found.seconds, asdict(found)
    return row


def verify_second(*, say: Callable[[str], None] = lambda _: None) -> Row:
    """Cores in Icarus Verilog, from unknown and random states, against Verilator."""
    row = Row(SECOND)
    if (found := _part(row, "cores in Icarus Verilog", second, say)) is not None:
        row.compared, row.seconds, row.parts["second"] = found.words, found.seconds, asdict(found)
    return row


def _cells(row: Row) -> list[str]:
    coverage, proofs, mutants = row.parts.get("coverage"), row.parts.get("proofs"), row.parts.get("mutants")
    share = [f"{100 * coverage['share'][kind]:.4g}" if coverage.get("points", {}).get(kind) else "–" for kind in KINDS] if coverage else ["–"] * 4
    waived = f"{sum(coverage['waived'].values()):,}" if coverage else "–"
    claims = [f"{len(proofs)}", f"{max((proof['depth'] for proof in proofs), default=0)}"] if proofs is not None else ["–", "–"]
    kills = [f"{mutants[name]:,}" for name in ("enumerated", "killed", "equivalent")] if mutants else ["–"] * 3
    kills.append(f"{len(mutants['survivors']):,}" if mutants else "–")
    return [row.module, f"{row.compared:,}", *share, waived, *claims, *kills, " ".join(row.parts.get("netlists", [])) or "–", f"{row.seconds:.0f}",
            "[red]open[/]" if row.problems else "ok"]


def table(rows: Sequence[Row]) -> Table:
    """The table that `main` prints."""
    shown = Table(*HEADERS[:1], title="Verification", title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE,
                  padding=(0, 1, 0, 0), pad_edge=False)
    for header in HEADERS[1:]:
        shown.add_column(header, justify="left" if header in ("netlist", "verdict") else "right")
    for row in rows:
        shown.add_row(*_cells(row))
    return shown


def main(arguments: list[str] | None = None) -> int:
    """Verify modules, print the table and write it as JSON; 1 if something is open, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="verify", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"some of {', '.join(MODULES)}; all by default")
    parser.add_argument("--cycles", type=int, default=TRAFFIC_CYCLES, help="of random traffic through cores (default %(default)s)")
    parser.add_argument("--json", type=Path, default=Path("build/verify.json"), metavar="FILE", help="write everything to this file")
    options = parser.parse_args(arguments)
    try:
        names = options.modules or list(MODULES)
        if unknown := [name for name in names if name not in MODULES]:
            raise InputError(f"Modules must be of {', '.join(MODULES)}, not {', '.join(unknown)}")
        if options.cycles < 1:
            raise InputError(f"--cycles must be at least 1, not {options.cycles}")
        try:
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.touch()
        except OSError as error:
            raise InputError(f"--json {options.json} cannot be written ({error.strerror}); choose another file") from None
    except InputError as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    rows, bars = [], Console(stderr=True)
    for name in names:
        with bars.status(name) as line:
            say = lambda what: line.update(what)  # noqa: B023, E731
            rows.append(verify_traffic(options.cycles, say=say) if name == TRAFFIC else verify_second(say=say) if name == SECOND else
                        verify_leaf(name, say=say) if name in LEAVES else verify_whole(name, say=say) if name in WHOLE else
                        verify_coverage(Row(name), say=say))
        write_whole(options.json, json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    Console(width=max(170, Console().width)).print(table(rows))
    for row in rows:
        for problem in row.problems:
            print(f"{row.module}: {problem}")
    print(f"written to {options.json}")
    if many := share() > SHARE:
        print(f"survivors: {share():.2%} of all mutants are in the list, at most {SHARE:.1%} may be")
    return int(many or any(row.problems for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
