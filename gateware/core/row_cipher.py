"""The cipher of generated rows: two words of 64 bits from a seed and a number, eight rounds a cycle."""

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.core.rows_generated import CIPHER_CYCLES
from spikegate.models.network.generated import ROUNDS

__all__ = ["RowCipher"]

#: Rounds of a cycle.
AT_ONCE = ROUNDS[1] // CIPHER_CYCLES


class RowCipher(wiring.Component):
    """The words are there five cycles after ``start``, and stay until the next one.

    Members
    -------
    start : In(1)
        Begin, also when at work.
    seed : In(64)
        Held for five cycles.
    value : In(32)
    busy : Out(1)
    first, second : Out(64)
    """

    def __init__(self) -> None:
        super().__init__({"start": In(1), "seed": In(64), "value": In(32), "busy": Out(1), "first": Out(64), "second": Out(64)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = Signal(range(CIPHER_CYCLES))
        x: Value = self.second[32:]
        y: Value = self.second[:32]
        rounds = [Signal(32, name=f"x_{t + 1}") for t in range(AT_ONCE)]
        for t, later in enumerate(rounds):
            key = self.seed.word_select(t & 1, 32)
            m.d.comb += later.eq(y ^ (x.rotate_left(1) & x.rotate_left(8)) ^ x.rotate_left(2) ^ key ^ Cat(Const(t, 3), count))
            x, y = later, x
        with m.If(self.start):
            m.d.sync += [self.busy.eq(1), count.eq(0), self.second.eq(Cat(Const(0, 32), self.value))]
        with m.Elif(self.busy):
            m.d.sync += [self.second.eq(Cat(y, x)), count.eq(count + 1), self.busy.eq(count != CIPHER_CYCLES - 1)]
            with m.If(count == ROUNDS[0] // AT_ONCE - 1):
                m.d.sync += self.first.eq(Cat(y, x))
        return m
