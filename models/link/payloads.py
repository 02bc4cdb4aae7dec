"""What the host link's frames say: the numbers in their payloads. docs/host_link.md is the normative text."""

import zlib
from dataclasses import astuple, dataclass, fields
from enum import IntFlag
from typing import Any, ClassVar, Self

from spikegate.models.core.address_map import BY_NEURON, DATA_BITS, Op
from spikegate.models.errors import InputError

__all__ = ["Payload", "VERSION", "OVERLAP_VERSION", "COUNTS_VERSION", "VERSIONS", "CHOOSE", "CHUNK", "HEADER", "MAX_ROW", "MAX_STEPS",
           "MAX_NEURONS", "Run", "Status", "Identity", "batch", "item_bytes", "record_bytes"]

#: Of the protocol; changes with every change that an older client would misread.
VERSION = 2
#: Of a board whose core delivers during its sweep: an older client would load it a network with a delay of one step.
OVERLAP_VERSION = 4
#: Of a board that counts spikes: an older client has no place for that in the IDENTITY.
COUNTS_VERSION = 5
#: By the features of an IDENTITY.
VERSIONS = (VERSION, OVERLAP_VERSION, COUNTS_VERSION, COUNTS_VERSION)
#: Op of a LOAD that stays in the link of a board that counts spikes: whether a neuron is a chosen one.
CHOOSE = 11
#: Payload of every DATA frame.
CHUNK = 128
#: Bytes of a LOAD before its items (op, lane, address), and of a RUN (flags, steps, 0).
HEADER = 6
#: Bytes of a word of a row, at most.
MAX_ROW = 128
#: Of one RUN; and neurons, whose distances the gateware sends in two bytes.
MAX_STEPS, MAX_NEURONS = (1 << 16) - 1, (1 << 14) - 1


class Run(IntFlag):
    """What a RUN sends."""

    EVENTS = 1  #: the spikes of every step
    FINAL = 2  #: after the last step the records of all neurons instead
    EVERY = 4  #: the records after every step instead
    COUNTS = 8  #: after the last step the spikes that each neuron had in this run instead
    CHOSEN = 16  #: of the spikes those of chosen neurons, and nothing for a step without one


def item_bytes(op: int, bits: int) -> int:
    """Bytes of an item of a LOAD: 8, or for a word of ``bits`` of a row as many as it takes of 1, 2, 4, 8, ..."""
    return DATA_BITS // 8 if op != Op.ROW else 1 << (-(-bits // 8) - 1).bit_length()


def record_bytes(width: int) -> int:
    """Bytes of a neuron's record: membrane, refractory steps left, flags, in 4 or 8 bytes."""
    return 4 if width <= 16 else 8


def batch(overlap: bool | int, store: int | None) -> int:
    """Steps that a core behind the link makes without coming to rest, as in `spikegate.models.core.engine.predict_phases`.

    Where a step is short, which is in a core that overlaps and has no store, the link asks for the next one before it has ended.
    """
    return MAX_STEPS if overlap and not store else 1


