"""Claims about what counts ones: the dot product and the meter of correlation."""

from amaranth.hdl import Mux, Signal, Value, signed

from verification.formal.bench import Bench

__all__ = ["dot_product", "correlation"]

#: Windows of a result, 16 positions each.
WINDOWS, WIDTH, LENGTH = 4, 16, 64


def ones(value: Value) -> Value:
    """How many ones there are, one after another."""
    return sum((value[k] for k in range(1, len(value))), value[0])


def ledger(b: Bench, flying: Value) -> tuple[Signal, Signal, Signal]:
    """Position of the next window in its result; windows taken and results given, modulo 256; ``flying`` is a window in the first register."""
    i, o = b.dut.i, b.dut.o
    position, taken, given = b.keep(2), b.keep(8), b.keep(8)
    with b.m.If(i.valid & i.ready):
        b.m.d.sync += [position.eq(position + 1), taken.eq(taken + 1)]
    with b.m.If(o.valid & o.ready):
        b.m.d.sync += given.eq(given + 1)
    b.claim("The windows left are those that the result lacks", b.inner("left") == 3 - position, cover=position == 2)
    begun = b.past(i.valid & i.ready)
    once = b.keep()
    b.m.d.sync += once.eq(once | begun)
    b.claim("Nothing is valid before a window", ~o.valid & ~flying & (position == 0), when=~once & ~begun, cover=i.valid)
    b.claim("A window is taken whenever no result waits", i.ready, when=~o.valid)
    b.claim("A result that is taken lets a window in", i.ready, when=o.valid & o.ready)
    return position, taken, given


def dot_product(b: Bench) -> None:
    """4 channels, 16 positions a cycle, 64 positions."""
    i, o, beat = b.dut.i, b.dut.o, b.dut.i.payload
    go = i.valid & i.ready
    b.holds(o, "A total")
    position, taken, given = ledger(b, flying := b.inner("s1_valid"))
    channels, window = [], Signal(signed(9))
    for c in range(4):
        channels.append(value := Signal(signed(6)))
        gated = Signal(16)
        b.m.d.comb += [gated.eq(beat.spike[c] & beat.weight[c]), value.eq(Mux(beat.enable[c], Mux(beat.inhibitory[c], -ones(gated), ones(gated)), 0))]
    b.m.d.comb += window.eq(sum(channels))
    so_far, begun, owed, total = b.keep(signed(11)), Signal(signed(11)), b.keep(), b.keep(signed(11))
    kinds = {kind: (b.keep(), b.keep(), Signal()) for kind in ("excitatory", "inhibitory", "off", "lonely")}
    now = {"excitatory": (beat.inhibitory & beat.enable) == 0, "inhibitory": (~beat.inhibitory & beat.enable) == 0, "off": beat.enable == 0,
           "lonely": beat.enable == 1}
    b.m.d.comb += begun.eq(Mux(position == 0, 0, so_far) + window)
    complete = go & (position == WINDOWS - 1)
    with b.m.If(o.valid & o.ready):
        b.m.d.sync += owed.eq(0)
    for kind, (all_so_far, whole, mine) in kinds.items():
        b.m.d.comb += mine.eq(now[kind] & ((position == 0) | all_so_far))
        with b.m.If(go):
            b.m.d.sync += all_so_far.eq(mine)
        with b.m.If(complete):
            b.m.d.sync += whole.eq(mine)
    with b.m.If(go):
        b.m.d.sync += so_far.eq(begun)
    with b.m.If(complete):
        b.m.d.sync += [owed.eq(1), total.eq(begun)]

    counts, last, first = b.inner("s1_counts"), b.inner("s1_last"), b.inner("s1_first")
    inside = Signal(signed(12))
    b.m.d.comb += inside.eq(Mux(first, 0, o.payload) + sum(counts))
    for c in range(4):
        b.claim(f"The first register holds the signed ones of channel {c}", counts[c] == b.past(channels[c]), when=b.past(go), cover=counts[c] < 0)
    b.claim("A window in flight is the first of its total exactly when one has been taken of it", first == (position == 1), when=flying)
    b.claim("A window in flight is the last of its total exactly when none has been taken of the next", last == (position == 0), when=flying)
    b.claim("What is owed is at the output or in flight", owed == (o.valid | flying & last), cover=owed)
    b.claim("After a total that waits comes at most the first window of the next", position == flying, when=o.valid)
    b.claim("Total so far and window in flight are the sum of the windows taken", inside == Mux(position == 0, total, so_far), when=flying)
    b.claim("Between windows the total so far is that of the windows taken", o.payload == so_far, when=~flying & ~o.valid & (position != 0))
    b.claim("A total is the signed sum of its four windows", o.payload == total, when=o.valid, cover=o.payload < 0)
    b.claim("Four windows make a total, none is lost and none invented", taken == (4 * given + position + 4 * owed)[:8], cover=given > 2)
    b.claim("A last window is in flight a cycle after it is taken", flying & last, when=b.past(complete))
    b.claim("A total is valid two cycles after its last window", o.valid, when=b.past(b.past(complete)), cover=~b.past(o.valid))
    b.lemma(~owed | (total <= 4 * LENGTH) & (total >= -4 * LENGTH))
    b.lemma((position == 0) | (so_far <= 4 * WIDTH * position) & (so_far >= -4 * WIDTH * position))
    b.claim("No total is beyond channels times length", (o.payload <= 4 * LENGTH) & (o.payload >= -4 * LENGTH), when=o.valid, cover=o.payload > 40)
    remembered = {kind: all_so_far & (position != 0) for kind, (all_so_far, _, _) in kinds.items()}
    signs = {"excitatory": total >= 0, "inhibitory": total <= 0, "off": total == 0, "lonely": (total <= LENGTH) & (total >= -LENGTH)}
    for kind, sign in signs.items():
        part = {"excitatory": so_far >= 0, "inhibitory": so_far <= 0, "off": so_far == 0,
                "lonely": (so_far <= WIDTH * position) & (so_far >= -WIDTH * position)}[kind]
        text = {"excitatory": "Channels that are all excitatory never make less than 0",
                "inhibitory": "Channels that are all inhibitory never make more than 0",
                "off": "Channels without enable make 0", "lonely": "One enabled channel makes no more than the length"}[kind]
        whole = kinds[kind][1]
        b.claim(text, (~remembered[kind] | part) & (~(owed & whole) | sign) & (~(o.valid & whole) | (o.payload == total)), cover=o.valid & whole)


