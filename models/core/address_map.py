"""The core's address map: what a word of its load stream does, for core, host link and client.

A load word is ``(op, lane, address, data)``. Its op names the block that it writes, or a command.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np

__all__ = ["OP_BITS", "LANE_BITS", "ADDRESS_BITS", "DATA_BITS", "BY_NEURON", "OF_STREAMS", "Op", "Param", "PointOp", "Load", "stream_register",
           "stuck_word", "flip_rate"]

#: Widths of a load word's fields; data are as wide as a word of a row needs, in whole multiples of `DATA_BITS`.
OP_BITS, LANE_BITS, ADDRESS_BITS, DATA_BITS = 8, 16, 32, 64
#: Registers of a stream encoder, points of a stream's path, and words of 64 lines that a fault mask may have.
PLANES, POINTS, MASK_WORDS = 16, 4, 16


class Op(IntEnum):
    """What a load word does; lanes, addresses and data are in docs/host_link.md, those of streams here."""

    CLEAR = 0  #: forget spikes under way; before a new network
    ROW = 1  #: a word of a row
    WEIGHT = 2  #: of a source; in a store it is part of the row; a spike that is due next may have the old one
    TABLE = 3  #: a limit of the drive table
    SEED = 4  #: LFSR state of a neuron
    STATE = 5  #: a neuron's state; also empties its input, and maybe others of its word
    PARAM = 6  #: a parameter, by its number
    RUN = 7  #: run ``data`` steps
    STREAM_SEED = 8  #: state of a stream register, `stream_register`
    STREAM_STUCK = 9  #: 64 lines of a fault mask, `stuck_word`
    STREAM_RATE = 10  #: flip threshold of a point, `flip_rate`


class Param(IntEnum):
    """Addresses of `Op.PARAM`; the first five belong to the neurons and have the names of their ports."""

    LEAK = 0
    THRESHOLD = 1
    V_RESET = 2
    REST_LEAK = 3  #: (rest + 2^(width-1)) * leak, so that no lane has to multiply
    REFRACTORY = 4
    DRIVE_WEIGHT = 5
    DELAY = 6
    SCALE = 7


class PointOp(IntEnum):
    """What a load word of a core of point neurons does; those that `Op` has too have its numbers. Records are as models/core/point_size.py says."""

    CLEAR = 0  #: forget spikes and events under way, count steps from 0; before a new network
    ROW = 1  #: a synapse: word of the row memory, and lane
    TABLE = 3  #: a limit of a table of events: index of the search, and the table's number above it
    SEED = 4  #: LFSR state of a neuron
    STATE = 5  #: a neuron's state
    RUN = 7  #: run ``data`` steps
    PLACE = 11  #: what a neuron is: structure, set and table
    SET = 12  #: a parameter set of a lane
    DRIVE = 13  #: what is kept beside a table of events
    EMPTY = 14  #: a word of the inputs of all lanes: slot, and the word of the sweep above it
    POINTER = 15  #: where the row of a source lies
    RULE = 16  #: a projection whose rows are generated
    PERMUTE = 17  #: where a source of a group goes in each table of permutations: the source's place in it, and the projection's number above it


#: Ops whose places are neurons: lane by lane, then the next address. The lane of all others does not matter.
BY_NEURON = (Op.SEED, Op.STATE)
#: Ops that only a core with stochastic synapses has.
OF_STREAMS = (Op.STREAM_SEED, Op.STREAM_STUCK, Op.STREAM_RATE)


class Load(NamedTuple):
    """Load words of one op: data (count,) or (count, words of 64 bits), addresses and lanes, each one for all or one a word."""

    op: Op | PointOp
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
