"""Inputs of a lane's neurons for the steps to come: for each port a ring of slots, a step each, of sums."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.point_geometry import PointGeometry

__all__ = ["ring_members", "RingInputs"]


def ring_members(g: PointGeometry) -> dict[str, Any]:
    """What happens to the inputs of a lane.

    Members
    -------
    slot : In
        Of the present step.
    add : In(1), synapse : In(synapse_layout)
        Add a synapse, if it is valid, ``delay`` slots after the present one.
    advance : In(1), consume : In(1)
        The sweep moves on; the word that was fetched is consumed.
    empty : In(1), place : In
        Make a word of all ports 0: its slot, and the word above it.
    """
    return {"slot": In(range(g.slots)), "add": In(1), "synapse": In(g.synapse_layout()), "advance": In(1), "consume": In(1), "empty": In(1),
            "place": In(range(max(2, g.words * g.slots)))}


class RingInputs(wiring.Component):
    """A memory a port, of one sum for each slot and word; what is due in step t lies in slot t modulo their number.

    A synapse a cycle is added, in the second cycle, and what is consumed in a sweep is 0 afterwards. A word that is read while it is written is read
    as it becomes, so that a sum may be added to in every cycle.

    Parameters
    ----------
    geometry : PointGeometry

    Members
    -------
    slot, add, synapse, advance, consume, empty, place : In
        As `ring_members`.
    fetch : In
        The word that the sweep wants next.
    inputs : Out(signed(width)).array(ports)
        Of the word that was fetched.
    """

    def __init__(self, geometry: PointGeometry):
        self.geometry = g = geometry
        super().__init__({**ring_members(g), "fetch": In(range(max(2, g.words))), "inputs": Out(signed(g.width)).array(g.ports)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g = self.geometry
        address = Signal.like(self.place)
        following = Signal.like(self.place)
        move = Signal()
        target = Signal.like(self.slot)
        adding = Signal()
        port = Signal.like(self.synapse.port)
        weight = Signal.like(self.synapse.weight)
        emptied = Signal()
        m.d.comb += [target.eq(self.slot + self.synapse.delay), move.eq(self.add | self.empty | self.advance),
                     following.eq(Mux(self.add, Cat(target, self.synapse.word), Mux(self.empty, self.place, Cat(self.slot, self.fetch))))]
        m.d.sync += [adding.eq(self.add & self.synapse.valid), port.eq(self.synapse.port), weight.eq(self.synapse.weight), emptied.eq(self.empty)]
        with m.If(move):
            m.d.sync += address.eq(following)
        for number, due in enumerate(self.inputs):
            m.submodules[f"port_{number}"] = sums = memory.Memory(shape=signed(g.width), depth=max(2, g.words * g.slots), init=[])
            write = sums.write_port()
            read = sums.read_port(transparent_for=(write,))
            total = Signal(signed(g.width), name=f"total_{number}")
            m.d.comb += [
                read.addr.eq(following), read.en.eq(move), due.eq(read.data), total.eq(read.data + weight), write.addr.eq(address),
                write.en.eq(self.consume | emptied | (adding & (port == number))), write.data.eq(Mux(adding, total, 0)),
            ]
        return m
