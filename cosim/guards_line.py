"""Guards of what stands on the line: both halves of the UART, and the host link's receiver of frames."""

import random

from spikegate.cosim.mutated import Guard
from spikegate.models.uart import BITS, bits

__all__ = ["GUARDS"]

DIVISOR = 4


def bytes_to_send(rng: random.Random):
    """Bytes without end: single bits, both ends, then any."""
    yield from (0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, 0x7E, 0x7D)
    while True:
        yield rng.choice((rng.getrandbits(8), 1 << rng.randrange(8)))


def transmitter_rows(rng: random.Random):
    """A bit at every tick, ``DIVISOR`` cycles apart; bytes without a gap and after pauses."""
    source, byte, place, cycle, line, pause = bytes_to_send(rng), None, 0, 0, 1, 0
    while True:
        if byte is None and not pause:
            byte = next(source)
        tick, sending = cycle % DIVISOR == 0, byte is not None
        number, is_data = place - 1, tick and 1 <= place <= 8
        ready = tick and place == BITS - 1
        yield ({"i__valid": sending, "i__payload": byte if sending else rng.getrandbits(8)},
               {"i__ready": ready, "tx": line, "tick": tick, "data": is_data, "bit": number if is_data else 0,
                "value": byte >> number & 1 if is_data else 0})
        pause = max(pause - 1, 0)
        if tick and sending:
            line, place = bits(byte)[place], (place + 1) % BITS
        if ready:
            byte, pause = None, rng.choice((0, 0, 1, rng.randrange(40)))
        cycle += 1


GUARDS = {
    "uart_transmitter": Guard(transmitter_rows, 6000, care={"bit": ("data",), "value": ("data",)}, streams=("i",)),
}