@dataclass(frozen=True)
class Payload:
    """Unsigned numbers, highest byte first, one after another: of ``SIZE`` bytes, or as ``SIZES`` says."""

    SIZE: ClassVar[int]
    SIZES: ClassVar[dict[str, int]]

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of the fields, in their order."""
        return tuple(field.name for field in fields(cls))

    def pack(self) -> bytes:
        """The payload."""
        return b"".join(value.to_bytes(self.SIZES.get(name, self.SIZE), "big") for name, value in zip(self.names(), astuple(self)))

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """From a payload.

        Raises
        ------
        InputError
            If it has another length.
        """
        sizes = [cls.SIZES.get(name, cls.SIZE) for name in cls.names()]
        if len(payload) != sum(sizes):
            raise InputError(f"{cls.__name__} must have {sum(sizes)} bytes, not {len(payload)}; build board and client from one source")
        ends = [sum(sizes[:k + 1]) for k in range(len(sizes))]
        return cls(*(int.from_bytes(payload[end - size:end], "big") for size, end in zip(sizes, ends)))


@dataclass(frozen=True)
class Status(Payload):
    """Payload of STATUS and DONE: counters since power-up, modulo 2^32.

    Parameters
    ----------
    line_errors : int
        Bytes whose stop bit was 0.
    overruns, dropped : int
        Frames for which there was no room; frames not taken, for whatever reason.
    events, steps : int
        Spikes sent, steps begun.
    cycles : int
        Clock cycles of the core without those in which it waited for the link.
    """

    SIZE: ClassVar[int] = 4
    SIZES: ClassVar[dict[str, int]] = {}
    line_errors: int = 0
    overruns: int = 0
    dropped: int = 0
    events: int = 0
    steps: int = 0
    cycles: int = 0


@dataclass(frozen=True)
class Identity(Payload):
    """Payload of IDENTITY: what the board is.

    Parameters
    ----------
    version : int
        Of the protocol.
    n, lanes, width, fraction, rounding, overflow, depth, max_delay, leak_fraction, store, walk, banks : int
        As in `spikegate.gateware.core.core.CoreGeometry` and its format; a store of 0 is none.
    family : int
        CRC-32 of the description of generator and streams.
    features : int
        Bit 0: the core delivers during its sweep, so that delays have two steps or more. Bit 1: the link counts spikes.
    build : int
        32 bits that name the build.
    """

    SIZE: ClassVar[int] = 1
    SIZES: ClassVar[dict[str, int]] = {"n": 2, "lanes": 2, "family": 4, "build": 4}
    op: ClassVar[type[Op]] = Op
    #: Ops whose items go lane by lane, then to the next address.
    by_neuron: ClassVar[tuple[int, ...]] = (*BY_NEURON, CHOOSE)
    version: int
    n: int
    lanes: int
    width: int
    fraction: int
    rounding: int
    overflow: int
    depth: int
    max_delay: int
    leak_fraction: int
    store: int
    walk: int
    banks: int
    family: int
    features: int
    build: int

    @classmethod
    def of(cls, geometry: Any, build: int = 0, counts: bool = False) -> "Identity":
        """Of a `spikegate.gateware.core.core.CoreGeometry`, which models do not import, and of a link that counts spikes or not."""
        g, q = geometry, geometry.format
        family = zlib.crc32(repr((g.lfsr, g.streams)).encode())
        features = int(g.options["overlap"]) | int(counts) << 1
        return cls(VERSIONS[features], g.n, g.lanes, q.width, q.fraction, g.rounding.value, g.overflow.value, g.depth,
                   g.max_delay, g.leak_fraction, g.options["store"] or 0, int(g.options["walk"]), g.banks, family, features, build)

    @property
    def overlap(self) -> bool:
        """Whether the core delivers during its sweep."""
        return bool(self.features & 1)

    @property
    def counts(self) -> bool:
        """Whether the link counts spikes."""
        return bool(self.features & 2)

    @property
    def understood(self) -> bool:
        """Whether the version is the one of these features."""
        return self.features < 4 and self.version == VERSIONS[self.features]

    @property
    def sources(self) -> int:
        """Of events that the board takes: none."""
        return 0

    def item(self, op: int) -> int:
        """Bytes of an item of an op."""
        return item_bytes(op, self.row_bits)

    @property
    def record(self) -> int:
        """Bytes of a neuron's record."""
        return record_bytes(self.width)

    @property
    def row_bits(self) -> int:
        """Of a word of a row."""
        return self.store or self.lanes

    @property
    def words(self) -> int:
        """Words of a sweep, of which each has a neuron of every lane."""
        return -(-self.n // self.lanes)

    @property
    def stride(self) -> int:
        """Words of a source's row; in a store, with its weight in the highest bits of the last."""
        return -(-(self.n + self.width) // self.store) if self.store else self.words

    def addresses(self, op: int) -> int:
        """How many addresses an op of LOAD has, from 0."""
        table = max(4, 1 << self.depth) if self.walk else 1 << self.depth
        return (1, self.n * self.stride, 0 if self.store else self.n, table, self.words, self.words, 8, 0, *3 * [1 << 16], self.words)[op]