def correlation(b: Bench) -> None:
    """16 positions a cycle, 64 positions."""
    i, o, n = b.dut.i, b.dut.o, b.dut.o.payload
    go, a, c = i.valid & i.ready, b.dut.i.payload.a, b.dut.i.payload.b
    b.holds(o, "A result")
    position, taken, given = ledger(b, held := b.inner("taken"))
    names = ("both", "a", "b")
    window = [Signal(5, name=f"window_{name}") for name in names]
    b.m.d.comb += [signal.eq(ones(x)) for signal, x in zip(window, ((a & c)[:16], a, c))]
    so_far, begun, oldest, newest = ([make(7) for _ in names] for make in (b.keep, Signal, b.keep, b.keep))
    owed = b.keep(2)
    complete, out = go & (position == WINDOWS - 1), o.valid & o.ready
    b.m.d.comb += [x.eq(old + new) for x, old, new in zip(begun, so_far, window)]
    b.m.d.sync += owed.eq(owed + complete - out)
    with b.m.If(go):
        b.m.d.sync += [old.eq(Mux(position == WINDOWS - 1, 0, x)) for old, x in zip(so_far, begun)]
    with b.m.If(complete):
        b.m.d.sync += [x.eq(y) for x, y in zip(newest, begun)]
    with b.m.If(out | (owed == 0)):
        b.m.d.sync += [x.eq(Mux(complete & (owed <= 1), y, z)) for x, y, z in zip(oldest, begun, newest)]

    last, sums, before = b.inner("last"), b.inner("sums"), b.inner("before")
    total = [Signal(8) for _ in names]
    b.m.d.comb += [x.eq(y + z) for x, y, z in zip(total, before, sums)]
    same = lambda xs, ys: sum((x != y for x, y in zip(xs, ys)), 0) == 0  # noqa: E731
    for k, name in enumerate(("a & b", "a", "b")):
        b.claim(f"The ones of {name} are counted one cycle later", sums[k] == b.past(window[k]), when=b.past(go), cover=sums[k] == 9)
    b.claim("A window counted is the last exactly when none has been taken of the next", last == (position == 0), when=held)
    b.claim("At most two results are owed: one at the output, one before it", owed == o.valid + (held & last), cover=owed == 2)
    b.claim("The sums so far are those of the windows taken", same(total, so_far), when=held & ~last)
    b.claim("Between windows the sums before are those of the windows taken", same(before, so_far), when=~held)
    b.claim("The last window of a result completes its sums", same(total, newest), when=held & last)
    b.lemma((owed != 1) | same(oldest, newest))
    for k in (1, 2):
        b.lemma(so_far[k] <= WIDTH * position)
        b.lemma((oldest[k] <= LENGTH) & (newest[k] <= LENGTH))
    for x in (so_far, oldest, newest):
        b.lemma((x[0] <= x[1]) & (x[0] <= x[2]))
    b.claim("n11 counts the positions where both are 1", n.n11 == oldest[0], when=o.valid, cover=n.n11 > 20)
    b.claim("n11 + n10 are the ones of a", n.n11 + n.n10 == oldest[1], when=o.valid, cover=n.n10 > 9)
    b.claim("n11 + n01 are the ones of b", n.n11 + n.n01 == oldest[2], when=o.valid, cover=n.n01 > 9)
    b.claim("Four windows make a result, none is lost and none invented", taken == (4 * given + position + 4 * owed)[:8], cover=given > 2)
    b.claim("Last windows are counted a cycle after they are taken", held & last, when=b.past(complete))
    b.claim("A result is valid two cycles after its last windows", o.valid, when=b.past(b.past(complete)), cover=~b.past(o.valid))
