"""UART, 8 data bits, no parity, one stop bit, as ``models/uart.py``: a receiver and a transmitter."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from spikegate.models.errors import InputError
from spikegate.models.link.uart import MIN_DIVISOR, sample_offset

__all__ = ["UartReceiver", "UartTransmitter"]

#: Number of the bit that is due: data bits 0 to 7, then the stop bit; START is the start bit.
STOP, START = 8, 9


def _checked(divisor: int) -> int:
    if divisor < MIN_DIVISOR:
        raise InputError(f"Divisor of a UART must be at least {MIN_DIVISOR} clock cycles a bit, not {divisor!r}; use a lower baud rate")
    return divisor


class UartReceiver(wiring.Component):
    """Samples each bit near its middle.

    Parameters
    ----------
    divisor : int
        Clock cycles of a bit, at least 3.

    Members
    -------
    rx : In(1)
        The line, asynchronous; 1 when idle.
    o : Out(stream.Signature(8, always_ready=True))
        Bytes, each in the cycle after its stop bit's sample is due.
    error : Out(1)
        For one cycle instead of ``o.valid`` when the stop bit was 0: a framing error, or a break.
    shift : Out(1)
        At the end of this cycle ``o.payload`` moves down, to make room for data bit ``bit``: its own bit 0, which was that
        bit of the byte before, is lost.
    bit : Out(3)
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = _checked(divisor)
        super().__init__({"rx": In(1, init=1), "o": Out(stream.Signature(8, always_ready=True)), "error": Out(1), "shift": Out(1), "bit": Out(3)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        line = Signal(init=1)
        ready = Signal()
        receiving = Signal()
        sample = Signal()
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        wait = Signal(range(self.divisor))
        due = Signal(4, init=START)
        m.d.comb += [
            sample.eq(receiving & (wait == 0)), self.bit.eq(due), self.shift.eq(sample & (due < STOP)),
            self.o.valid.eq(sample & (due == STOP) & line), self.error.eq(sample & (due == STOP) & ~line),
        ]
        with m.If(self.shift):
            m.d.sync += self.o.payload.eq(Cat(self.o.payload[1:], line))
        with m.If(sample):
            # A start bit that is over by now was none, and after a stop bit of 0 the line has to be 1 first.
            m.d.sync += [due.eq(Mux(due == START, 0, due + 1)), receiving.eq(~((due == STOP) | ((due == START) & line))), ready.eq(line)]
            with m.If((due == START) & line):
                m.d.sync += due.eq(START)
        with m.If(receiving):
            m.d.sync += wait.eq(Mux(wait == 0, self.divisor - 1, wait - 1))
        with m.Else():
            m.d.sync += [wait.eq(sample_offset(self.divisor) - 1), ready.eq(ready | line), receiving.eq(ready & ~line)]
        return m


class UartTransmitter(wiring.Component):
    """Sends a byte in ``10 * divisor`` cycles, without a gap while ``i`` is valid.

    Parameters
    ----------
    divisor : int
        Clock cycles of a bit, at least 3.

    Members
    -------
    i : In(stream.Signature(8))
        A byte is taken when all its bits have been sent: until then it is read from here, whenever ``tick`` is high.
    tx : Out(1, init=1)
        The line, from a register.
    tick : Out(1)
        High in one of ``divisor`` cycles: the next bit goes on the line.
    data : Out(1)
        It is a data bit, number ``bit``, with value ``value``.
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = _checked(divisor)
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1), "tick": Out(1), "data": Out(1), "bit": Out(3), "value": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wait = Signal(range(self.divisor))
        due = Signal(4, init=START)
        m.d.comb += [
            self.tick.eq(wait == 0), self.bit.eq(due), self.data.eq(self.tick & (due < STOP)), self.value.eq(self.i.payload.bit_select(self.bit, 1)),
            self.i.ready.eq(self.tick & (due == STOP)),
        ]
        m.d.sync += wait.eq(Mux(self.tick, self.divisor - 1, wait - 1))
        with m.If(self.tick & ((due != START) | self.i.valid)):
            m.d.sync += [due.eq(Mux(due == START, 0, due + 1)), self.tx.eq(Mux(due < STOP, self.value, due == STOP))]
        return m
