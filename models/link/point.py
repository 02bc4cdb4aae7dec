"""The host link of a core of point neurons: its IDENTITY, the items of its LOADs, its records. docs/host_link.md is the normative text."""

import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeVar

from spikegate.models.core.address_map import PointOp
from spikegate.models.core.point_rows import PointRows
from spikegate.models.core.point_size import PointSize
from spikegate.models.core.rows_csr import CSR
from spikegate.models.core.rows_generated import Generator, permute_fields, rule_fields
from spikegate.models.core.words import record_bits
from spikegate.models.errors import InputError
from spikegate.models.link.payloads import Payload
from spikegate.models.network.point_population import Neuron
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["VERSION", "ITEM", "ROOM", "MAX_SOURCES", "PointIdentity", "PointTerms", "family"]

Size = TypeVar("Size", bound=PointSize)
#: Of the protocol, that of cores of point neurons; an older client refuses it.
VERSION = 3
#: Bytes of an event, step and source; events that a board holds.
ITEM, ROOM = 6, 256
#: Of neurons and channels, whose numbers have two bytes.
MAX_SOURCES = (1 << 16) - 1
#: Row sources that a board can have, by their number.
ROWS: tuple[PointRows, ...] = (CSR, Generator())


def family(size: PointSize) -> int:
    """CRC-32 of what of a core no number says: its generator and the structures of its neurons, in their order."""
    return zlib.crc32(repr((size.lfsr, size.structures)).encode())


@dataclass(frozen=True)
class PointIdentity(Payload):
    """Payload of IDENTITY of a core of point neurons.

    Parameters
    ----------
    version : int
        Of the protocol.
    n, lanes, sources, row_words, row_longest, slots, ports, width, weight_bits, drive_bits, drives, depth, offset_bits, sets, noise_bits, rules, \
block, blocks : int
        As in `PointSize`.
    rows : int
        Row source: 0 ``csr``, 1 ``generated``.
    room : int
        Events that wait on the board at most.
    family : int
        As `family`.
    build : int
        40 bits that name the build.
    """

    SIZE: ClassVar[int] = 1
    SIZES: ClassVar[dict[str, int]] = {"n": 2, "lanes": 2, "sources": 2, "row_words": 3, "row_longest": 2, "slots": 2, "drives": 2, "sets": 2,
                                       "blocks": 2, "room": 2, "family": 4, "build": 5}
    version: int
    n: int
    lanes: int
    sources: int
    row_words: int
    row_longest: int
    slots: int
    ports: int
    width: int
    weight_bits: int
    drive_bits: int
    drives: int
    depth: int
    offset_bits: int
    sets: int
    noise_bits: int
    rules: int
    block: int
    blocks: int
    rows: int
    room: int
    family: int
    build: int

    @classmethod
    def of(cls, size: PointSize, build: int = 0) -> "PointIdentity":
        """Of a core.

        Raises
        ------
        InputError
            If the link has no room for it.
        """
        if size.rows not in ROWS:
            raise InputError(f"Row source of a core behind a host link must be one of {', '.join(each.name for each in ROWS)}, not {size.rows.name}: "
                             "no board has a memory outside; give other --rows")
        names = [name for name in cls.names() if name not in ("version", "rows", "room", "family", "build")]
        for name in names:
            if getattr(size, name) >= 1 << 8 * cls.SIZES.get(name, cls.SIZE):
                raise InputError(f"{name} of a core behind a host link must be below {1 << 8 * cls.SIZES.get(name, cls.SIZE):,}, not "
                                 f"{getattr(size, name):,}; use a smaller network")
        return cls(version=VERSION, **{name: getattr(size, name) for name in names}, rows=ROWS.index(size.rows), room=ROOM,
                   family=family(size), build=build)

    def size(self, kind: type[Size], structures: tuple[Neuron, ...], lfsr: LfsrParams) -> Size:
        """The core, a `PointSize` of some kind, given what no number says; its `family` may be another."""
        names = [name for name in self.names() if name not in ("version", "rows", "room", "family", "build")]
        return kind(structures=structures, lfsr=lfsr, rows=ROWS[self.rows], **{name: getattr(self, name) for name in names})


class PointTerms:
    """What host and board have to know of a core of point neurons to understand each other.

    Parameters
    ----------
    size : PointSize
    """

    op: ClassVar[type[PointOp]] = PointOp
    #: Ops whose items go lane by lane, then to the next address.
    by_neuron: ClassVar[tuple[PointOp, ...]] = (PointOp.ROW, PointOp.SEED, PointOp.STATE, PointOp.PLACE, PointOp.SET)

    def __init__(self, size: PointSize) -> None:
        self.size, self.n, self.lanes, self.words, self.sources = size, size.n, size.lanes, size.words, size.sources

    @cached_property
    def bits(self) -> dict[int, int]:
        """Of an item, by op; the op RUN and those of other row sources are no ops of LOAD."""
        s = self.size
        all_bits = {PointOp.CLEAR: 1, PointOp.ROW: record_bits(s.synapse_fields), PointOp.TABLE: 32, PointOp.SEED: s.lfsr.width,
                    PointOp.STATE: s.state_bits, PointOp.PLACE: record_bits(s.place_fields), PointOp.SET: s.set_bits,
                    PointOp.DRIVE: max(record_bits(s.drive_fields), record_bits(s.noise_fields) if s.noise_bits else 0), PointOp.EMPTY: 1,
                    PointOp.POINTER: record_bits(s.pointer_fields)}
        if s.rules:
            all_bits |= {PointOp.RULE: record_bits(rule_fields(s)), PointOp.PERMUTE: record_bits(permute_fields())}
        rows = {PointOp.ROW, PointOp.POINTER, PointOp.RULE, PointOp.PERMUTE} - set(s.rows.ops)
        return {op.value: bits for op, bits in all_bits.items() if op not in rows}

    @property
    def ops(self) -> tuple[int, ...]:
        """Of LOAD."""
        return tuple(self.bits)

    def item(self, op: int) -> int:
        """Bytes of an item of an op: as many as it takes of 1, 2, 4, 8, ...; those of an op that there is not are 1."""
        return 1 << (-(-self.bits.get(op, 1) // 8) - 1).bit_length()

    def addresses(self, op: int) -> int:
        """How many addresses an op of LOAD has, from 0."""
        s = self.size
        tables = 2 * s.noise_first if s.noise_bits else max(2, s.drives)
        return {PointOp.CLEAR: 1, PointOp.ROW: s.row_words, PointOp.TABLE: tables << s.depth, PointOp.SEED: s.words, PointOp.STATE: s.words,
                PointOp.PLACE: s.words, PointOp.SET: s.sets, PointOp.DRIVE: tables, PointOp.EMPTY: s.words * s.slots, PointOp.POINTER: s.sources,
                PointOp.RULE: s.rules, PointOp.PERMUTE: s.rules << 6}.get(PointOp(op), 0)

    @property
    def record(self) -> int:
        """Bytes of a neuron's record, its state and above it whether it spiked: as many as it takes of 4, 8, 16, ..."""
        return max(4, 1 << (-(-(self.size.state_bits + 1) // 8) - 1).bit_length())
