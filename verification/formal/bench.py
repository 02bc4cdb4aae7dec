"""The bench of a leaf: its ports and what is inside as signals, claims about them, and what is assumed of its inputs."""

import sys
from dataclasses import dataclass

from amaranth.back import rtlil
from amaranth.hdl import Cat, ClockDomain, Const, Fragment, Instance, Module, Signal, Value, ValueCastable
from amaranth.lib import data, memory
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import Component, In

from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.core.inputs_ring import RingInputs

__all__ = ["SAMPLE", "Claim", "Bench"]

#: Mutants of leaves that have so many that making them takes longer than the proof.
SAMPLE = 2000

#: Methods whose local variables are what claims look into, those of the first before those of the second.
METHODS = ("finish", "elaborate")
#: What has a memory that claims look into, and its name in ``elaborate``; of the ring's, one a port, that is the last one.
OPENED = {SyncFIFOBuffered: "storage", RingInputs: "sums"}


@dataclass(frozen=True)
class Claim:
    """A statement about every reachable cycle, with the situation that makes it interesting.

    Parameters
    ----------
    text : str
        As it is reported.
    always, cover : Signal
        What is 1 in every cycle, and what is 1 in some.
    """

    text: str
    always: Signal
    cover: Signal


def words(m: Module, storage: memory.Memory) -> list[Signal]:
    """What a memory holds, through a port more for each word."""
    ports = [storage.read_port(domain="comb") for _ in range(storage.depth)]
    m.d.comb += [port.addr.eq(address) for address, port in enumerate(ports)]
    return [port.data for port in ports]


def elaborated(component: Component) -> tuple[Fragment, dict[int, dict]]:
    """A component's fragment, and by the identity of every component in it the local variables that its `METHODS` ended with.

    Those of what is in `OPENED` have the ``words`` that its memory holds, too.
    """
    seen = {}

    def watch(frame, event, _):
        own = frame.f_locals.get("self")
        method = frame.f_code.co_name
        if event == "return" and method in METHODS and isinstance(own, (Component, SyncFIFOBuffered)):
            seen[id(own)] = {**frame.f_locals, **seen.get(id(own), {})}
            if type(own) in OPENED and method == "elaborate":
                seen[id(own)]["words"] = words(frame.f_locals["m"], frame.f_locals[OPENED[type(own)]])

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        return Fragment.get(component, None), seen
    finally:
        sys.setprofile(before)


def spread(name: str, shape) -> list[Signal]:
    """A signal for each number in a layout without gaps."""
    if not isinstance(shape, data.Layout):
        return [Signal(shape, name=name)]
    return [part for key, field in shape for part in spread(f"{name}__{key}", field.shape)]


