"""The host link's sender of frames: answers, and the data of a run. What it sends lies in one block RAM, counters included."""

from functools import reduce
from operator import or_

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.crc.catalog import CRC16_X25
from amaranth.lib.wiring import In, Out

from spikegate.gateware.link.uart import UartTransmitter
from spikegate.models.link.frames import ESCAPE, FLAG, FLIP, Answer
from spikegate.models.link.payloads import CHUNK, Identity, Status
from spikegate.models.link.point import PointIdentity

__all__ = ["NIBBLE", "FrameTransmitter", "counters_layout"]

#: Bytes of the buffer of data; above it lie the counters of a STATUS, then the IDENTITY, both with their last byte first, and as much room for each:
#: this, or twice as much if an IDENTITY needs it.
BUFFER, AREA = 2 * CHUNK, 32
#: Payload of STATUS and DONE, and of the IDENTITY of a core of one weight a source.
LONG = 24
#: What of an `Answer` tells it apart.
NIBBLE = 15


def counters_layout() -> data.StructLayout:
    """A bit for each counter, the last of a STATUS first."""
    return data.StructLayout(dict.fromkeys(reversed(Status.names()), 1))


class FrameTransmitter(wiring.Component):
    """Sends an answer before data, and data a chunk at a time.

    Parameters
    ----------
    identity : Identity or PointIdentity
    divisor : int
        Of the UART.
    lows : int
        Counters, from the last of a STATUS on, whose lowest bytes are counted elsewhere.

    Members
    -------
    answer : In(stream.Signature(4))
        Type of an answer that is wanted; the frame begins when it is taken.
    done : In(1), finished : Out(1)
        DONE is wanted, after all data; it is on its way.
    data : In(stream.Signature(8))
        Whole chunks in the end; ``aligned`` while they are.
    expected : In(8), marks : In(2)
        Sequence number and bits 4 and 5 of the type of every frame.
    count : In(counters_layout())
        Adds one to counters. Each takes a tick of the UART or two, one counter after the other; no data are taken while an event
        is not counted yet, and ``behind`` is high while a step is not.
    low : In(8 * lows)
        Those bytes.
    busy : Out(1), kind : Out(4)
        What is being sent.
    tx : Out(1)
        The line.
    """

    def __init__(self, identity: Identity | PointIdentity, divisor: int, lows: int = 1) -> None:
        self.identity, self.divisor, self.lows = identity, divisor, lows
        super().__init__({
            "answer": In(stream.Signature(4)), "done": In(1), "finished": Out(1), "data": In(stream.Signature(8)), "aligned": Out(1),
            "expected": In(8), "marks": In(2), "count": In(counters_layout()), "behind": Out(1), "low": In(8 * lows),
            "busy": Out(1), "kind": Out(4), "tx": Out(1, init=1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        said = self.identity.pack()
        area = AREA if len(said) <= AREA else 2 * AREA
        contents = [0] * (BUFFER + area) + list(reversed(said))
        m.submodules.uart = uart = UartTransmitter(self.divisor)
        m.submodules.crc = crc = CRC16_X25(data_width=1).create()
        m.submodules.buffer = buffer = memory.Memory(shape=8, depth=len(contents), init=contents, attrs={"no_rw_check": 1})
        # Reading without a clock, and a register: Yosys then knows that reading while writing does not matter.
        write = buffer.write_port()
        read = buffer.read_port(domain="comb")
        fetched = Signal(8)
        put = Signal(range(BUFFER))
        get = Signal(range(BUFFER))
        room = Signal()
        left = Signal(range(area))
        kind = self.kind

        counter, reading, writing, total, pending = self.counters(m, uart, fetched)
        m.d.sync += fetched.eq(read.data)
        is_data, is_status = kind[3] & kind[2], kind[1]

        m.d.comb += [
            self.data.ready.eq(room & ~writing & ~pending.events), self.aligned.eq(put[:-1] == 0),
            write.addr.eq(Mux(writing, counter, put)), write.data.eq(Mux(writing, total[:8], self.data.payload)),
            write.en.eq(writing | (self.data.valid & self.data.ready)),
            read.addr.eq(Mux(reading, counter, Mux(is_data, get, self.place(left, ~is_status, area)))),
        ]
        # From a register, as the core waits for it: a cycle late: what is free is counted by fours, and of the last four a byte at most is used.
        m.d.sync += room.eq((put[2:] + 1)[:len(get[2:])] != get[2:])
        with m.If(self.data.valid & self.data.ready):
            m.d.sync += put.eq(put + 1)

        byte = Signal(8)
        body: Value = fetched
        for k in reversed(range(self.lows)):
            body = Mux(is_status & (left == 4 * k), self.low[8 * k:8 * k + 8], body)
        plain = Signal()
        content = Signal()
        go = self.send(m, uart, crc, byte, plain, content)
        with m.FSM():
            self.idle_state(m, crc, left, put, get)
            steps = {"OPEN": FLAG, "LENGTH": Mux(kind[3], Mux(is_data, CHUNK, self.long(kind)), 0), "TYPE": Cat(kind, self.marks, C(2, 2)),
                     "SEQUENCE": self.expected, "BODY": body,
                     "CRC": crc.crc[:8], "REST": crc.crc[8:], "CLOSE": FLAG}
            for state, following_state in zip(steps, [*list(steps)[1:], "IDLE"]):
                with m.State(state):
                    m.d.comb += [self.busy.eq(1), byte.eq(steps[state]), plain.eq(state in ("OPEN", "CLOSE")),
                                 content.eq(state in ("LENGTH", "TYPE", "SEQUENCE", "BODY"))]
                    with m.If(go):
                        m.next = following_state
                        if state == "SEQUENCE":
                            with m.If(~kind[3]):
                                m.next = "CRC"
                        if state == "BODY":
                            m.d.sync += [left.eq(left - 1), get.eq(Mux(is_data, get + 1, get))]
                            with m.If(Mux(is_data, get[:-1] != CHUNK - 1, left != 0)):
                                m.next = "BODY"
        return m

    def idle_state(self, m: Module, crc: wiring.Component, left: Signal, put: Signal, get: Signal) -> None:
        """IDLE: an answer is first, then a chunk of data, then DONE."""
        with m.State("IDLE"):
            m.d.comb += crc.start.eq(1)
            m.d.sync += [self.kind.eq(self.answer.payload), left.eq(self.long(self.answer.payload) - 1)]
            with m.If(self.answer.valid):
                m.d.comb += self.answer.ready.eq(1)
                m.next = "OPEN"
            with m.Elif(put[-1] != get[-1]):
                m.d.sync += self.kind.eq(Answer.DATA & NIBBLE)
                m.next = "OPEN"
            with m.Elif(self.done):
                m.d.comb += self.finished.eq(1)
                m.d.sync += self.kind.eq(Answer.DONE & NIBBLE)
                if len(self.identity.pack()) != LONG:
                    m.d.sync += left.eq(LONG - 1)
                m.next = "OPEN"

    def long(self, kind: Value) -> Value | int:
        """Bytes of the payload of an answer that has one: of IDENTITY, or of STATUS and DONE."""
        size = len(self.identity.pack())
        return LONG if size == LONG else Mux(kind == Answer.IDENTITY & NIBBLE, size, LONG)

    def place(self, left: Signal, identity: Value, area: int) -> Value:
        """Address of what is sent of the counters, or of the identity."""
        return Cat(left, identity, C(4, 3)) if area == AREA else Cat(left, identity, C(2, 2))

    def counters(self, m: Module, uart: UartTransmitter, fetched: Signal) -> tuple[Value, Signal, Signal, Signal, data.View]:
        """Read, add, write, and on to the next byte with the carry; the pending ones take turns. The UART looks at a byte in the cycle of its tick
        alone, so that the two after it are free. Returns address, whether it is read and written, the sum, and who is pending."""
        last = len(Status.names()) - 1
        pending = Signal(counters_layout())
        cleared = Signal(last + 1)
        mine = Signal()
        carry = Signal()
        turn = Signal(3)
        part = Signal(2)
        reading = Signal()
        writing = Signal()
        total = Signal(9)
        m.d.comb += [total.eq(fetched + 1), mine.eq(pending.as_value().bit_select(turn, 1)), self.behind.eq(pending.steps)]
        m.d.sync += [reading.eq(uart.tick & (carry | mine)), writing.eq(reading),
                     pending.eq((pending.as_value() & ~cleared) | self.count.as_value())]
        with m.If(writing):
            m.d.sync += [carry.eq(total[8] & (part != 3)), part.eq(part + 1)]
        with m.Elif(uart.tick & mine & ~carry):
            m.d.comb += cleared.eq(1 << turn)
            m.d.sync += part.eq(reduce(or_, (turn == k for k in range(self.lows))))
        with m.Elif(~carry & ~mine & ~reading):
            m.d.sync += turn.eq(Mux(turn == last, 0, turn + 1))
        return Cat(part, turn, C(8, 4)), reading, writing, total, pending

    def send(self, m: Module, uart: UartTransmitter, crc: wiring.Component, byte: Signal, plain: Signal, content: Signal) -> Signal:
        """A byte goes to the UART, escaped unless it is ``plain``, and into the CRC if it is ``content``. Returns that it is through."""
        escaped = Signal()
        special = Signal()
        go = Signal()
        m.d.comb += [
            special.eq(~plain & ~escaped & ((byte == FLAG) | (byte == ESCAPE))), uart.i.valid.eq(self.busy), go.eq(uart.i.ready & ~special),
            uart.i.payload.eq(Mux(special, ESCAPE, byte ^ (escaped << FLIP.bit_length() - 1))), self.tx.eq(uart.tx),
            crc.data.eq(uart.value ^ (escaped & (uart.bit == FLIP.bit_length() - 1))), crc.valid.eq(uart.data & content & ~special),
        ]
        with m.If(uart.i.ready):
            m.d.sync += escaped.eq(special)
        return go
