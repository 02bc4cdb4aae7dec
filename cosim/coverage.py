"""Coverage of the generated Verilog by what guards it: Verilator's line, branch, expression and toggle points, and why those that stay open may."""

import ctypes
import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spikegate.cosim.guards import GUARDS
from spikegate.cosim.leaves import leaf_verilog
from spikegate.cosim.mutated import table, wrapped
from spikegate.cosim.verilate import compile_shared
from spikegate.models.errors import SpikegateError

__all__ = ["KINDS", "WAIVERS", "Point", "Waiver", "Coverage", "points", "judge", "cover_leaf"]

KINDS = ("line", "branch", "expr", "toggle")
#: Nothing is optimised away that the source has; what is unknown is random.
OPTIONS = ["--coverage", "--x-assign", "unique", "--x-initial", "unique", "--noassert", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
HARNESS = Path(__file__).with_suffix(".cpp")
ENTRY = re.compile(r"C '(.*)' (\d+)")


@dataclass(frozen=True)
class Point:
    """Something of a source that can happen: its kind, its line and that line's text, what exactly, and how often it was."""

    kind: str
    line: int
    source: str
    what: str
    count: int = 0


@dataclass(frozen=True)
class Waiver:
    """Points that nothing can reach, by regular expressions over module, source line and what, and the reason."""

    reason: str
    module: str = ".*"
    kind: str = ".*"
    source: str = ".*"
    what: str = ".*"

    def covers(self, module: str, point: Point) -> bool:
        """Whether it is about this point."""
        return all(re.fullmatch(pattern, text) for pattern, text in (
            (self.module, module), (self.kind, point.kind), (self.source, point.source), (self.what, point.what)))


WAIVERS = (
    Waiver("Yosys writes this beside every process, with a constant 0, so that simulators evaluate the process once at the start",
           source=r"\s*if \(\\\$auto\$verilog_backend\S+ \) begin end", kind="branch", what="if"),
    Waiver("(rest + 2^15) * leak is at most 65,535 * 256, below 2^24; the port has the bits that a product of its factors' widths has",
           module="lif", what=r"(\\?top\.)?rest_leak\[24\]:.*", kind="toggle"),
)


@dataclass(frozen=True)
class Coverage:
    """Of a module: points of each kind, those that were reached or waived, the open ones, and how often each waiver was used."""

    points: dict[str, int]
    reached: dict[str, int]
    waived: dict[str, int]
    open: tuple[Point, ...]
    reasons: dict[str, int]


def points(folder: Path, text: str, hierarchy: str) -> list[Point]:
    """Verilator's points below an instance of a source, with the counts of all files ``*.dat`` of a folder.

    Raises
    ------
    SpikegateError
        If there are none.
    """
    counts, lines = Counter(), text.splitlines()
    for path in folder.glob("*.dat"):
        for key, count in ENTRY.findall(path.read_text()):
            counts[key] += int(count)
    found = []
    for key, count in counts.items():
        fields = dict(part.split("\2", 1) for part in key.split("\1") if "\2" in part)
        kind = fields["page"].split("/")[0].removeprefix("v_")
        if kind in KINDS and fields["h"].startswith(hierarchy):
            found.append(Point(kind, int(fields["l"]), lines[int(fields["l"]) - 1], fields["o"], count))
    if not found:
        raise SpikegateError(f"Verilator left no coverage points below {hierarchy}")
    return found


def judge(module: str, found: Iterable[Point], waivers: Iterable[Waiver] = WAIVERS) -> Coverage:
    """Count points, and waive those that were not reached where a waiver says so; a waived point that was reached is an error.

    Raises
    ------
    SpikegateError
        If a point that cannot be reached was.
    """
    totals, reached, waived, reasons, missing = Counter(), Counter(), Counter(), Counter(), []
    for point in found:
        totals[point.kind] += 1
        waiver = next((waiver for waiver in waivers if waiver.covers(module, point)), None)
        if point.count and waiver:
            raise SpikegateError(f"{module}, line {point.line}: {point.what} was reached {point.count} times, and is waived: {waiver.reason}")
        if point.count:
            reached[point.kind] += 1
        elif waiver:
            waived[point.kind] += 1
            reasons[waiver.reason] += 1
        else:
            missing.append(point)
    return Coverage(dict(totals), dict(reached), dict(waived), tuple(missing), dict(reasons))


def cover_leaf(name: str) -> Coverage:
    """Coverage of a leaf by the table of its guard."""
    text = leaf_verilog(name)
    top = wrapped(text, name)
    rows = table(GUARDS[name], text, name)
    library = ctypes.CDLL(str(compile_shared(top, "mutated", HARNESS, options=OPTIONS).path))
    with tempfile.TemporaryDirectory(prefix="spikegate-") as folder:
        library.coverage_run(ctypes.c_void_p(rows.inputs.ctypes.data), ctypes.c_uint64(len(rows.inputs)), ctypes.c_uint64(rows.cycles),
                             str(folder).encode())
        return judge(name, points(Path(folder), top, "TOP.mutated.tried"))
