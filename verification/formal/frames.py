"""Claims about the receiver of frames, 3 cycles a bit."""

from amaranth.hdl import Mux

from spikegate.models.link.frames import FLAG, Frame, encode
from spikegate.models.link.uart import bits
from verification.formal.bench import Bench

__all__ = ["frame_receiver"]

DIVISOR, BEGIN = 3, 251


def line(data: bytes, **others: int) -> list[dict[str, int]]:
    """The line while these bytes are sent."""
    return [{"rx": bit, **others} for byte in data for bit in bits(byte) for _ in range(DIVISOR)]


def script() -> list[dict[str, int]]:
    """Good frames and bad ones, more of them than are held, and a frame that the line breaks off."""
    frame, wrong = encode(Frame(2, 5, b"\x7e")), bytes([FLAG, 1, 2, 3, 4, 5, 6, 7, FLAG])
    empty = encode(Frame(1, 1))
    idle = {"wish": 0, "o__ready": 0}
    return [*line(empty, **idle), *line(frame, **idle), *line(empty[1:], **idle), *line(wrong, **idle),
            *({"rx": 1, "wish": 0, "o__ready": 1} for _ in range(16)), {"rx": 1, "wish": 1},
            *({"rx": 1, "wish": 0, "o__ready": 1} for _ in range(20)),
            {"rx": 1, "wish": 1}, *line(empty[:4], **idle), *({"rx": 0, **idle} for _ in range(40)), *({"rx": 1, **idle} for _ in range(3)),
            *line(bytes([FLAG, 0x7D, FLAG, 0xF9, 1, FLAG]), **idle), *line(empty, **idle)]


def frame_receiver(b: Bench) -> None:
    """Frames of a line, two at most; what a memory returns may be anything."""
    dut, o = b.dut, b.dut.o
    good, bad, overrun, error, finish = dut.good, dut.bad, dut.overrun, dut.error, dut.finish
    b.forget = True
    b.script = script()
    full, bank, reading = (b.inner(name) for name in ("full", "bank", "reading"))
    flag, data, blank, escaped, broken = (b.inner(name) for name in ("flag", "is_data", "empty", "escaped", "broken"))
    fresh, crowded, at, taken, length = (b.inner(name) for name in ("fresh", "crowded", "at", "taken", "length"))
    there = full.bit_select(reading, 1)
    wish = b.free("wish")
    b.drive(finish, wish & there)
    b.assume("A frame is finished only while one is there")
    held = b.keep(2)
    b.m.d.sync += held.eq(held + good - finish)
    out, begun = b.past(o.valid & o.ready), b.keep(9)
    with b.m.If(flag):
        b.m.d.sync += begun.eq(0)
    with b.m.Elif(data):
        b.m.d.sync += begun.eq(Mux(begun == 256, 256, begun + 1))
    read = b.keep(8)
    with b.m.If(finish):
        b.m.d.sync += read.eq(0)
    with b.m.Elif(o.valid & o.ready):
        b.m.d.sync += read.eq(read + 1)
    lost = b.keep()
    b.m.d.sync += lost.eq((lost | error) & ~flag)

    b.lemma(begun <= 256)
    b.lemma((begun != 256) | broken)
    b.lemma(~lost | broken)
    b.claim("A frame is taken only at a flag", flag, when=good)
    b.claim("A frame is dropped only at a flag", flag, when=bad)
    b.claim("A frame is taken or dropped, never both", ~(good & bad), cover=good | bad)
    b.claim("A frame without room is dropped", bad, when=overrun)
    b.claim("A good frame lasts one cycle", ~good, when=b.past(good))
    b.claim("A dropped frame is told once", ~bad, when=b.past(bad))
    b.claim("At most two frames are held", held <= 2, cover=held == 2)
    b.claim("The frames held are those taken and not finished", full[0] + full[1] == held, cover=held == 2)
    b.claim("A frame that comes while two are held is dropped", broken & crowded, when=~blank & (held == 2))
    b.claim("No frame is taken while two are held", held < 2, when=good)
    b.claim("With no frame or two, the next to be read is where the next is written", bank == reading, when=held != 1, cover=held == 2)
    b.claim("With one frame, the next is written into the other bank", (bank != reading) & there, when=held == 1)
    b.claim("A frame is read only once it was taken", held != 0, when=o.valid)
    b.claim("A byte comes every other cycle at most", ~o.valid, when=out)
    b.claim("A byte stays valid until it is taken or the frame finished", o.valid, when=b.past(o.valid & ~o.ready & ~finish))
    b.claim("After a finish no byte of that frame is valid", ~o.valid, when=b.past(finish))
    b.claim("A frame is read from its beginning, byte by byte", taken == (BEGIN + read)[:8], cover=read == 2)
    b.claim("Bytes are written from the beginning of a frame, one behind another", at == (BEGIN + begun)[:8], when=begun < 256, cover=begun == 5)
    b.claim("Nothing has come of an empty frame", begun == 0, when=blank, cover=flag)
    b.claim("A frame has begun with its first byte", begun != 0, when=~blank)
    b.claim("A frame is as long as its first byte says, and five bytes more", begun == length + 5, when=good)
    b.claim("Two flags are no frame", ~good & ~bad, when=flag & blank & ~escaped & ~broken)
    b.claim("An escape before a flag drops the frame", bad, when=flag & escaped)
    b.claim("A byte that was lost drops the frame", bad, when=flag & lost)
    b.claim("A frame that began without room is dropped", broken, when=crowded)
    b.claim("A frame whose LENGTH is above 247 is dropped", broken, when=~blank & (length > 247))
    b.claim("After a flag a new frame begins", blank & ~broken & ~crowded & ~escaped, when=b.past(flag))
    b.claim("A byte's error is no data", ~data & ~flag, when=error)
