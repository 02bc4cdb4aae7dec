"""Whether the output of a graph of gates is ever 1, from the initial state and for all inputs: ABC decides, and verdicts are kept."""

import hashlib
import json
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.cosim.toolchain.verilate import cache_root
from spikegate.models.errors import SpikegateError
from spikegate.models.files import working_folder, write_whole
from verification.equivalence.aig import Aig
from verification.equivalence.equivalence import VERDICTS

__all__ = ["DUMMY", "ENGINES", "Verdict", "decide"]

#: Equal (the output is never 1), different or unknown; and if different, the inputs of each cycle up to a 1.
Verdict = tuple[str, list[dict[str, int]]]
BATCH, PROCESSES = 24, 2
#: What ABC tries on graphs with registers, one after another; each for what those before leave undecided.
ENGINES = ("pdr -T 6", "dprove -T 15", "pdr -T 60")
#: A network for Yosys to give ABC, which puts it back at the end.
DUMMY = "module dummy(input a, b, output y); assign y = a & b; endmodule\n"


def _cycles(graph: Aig, bits: str) -> list[dict[str, int]]:
    """Inputs by name of each cycle of a counterexample."""
    found = []
    for at in range(0, len(bits), len(graph.inputs)):
        values: dict[str, int] = {}
        for name, bit in zip(graph.inputs, bits[at:]):
            port, _, place = name.rstrip("]").partition("[")
            values[port] = values.get(port, 0) | int(bit) << int(place or 0)
        found.append(values)
    return found


def _decide_some(graphs: list[Aig], engine: str) -> list[Verdict]:
    """Of several graphs in one run of ABC, by an engine of `ENGINES`."""
    with working_folder() as folder:
        script = ["write_blif kept.blif"]
        for k, graph in enumerate(graphs):
            graph.write(folder / f"{k}.aig")
            script += [f"read_aiger {k}.aig", "strash", *(["scorr", engine] if graph.next else ["iprove"]), f"write_status {k}.txt"]
        (folder / "dummy.v").write_text(DUMMY)
        (folder / "abc.txt").write_text("\n".join([*script, "read_blif kept.blif", "strash", ""]))
        try:
            yosys("read_verilog dummy.v\nproc\ntechmap\nabc -g AND -script abc.txt\n", folder)
        except SpikegateError:
            if len(graphs) > 1:  # ABC has given up on one of them
                return [verdict for graph in graphs for verdict in _decide_some([graph], engine)]
        found: list[Verdict] = []
        for k, graph in enumerate(graphs):
            lines = (folder / f"{k}.txt").read_text().split("\n") if (folder / f"{k}.txt").exists() else [""]
            word = re.match(r"snl_(\w+)", lines[0])
            verdict = VERDICTS.get(word[1] if word else "", "unknown")
            found.append((verdict, _cycles(graph, lines[2]) if verdict == "different" and len(lines) > 2 else []))
        return found


def _kept(graph: Aig) -> Path:
    """Where a verdict on a graph is kept."""
    folder = cache_root() / "proofs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / hashlib.sha256(repr(graph).encode()).hexdigest()[:20]


def decide(graphs: Sequence[Aig]) -> list[Verdict]:
    """For each graph, which has one output, whether that is never 1 (equal)."""
    found: dict[Aig, Verdict] = {graph: (("equal", "different")[graph.outputs[0]], []) for graph in graphs if graph.outputs[0] < 2}
    for graph in set(graphs) - set(found):
        if (kept := _kept(graph)).exists():
            verdict, cycles = json.loads(kept.read_text())
            found[graph] = verdict, cycles
    for engine in ENGINES:
        todo = list(dict.fromkeys(graph for graph in graphs if graph not in found or found[graph][0] == "unknown"))
        batches = [todo[k:k + BATCH] for k in range(0, len(todo), BATCH)]
        with ThreadPoolExecutor(PROCESSES) as pool:
            for batch, verdicts in zip(batches, pool.map(lambda batch: _decide_some(batch, engine), batches)):  # noqa: B023
                found.update(zip(batch, verdicts))
                for graph, verdict in zip(batch, verdicts):
                    if verdict[0] != "unknown":
                        write_whole(_kept(graph), json.dumps(verdict))
    return [found[graph] for graph in graphs]
