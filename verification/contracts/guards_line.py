"""Guards of what stands on the line: both halves of the UART, and the host link's receiver of frames."""

import random
from itertools import count as count_up
from typing import NamedTuple

from spikegate.models.link.frames import ESCAPE, FLAG, FLIP, MAX_PAYLOAD, Deframer, Frame, crc, stuff
from spikegate.models.link.uart import BITS, bits, receive
from verification.contracts.table import Guard

__all__ = ["GUARDS"]

#: Of the UART's halves, and of the receiver of frames.
DIVISOR, FRAME_DIVISOR = 4, 3
#: Cycles from the line to its samples, through the synchroniser.
SYNCHRONISED = 2
#: Of the CRC, reflected.
POLYNOMIAL = 0x8408
#: Rows of an episode, and of one with frames, the longest of which takes two thirds of it.
CYCLES, FRAME_CYCLES = 4000, 12000


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


class Sampled(NamedTuple):
    """What the receiver has at a cycle: a data bit with its number, or a byte and its stop bit."""

    bit: int
    byte: int
    stop: int


def sampled(line: list[int], divisor: int) -> dict[int, Sampled]:
    """Cycle -> what is sampled in it, of the golden model's bytes on a line; bit 8 is the stop bit."""
    found, read = {}, 0

    def levels():
        nonlocal read
        for level in line:
            read += 1
            yield level

    for byte, stop in receive(levels(), divisor):
        for bit in range(BITS - 1):
            found[read - 1 + SYNCHRONISED - (BITS - 2 - bit) * divisor] = Sampled(bit, byte, stop)
    return found


def disturbance(rng: random.Random, divisor: int) -> list[int]:
    """Levels of any length, or a break."""
    noise = [level for _ in range(rng.randint(1, 6)) for level in [rng.randrange(2)] * rng.randint(1, 3 * divisor)]
    return rng.choice((noise, [0] * rng.randint(1, 14 * divisor)))


def uart_line(rng: random.Random) -> list[int]:
    """A line as the bench has it: bytes back to back or after pauses, breaks, glitches, wrong stop bits, and at its end silence."""
    line: list[int] = [1] * rng.randrange(4)
    source = bytes_to_send(rng)
    while len(line) < CYCLES:
        levels = bits(next(source))
        byte = [level for level in levels for _ in range(DIVISOR)]
        noise = [level for _ in range(6) for level in [rng.randrange(2)] * rng.randint(1, 3 * DIVISOR)]
        wrong = [*byte[:-DIVISOR], *[0] * rng.randint(1, 3 * DIVISOR)]
        line += rng.choice((byte, byte, byte, noise, wrong, [0] * rng.randint(1, 14 * DIVISOR))) + [1] * rng.choice((0, 0, 1, DIVISOR, 20))
    return line + [1] * 2 * BITS * DIVISOR


def receiver_rows(rng: random.Random):
    """The line's bytes and errors when their stop bits are sampled; at each data bit what is left of the byte before above what is there."""
    line = uart_line(rng)
    samples, before, silent = sampled(line, DIVISOR), 0, {"o__valid": 0, "error": 0, "shift": 0, "bit": 0, "o__payload": 0}
    for cycle, level in enumerate(line[:CYCLES]):
        at = samples.get(cycle)
        if at is None:
            expected = silent
        elif at.bit < 8:
            kept = at.byte & (1 << at.bit) - 1
            expected = {**silent, "shift": 1, "bit": at.bit, "o__payload": before >> at.bit | kept << 8 - at.bit}
        else:
            expected, before = {**silent, "o__valid": at.stop, "error": 1 - at.stop, "o__payload": at.byte}, at.byte
        yield {"rx": level}, expected


def off_by(body: bytes, change: int) -> bytes:
    """A body with a CRC after which the receiver's register is not the good residue, but that XOR ``change``, 16 bits."""
    for _ in range(16):
        change = ((change ^ POLYNOMIAL) << 1 | 1) if change >> 15 else change << 1
    return body + (crc(body) ^ change).to_bytes(2, "little")


