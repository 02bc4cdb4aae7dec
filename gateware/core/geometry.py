"""What a network core is compiled for, and the words of its streams."""

from dataclasses import dataclass

from amaranth.hdl import Shape, ShapeLike, signed
from amaranth.lib import data, enum

from spikegate.models.errors import InputError, Problems
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import INPUT_GUARD_BITS
from spikegate.models.numeric.drive import MAX_DEPTH, MIN_DEPTH, WALK_STAGES
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.params import Generator, StreamFaults, StreamParams, Windows

__all__ = ["LIF_PARAMS", "TAG_BITS", "Op", "Param", "StreamGeometry", "CoreGeometry"]


class Op(enum.Enum, shape=8):
    """What a word of the load stream does."""

    CLEAR = 0  #: forget spikes under way; before a new network
    ROW = 1  #: connectivity word ``address`` = source * stride + w
    WEIGHT = 2  #: signed weight of source ``address``; in a store it is part of the row; a spike that is due next may have the old one
    TABLE = 3  #: drive table word ``address``, as `gateware.drive.table_words`
    SEED = 4  #: LFSR state of the neuron at ``lane`` and word ``address``
    STATE = 5  #: its `state_layout`; also empties its input, and maybe others of word ``address``
    PARAM = 6  #: parameter ``address`` (`Param`)
    RUN = 7  #: run ``data`` steps
    STREAM_SEED = 8  #: state of stream register ``address``: plane b of channel c at 16 c + b, then those of the flips
    STREAM_STUCK = 9  #: 64 lines of a fault mask, ``address`` = ((2 * channel + level) * 4 + point) * 16 + word
    STREAM_RATE = 10  #: flip threshold of a point, ``address`` = 4 * channel + point


class Param(enum.Enum, shape=4):
    """Registers that the load stream sets; the first ones as in `params_shapes`."""

    LEAK = 0
    THRESHOLD = 1
    V_RESET = 2
    REST_LEAK = 3  #: (rest + 2^(width-1)) * leak, so that no lane has to multiply
    REFRACTORY = 4
    DRIVE_WEIGHT = 5
    DELAY = 6
    SCALE = 7


#: Step numbers of the spike list are modulo 2^6, above any delay.
TAG_BITS = 6
#: Amaranth keeps an object for each bit of a memory; above this, generating Verilog takes minutes and gigabytes.
MAX_CONNECTIVITY_BITS = 1 << 24

LIF_PARAMS = [param.name.lower() for param in Param if param.value <= Param.REFRACTORY.value]


