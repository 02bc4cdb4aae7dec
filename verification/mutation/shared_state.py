"""Proofs in which a mutant has registers of its own only where it differs: it shares all others with the module, as long as it sets them alike."""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.models.errors import SpikegateError
from spikegate.models.files import working_folder
from verification.contracts.table import Guard, Table, ports
from verification.equivalence.aig import Aig
from verification.equivalence.equivalence import VERDICTS
from verification.mutation.mutants import SELECT, Mutants
from verification.mutation.prover import DUMMY, Prover, Verdict, _cycles, decide

__all__ = ["Narrow", "reach", "with_lemma"]

#: How often a counterexample may add registers, and rows of the table in which those that differ are looked for.
ROUNDS, ROWS = 12, 800
#: Seconds of a proof, and proofs in one run of ABC.
LIMIT, BATCH = 10, 16
#: Registers that are added where there is no verdict; and those of a module, above which there are only proofs from any state.
FEW, MANY = 4, 1000


def _place(name: str) -> tuple[str, int]:
    port, _, bit = name.rstrip("]").partition("[")
    return port, int(bit or 0)


def reach(graphs: Sequence[Aig]) -> list[Verdict]:
    """Whether the output of each graph is never 1, by property-directed reachability alone: what ABC would merge first is shared already."""
    found: list[Verdict] = []
    for begin in range(0, len(graphs), BATCH):
        with working_folder() as folder:
            script, some = ["write_blif kept.blif"], graphs[begin:begin + BATCH]
            for k, graph in enumerate(some):
                graph.write(folder / f"{k}.aig")
                script += [f"read_aiger {k}.aig", "strash", f"pdr -T {LIMIT}" if graph.next else "iprove", f"write_status {k}.txt"]
            (folder / "dummy.v").write_text(DUMMY)
            (folder / "abc.txt").write_text("\n".join([*script, "read_blif kept.blif", "strash", ""]))
            yosys("read_verilog dummy.v\nproc\ntechmap\nabc -g AND -script abc.txt\n", folder)
            for k, graph in enumerate(some):
                lines = (folder / f"{k}.txt").read_text().split("\n") if (folder / f"{k}.txt").exists() else [""]
                word = re.match(r"snl_(\w+)", lines[0])
                verdict = VERDICTS.get(word[1] if word else "", "unknown")
                found.append((verdict, _cycles(graph, lines[2]) if verdict == "different" and len(lines) > 2 else []))
    return found


def with_lemma(made: Mutants, top: str, guard: Guard) -> tuple[Mutants, Guard]:
    """The guard's lemma as an output, which the mutants may have otherwise."""
    if not guard.lemma:
        return made, guard
    text, count = re.subn(rf"^module {top}\((.*?)^endmodule", rf"module {top}(lemma, \1  output lemma;\n  assign lemma = @;\nendmodule", made.text,
                          count=1, flags=re.MULTILINE | re.DOTALL)
    if not count:
        raise SpikegateError(f"There is no module {top} for its lemma")
    care, state = {**guard.care, "lemma": ("never",)}, f"{guard.state} wire gold_never = 0;"
    return replace(made, text=text.replace("assign lemma = @;", f"assign lemma = {guard.lemma};")), replace(guard, care=care, state=state)


