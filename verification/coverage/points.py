"""Coverage of the generated Verilog by what guards it: Verilator's line, branch, expression and toggle points, and why those that stay open may."""

import ctypes
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spikegate.cosim.toolchain.verilate import compile_shared
from spikegate.models.errors import Mismatch, SpikegateError
from spikegate.models.files import working_folder
from verification.contracts.catalogue import leaf_verilog
from verification.contracts.guards import GUARDS
from verification.contracts.ports import wrapped
from verification.contracts.table import Guard, table
from verification.coverage.guards_coverage import EXTRA
from verification.coverage.unreachable import edge_of, never

__all__ = ["KINDS", "WAIVERS", "Point", "Waiver", "Coverage", "points", "merged", "judge", "cover_leaf"]

KINDS = ("line", "branch", "expr", "toggle")
#: Nothing is optimised away that the source has; what is unknown is random.
OPTIONS = ["--x-assign", "unique", "--x-initial", "unique", "--noassert", "-Wno-fatal", "-Wno-lint", "-Wno-style"]
#: Verilator cannot have both at once in every module.
PARTS = (["--coverage-line", "--coverage-toggle"], ["--coverage-expr"])
HARNESS = Path(__file__).with_suffix(".cpp")
ENTRY = re.compile(r"C '(.*)' (\d+)")


@dataclass(frozen=True)
class Point:
    """Something of a source that can happen: its kind, its line and that line's text, where below the top, what exactly, and how often it was."""

    kind: str
    line: int
    source: str
    where: str
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
        """Whether it is about this point; to an instance within a module, ``<module>/<instance>``."""
        part = point.where.rpartition(".")[2]
        place = module if part in ("", "tried", "top") else f"{module}/{part}"
        return all(re.fullmatch(pattern, text) for pattern, text in (
            (self.module, place), (self.kind, point.kind), (self.source, point.source), (self.what, point.what)))


WAIVERS = (
    Waiver("Yosys writes this beside every process, with a constant 0, so that simulators evaluate the process once at the start",
           source=r"\s*if \(\\\$auto\$verilog_backend\S+ \) begin end", kind="branch", what="if"),
    Waiver("The constant 0 of these", source=r"\s*reg \\\$auto\$verilog_backend\S+  = 0;", kind="toggle"),
    Waiver("(rest + 2^15) * leak is at most 65,535 * 256, below 2^24: the port has the bits of a product of its factors, and sums have more",
           module="(adaptive_)?lif(/lif)?", what=r"(rest_leak(__024\d+)?|leak_now)\[24\]:.*|leak_rest\[2[45]\]:.*", kind="toggle"),
    Waiver("n00 = length - ones_a - ones_b + both is a number of positions, 0..64, in an expression as wide as its terms may be",
           module="correlation", what=r"neither\[[789]\]:.*", kind="toggle"),
    Waiver("Rows of ten sources begin at an address below 2^5", module="spikes|core/spikes", what=r"row_address\[5\]:.*", kind="toggle"),
    Waiver("Rows end at an address below 2^5 - 1, so that the next one carries nowhere",
           module="rows|core(_banks)?/targets", what=r"next_address\[5\]:.*", kind="toggle"),
    Waiver("Rows of 18 sources begin at an address below 2^6", module="core_store/delivery", what=r"row_(start|end|last)\[6\]:.*", kind="toggle"),
    Waiver("Words of a sweep come in order, so that the last part of those that are collected is empty until its own turn",
           module="core_store/collector", what=r"kept_3\[.*", kind="toggle"),
    Waiver("The lowest target of each lane is taken away, so that bit 0 of what is left never rises, as is proved of rest_0 to rest_3",
           module="core_store/targets", what=r"\(\{32'h1\{+rest_3, .*rest_0\}+\[(0|4|8|12)\]==1\) => 1", kind="expr"),
    Waiver("A distance from the last spike is at most the 144 places of a sweep and the lanes of a word, below 2^8",
           module="host_link/runner", what=r"gap_after\[8\]:.*", kind="toggle"),
    Waiver("No number exceeds the last of 16 limits, with which a table of 15 is filled up",
           module="core_(store|banks)/drive", what=r"counted_[0-3]\[4\]:.*", kind="toggle"),
    Waiver("Of one channel the last is also the first, so that both are so whenever there is one",
           module="core_sobol/targets", source=r"\s*if \((row_of_0|last_row)\) begin", kind="branch", what="else"),
    Waiver("The host of a core behind pins does not let it be held up, and has this port to have all those of a core",
           module="core_pins", what="o___05Fready:1->0", kind="toggle"),
    Waiver("Bit k of the count of cycles changes after 2^k of them; the longest run here has 2^16, and traffic checks the count in others",
           module="core.*", source=r".*\[4[78]:0\] .*", what=r".*\[(16\]:1->0|1[7-9]\]:.*|[234]\d\]:.*)", kind="toggle"),
)


