"""Delivery: what turns the spikes that are due into additions to inputs, as the core sees it, and the one that is made of a spike list and rows."""

from collections.abc import Callable
from typing import Any, cast

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import TAG_BITS, CoreGeometry
from spikegate.gateware.core.spike_list import Spikes, SweptSpikes

__all__ = ["delivery_members", "overlap_members", "ListedDelivery", "SweptDelivery"]


def delivery_members(g: CoreGeometry) -> dict[str, Any]:
    """Ports of a delivery.

    Members
    -------
    push : In
        ``en``, ``any``, ``word`` and ``mask``: every word of the sweep, in order, and whether it holds a spike.
    tag, delay : In(6)
        Step and delay in steps, modulo 64; due is what was pushed ``delay - 1`` steps ago.
    load : In(write_layout)
        Load words; it takes those of its ops, and forgets everything under way at `Op.CLEAR`.
    go : In(1)
        The sweep has ended; held until ``busy`` falls.
    add : Out(1)
        Each lane reads the input of its ``words`` entry; in the next cycle, those of ``bits`` add ``weight`` to it. With B banks, bit b * L + l is
        of lane l and word B * ``words[l]`` + b.
    busy : Out(1)
        Spikes of this step have not been looked at or delivered.
    stream_enable : Out(1)
        For each domain of the row source that is gated: its registers may change at the end of this cycle.
    """
    return {
        "push": In(data.StructLayout({"en": 1, "any": 1, "word": range(max(2, g.words)), "mask": g.lanes})), "tag": In(TAG_BITS),
        "delay": In(TAG_BITS), "load": In(g.write_layout()), "go": In(1), "add": Out(1), "words": Out(range(max(2, g.bursts))).array(g.lanes),
        "bits": Out(g.lanes * g.banks), "weight": Out(g.total_shape()), "busy": Out(1), **{f"{name}_enable": Out(1) for name in g.rows.gated}}


def overlap_members(g: CoreGeometry) -> dict[str, Any]:
    """Ports of a delivery that goes on during the sweep, besides those of `delivery_members`, of which ``tag`` is the step of the sweep.

    Members
    -------
    begin : In(1)
        The first cycle of a turn.
    upper : In(1)
        Of two turns of a step, this is the second one.
    late : In(1)
        What is pushed is of the step before ``tag``.
    move : In(1)
        The sweep is not held up, and inputs may be added to.
    """
    return {**delivery_members(g), "begin": In(1), "upper": In(1), "late": In(1), "move": In(1)}


class ListedDelivery(wiring.Component):
    """A spike list that gives sources, and rows that give their targets.

    Parameters
    ----------
    geometry : CoreGeometry
    rows : callable
        Makes the rows, with the ports of `spikegate.gateware.core.rows_bitmap.rows_members`.
    """

    def __init__(self, geometry: CoreGeometry, rows: Callable[[CoreGeometry], wiring.Component]):
        self.geometry, self.rows, self.spikes = geometry, rows(geometry), self.listed(geometry)
        super().__init__(self.members(geometry))

    @staticmethod
    def members(g: CoreGeometry) -> dict[str, Any]:
        """Its ports."""
        return delivery_members(g)

    @staticmethod
    def listed(g: CoreGeometry) -> Spikes:
        """Its spike list."""
        return Spikes(g)

    @property
    def going(self) -> Value:
        """Rows may be delivered in this cycle."""
        return self.go

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.spikes = spikes = self.spikes
        m.submodules.targets = rows = self.rows
        wiring.connect(m, spikes.o, rows.i)
        load = self.load
        m.d.comb += [
            spikes.push.eq(self.push), spikes.tag.eq(self.tag), spikes.delay.eq(self.delay), spikes.clear.eq(load.en.clear),
            spikes.load.eq(Cat(load.en.weight, load.address[:len(spikes.load.address)], load.data)),
            rows.go.eq(self.going), rows.more.eq(spikes.busy), rows.clear.eq(load.en.clear),
            rows.load.eq(Cat(load.en.row, load.address[:len(rows.load.address)], load.data)),
            self.add.eq(rows.add), self.bits.eq(rows.bits), self.weight.eq(rows.weight), self.busy.eq(rows.busy | spikes.busy),
            *(word.eq(rows.word) for word in self.words),
        ]
        return m


class SweptDelivery(ListedDelivery):
    """As `ListedDelivery`, during the sweep."""

    @staticmethod
    def members(g: CoreGeometry) -> dict[str, Any]:
        """Its ports."""
        return overlap_members(g)

    @staticmethod
    def listed(g: CoreGeometry) -> SweptSpikes:
        """Its spike list."""
        return SweptSpikes(g)

    @property
    def going(self) -> Value:
        """Rows may be delivered in this cycle."""
        return self.go & self.move

    def elaborate(self, platform: object) -> Module:
        m = super().elaborate(platform)
        m.d.comb += cast(SweptSpikes, self.spikes).late.eq(self.late)
        return m
