"""The loader: words of the load stream, decoded for the parts of the core that they are for."""

from functools import reduce
from operator import or_

from amaranth.hdl import Module, Shape, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry, Param
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.address_map import ADDRESS_BITS

__all__ = ["Loader"]


class Loader(wiring.Component):
    """Takes a word a cycle while nothing runs. It is at work in the next cycle, and in the one after that in the domain ``update``.

    Parameters
    ----------
    geometry : CoreGeometry or PointGeometry
    params : dict of Param to Shape
        Registers that it keeps: the delay in ``sync``, all others, those of the lanes, in ``update``.

    Members
    -------
    i : In(stream.Signature(load_layout))
    running : In(1)
        A run is under way, and nothing is taken.
    load : Out(write_layout), taken : Out(1)
        The word at work, and that there is one.
    moving : Out(1)
        Registers of ``update`` change for a load, or show one.
    emptied : Out(1)
        In the cycle before, what empties inputs was loaded, ``geometry.empties``.
    seed, state, ... : Out(1), lanes : Out(lanes), word : Out, data : Out(late_bits)
        In ``update``: a neuron's stream or state is written in one of the lanes, or what else is of ``geometry.late_ops``.
    table : Out
        In ``update``: ``en``, ``index`` and ``limit`` for the drive.
    """

    def __init__(self, geometry: CoreGeometry | PointGeometry, params: dict[Param, Shape]):
        self.geometry, self.params = g, shapes = geometry, params
        super().__init__({
            "i": In(stream.Signature(g.load_layout())), "running": In(1), "load": Out(g.write_layout()), "taken": Out(1), "moving": Out(1),
            "emptied": Out(1), **{op.name.lower(): Out(1) for op in g.late_ops}, "lanes": Out(g.lanes), "word": Out(range(max(2, g.words))),
            "data": Out(g.late_bits), "table": Out(data.StructLayout({"en": 1, "index": ADDRESS_BITS, "limit": g.late_bits})),
            **{param.name.lower(): Out(shape) for param, shape in shapes.items()}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        g, load = self.geometry, self.load
        held = Signal(g.load_layout())
        update_load = Signal()
        late = {op.name.lower(): load.en[op.name.lower()] for op in g.late_ops}
        rest = [load.en.table, load.en.param] if self.params else [load.en.table]
        loading = Signal()
        m.d.comb += [
            self.i.ready.eq(~self.running & ~load.en.run), load.op.eq(held.op), load.lane.eq(held.lane), load.address.eq(held.address),
            load.data.eq(held.data), *(load.en[op.name.lower()].eq(self.taken & (held.op == op.value)) for op in g.ops),
            update_load.eq(reduce(or_, [*late.values(), *rest])), self.moving.eq(update_load | loading),
        ]
        m.d.sync += [held.eq(self.i.payload), self.taken.eq(self.i.valid & self.i.ready), loading.eq(update_load),
                     self.emptied.eq(load.en[g.empties.name.lower()])]
        m.d.update += [
            self.lanes.eq(1 << load.lane[:g.lanes.bit_length()]), self.word.eq(load.address), self.data.eq(load.data),
            *(getattr(self, name).eq(enable) for name, enable in late.items()), self.table.en.eq(load.en.table), self.table.index.eq(load.address),
            self.table.limit.eq(load.data),
        ]
        if self.params:
            with m.If(load.en.param), m.Switch(load.address):
                for param in self.params:
                    with m.Case(param.value):
                        m.d["sync" if param == Param.DELAY else "update"] += getattr(self, param.name.lower()).eq(load.data)
        return m
