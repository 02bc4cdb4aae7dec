"""Claims about the UART, 4 cycles a bit."""

from amaranth.hdl import Cat, Mux

from verification.formal.bench import Bench

__all__ = ["uart_receiver", "uart_transmitter"]

DIVISOR = 4


def uart_receiver(b: Bench) -> None:
    """A line in, bytes out; a start bit is sampled 1 cycle after it is first seen, the others follow 4 cycles apart."""
    o, error, shift, number = b.dut.o, b.dut.error, b.dut.shift, b.dut.bit
    b.least = 2
    # Index k is the line k cycles ago, behind two registers.
    past = [b.past(b.past(b.dut.rx, init=1), init=1)]
    for _ in range(10 * DIVISOR):
        past.append(b.past(past[-1], init=1))
    line = past[0]
    due, wait, receiving, ready, seen = (b.inner(name) for name in ("due", "wait", "receiving", "ready", "line"))
    sampled = receiving & (wait == 0)
    ended = o.valid | error
    b.claim("The line is seen two cycles later", seen == line, cover=~line)
    b.claim("A byte is good or in error, never both", ~(o.valid & error), cover=ended)
    b.claim("An end lasts one cycle", ~ended, when=b.past(ended))
    b.claim("Before the first cycles of a start bit nothing is received", ~receiving & (due == 9), when=b.first)
    b.claim("Only a start bit or a byte is under way", (due <= 9) & ((due == 9) | receiving), cover=receiving)
    b.claim("The bits after the start bit are 4 cycles apart", wait == 3, when=b.past(sampled) & receiving)
    b.claim("The start bit is sampled in its second cycle", wait == 0, when=receiving & (due == 9))
    b.claim("Reception begins when the line falls from 1", ~past[1], when=receiving & ~b.past(receiving))
    b.claim("A start bit that is over at its sample is none", ~receiving, when=b.past(sampled & (due == 9) & line))
    for d in range(9):
        cases = [(wait == w) & Cat(o.payload[8 - d + k] == past[DIVISOR - w + DIVISOR * (d - 1 - k)] for k in range(d)).all()
                 & ~past[DIVISOR - w + DIVISOR * d] & ~past[DIVISOR - w + DIVISOR * d + 1] for w in range(DIVISOR)]
        what = "the start bit was 0 twice" if d == 0 else f"the {d} bits so far are the line in the middles of theirs"
        b.claim(f"While bit {d} is due, {what}", Cat(cases).any(), when=receiving & (due == d))
    byte = Cat(past[DIVISOR * (8 - k)] for k in range(8))
    b.claim("A good byte is the line at the middles of its bits, between a start bit of 0 and a stop bit of 1",
            (o.payload == byte) & line & ~past[36] & ~past[37], when=o.valid, cover=byte[0] & ~byte[7])
    b.claim("An error is a stop bit of 0", ~line & ~past[36], when=error, cover=byte != 0)
    b.claim("An idle line gives no byte", ~ended, when=Cat(past[:38]).all())
    b.claim("Data bits move down in order, each at its sample", sampled & (number == due), when=shift, cover=number == 7)
    b.claim("A byte has eight data bits: the ninth sample ends it", ended, when=sampled & (due == 8))
    b.claim("Nothing begins after an error before the line is 1", ready | (~receiving & (due == 9)) | receiving & (due != 9), cover=~ready)
    low = b.keep()
    b.m.d.sync += low.eq((low | error) & ~line)
    b.claim("After an error the line has to be 1 first", ~receiving & ~ready, when=low)


def uart_transmitter(b: Bench) -> None:
    """Bytes in, a line out."""
    i, tx, tick, data, number, value = b.dut.i, b.dut.tx, b.dut.tick, b.dut.data, b.dut.bit, b.dut.value
    keep, payload, wanted = b.past(i.valid & ~i.ready), b.past(i.payload), b.free("byte", 8)
    fresh = b.free("offered")
    b.drive(i.valid, keep | fresh)
    b.drive(i.payload, Mux(keep, payload, wanted))
    b.assume("A byte that is offered stays until it is taken")
    taken, due, wait = i.valid & i.ready, b.inner("due"), b.inner("wait")
    went, was = b.past(tick), b.past(tx, init=1)
    since = b.keep(2)
    b.m.d.sync += since.eq(Mux(tick, DIVISOR - 1, since - 1))
    # Bits of the byte on its way that the line has begun, the start bit among them.
    begun, sent = b.keep(4), b.keep(8)
    with b.m.If(tick & ((begun != 0) | i.valid)):
        b.m.d.sync += begun.eq(Mux(begun == 9, 0, begun + 1))
    at = b.past(begun)
    with b.m.If(went & (at >= 1) & (at <= 8)):
        b.m.d.sync += sent.eq(Cat(sent[1:], tx))
    b.claim("The line is 1 before the first byte", tx & tick, when=b.first)
    b.claim("A tick is one of four cycles", tick == (since == 0), cover=tick)
    b.claim("The cycles to the next tick count down", wait == since, cover=since == 2)
    b.claim("The line changes after a tick alone", tx == was, when=~b.first & ~went)
    b.claim("The bit that is due follows from those begun", due == Mux(begun == 0, 9, begun - 1), cover=begun == 5)
    b.lemma(begun <= 9)
    b.claim("A byte begins with a start bit of 0", ~tx, when=went & (at == 0) & (begun == 1))
    b.claim("Without a byte the line stays 1", tx, when=(begun == 0))
    b.claim("A byte ends with a stop bit of 1", tx, when=went & (at == 9))
    b.claim("A byte is under way only while it is offered", i.valid, when=begun != 0)
    b.claim("A data bit on the line is that of the byte, the lowest first", tx == b.past(i.payload.bit_select((begun - 1)[:3], 1)),
            when=went & (at >= 1) & (at <= 8), cover=~tx)
    b.claim("Data is told exactly for the eight data bits", data == (tick & (begun >= 1) & (begun <= 8)), cover=data)
    b.claim("The number told is that of the data bit", number == begun - 1, when=data, cover=number == 7)
    b.claim("The value told is that of the data bit", value == i.payload.bit_select(number, 1), when=data, cover=value)
    b.claim("A byte is taken at the tick that puts its stop bit on the line, and only there", i.ready == (tick & (begun == 9)), cover=i.ready)
    b.lemma(Mux(went, (begun < 2) | (at == begun - 1), b.first | (at == begun)))
    for k in range(1, 9):
        known = Cat(sent[8 - j] == i.payload[k - j] for j in range(1, k + 1))
        b.lemma((begun != k + 1) | went | known.all())
        b.lemma((begun != k + 1) | ~went | Cat(tx == i.payload[k - 1], *(sent[8 - j] == i.payload[k - 1 - j] for j in range(1, k))).all())
    b.claim("The eight bits that were on the line are the byte that is taken", sent == i.payload, when=taken, cover=sent == 0xA5)
    age, once = b.keep(6), b.keep()
    b.m.d.sync += [once.eq(once | taken), age.eq(Mux(taken, 0, Mux(age == 63, 63, age + 1)))]
    b.lemma(~once | (age == 63) | (age + since >= 4 * begun + 3))
    b.claim("No two bytes are taken less than ten bits apart", age >= 10 * DIVISOR - 1, when=once & taken)
    busy = b.keep()
    b.m.d.sync += busy.eq(Mux(taken, 1, busy & i.valid))
    b.lemma(~busy | once & (age == 4 * begun + 3 - since) & ((begun != 0) | (age < 4)))
    b.claim("Bytes that are offered without a gap are ten bits apart", age == 10 * DIVISOR - 1, when=busy & taken)