@dataclass(frozen=True)
class Coverage:
    """Of a module: points of each kind, how many were reached, proved unreachable or waived, the open ones, how often each waiver was used,
    and how many outputs were held against the golden model meanwhile."""

    points: dict[str, int]
    reached: dict[str, int]
    proved: dict[str, int]
    waived: dict[str, int]
    open: tuple[Point, ...]
    reasons: dict[str, int]
    compared: int = 0

    def share(self, kind: str) -> float:
        """Of the points of a kind, those that are not open."""
        total = self.points.get(kind, 0)
        return 1.0 if not total else (total - sum(point.kind == kind for point in self.open)) / total


def points(folder: Path, text: str, hierarchy: str) -> list[Point]:
    """Verilator's points of an instance of a source and below, with the counts of all files ``*.dat`` in a folder."""
    counts, lines = Counter(), text.splitlines()
    for path in folder.rglob("*.dat"):
        for key, count in ENTRY.findall(path.read_text()):
            counts[key] += int(count)
    found = []
    for key, count in counts.items():
        fields = dict(part.split("\2", 1) for part in key.split("\1") if "\2" in part)
        kind = fields["page"].split("/")[0].removeprefix("v_")
        if kind in KINDS and fields["h"].startswith(hierarchy):
            where = ".".join(fields["h"].split(".")[2:])
            found.append(Point(kind, int(fields["l"]), lines[int(fields["l"]) - 1], where, fields["o"], count))
    return found


def merged(found: Iterable[Point]) -> list[Point]:
    """The same points, each once, with the sum of its counts."""
    counts = Counter()
    for point in found:
        counts[replace(point, count=0)] += point.count
    return [replace(point, count=count) for point, count in counts.items()]


def judge(module: str, found: Iterable[Point], waivers: Iterable[Waiver] = WAIVERS, *, text: str = "", top: str = "mutated") -> Coverage:
    """Count points; waive those that were not reached where a waiver says so, and try to prove that the others cannot be.

    ``text`` is the source, with its top module ``top``; without, nothing is proved.

    Raises
    ------
    SpikegateError
        If a waived point was reached, or there are no points.
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
    if not totals:
        raise SpikegateError(f"Verilator left no coverage points of {module}")
    edges = {point: edge for point in missing if text and (edge := edge_of(point.kind, point.where, point.source, point.what))}
    proved = {point for point, shown in zip(edges, never(text, top, list(edges.values())) if edges else []) if shown}
    still = tuple(point for point in missing if point not in proved)
    return Coverage(dict(totals), dict(reached), dict(Counter(point.kind for point in proved)), dict(waived), still, dict(reasons))


def cover_leaf(name: str, guards: Sequence[Guard] = (), *, prove: bool = True) -> Coverage:
    """Coverage of a leaf or of the whole by the tables of these guards, by default its own and those of `EXTRA`.

    Without ``prove``, what cannot be reached is open.

    Raises
    ------
    Mismatch
        If an output is not what its table expects.
    """
    text = leaf_verilog(name)
    top, found = wrapped(text, name), []
    tables = [table(guard, text, name) for guard in guards or (GUARDS[name], *EXTRA.get(name, ()))]
    for part in PARTS:
        library = ctypes.CDLL(str(compile_shared(top, "mutated", HARNESS, options=[*OPTIONS, *part]).path))
        library.coverage_run.restype = ctypes.c_int64
        with working_folder() as folder:
            for number, rows in enumerate(tables):
                (place := folder / str(number)).mkdir()
                pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (rows.inputs, rows.expected, rows.care)]
                row = library.coverage_run(*pointers, ctypes.c_uint64(len(rows.inputs)), ctypes.c_uint64(rows.cycles), str(place).encode())
                if row >= 0:
                    raise Mismatch(f"{name}: outputs in row {row} of table {number} are not those of the golden model")
            found += points(Path(folder), top, "TOP.mutated.tried")
    return replace(judge(name, merged(found), text=top if prove else ""), compared=sum(rows.compared for rows in tables))