class Narrow(Prover):
    """Of a mutant with some registers of its own it is proved, from the initial state, that it shows the same and sets all others as the module does.

    Then, cycle by cycle, the others are those of the mutant, and it does the same. Which are its own only decides whether the proof succeeds:
    those that differ under the guard's table, and then those that a counterexample shows, or those that can differ first.
    """

    def __init__(self, made: Mutants, top: str, guard: Guard):
        super().__init__(made, top, guard)
        if guard.lemma:
            self._grant(top)

    def _grant(self, top: str) -> None:
        """Prove the lemma from the initial state and from each state to the next; from then on only states count in which it holds."""
        b, fair, lemma = self.builder, self.graph.names.index("fair"), self.graph.names.index("see_lemma")
        self.outputs[fair] = b.both(self.outputs[fair], self.outputs[lemma])
        later = {f"later_{name}": b.leaf() for name in self.inputs}
        values = [later.get(f"later_{name}", 0) for name in self.graph.inputs]
        holds = [b.copy(self.graph, values, latches)[0][lemma] for latches in ([0] * len(self.latches), self.next)]
        state = {f"state[{k}]": latch for k, latch in enumerate(self.latches)}
        inputs = {**self.inputs, **later, **state}
        claims = [b.finished(inputs, {}, b.both(granted, claim ^ 1)) for granted, claim in zip((1, self.outputs[fair]), holds)]
        if [verdict for verdict, _ in decide(claims)] != ["equal", "equal"]:
            raise SpikegateError(f"The lemma of {top} is not proved by induction; it must hold at the start and from each cycle to the next")

    def _sets(self, numbers: Sequence[int], cycles: Iterable[Mapping[str, int]], own: Sequence[set[int]] | None = None) -> list[set[int]]:
        """Of each mutant the registers that it sets to something else in some cycle; all are its own, or only ``own``."""
        graph, lanes = self.graph, range(1, len(numbers) + 1)
        every = (2 << len(numbers)) - 1
        masks = [every] * len(graph.next) if own is None else [sum(1 << lane for lane in lanes if k in own[lane - 1]) for k in range(len(graph.next))]
        places, found, state = [_place(name) for name in graph.inputs], [0] * len(graph.next), [0] * len(graph.next)
        selected = [sum(1 << lane for lane in lanes if numbers[lane - 1] >> bit & 1) if port == SELECT else None for port, bit in places]
        for cycle in cycles:
            inputs = (every * (cycle.get(port, 0) >> bit & 1) if chosen is None else chosen for (port, bit), chosen in zip(places, selected))
            value = [0, *inputs, *state]
            for a, b in graph.gates:
                value.append((value[a >> 1] ^ -(a & 1)) & (value[b >> 1] ^ -(b & 1)) & every)
            for k, literal in enumerate(graph.next):
                after = (value[literal >> 1] ^ -(literal & 1)) & every
                module = every * (after & 1)
                found[k] |= after ^ module
                state[k] = after & masks[k] | module & ~masks[k]
        return [{k for k, differ in enumerate(found) if differ >> lane & 1} for lane in lanes]

    def _cycles(self, rows: Table, rng: random.Random) -> Iterable[dict[str, int]]:
        """Inputs of the first rows of the table; of those that the table does not have any."""
        known = {port.name: port for port in self.table_ports}
        others = {port: max(bit for name, bit in map(_place, self.graph.inputs) if name == port) + 1
                  for port, _ in map(_place, self.graph.inputs) if port not in known and port != SELECT}
        for row in rows.inputs[:min(ROWS, rows.cycles)]:
            bits = int.from_bytes(row.tobytes(), "little")
            yield {**{name: bits >> port.offset & (1 << port.width) - 1 for name, port in known.items()},
                   **{name: rng.getrandbits(width) for name, width in others.items()}}

    def _shared(self, number: int, own: set[int]) -> Aig:
        """1 where a mutant shows something else, or sets a register that is not its own to something else."""
        mine = {k: self.builder.leaf() for k in sorted(own)}
        outputs, after = self._copy(number, [mine.get(k, latch) for k, latch in enumerate(self.latches)])
        moved = self.builder.some(self.builder.differ(self.next[k], after[k]) for k in range(len(after)) if k not in own)
        latches = dict(zip(self.latches, self.next)) | {literal: after[k] for k, literal in mine.items()}
        return self._finished(latches, self.builder.some((self._seen(outputs), moved)))

    def _first(self, number: int) -> set[int]:
        """The registers that a mutant may set to something else while all are alike, if they are few."""
        found = {k for k, (mine, other) in enumerate(zip(self.next, self._copy(number, self.latches)[1])) if mine != other}
        return found if len(found) <= FEW else set()

    def equal(self, numbers: Sequence[int], text: str, top: str, rows: Table) -> set[int]:
        """Those of the mutants ``numbers`` that are proved to do the same as the module ``top`` in ``text``, from which ``rows`` are."""
        self.table_ports = ports(text, top, "input")
        proved = {number for number, verdict in zip(numbers, decide([self.from_any_state(number) for number in numbers])) if verdict[0] == "equal"}
        todo = [number for number in numbers if number not in proved and len(self.latches) <= MANY]
        own = dict(zip(todo, self._sets(todo, self._cycles(rows, random.Random(1)))))
        for _ in range(ROUNDS):
            if not todo:
                break
            verdicts = dict(zip(todo, reach([self._shared(number, own[number]) for number in todo])))
            proved |= {number for number, verdict in verdicts.items() if verdict[0] == "equal"}
            grown = []
            for number, (verdict, cycles) in verdicts.items():
                if verdict == "equal":
                    continue
                fresh = (self._first(number) if verdict == "unknown" else self._sets([number], cycles, [own[number]])[0]) - own[number]
                own[number] |= fresh
                grown += [number] if fresh else []
            todo = grown
        return proved