@dataclass(frozen=True)
class StreamGeometry(Windows):
    """What is compiled in of stochastic synapses; as in `StreamParams`, and which kinds of fault there can be."""

    generator: Generator
    length: int
    channels: int
    lfsr: LfsrParams
    dimensions: tuple[int, ...]
    stuck: bool = False
    flips: bool = False

    @classmethod
    def of(cls, streams: StreamParams, faults: StreamFaults | None = None) -> "StreamGeometry":
        """The geometry that runs these streams."""
        faults = faults or StreamFaults.none(streams)
        return cls(streams.generator, streams.length, streams.channels, streams.lfsr, streams.dimensions, faults.stuck, faults.flips)


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
    streams : StreamGeometry, optional
        Of stochastic synapses.
    leak_fraction : int, optional
        Fraction bits of the leak constant; default those of the format.
    store : int, optional
        Bits of a word of the one memory that then holds rows, weights and spikes, a power of two in 16..64 (`gateware.core_store`),
        for parts with few or wide memories; neurons then keep state and input in one memory too. By default each has its own.
    walk : bool
        Walk through the drive table (`gateware.drive_walk`), a quarter of the size, instead of searching it in a pipeline.
    banks : int
        Words of a row that are delivered in one cycle, a power of two that divides the words of a sweep and is less; each lane then keeps
        its inputs in as many memories.

    Raises
    ------
    InputError
        If lanes is outside 1..n, or the connectivity is above 2^24 bits, or the store's word has no place for a weight or for
        whole words of lanes, or is to hold streams, or the banks do not divide the words, or are to serve a store or streams.
    """

    n: int
    lanes: int
    format: QFormat
    rounding: Rounding = Rounding.NEAREST
    overflow: Overflow = Overflow.SATURATE
    lfsr: LfsrParams = LfsrParams()
    depth: int = MIN_DEPTH
    max_delay: int = 16
    streams: StreamGeometry | None = None
    leak_fraction: int | None = None
    store: int | None = None
    walk: bool = False
    banks: int = 1

    def __post_init__(self):
        if self.leak_fraction is None:
            object.__setattr__(self, "leak_fraction", self.format.fraction)
        if not 1 <= self.lanes <= self.n:
            fix = "use fewer lanes" if self.lanes > self.n else "use at least one"
            raise InputError(f"Lanes must be in 1..N={self.n}, not {self.lanes}; {fix}")
        if self.store is not None:
            problems, store = Problems(), self.store
            problems.require(store in (16, 32, 64) and store >= self.format.width,
                             f"Store must have words of 16, 32 or 64 bits and hold a weight of {self.format.width}, not {store}")
            problems.require(store % self.lanes == 0, f"Lanes must divide the {store} bits of the store's words, not be {self.lanes}")
            problems.require(self.streams is None, "A store holds weights, not streams; leave out either")
            problems.raise_any()
        if self.banks != 1:
            problems = Problems()
            problems.require(self.store is None and self.streams is None, "Banks serve whole rows, not a store or streams; leave out either")
            problems.require(self.banks in (2, 4, 8, 16) and self.words % self.banks == 0 and self.banks < self.words,
                             f"Banks must be 1, 2, 4, 8 or 16, divide the {self.words} words of a sweep and be less, not be {self.banks}; "
                             "choose other banks or lanes")
            problems.raise_any()
        bits = self.row_depth * (self.store or self.lanes)
        if bits > MAX_CONNECTIVITY_BITS:
            raise InputError(f"Connectivity of N={self.n} takes {bits:,} bits as a bitmap, above the limit of {MAX_CONNECTIVITY_BITS:,} of the RTL; "
                             "use fewer neurons, or run the network with the golden model and Brian2 alone")

    @classmethod
    def of(cls, network: Network, lanes: int, streams: StreamGeometry | None = None, *, n: int | None = None, **options) -> "CoreGeometry":
        """The geometry that runs a network; its streams only if their geometry is given. ``options`` are ``store``, ``walk`` and ``banks``.

        A core of more than the network's ``n`` neurons runs it too: the others rest, and draw no external events.
        """
        lif, long = network.lif, network.delay > 16
        return cls(n or network.n, lanes, lif.format, lif.rounding, lif.overflow, network.lfsr, network.drive.depth, 63 if long else 16, streams,
                   lif.leak_fraction, **options)

    @property
    def words(self) -> int:
        """W, words a sweep."""
        return -(-self.n // self.lanes)

    @property
    def latency(self) -> int:
        """Stages of the drive."""
        return WALK_STAGES if self.walk else self.depth

    @property
    def stride(self) -> int:
        """Words of a source's row; in a store, with its weight at the end."""
        return self.words if self.store is None else -(-(self.n + self.format.width) // self.store)

    @property
    def bursts(self) -> int:
        """Cycles in which a row is delivered, `banks` words in each."""
        return self.words // self.banks

    @property
    def row_depth(self) -> int:
        """Words of all rows."""
        return max(2, self.n * self.stride)

    @property
    def last_bits(self) -> int:
        """Targets in the last word of a row in a store."""
        return max(0, self.n - self.store * (self.stride - 1))

    @property
    def spans(self) -> int:
        """Words of a store that hold a bit for each neuron."""
        return -(-self.n // self.store)

    @property
    def span_pitch(self) -> int:
        """The same, rounded up to a power of two."""
        return 1 << (self.spans - 1).bit_length()

    @property
    def slots(self) -> int:
        """Steps whose spikes a store holds."""
        return 1 << (self.max_delay - 1).bit_length()

    @property
    def gated(self) -> tuple[str, ...]:
        """Clock domains that stop while they have nothing to do."""
        return ("draw", "update", *(["stream"] if self.streams else []))

    @property
    def lane_bits(self) -> int:
        """Lanes rounded up to whole 64-bit words."""
        return -(-self.lanes // 64) * 64

    def total_shape(self) -> Shape:
        """Sum of a neuron's inputs."""
        return signed(self.format.width + INPUT_GUARD_BITS)

    def weight_layout(self) -> ShapeLike:
        """What is kept of a source's weight."""
        return signed(self.format.width) if self.streams is None else data.StructLayout({"probability": PROBABILITY_BITS + 1, "negative": 1})

    def stream_load_layout(self) -> data.StructLayout:
        """A word for the stream unit."""
        return data.StructLayout({"en": 1, "op": Op, "address": 16, "data": 64})

    def row_layout(self) -> data.StructLayout:
        """A source whose spike is due: where its row begins, in bursts, and its weight."""
        return data.StructLayout({"address": range(self.row_depth // self.banks), "weight": self.weight_layout()})

    def load_layout(self) -> data.StructLayout:
        """A word of the load stream; fields lie on byte boundaries, whatever the geometry."""
        return data.StructLayout({"data": self.lane_bits, "address": 32, "lane": 16, "op": Op})

    def lane_layout(self) -> data.StructLayout:
        """One neuron in a word of the sweep stream, padded to 32 or 64 bits."""
        fields = {"v": signed(self.format.width), "hold": 8, "overflow": 1, "spike": 1, "events": MAX_DEPTH if self.depth > 5 else 5}
        size = data.StructLayout(fields).size
        return data.StructLayout({**fields, "pad": (32 if size <= 32 else 64) - size})

    def sweep_layout(self) -> data.StructLayout:
        """A word of the sweep stream: the neurons of one word after their update, and which of them spiked."""
        return data.StructLayout({"lanes": data.ArrayLayout(self.lane_layout(), self.lanes), "spikes": self.lane_bits, "word": 32})
