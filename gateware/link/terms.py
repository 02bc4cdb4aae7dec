"""What the host link has to know of the core behind it, an object for each kind of core: its loads, its records, and whether it takes events."""

from functools import reduce
from operator import or_
from typing import Any, Protocol

from amaranth.hdl import C, Cat, Mux, Signal, Value

from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.address_map import DATA_BITS, OF_STREAMS, Op, PointOp
from spikegate.models.errors import InputError
from spikegate.models.link.payloads import CHOOSE, Identity, batch
from spikegate.models.link.point import PointIdentity, PointTerms

__all__ = ["LinkTerms", "TERMS", "link_terms", "is_one_of", "last_byte"]


class LinkTerms(Protocol):
    """Of a core.

    Members
    -------
    n, lanes, data_bits : int
        Neurons, lanes, and bits of what is loaded.
    sources : int
        Of events that it takes; 0 if it takes none.
    ahead : bool
        Whether a step is asked for before the one under way has ended. Not of a core that takes events during a run, which belong to a step until it
        begins.
    counts : bool
        Whether the link counts spikes.
    op : IntEnum
        Of load words.
    ops : list of int
        Of LOAD.
    by_neuron : tuple of int
        Those whose items go lane by lane.
    record : int
        Bytes of a neuron's record, a power of two.
    usual : int
        Bytes of an item of ops that are not in ``sizes``, bytes with their ops.
    """

    n: int
    lanes: int
    data_bits: int
    sources: int
    ahead: bool
    counts: bool
    op: type[Op] | type[PointOp]
    ops: list[int]
    by_neuron: tuple[int, ...]
    record: int
    usual: int
    sizes: dict[int, tuple[int, ...]]

    def identity(self, build: int) -> Identity | PointIdentity:
        """What IDENTITY says."""

    def item(self, op: int) -> int:
        """Bytes of an item."""

    def of(self, lane: Any) -> Value:
        """A neuron's record, of a lane of a word of the sweep."""

    def overflows(self, lanes: Any) -> Value | None:
        """Whether a neuron's overflow flag is set; None if only records say it."""


class CoreTerms:
    """Of a core of one weight a source."""

    def __init__(self, g: CoreGeometry, counts: bool) -> None:
        self.geometry, self.counts, self.mine = g, counts, Identity.of(g, counts=counts)
        self.n, self.lanes, self.data_bits, self.sources, self.op = g.n, g.lanes, g.lane_bits, 0, Op
        self.ops = [*(op.value for op in Op if op != Op.RUN and (g.streams or op not in OF_STREAMS)), *[CHOOSE] * counts]
        self.by_neuron = tuple(int(op) for op in Identity.by_neuron if op in self.ops)
        self.ahead = batch(bool(g.options["overlap"]), g.options["store"]) > 1
        self.item, self.record, self.usual, self.sizes = self.mine.item, self.mine.record, DATA_BITS // 8, {self.mine.item(Op.ROW): (Op.ROW.value,)}

    def identity(self, build: int) -> Identity:
        """As `Identity.of`."""
        return Identity.of(self.geometry, build, self.counts)

    def of(self, lane: Any) -> Value:
        """Membrane, refractory steps left, flags."""
        return Cat(lane.v, lane.hold, lane.overflow, lane.spike, C(0, 8 * self.record - self.geometry.format.width - 10))

    def overflows(self, lanes: Any) -> Value:
        """Of any lane."""
        return Cat(each.overflow for each in lanes).any()


class PointCoreTerms:
    """Of a core of point neurons."""

    counts = False

    def __init__(self, g: PointGeometry, counts: bool) -> None:
        if counts:
            raise InputError("The link of a core of point neurons counts no spikes; leave the counters out")
        self.geometry, mine = g, PointTerms(g)
        self.n, self.lanes, self.data_bits, self.sources, self.op, self.by_neuron = g.n, g.lanes, g.late_bits, g.sources, PointOp, mine.by_neuron
        self.ahead = False
        self.ops, self.item, self.record = list(mine.ops), mine.item, mine.record
        by_size: dict[int, tuple[int, ...]] = {}
        for op in self.ops:
            by_size[mine.item(op)] = (*by_size.get(mine.item(op), ()), op)
        self.usual = max(by_size, key=lambda size: len(by_size[size]))
        self.sizes = {size: ops for size, ops in sorted(by_size.items()) if size != self.usual}

    def identity(self, build: int) -> PointIdentity:
        """As `PointIdentity.of`."""
        return PointIdentity.of(self.geometry, build)

    def of(self, lane: Any) -> Value:
        """Its state, and whether it spiked."""
        return Cat(lane.state, lane.spike, C(0, 8 * self.record - self.geometry.state_bits - 1))

    def overflows(self, lanes: Any) -> None:
        """Where a flag lies depends on the neuron."""
        return None


TERMS: dict[type, Any] = {CoreGeometry: CoreTerms, PointGeometry: PointCoreTerms}


def link_terms(geometry: CoreGeometry | PointGeometry, counts: bool = False) -> LinkTerms:
    """Those of the core of a geometry, and of a link that counts spikes or not."""
    made: LinkTerms = TERMS[type(geometry)](geometry, counts)
    return made


def is_one_of(op: Value, ops: tuple[int, ...]) -> Value:
    """Whether an op is one of these."""
    return reduce(or_, (op == each for each in ops))


def last_byte(terms: LinkTerms, op: Value) -> Value:
    """Bytes of an item of the op, without one."""
    found: Any = terms.usual - 1
    for size, ops in terms.sizes.items():
        found = Mux(is_one_of(op, ops), size - 1, found)
    return found if isinstance(found, Value) else C(found, Signal(range(found + 1)).shape())
