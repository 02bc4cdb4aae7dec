"""The core's address map: what a word of its load stream does, for core, host link, client and docs/address_map.md.

A load word is ``(op, lane, address, data)``. Its op names the block that it writes, or a command.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np

__all__ = ["OP_BITS", "LANE_BITS", "ADDRESS_BITS", "DATA_BITS", "BY_NEURON", "OF_STREAMS", "MAP", "Op", "Param", "Entry", "Load", "stream_register",
           "stuck_word", "flip_rate", "page"]

#: Widths of a load word's fields; data are as wide as a word of a row needs, in whole multiples of `DATA_BITS`.
OP_BITS, LANE_BITS, ADDRESS_BITS, DATA_BITS = 8, 16, 32, 64
#: Registers of a stream encoder, points of a stream's path, and words of 64 lines that a fault mask may have.
PLANES, POINTS, MASK_WORDS = 16, 4, 16


class Op(IntEnum):
    """What a load word does."""

    CLEAR = 0
    ROW = 1
    WEIGHT = 2
    TABLE = 3
    SEED = 4
    STATE = 5
    PARAM = 6
    RUN = 7
    STREAM_SEED = 8
    STREAM_STUCK = 9
    STREAM_RATE = 10


class Param(IntEnum):
    """Addresses of `Op.PARAM`; the first five belong to the neurons and have the names of their ports."""

    LEAK = 0
    THRESHOLD = 1
    V_RESET = 2
    REST_LEAK = 3
    REFRACTORY = 4
    DRIVE_WEIGHT = 5
    DELAY = 6
    SCALE = 7


#: Ops whose places are neurons: lane by lane, then the next address. The lane of all others does not matter.
BY_NEURON = (Op.SEED, Op.STATE)
#: Ops that only a core with stochastic synapses has.
OF_STREAMS = (Op.STREAM_SEED, Op.STREAM_STUCK, Op.STREAM_RATE)


@dataclass(frozen=True)
class Entry:
    """What an op, or a parameter, writes: the block, its addresses and its data, in words for the page."""

    block: str
    address: str
    data: str


MAP: dict[Op, Entry] = {
    Op.CLEAR: Entry("spikes under way: all are forgotten; before a new network", "–", "–"),
    Op.ROW: Entry("connectivity", "source * stride + w", "a bit for each lane: target w * lanes + lane; in a store of B bits, targets w * B and "
                  "up, and in the top bits of a row's last word the weight"),
    Op.WEIGHT: Entry("weights of the sources; none in a store", "source", "signed, raw; of streams: probability * 2^16 in 17 bits, then 1 if "
                     "negative. A spike that is due next may still have the old one"),
    Op.TABLE: Entry("drive table", "searched: node of the tree, 1 the root, 2k and 2k + 1 below k; walked: number of the limit", "a limit, 32 bits"),
    Op.SEED: Entry("state of a neuron's LFSR", "neuron // lanes", "as wide as the LFSR"),
    Op.STATE: Entry("a neuron; its input becomes 0, and maybe that of others of its word", "neuron // lanes",
                    "membrane (format's width), refractory steps left (8 bits), overflow flag (1)"),
    Op.PARAM: Entry("parameters", "as below", "as below"),
    Op.RUN: Entry("a run begins", "–", "steps, 32 bits; 0 is no run"),
    Op.STREAM_SEED: Entry("state of a stream register", "16 c + b for plane b of channel c; behind them the flips, 16 registers for each point",
                          "as wide as a window"),
    Op.STREAM_STUCK: Entry("lines that are stuck", "((2 channel + level) * 4 + point) * 16 + word", "64 lines of the mask"),
    Op.STREAM_RATE: Entry("probability of flips", "4 channel + point", "probability * 2^16, 17 bits"),
}
PARAMS: dict[Param, Entry] = {
    Param.LEAK: Entry("neurons", "", "leak constant, leak_fraction + 1 bits"),
    Param.THRESHOLD: Entry("neurons", "", "signed, raw"),
    Param.V_RESET: Entry("neurons", "", "signed, raw"),
    Param.REST_LEAK: Entry("neurons", "", "(rest + 2^(width-1)) * leak, so that no lane has to multiply"),
    Param.REFRACTORY: Entry("neurons", "", "steps, 8 bits"),
    Param.DRIVE_WEIGHT: Entry("neurons", "", "of an external event: signed, raw"),
    Param.DELAY: Entry("spikes under way", "", "steps, 1 to max_delay; above, spikes are lost or never come"),
    Param.SCALE: Entry("streams", "", "V_th: signed, raw"),
}


class Load(NamedTuple):
    """Load words of one op: data (count,) or (count, words of 64 bits), addresses and lanes, each one for all or one a word."""

    op: Op
    data: np.ndarray | Sequence[int]
    address: np.ndarray | Sequence[int] | int = 0
    lane: np.ndarray | int = 0


def stream_register(channel: int, plane: int = 0) -> int:
    """Address of `Op.STREAM_SEED`; of the flips' registers, ``channel`` is the number of channels + 3 * channel + point."""
    return PLANES * channel + plane


def stuck_word(channel: int, level: int, point: int, word: int = 0) -> int:
    """Address of `Op.STREAM_STUCK`."""
    return ((2 * channel + level) * POINTS + point) * MASK_WORDS + word


def flip_rate(channel: int, point: int) -> int:
    """Address of `Op.STREAM_RATE`."""
    return POINTS * channel + point


def page() -> str:
    """The tables of docs/address_map.md."""
    ops = [f"| {op.value} | {op.name} | {entry.block} | {entry.address} | {entry.data} |" for op, entry in MAP.items()]
    params = [f"| {param.value} | {param.name} | {entry.block} | {entry.data} |" for param, entry in PARAMS.items()]
    return "\n".join(["| op | name | block | address | data |", "|---|---|---|---|---|", *ops, "",
                      "| address | parameter | of the | data |", "|---|---|---|---|", *params])
