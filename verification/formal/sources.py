"""Claims about the sources of numbers."""

from amaranth.hdl import Cat, Const, Mux, Signal, Value

from verification.formal.bench import Bench

__all__ = ["DIRECTIONS", "leapt", "sobol_point", "requests", "lfsr", "sobol"]

#: Of dimension 1, 8 bits: m_1 = 1 and m_i = 2 m_(i-1) ^ m_(i-1), as fractions m_i / 2^i.
DIRECTIONS = [m << 7 - k for k, m in enumerate((1, 3, 5, 15, 17, 51, 85, 255))]


def leapt(b: Bench, state: Value, steps: int = 32) -> Value:
    """The state of the register with taps 64, 63, 61 and 60 after so many single steps."""
    for _ in range(steps):
        before, state = state, Signal(64)
        b.m.d.comb += state.eq(Cat(before[63] ^ before[62] ^ before[60] ^ before[59], before))
    return state


def unleapt(b: Bench, state: Value, steps: int = 32) -> Value:
    """The state so many single steps before."""
    for _ in range(steps):
        after, state = state, Signal(64)
        b.m.d.comb += state.eq(Cat(after[1:], after[0] ^ after[63] ^ after[61] ^ after[60]))
    return state


def sobol_point(b: Bench, index: Value) -> Value:
    """Number ``index``: the XOR of the directions at the ones of its Gray code."""
    gray, number = index ^ (index >> 1), Const(0, 8)
    for k, direction in enumerate(DIRECTIONS):
        before, number = number, Signal(8)
        b.m.d.comb += number.eq(before ^ Mux(gray.bit_select(k, 1), direction, 0))
    return number


def requests(b: Bench) -> tuple[Value, Value]:
    """The rules of a request that starts a stream; whether an output and whether a request was taken in the cycle before."""
    i, o = b.dut.i, b.dut.o
    taken, loaded = b.past(o.valid & o.ready), b.past(i.valid & i.ready)
    b.holds(o)
    b.claim("Nothing is valid before a request", ~o.valid, when=b.first)
    b.claim("Before the first output a request is taken at once", i.ready, when=~o.valid)
    b.claim("Later a request is taken only together with an output", i.ready == o.ready, when=o.valid)
    b.claim("The first output comes one cycle after the request", o.valid, when=loaded)
    b.claim("Only a request begins a stream", loaded, when=o.valid & ~b.past(o.valid))
    b.claim("A stream never ends", o.valid, when=b.past(o.valid), cover=taken)
    return taken, loaded


def lfsr(b: Bench) -> None:
    """64 bits, taps 64, 63, 61 and 60, 32 positions a leap."""
    i, o, raw = b.dut.i, b.dut.o, b.free("seed", 64)
    b.drive(i.payload, Mux(raw == 0, 1, raw))
    b.assume("Seeds are not 0")
    taken, loaded = requests(b)
    state, seed = b.past(o.payload), b.past(i.payload)
    moved = taken & ~loaded
    b.claim("A state is never 0", o.payload != 0, when=o.valid)
    b.claim("The seed is the first state", o.payload == seed, when=loaded)
    b.claim("A seed that comes with an output goes before the next leap", o.payload == seed, when=loaded & taken)
    b.claim("The next state is 32 single steps on", o.payload == leapt(b, state), when=moved)
    b.claim("32 single steps back from a state lead to the one before", unleapt(b, o.payload) == state, when=moved)
    b.claim("32 bits come in at the low end", o.payload[32:] == state[:32], when=moved)


def sobol(b: Bench) -> None:
    """Dimension 1, 8 bits, a point a leap."""
    i, o, index = b.dut.i, b.dut.o, b.keep(8)
    taken, loaded = requests(b)
    before = b.past(o.payload)
    moved, old = taken & ~loaded, b.past(index)
    b.m.d.sync += index.eq(Mux(i.valid & i.ready, i.payload, index + (o.valid & o.ready)))
    b.claim("The index begins with the request and counts the numbers that were taken", b.inner("index") == index, when=o.valid)
    b.claim("Number n is the XOR of the directions at the ones of the Gray code of n", o.payload == sobol_point(b, index), when=o.valid)
    for k, direction in enumerate(DIRECTIONS):
        lowest = (old[:k].all() if k else 1) & ~old[k]
        b.claim(f"After an index whose lowest 0 is bit {k}, direction {k + 1} is added", (before ^ o.payload) == direction, when=moved & lowest)
    b.claim("After the last number comes 0", o.payload == 0, when=moved & (old == 255))
    b.claim("An even number and the next lie in different halves", o.payload[7] != before[7], when=moved & ~old[0])
