"""Registers of a core behind AXI-Lite, and its spikes as an AXI stream: the map, and the golden model of what a bus master sees."""

from collections.abc import Iterator
from enum import IntEnum

import numpy as np

from spikegate.models.errors import InputError

__all__ = ["ADDRESS_BITS", "DATA", "END_OF_STEP", "OKAY", "SLVERR", "VERSION", "AxiDevice", "Register", "packets"]

#: Bits of an address, in bytes; where the data of a load word begin, 32 bits a register, the lowest first.
ADDRESS_BITS, DATA = 12, 0x40
VERSION = 1
#: Answers of AXI: done, and not done.
OKAY, SLVERR = 0, 2
#: Last word of each packet of the stream: a step is over.
END_OF_STEP = 0xFFFFFFFF


class Register(IntEnum):
    """Addresses of registers; the first seven are read, the next two written and read, the last is written."""

    VERSION = 0x00  #: of this map
    NEURONS = 0x04  #: that the core holds
    LANES = 0x08  #: of the core
    STATUS = 0x0C  #: bit 0, a run is under way; bit 1, a load word waits for its end
    CYCLES = 0x10  #: of all runs since reset, the lower half; reading it keeps the upper half
    CYCLES_HIGH = 0x14  #: the upper half, as of the last read of the lower
    EVENTS = 0x18  #: spikes sent since reset
    LANE = 0x20  #: of the next load word; like the data, refused while one waits
    ADDRESS = 0x24  #: likewise
    OP = 0x28  #: sends a load word with this op, the lane, the address and the data; refused while one waits


#: Bits of registers that are written.
WIDTHS = {Register.LANE: 16, Register.ADDRESS: 32}


class AxiDevice:
    """What a master reads and what it is answered, before the first run.

    Parameters
    ----------
    neurons, lanes : int
        Of the core.
    data_words : int
        Registers of 32 bits that hold the data of a load word.

    Members
    -------
    words : list of (op, lane, address, data)
        What reached the core.
    """

    def __init__(self, neurons: int, lanes: int, data_words: int) -> None:
        if not 1 <= data_words <= (1 << ADDRESS_BITS) // 4 - DATA // 4:
            raise InputError(f"Data of a load word must be 1..{(1 << ADDRESS_BITS) // 4 - DATA // 4} registers, not {data_words}; use fewer lanes")
        self.fixed = {Register.VERSION: VERSION, Register.NEURONS: neurons, Register.LANES: lanes, Register.STATUS: 0,
                      Register.CYCLES: 0, Register.CYCLES_HIGH: 0, Register.EVENTS: 0}
        self.kept = dict.fromkeys([Register.LANE, Register.ADDRESS, *range(DATA, DATA + 4 * data_words, 4)], 0)
        self.words: list[tuple[int, int, int, int]] = []

    def read(self, address: int) -> tuple[int, int]:
        """Data, 0 where nothing can be read, and the answer."""
        known = self.fixed | self.kept
        return (known[address], OKAY) if address in known else (0, SLVERR)

    def write(self, address: int, data: int, strobe: int = 15) -> int:
        """The answer; ``strobe`` has a bit for each byte that is written."""
        if address == Register.OP and strobe & 1:
            bits = sum(self.kept[at] << 8 * (at - DATA) for at in self.kept if at >= DATA)
            self.words.append((data & 0xFF, self.kept[Register.LANE], self.kept[Register.ADDRESS], bits))
            return OKAY
        if address not in self.kept:
            return SLVERR
        mask = sum(0xFF << 8 * k for k in range(4) if strobe >> k & 1)
        limit = (1 << WIDTHS.get(address, 32)) - 1  # type: ignore[call-overload]  # addresses of data are no members
        self.kept[address] = (self.kept[address] & ~mask | data & mask) & limit
        return OKAY


def packets(spikes: np.ndarray, steps: int) -> Iterator[list[int]]:
    """The stream of a run, a packet a step: its neurons ascending, then `END_OF_STEP`; of spikes int32 (count, 2), step and neuron."""
    for step in range(steps):
        yield [*sorted(spikes[spikes[:, 0] == step, 1].tolist()), END_OF_STEP]
