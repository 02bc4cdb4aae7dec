"""What a network core is compiled for, and the words of its streams."""

from dataclasses import dataclass
from typing import Any, ClassVar

from amaranth.hdl import Shape, signed
from amaranth.lib import data

from spikegate.models.core.address_map import ADDRESS_BITS, DATA_BITS, LANE_BITS, OP_BITS, Op, Param
from spikegate.models.core.cycles import parts, schedule
from spikegate.models.core.drives import Search
from spikegate.models.core.neurons import LifNeurons
from spikegate.models.core.part import CoreSize, Drive, RowSource
from spikegate.models.core.rows_bitmap import Bitmap
from spikegate.models.core.rows_streams import StreamGeometry
from spikegate.models.core.schedules import SETTLING, TAIL, Apart, Overlap, Schedule
from spikegate.models.errors import InputError, Problems
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import INPUT_GUARD_BITS
from spikegate.models.numeric.drive import MAX_DEPTH, MIN_DEPTH, walk_groups
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["TAG_BITS", "Op", "Param", "StreamGeometry", "CoreGeometry"]

#: Step numbers of the spike list are modulo 2^6, above any delay.
TAG_BITS = 6
#: Above this, loading takes gigabytes: 16,384 neurons, which holds the network of Brunel's paper.
MAX_CONNECTIVITY_BITS = 1 << 28


