"""Claims about the sources of numbers."""

from amaranth.hdl import Cat, Signal

from spikegate.cosim.properties.bench import Bench

__all__ = ["lfsr"]


def lfsr(b: Bench) -> None:
    """Fibonacci register, 64 bits, taps 64, 63, 61, 60, 32 positions a leap."""
    i, o = b.dut.i, b.dut.o
    taken, loaded = b.past(o.valid & o.ready), b.past(i.valid & i.ready)
    state, seed = b.past(o.payload), b.past(i.payload)
    b.assume("Seeds are not 0", ~i.valid | (i.payload != 0))

    leapt = state
    for _ in range(32):
        before, leapt = leapt, Signal(64)
        b.m.d.comb += leapt.eq(Cat(before[63] ^ before[62] ^ before[60] ^ before[59], before))
    b.holds(o)
    b.claim("Nothing is valid before a seed", ~o.valid, when=b.first)
    b.claim("A state is never 0", o.payload != 0, when=o.valid)
    b.claim("The seed comes first, a cycle after it is taken", o.valid & (o.payload == seed), when=loaded)
    b.claim("The next state is 32 single steps on", o.payload == leapt, when=taken & ~loaded)
