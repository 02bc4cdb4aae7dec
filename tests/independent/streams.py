"""Synapses that are streams of bits (sections 15 to 17 of docs/arithmetic.md), from the prose of the page alone.

A window is an integer of L bits, its earliest position the most significant.
"""

__all__ = ["RegisterStream", "SobolStream", "Streams", "numbers", "register_windows"]

from functools import cache

BITS = 16
# Section 15: a and m_1 .. m_s of the dimensions 1 to 31.
POLYNOMIALS = (
    (0, (1,)), (1, (1, 3)), (1, (1, 3, 1)), (2, (1, 1, 1)), (1, (1, 1, 3, 3)), (4, (1, 3, 5, 13)), (2, (1, 1, 5, 5, 17)), (4, (1, 1, 5, 5, 5)),
    (7, (1, 1, 7, 11, 19)), (11, (1, 1, 5, 1, 1)), (13, (1, 1, 1, 3, 11)), (14, (1, 3, 5, 5, 31)), (1, (1, 3, 3, 9, 7, 49)),
    (13, (1, 1, 1, 15, 21, 21)), (16, (1, 3, 1, 13, 27, 49)), (19, (1, 1, 1, 15, 7, 5)), (22, (1, 3, 1, 15, 13, 25)), (25, (1, 1, 5, 5, 19, 61)),
    (1, (1, 3, 7, 11, 23, 15, 103)), (4, (1, 3, 7, 13, 13, 15, 69)), (7, (1, 1, 3, 13, 7, 35, 63)), (8, (1, 3, 5, 9, 1, 25, 53)),
    (14, (1, 3, 1, 13, 9, 35, 107)), (19, (1, 3, 1, 5, 27, 61, 31)), (21, (1, 1, 5, 11, 19, 41, 61)), (28, (1, 3, 5, 3, 3, 13, 69)),
    (31, (1, 1, 7, 13, 1, 19, 1)), (32, (1, 3, 7, 5, 13, 19, 59)), (37, (1, 1, 3, 9, 25, 29, 41)), (41, (1, 3, 5, 13, 23, 1, 55)),
    (42, (1, 3, 7, 3, 13, 59, 17)),
)
FLIP_WIDTH, FLIP_TAPS = 61, (61, 60, 59, 56)


def register_windows(state, width, taps, length):
    """The windows of one register, without end. The first ``width`` are shifted in bit by bit, each later one is the XOR of the
    windows as far back as the taps say."""
    past = []
    for _ in range(width):
        window = 0
        for _ in range(length):
            bit = 0
            for tap in taps:
                bit ^= state >> tap - 1 & 1
            state = (state << 1 | bit) & (1 << width) - 1
            window = window << 1 | bit
        past.append(window)
        yield window
    oldest = 0
    while True:
        window = 0
        for tap in taps:
            window ^= past[oldest - tap]
        past[oldest] = window
        oldest = (oldest + 1) % width
        yield window


class RegisterStream:
    """Sixteen registers, one for each bit of the numbers, the lowest first."""

    def __init__(self, seeds, width, taps, length):
        self.planes = [register_windows(seed, width, taps, length) for seed in seeds]
        self.full = (1 << length) - 1
        self.now = None

    def advance(self):
        self.now = [next(plane) for plane in self.planes]

    def below(self, limit):
        """Where the number is less than ``limit``, decided at the highest bit in which they differ."""
        if limit >> BITS:
            return self.full
        less, same = 0, self.full
        for bit in reversed(range(BITS)):
            plane = self.now[bit]
            if limit >> bit & 1:
                less |= same & ~plane
                same &= plane
            else:
                same &= ~plane
        return less


@cache
def numbers(dimension):
    """The 2^16 numbers of a Sobol sequence in its Gray-code order."""
    m = [1] * BITS
    if dimension:
        a, first = POLYNOMIALS[dimension - 1]
        degree = len(first)
        m = list(first)
        for k in range(degree, BITS):
            new = m[k - degree] ^ m[k - degree] << degree
            for j in range(1, degree):
                if a >> degree - 1 - j & 1:
                    new ^= m[k - j] << j
            m.append(new)
    found = []
    for index in range(1 << BITS):
        gray, x = index ^ index >> 1, 0
        for k in range(gray.bit_length()):
            if gray >> k & 1:
                x ^= m[k] << BITS - 1 - k
        found.append(x)
    return found


class SobolStream:
    """One number for each position, compared one by one; windows that were made once are kept."""

    def __init__(self, dimension, length):
        self.numbers, self.length, self.position, self.made = numbers(dimension), length, -length, {}

    def advance(self):
        self.position = (self.position + self.length) % len(self.numbers)

    def below(self, limit):
        key = self.position, limit
        if key not in self.made:
            window = 0
            for x in self.numbers[self.position:self.position + self.length]:
                window = window << 1 | (x < limit)
            self.made[key] = window
        return self.made[key]


class Point:
    """A place where bits go wrong (section 16): ``fault`` is the masks ``stuck0`` and ``stuck1`` and the threshold of flips."""

    def __init__(self, fault, seeds, length):
        self.stuck0, self.stuck1, self.limit = fault
        self.flips = RegisterStream(seeds, FLIP_WIDTH, FLIP_TAPS, length) if self.limit else None

    def advance(self):
        if self.flips:
            self.flips.advance()

    def pass_through(self, x, lines):
        flips = self.flips.below(self.limit) & (1 << lines) - 1 if self.flips else 0
        return (x & ~self.stuck0 | self.stuck1) ^ flips


class Streams:
    """Delivery by windows (section 17). ``faults`` gives, for each channel, those of the points stream, weight and count."""

    def __init__(self, network, faults=None, flip_seeds=()):
        streams, arrays = network.header["streams"], network.arrays
        self.network, self.length, self.scale = network, streams["length"], streams["scale"]
        self.places = self.length.bit_length() - 1
        channels = range(streams["channels"])
        if streams["generator"] == "sobol":
            self.channels = [SobolStream(streams["dimensions"][c], self.length) for c in channels]
        else:
            self.channels = [RegisterStream(arrays["stream_seeds"][16 * c:16 * c + 16], streams["lfsr"]["width"],
                                            streams["lfsr"]["taps"], self.length) for c in channels]
        faults = faults or [[(0, 0, 0)] * 3 for c in channels]
        self.points = [[Point(faults[c][k], flip_seeds[16 * (3 * c + k):16 * (3 * c + k) + 16], self.length) for k in range(3)]
                       for c in channels]
        self.windows = 0

    def deliver(self, sources, inbox):
        many = len(self.channels)
        for first in range(0, len(sources), many):
            group = sources[first:first + many]
            reached = {}
            for c in range(len(group)):
                for target in self.network.targets(group[c]):
                    reached.setdefault(target, []).append(c)
            for target in sorted(reached):
                self.windows += 1
                for channel, points in zip(self.channels, self.points):
                    channel.advance()
                    for point in points:
                        point.advance()
                total = sum(self.signed_count(c, group[c]) for c in reached[target])
                inbox[target] += total * self.scale + self.length // 2 >> self.places

    def signed_count(self, channel, source):
        stream, weight, count = self.points[channel]
        spike = stream.pass_through((1 << self.length) - 1, self.length)
        bits = weight.pass_through(self.channels[channel].below(self.network.arrays["probabilities"][source]), self.length)
        ones = count.pass_through((spike & bits).bit_count(), self.places + 1)
        return -ones if self.network.arrays["weights"][source] < 0 else ones
