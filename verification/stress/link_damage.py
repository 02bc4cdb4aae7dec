"""Damage to frames on the line of the host link, as symbols that the native bench sends."""

from spikegate.cosim.engines.virtual_board import BAD_STOP, IDLE, LOW_BITS, LOW_CYCLES
from spikegate.models.link.frames import ESCAPE, FLAG, crc, encode, stuff

__all__ = ["MUTATIONS", "received"]

#: Kinds of damage, by name; each makes symbols of the line from a good frame.
MUTATIONS = {}


def mutation(function):
    """Register a kind of damage."""
    MUTATIONS[function.__name__] = function
    return function


@mutation
def flipped_bits(rng, frame):
    """One to three bits of the line."""
    wire = bytearray(encode(frame))
    for _ in range(rng.randint(1, 3)):
        wire[rng.randrange(1, len(wire) - 1)] ^= 1 << rng.randrange(8)
    return list(wire)


@mutation
def wrong_length(rng, frame):
    """LENGTH is wrong, the CRC right."""
    content = frame.content()
    body = bytes([(content[0] + rng.choice((-3, -2, -1, 1, 2, 3, 4, 5, 128))) % 256]) + content[1:-2]
    return list(stuff(body + crc(body).to_bytes(2, "little")))


@mutation
def length_above_the_limit(rng, frame):
    """LENGTH is above the limit, the CRC right, and so is the number of bytes, modulo 256."""
    size = rng.randint(248, 255)
    body = bytes([size]) + rng.randbytes((size + 2) % 256)
    return list(stuff(body + crc(body).to_bytes(2, "little")))


@mutation
def truncated(rng, frame):
    """The end is missing, sometimes with the flag."""
    wire = list(encode(frame))
    return wire[:rng.randrange(1, len(wire) - 1)] + [FLAG] * rng.randint(0, 1)


@mutation
def wrong_crc(rng, frame):
    """Right but for the CRC."""
    content = bytearray(frame.content())
    content[-rng.randint(1, 2)] ^= rng.randint(1, 255)
    return list(stuff(bytes(content)))


@mutation
def lost_byte(rng, frame):
    """A byte of the line is missing."""
    wire = list(encode(frame))
    del wire[rng.randrange(1, len(wire) - 1)]
    return wire


@mutation
def doubled_byte(rng, frame):
    """A byte of the line comes twice."""
    wire = list(encode(frame))
    at = rng.randrange(1, len(wire) - 1)
    return wire[:at] + wire[at:at + 1] + wire[at:]


@mutation
def garbage(rng, frame):
    """Bytes without sense, flags among them."""
    return [rng.choice((FLAG, ESCAPE, rng.randrange(256), rng.randrange(256))) for _ in range(rng.randint(1, 40))]


@mutation
def endless(rng, frame):
    """Too long for any buffer."""
    return [FLAG, *(rng.choice((0, 1, 6, 0x55, 0xAA)) for _ in range(rng.randint(240, 330))), FLAG]


@mutation
def aborted(rng, frame):
    """An escape before the flag."""
    return [*encode(frame)[:-1], ESCAPE, FLAG]


@mutation
def framing_error(rng, frame):
    """The stop bit of a byte is 0."""
    wire = list(encode(frame))
    wire[rng.randrange(len(wire))] |= BAD_STOP
    return wire


@mutation
def broken(rng, frame):
    """A break in the middle, or before."""
    wire = list(encode(frame))
    at = rng.randrange(len(wire))
    return wire[:at] + [LOW_BITS | rng.randint(10, 60)] + wire[at:] * rng.randint(0, 1)


@mutation
def glitch(rng, frame):
    """The line is 0 for a cycle here and there: nothing is damaged."""
    return [LOW_CYCLES | 1, *(symbol for byte in encode(frame) for symbol in ([byte, LOW_CYCLES | 1] if rng.random() < 0.1 else [byte]))]


@mutation
def hesitation(rng, frame):
    """Silence between bytes: nothing is damaged."""
    wire = list(encode(frame))
    wire.insert(rng.randrange(len(wire)), IDLE | rng.randint(1, 30))
    return wire


def received(symbols: list[int]) -> list[int | None]:
    """What the board's UART makes of symbols: bytes, and None for one that is lost."""
    kinds = {0: lambda symbol: [symbol], BAD_STOP: lambda symbol: [None], LOW_BITS: lambda symbol: [None], IDLE: lambda symbol: [],
             LOW_CYCLES: lambda symbol: []}
    return [byte for symbol in symbols for byte in kinds[symbol & ~0xFFFF](symbol)]