def contents(rng: random.Random):
    """What stands between two flags, escaped, without end: good frames, and whatever can be wrong with one.

    One of the first is a long one: as long as can be, longer, or with a LENGTH that is one bit away from those that are refused. Every
    bit of the CRC is wrong once, alone.
    """
    special = (FLAG, ESCAPE, FLAG ^ FLIP, ESCAPE ^ FLIP)
    any_byte = lambda: rng.choice((*special, 0, 0xFF, rng.choice(special) ^ 1 << rng.randrange(8), rng.getrandbits(8)))  # noqa: E731
    checked = lambda body: body + crc(body).to_bytes(2, "little")  # noqa: E731
    frame = lambda size: Frame(any_byte(), any_byte(), bytes(any_byte() for _ in range(size))).content()  # noqa: E731
    body = lambda length, size: checked(bytes([length, *(rng.getrandbits(7) for _ in range(size - 3))]))  # noqa: E731
    begin = int(rng.random() < 0.3)
    over = lambda: body(3, 3 + 5 + 256)  # noqa: E731
    near = [(MAX_PAYLOAD + 1 | rng.randrange(8)) ^ 1 << bit for bit in range(3, 8)]
    long = (over, over, *(lambda n=n: body(n, n + 5) for n in (MAX_PAYLOAD + rng.randint(1, 3), *[MAX_PAYLOAD] * 3, *near, *near)))
    bits_wrong = rng.sample(range(16), 16)
    for number in count_up():
        if number == begin:
            yield stuff(rng.choice(long)())[1:-1]
        if number % 2 and bits_wrong:
            yield stuff(off_by(frame(0)[:-2], 1 << bits_wrong.pop()))[1:-1]
        for _ in range(rng.choice((0, 0, 0, 4)) if number > begin else 0):
            yield stuff(frame(rng.randrange(4)))[1:-1]
        good = frame(rng.choice((0, 0, 1, 2, 3, rng.randrange(12))))
        spoiled = bytearray(good)
        spoiled[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
        at = rng.randrange(len(good))
        other = body(len(good) - 5 ^ 1 << rng.randrange(8), len(good))
        wrong = rng.choice((bytes(spoiled), good[:at], good[at:], good + b"x", other, checked(good[:1])))
        lost = list(stuff(good)[1:-1])
        lost.insert(at, None)
        # Bytes that need no escape but that have one, unless that would be a flag.
        escaped = b"".join(stuff(bytes([byte]))[1:-1] if byte ^ FLIP == FLAG or rng.getrandbits(1) else bytes([ESCAPE, byte ^ FLIP]) for byte in good)
        yield rng.choice((stuff(good)[1:-1], stuff(good)[1:-1], stuff(good)[1:-1], stuff(wrong)[1:-1], stuff(good)[1:-1] + bytes([ESCAPE]), lost,
                          escaped, b"", bytes([ESCAPE]), [None]))


def frame_line(rng: random.Random) -> list[int]:
    """Frames on the line, most of them back to back; a lost byte has a stop bit of 0, and between frames there are glitches and breaks."""
    line: list[int] = [1] * rng.randrange(9)
    for content in contents(rng):
        if rng.random() < 0.4:
            line += disturbance(rng, FRAME_DIVISOR) + [1] * rng.choice((0, 0, 1, 2, FRAME_DIVISOR, 20))
        for byte in [FLAG, *content, *([FLAG] if rng.getrandbits(1) else [])]:
            levels = bits(rng.getrandbits(8))[:-1] + [0, 1] if byte is None else bits(byte)
            pause = [1] * rng.choice((0, 0, 0, 0, 1, 2, 7))
            line += [level for level in levels for _ in range(FRAME_DIVISOR)] + ([1, 1, 1, 0, 1, 1, 1] if byte == FLAG and pause[6:] else pause)
        if len(line) > FRAME_CYCLES:
            return line[:FRAME_CYCLES] + [1] * 2 * BITS * FRAME_DIVISOR


class Room:
    """Room for two frames, of which the earlier is read; a byte every other cycle."""

    def __init__(self):
        self.frames: list[bytes | None] = [None, None]
        self.bank = self.reading = self.taken = 0
        self.fresh = False

    @property
    def valid(self) -> bool:
        """Whether there is a byte."""
        return self.fresh and self.frames[self.reading] is not None

    @property
    def byte(self) -> int | None:
        """The byte, unless the frame has ended."""
        content = self.frames[self.reading]
        return content[self.taken] if self.valid and self.taken < len(content) else None

    def step(self, good: bytes | None, ready: bool, finish: bool) -> None:
        """One clock edge."""
        fires = self.valid and ready
        self.fresh, self.taken = not fires and not finish, 0 if finish else self.taken + fires
        if finish:
            self.frames[self.reading], self.reading = None, 1 - self.reading
        if good is not None:
            self.frames[self.bank], self.bank = good, 1 - self.bank


def frame_rows(rng: random.Random):
    """Frames that the golden model takes from the line's bytes, if there is room; a reader that is now quick and now slow.

    In some episodes it is late: it makes room in the cycle before the first byte of a frame that would have none.
    """
    line, room, deframer = frame_line(rng), Room(), Deframer()
    samples, escaped, crowded, begun, patience, stall, haste = sampled(line, FRAME_DIVISOR), False, False, False, 0, 0.0, 0.0
    late = rng.random() < 0.2
    for cycle, level in enumerate(line[:FRAME_CYCLES]):
        at, good, bad, overrun, error = samples.get(cycle), None, False, False, False
        if at is not None and at.bit == 8:
            error, dropped = not at.stop, deframer.dropped
            frames = list(deframer.feed([at.byte if at.stop else None]))
            if not error and at.byte == FLAG:
                good = frames[0].content() if frames and not crowded else None
                bad = deframer.dropped > dropped or bool(frames) and crowded
                overrun, crowded, escaped = bad and crowded, False, False
            elif not error:
                is_data = escaped or at.byte != ESCAPE
                crowded, escaped = crowded or (is_data and room.frames[room.bank] is not None), not is_data
        current = room.frames[room.reading]
        ended = current is not None and room.taken >= len(current)
        finish = current is not None and (rng.random() < haste or (ended and rng.random() < patience))
        if late:
            byte, soon = at.byte if at is not None and at.bit == 8 else None, samples.get(cycle + 1)
            begun = byte != FLAG and (begun or byte is not None)
            finish = None not in room.frames and not begun and soon is not None and soon.bit == 8 and soon.stop and soon.byte != FLAG
        ready = rng.random() >= stall
        yield ({"rx": level, "finish": finish, "o__ready": ready},
               {"good": good is not None, "bad": bad, "overrun": overrun, "error": error, "o__valid": room.valid, "o__payload": room.byte})
        room.step(good, ready, finish)
        if rng.random() < 0.002:
            stall, patience, haste = rng.choice((0.0, 0.5, 0.95, 0.995)), rng.choice((1.0, 0.1, 0.001, 0.0)), rng.choice((0.0, 0.0, 0.002, 0.01))


GUARDS = {
    "uart_transmitter": Guard(transmitter_rows, 750, {"bit": ("data",), "value": ("data",)}, ("i",)),
    "uart_receiver": Guard(receiver_rows, CYCLES, {"bit": ("shift",), "o__payload": ("o__valid", "error", "shift")}),
    "frame_receiver": Guard(frame_rows, FRAME_CYCLES, {"o__payload": ("o__valid",)}, episodes=36, proved=False),
}
