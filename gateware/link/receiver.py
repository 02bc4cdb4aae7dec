"""The host link's receiver of frames: the line in, bytes of good frames out, by way of a block RAM with room for two frames."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import memory, stream, wiring
from amaranth.lib.crc.catalog import CRC16_X25
from amaranth.lib.wiring import In, Out

from spikegate.gateware.link.uart import UartReceiver
from spikegate.models.link.frames import ESCAPE, FLAG, FLIP

__all__ = ["FrameReceiver"]

ROOM = 256
#: Where a frame begins, so that behind its last byte the address is its LENGTH.
BEGIN = ROOM - 5


class FrameReceiver(wiring.Component):
    """Unescapes, counts and checks; the reader sees a frame only after the flag that ends it.

    A frame that begins while two others wait or are read is dropped.

    Members
    -------
    rx : In(1)
        The UART's line.
    o : Out(stream.Signature(8))
        LENGTH TYPE SEQUENCE PAYLOAD CRC of a good frame, a byte every other cycle; valid until ``finish``.
    finish : In(1)
        The reader is through with the frame, wherever it stands.
    good, bad, overrun, error : Out(1)
        For one cycle: a frame was taken; dropped; dropped for want of room; a byte's stop bit was 0.
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = divisor
        super().__init__({"rx": In(1, init=1), "o": Out(stream.Signature(8)), "finish": In(1),
                          **{name: Out(1) for name in ("good", "bad", "overrun", "error")}})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.uart = uart = UartReceiver(self.divisor)
        m.submodules.frames = frames = memory.Memory(shape=8, depth=2 * ROOM, init=[], attrs={"no_rw_check": 1})
        m.submodules.crc = crc = CRC16_X25(data_width=1).create()
        write = frames.write_port()
        read = frames.read_port(domain="comb")
        byte = uart.o.payload
        at = Signal(range(ROOM), init=BEGIN)
        taken = Signal(range(ROOM), init=BEGIN)
        length = Signal(8)
        bank = Signal()
        reading = Signal()
        full = Signal(2)
        crowded = Signal()
        flag = Signal()
        is_data = Signal()
        empty = Signal(init=1)
        escaped = Signal()
        broken = Signal()
        m.d.comb += [
            uart.rx.eq(self.rx), self.error.eq(uart.error), flag.eq(uart.o.valid & (byte == FLAG)),
            is_data.eq(uart.o.valid & ~flag & (escaped | (byte != ESCAPE))), write.addr.eq(Cat(at, bank)),
            write.en.eq(is_data & ~full.bit_select(bank, 1)),
            write.data.eq(byte ^ (escaped << FLIP.bit_length() - 1)),
            self.good.eq(flag & ~(empty | escaped | broken) & crc.match_detected & (at == length)),
            self.bad.eq(flag & ~self.good & (~empty | escaped | broken)), self.overrun.eq(self.bad & crowded),
        ]
        with m.If(uart.o.valid):
            m.d.sync += escaped.eq(~flag & ~is_data)
        with m.If(is_data):
            m.d.sync += [empty.eq(0), at.eq(at + 1)]
            with m.If(empty):
                m.d.sync += length.eq(write.data)
            with m.If(full.bit_select(bank, 1)):
                m.d.sync += [crowded.eq(1), broken.eq(1)]
        with m.If(uart.error | (is_data & ((at == BEGIN - 1) | (empty & write.data[3:].all())))):
            m.d.sync += broken.eq(1)
        with m.If(flag):
            m.d.sync += [empty.eq(1), broken.eq(0), crowded.eq(0), at.eq(BEGIN)]
        with m.If(self.good):
            m.d.sync += [full.bit_select(bank, 1).eq(1), bank.eq(~bank)]

        # The bits of a byte go into the CRC while those of the next one push them out of the UART.
        counts = Signal()
        flipped = Signal()
        with m.If(uart.o.valid | uart.error):
            m.d.sync += [counts.eq(is_data), flipped.eq(escaped)]
        m.d.comb += [crc.start.eq(flag), crc.valid.eq(uart.shift & counts), crc.data.eq(byte[0] ^ (flipped & (uart.bit == FLIP.bit_length() - 1)))]

        fresh = Signal()
        m.d.comb += [read.addr.eq(Cat(taken, reading)), self.o.valid.eq(fresh & full.bit_select(reading, 1))]
        m.d.sync += [fresh.eq(~(self.o.valid & self.o.ready)), self.o.payload.eq(read.data)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += taken.eq(taken + 1)
        with m.If(self.finish):
            m.d.sync += [taken.eq(BEGIN), fresh.eq(0), reading.eq(~reading), full.bit_select(reading, 1).eq(0)]
        return m