class Bench:
    """What surrounds a leaf.

    Parameters
    ----------
    name : str
        The module's.
    dut : Component
        Its ports stand for those of the Verilog module.

    Attributes
    ----------
    m : Module
        Of the properties.
    first : Signal
        High in the first cycle alone.
    claims, lemmas : list of Claim
        About the leaf, and about the bench alone.
    given : dict of str to Signal or None
        What is assumed: a text, and what is 1 in every cycle that counts; None where the bench makes it so.
    script : list of dict of str to int
        Some episodes of a simulation begin with these values of inputs, by name, a dict a cycle; all else is drawn.
    forget : bool
        Whether proofs let memories return anything at any time, which allows more than the hardware does.
    least : int
        Depth of the shortest induction that is tried.
    sample : int or None
        How many mutants of the leaf are made, spread over all cells and kinds; None for all.
    depth : int
        Cycles up to which a cover or a defect that no simulation reached is looked for.
    """

    def __init__(self, name: str, dut: Component):
        self.name, self.dut, self.m = name, dut, Module()
        self.claims, self.lemmas, self.given, self.script, self.forget, self.depth = [], [], {}, [], False, 8
        self.least, self.sample = 1, None
        self._fragment, self._locals = elaborated(dut)
        self._inner, self._free, self._driven, self._pasts = {}, [], set(), 0
        self.ports = {"__".join(map(str, path)): (member.flow, Value.cast(value)) for path, member, value in dut.signature.flatten(dut)
                      if not isinstance(Value.cast(value), Const)}
        self._layouts = {"__".join(map(str, path)): value.shape() for path, _, value in dut.signature.flatten(dut) if isinstance(value, data.View)}
        self.first = Signal(init=1)
        self.m.d.sync += self.first.eq(0)

    def claim(self, text: str, then, when=1, cover=1) -> None:
        """``then`` holds in every cycle that ``when`` does; such a cycle in which ``cover`` holds too is reached."""
        always, reached = (Signal(name=f"{kind}_{len(self.claims)}") for kind in ("always", "cover"))
        when, then, cover = (Value.cast(x).bool() for x in (when, then, cover))
        self.m.d.comb += [always.eq(~when | then), reached.eq(when & cover)]
        self.claims.append(Claim(text, always, reached))

    def lemma(self, then) -> None:
        """What holds in every cycle of the bench itself: proved with the claims and used by them, but none about the leaf."""
        self.lemmas.append(Claim("", always := Signal(name=f"lemma_{len(self.lemmas)}"), always))
        self.m.d.comb += always.eq(Value.cast(then).bool())

    def assume(self, text: str, value=None) -> None:
        """Of inputs: from the first cycle on in which ``value`` is 0, none counts. Without, the bench itself sees to it."""
        signal = None if value is None else Signal(name=f"given_{len(self.given)}")
        if signal is not None:
            self.m.d.comb += signal.eq(Value.cast(value).bool())
        self.given[text] = signal

    def free(self, name: str, shape=1) -> Signal:
        """Another input, with any value in any cycle."""
        self._free.append(signal := Signal(shape, name=name))
        return signal

    def drive(self, port, value) -> None:
        """Give an input a value; those that get none have any."""
        self._driven.add(id(Value.cast(port)))
        self.m.d.comb += Value.cast(port).eq(value)

    def inner(self, name: str):
        """A signal inside, by its name in `METHODS` or as a member, after the names of what leads to it: ``uart.due``, ``source.o.payload``."""
        found = self.dut
        for part in name.split("."):
            inside = self._locals.get(id(getattr(found, "_elaboratable_", found)), {})
            found = inside[part] if part in inside else found[part] if isinstance(found, dict) else getattr(found, part)
        if isinstance(found, list):
            return [self._show(f"{name}_{k}", part) for k, part in enumerate(found)]
        return self._show(name, found)

    def _show(self, name: str, found):
        name = name.replace(".", "_")
        signal = Signal(found.shape(), name=f"inner_{name}")
        self._inner[f"inner_{name}"] = (Value.cast(signal), Value.cast(found))
        return signal

    def keep(self, shape=1, init=None, name: str | None = None):
        """A register of the bench, for an expression over its own past."""
        self._pasts += 1
        return Signal(shape, name=f"kept_{self._pasts}_{name or ''}", init=init)

    def past(self, value, init=None):
        """What a value was in the cycle before; 0 or ``init`` in the first."""
        was = self.keep(value.shape() if isinstance(value, ValueCastable) else Value.cast(value).shape(), init)
        self.m.d.sync += Value.cast(was).eq(value)
        return was

    def holds(self, port, what: str = "The output") -> None:
        """Claim the two rules of a stream that the leaf feeds."""
        stuck = self.past(port.valid & ~port.ready)
        self.claim(f"{what} stays valid until it is taken", port.valid, when=stuck)
        self.claim(f"{what} does not change until it is taken", Value.cast(port.payload) == self.past(Value.cast(port.payload)), when=stuck)

    def verilog(self) -> str:
        """The leaf, with what is inside and looked at as further outputs."""
        return to_verilog(self.dut, self.name, reset=False, body=self._fragment, shown={name: inside for name, (_, inside) in self._inner.items()})

    def rtlil(self, *, mutated: bool) -> str:
        """The bench as module ``bench``, around a module with or without the input ``mutant``."""
        m = Module()
        m.domains.sync = sync = ClockDomain(reset_less=True)
        m.submodules.claims = self.m
        pins = {f"{'i' if flow == In else 'o'}_{name}": value for name, (flow, value) in self.ports.items()}
        pins |= {f"o_{name}": signal for name, (signal, _) in self._inner.items()}
        free = {name: value for name, (flow, value) in self.ports.items() if flow == In and id(value) not in self._driven}
        for name, layout in self._layouts.items():
            if name in free:
                m.d.comb += free.pop(name).eq(Cat(parts := spread(name, layout)))
                free |= {part.name: part for part in parts}
        if mutated:
            pins["i_mutant"] = free["mutant"] = Signal(16, name="mutant")
        m.submodules.dut = Instance(self.name, i_clk=sync.clk, **pins)
        told = [*self._free, *(x for x in self.given.values() if x is not None), *(lemma.always for lemma in self.lemmas),
                *(x for claim in self.claims for x in (claim.always, claim.cover))]
        ports = free | {signal.name: signal for signal in told} | {"clk": sync.clk}
        return rtlil.convert(m, name="bench", ports={name: (value, None) for name, value in ports.items()}, emit_src=False)