@dataclass(frozen=True)
class CoreGeometry:
    """What is compiled in; every network of the same geometry runs on the same hardware.

    Parameters
    ----------
    n, lanes : int
        Neurons and lanes, 1 <= lanes <= n.
    format, rounding, overflow
        Of the neurons' arithmetic.
    lfsr : LfsrParams
        Of each neuron's stream.
    depth : int
        Levels of the drive table.
    max_delay : int
        Longest delay in steps that the spike list holds.
    leak_fraction : int, optional
        Fraction bits of the leak constant; default those of the format.
    rows : RowSource
        Where a spike's targets come from: `Bitmap`, `Store`, `StreamGeometry`, or another that gateware/core/parts.py knows.
    drive : Drive
        `Search` or `Walk`.
    neurons : LifNeurons
        Kind of the neurons.
    schedule : Schedule
        `Apart`, or `Overlap` of sweep and delivery.

    Raises
    ------
    InputError
        If lanes is outside 1..n, or the connectivity is above 2^28 bits, or the row source or the schedule cannot serve a core of this size.
    """

    ops: ClassVar[type[Op]] = Op
    #: Ops at work in the second cycle, in the domain ``update``.
    late_ops: ClassVar[tuple[Op, ...]] = (Op.SEED, Op.STATE)
    #: Bits of what they load, and the op that empties inputs.
    empties: ClassVar[Op] = Op.STATE
    late_bits: ClassVar[int] = DATA_BITS
    tag_bits: ClassVar[int] = TAG_BITS
    #: Stages of the sweep behind the drive.
    tail: ClassVar[int] = TAIL
    #: Cycles until the last spike of a sweep is ready for delivery.
    settling: ClassVar[int] = SETTLING

    n: int
    lanes: int
    format: QFormat
    rounding: Rounding = Rounding.NEAREST
    overflow: Overflow = Overflow.SATURATE
    lfsr: LfsrParams = LfsrParams()
    depth: int = MIN_DEPTH
    max_delay: int = 16
    leak_fraction: int = None  # type: ignore[assignment]
    rows: RowSource = Bitmap()
    drive: Drive = Search()
    neurons: LifNeurons = LifNeurons()
    schedule: Schedule = Apart()

    def __post_init__(self) -> None:
        if self.leak_fraction is None:
            object.__setattr__(self, "leak_fraction", self.format.fraction)
        if not 1 <= self.lanes <= self.n:
            fix = "use fewer lanes" if self.lanes > self.n else "use at least one"
            raise InputError(f"Lanes must be in 1..N={self.n}, not {self.lanes}; {fix}")
        problems = Problems()
        for problem in self.rows.problems(self.size) or self.schedule.problems(self.size, self.rows):
            problems.require(False, problem)
        problems.raise_any()
        bits = self.row_depth * self.word_bits
        if bits > MAX_CONNECTIVITY_BITS:
            raise InputError(f"Connectivity of N={self.n} takes {bits:,} bits as a bitmap, above the limit of {MAX_CONNECTIVITY_BITS:,} of the RTL; "
                             "use fewer neurons, or run the network with the golden model and Brian2 alone")

    @classmethod
    def of(cls, network: Network, lanes: int, streams: StreamGeometry | None = None, *, n: int | None = None, overlap: bool = False,
           **options: Any) -> "CoreGeometry":
        """The geometry that runs a network; its streams only if their geometry is given. ``options`` are ``store``, ``walk`` and ``banks``.

        A core of more than the network's ``n`` neurons runs it too: the others rest, and draw no external events.

        Raises
        ------
        InputError
            If there is none, or ``overlap`` cannot run the network's delay.
        """
        when = schedule(overlap)
        problems = Problems()
        for refusal in when.refusals(network.delay):
            problems.require(False, refusal)
        problems.raise_any()
        lif, long = network.lif, network.delay > 16
        rows, drive = parts(streams, **options)
        return cls(n or network.n, lanes, lif.format, lif.rounding, lif.overflow, network.lfsr, network.drive.depth, 63 if long else 16,
                   lif.leak_fraction, rows, drive, schedule=when)

    @property
    def size(self) -> CoreSize:
        """What parts need to know of it."""
        return CoreSize(self.n, self.lanes, self.format.width)

    @property
    def options(self) -> dict[str, int | bool | None]:
        """Keywords of `of` that choose its parts, with their defaults; streams are not among them."""
        return {"store": None, "walk": False, "banks": 1, **self.rows.options, **self.drive.options, **self.schedule.options}

    @property
    def streams(self) -> StreamGeometry | None:
        """The row source, if it is one of streams."""
        return self.rows if isinstance(self.rows, StreamGeometry) else None

    @property
    def words(self) -> int:
        """W, words a sweep."""
        return self.size.words

    @property
    def latency(self) -> int:
        """Stages of the drive."""
        return self.drive.stages(self.depth)

    @property
    def stages(self) -> dict[str, int]:
        """The stages of the sweep that the core looks at: the first and second, before and behind the drive, and the last two."""
        return {"first": 0, "drawn": 1, "fetched": self.latency, "consumed": self.latency + 1, "finishing": self.latency + self.tail - 1,
                "finished": self.latency + self.tail}

    @property
    def word_bits(self) -> int:
        """Bits of a word of a row."""
        return self.rows.word_bits(self.size)

    @property
    def stride(self) -> int:
        """Words of a source's row."""
        return self.rows.stride(self.size)

    @property
    def banks(self) -> int:
        """Words of a row that are delivered in one cycle."""
        return self.rows.banks

    @property
    def bursts(self) -> int:
        """Cycles in which all words of a sweep are delivered, `banks` words in each."""
        return self.words // self.banks

    @property
    def row_depth(self) -> int:
        """Words of all rows."""
        return max(2, self.n * self.stride)

    @property
    def gated(self) -> tuple[str, ...]:
        """Clock domains that stop while they have nothing to do."""
        return ("draw", "update", *self.rows.gated)

    @property
    def lane_bits(self) -> int:
        """Lanes rounded up to whole 64-bit words."""
        return -(-self.lanes // DATA_BITS) * DATA_BITS

    def most_cycles(self, steps: int) -> int:
        """More cycles than any run takes: every neuron fires, and every word turns the table."""
        return steps * (self.words * walk_groups(self.depth) + self.n * (self.rows.longest(self.size) + 6) + 64)

    def total_shape(self) -> Shape:
        """Sum of a neuron's inputs."""
        return signed(self.format.width + INPUT_GUARD_BITS)

    def row_layout(self) -> data.StructLayout:
        """A source whose spike is due: where its row begins, in bursts, and its weight."""
        return data.StructLayout({"address": range(self.row_depth // self.banks), "weight": self.rows.weight_bits(self.size)})

    def load_layout(self) -> data.StructLayout:
        """A word of the load stream; fields lie on byte boundaries, whatever the geometry."""
        return data.StructLayout({"data": self.lane_bits, "address": ADDRESS_BITS, "lane": LANE_BITS, "op": OP_BITS})

    def write_layout(self) -> data.StructLayout:
        """The word of the load stream that is at work: a bit of ``en`` for each op, high for one cycle, and the fields."""
        return data.StructLayout({"en": data.StructLayout({op.name.lower(): 1 for op in Op}), "op": OP_BITS, "lane": LANE_BITS,
                                  "address": ADDRESS_BITS, "data": self.lane_bits})

    def token_layout(self) -> data.StructLayout:
        """What passes through the stages of a sweep."""
        return data.StructLayout({"en": 1, "word": range(max(2, self.words)), **({"step": 1} if isinstance(self.schedule, Overlap) else {})})

    def lane_layout(self) -> data.StructLayout:
        """One neuron in a word of the sweep stream, padded to 32 or 64 bits."""
        fields = {"v": signed(self.format.width), "hold": 8, "overflow": 1, "spike": 1, "events": MAX_DEPTH if self.depth > 5 else 5}
        size = data.StructLayout(fields).size
        return data.StructLayout({**fields, "pad": (32 if size <= 32 else 64) - size})

    def sweep_layout(self) -> data.StructLayout:
        """A word of the sweep stream: the neurons of one word after their update, and which of them spiked."""
        return data.StructLayout({"lanes": data.ArrayLayout(self.lane_layout(), self.lanes), "spikes": self.lane_bits, "word": 32})
