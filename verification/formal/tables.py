"""Claims about what reads memories: the drive, the delivery of rows and the list of spikes."""

from amaranth.hdl import Array, Cat, Mux, signed

from verification.formal.bench import Bench

__all__ = ["entry_of_the_ring", "picks", "drive", "rows", "spikes"]

NUMBERS = {4: "four", 9: "nine"}


def drive(b: Bench) -> None:
    """A search through 7 limits, 3 cycles, two lanes."""
    load, events = b.dut.load, b.dut.events
    b.least = 4
    numbers = [b.dut.uniform[0], b.dut.uniform[1]]
    b.drive(numbers[1], Mux(b.free("alike"), numbers[0], b.free("other", 32)))
    old, roots = [], [b.keep(32)]
    with b.m.If(load.en & (load.index == 1)):
        b.m.d.sync += roots[0].eq(load.limit)
    for number in numbers:
        for _ in range(3):
            number = b.past(number)
        old.append(number)
    for _ in range(3):
        roots.append(b.past(roots[-1]))
    loads = [(load.en, load.index, load.limit)]
    for _ in range(4):
        loads.append(tuple(b.past(x) for x in loads[-1]))
    there, later = loads[4], loads[3]
    b.claim("The root is the limit that was loaded last at index 1", b.inner("root") == roots[0], cover=roots[0] != 0)
    for lane in (0, 1):
        number, count = old[lane], events[lane]
        b.claim(f"Lane {lane}: half of the limits are exceeded exactly when the root is", count[2] == (number > roots[3]), cover=count[2])
        b.claim(f"Lane {lane}: a number that is the root does not exceed it", count < 4, when=number == roots[3], cover=number != 0)
        b.claim(f"Lane {lane}: the second limit is that of the index of the first outcome", count[1] == (number > there[2]),
                when=there[0] & (there[1] == 2 + (number > roots[3])), cover=number > there[2])
        b.claim(f"Lane {lane}: the third limit is that of the index of the first two outcomes", count[0] == (number > later[2]),
                when=later[0] & (later[1] == 4 + count[1:]), cover=number > later[2])
        b.claim(f"Lane {lane}: 0 exceeds no limit", count == 0, when=number == 0)
        b.claim(f"Lane {lane}: the number is looked up three cycles long", count[2] == 1, when=(number == 0xFFFFFFFF) & (roots[3] == 0))
    settled = b.keep(3)
    b.m.d.sync += settled.eq(Mux(settled == 4, 4, settled + 1))
    b.claim("The same number gives the same events in both lanes", events[0] == events[1], when=(settled == 4) & (old[0] == old[1]),
            cover=events[0] != 0)
    b.claim("A larger number never has fewer events", events[0] >= events[1], when=(settled == 4) & (old[0] > old[1]), cover=events[0] > events[1])
    b.claim("A smaller number never has more events", events[0] <= events[1], when=(settled == 4) & (old[0] < old[1]), cover=events[0] < events[1])


def rows(b: Bench) -> None:
    """10 neurons on 4 lanes: 3 words a row."""
    dut, i, load = b.dut, b.dut.i, b.dut.load
    b.least = 2
    add, word, busy, go = dut.add, dut.word, dut.busy, dut.go
    took, added, cleared = b.past(i.valid & i.ready), b.past(add), b.past(dut.clear)
    was, first, weight, wait = b.past(word), b.keep(5), b.keep(signed(len(i.payload.weight))), b.past(busy)
    with b.m.If(i.valid & i.ready):
        b.m.d.sync += [first.eq(i.payload.address), weight.eq(i.payload.weight)]
    # Adds of the row in hand.
    done = b.keep(2)
    b.m.d.sync += done.eq(Mux(i.valid & i.ready, 0, done + add))
    address = b.inner("address")
    b.claim("Nothing is under way at first", ~busy, when=b.first)
    b.claim("A word is added exactly in cycles of go while busy", add == (go & busy), cover=add)
    b.claim("A row is taken at once when none is under way", i.ready, when=~busy)
    b.claim("After a row another is taken with the last of its three words, and not before", i.ready == (add & (done == 2)), when=busy,
            cover=i.ready)
    b.claim("A row begins with word 0", busy & (word == 0), when=took & ~cleared)
    b.claim("Words ascend without a gap", word == was + 1, when=added & ~took & ~cleared & busy)
    b.claim("The word stands still without go", word == was, when=wait & ~added & ~took)
    b.claim("The word is the number of those added", word == done, when=busy, cover=word == 2)
    b.claim("There is no fourth word", word <= 2, when=busy, cover=word == 2)
    b.claim("Busy falls after the last word", ~busy, when=added & (was == 2) & ~took)
    b.claim("Busy does not fall before the last word", busy, when=wait & ~cleared & ~(added & (was == 2)))
    b.claim("A row behind a row follows without a gap", busy, when=added & took & ~cleared)
    b.claim("After a clear nothing is under way", ~busy, when=cleared, cover=wait)
    b.claim("The address is that of the row and its word", address == (first + done)[:5], when=busy, cover=word == 1)
    b.claim("In the cycle after an add the weight is that of its row", dut.weight == b.past(weight), when=added, cover=dut.weight < 0)
    b.claim("In the cycle after an add the bits are those of the word, loaded just before",
            dut.bits == b.past(b.past(load.data)), when=added & b.past(b.past(load.en)) & (b.past(address) == b.past(b.past(load.address)))
            & (b.past(b.past(load.address)) < 30), cover=dut.bits != 0)
    b.claim("The bits stand still without an add", dut.bits == b.past(dut.bits), when=~added & ~b.first & b.past(~b.first), cover=dut.bits != 0)


def entry_of_the_ring(b: Bench, size: int, value, pushed, room, pop, level, head) -> None:
    """Any entry of a list of spikes, a ring of so many, from its push to its pop."""
    # Its slot, and how many are before it.
    words, produce, consume, stored = (b.inner(f"spikes.{name}") for name in ("words", "produce", "consume", "inner_level"))
    shown, follow, tracked, entry, slot, before = b.inner("spikes.r_rdy"), b.free("follow"), b.keep(), b.keep(len(value)), b.keep(4), b.keep(4)
    started, mine = follow & pushed & room & ~tracked & ~b.dut.clear, tracked & (before == 0)
    b.m.d.sync += [tracked.eq((tracked & ~(mine & pop) | started) & ~b.dut.clear), before.eq(Mux(started, level - pop, before - (pop & ~mine)))]
    with b.m.If(started):
        b.m.d.sync += [entry.eq(value), slot.eq(produce)]
    around = lambda place: Mux(place >= size, place - size, place)  # noqa: E731
    inside = tracked & ~(mine & shown)
    b.claim(f"The list is a ring of {NUMBERS[size]}", (produce < size) & (consume < size) & (stored <= size) & (around(consume + stored) == produce),
            cover=produce < consume)
    b.claim("An entry keeps its place in the ring", (before - shown < stored) & (around(consume + before - shown) == slot), when=inside,
            cover=before == 3)
    b.claim("An entry is not overwritten while it waits", Array(words)[slot] == entry, when=inside, cover=before == 3)
    b.claim("After those before it, each entry comes to the head as it was pushed", shown & (head == entry), when=mine & shown,
            cover=b.past(inside))
    b.claim("Of the entries in the list, those before this one are fewer than all", before < level, when=tracked, cover=before == 4)


def picks(b: Bench, hand, hand_valid, pick, pop, rest, lowest, head) -> None:
    """The spikes of the entry in hand, of four lanes, from the lowest to the highest."""
    cleared = b.past(b.dut.clear)
    b.claim("An entry is popped only when the one in hand has no spike left", ~hand_valid | (rest == 0), when=pop, cover=hand_valid)
    b.claim("Without a pop, a pick takes exactly the lowest spike out of hand", hand.mask == (b.past(hand.mask) & (b.past(hand.mask) - 1)),
            when=b.past(pick & ~pop), cover=hand.mask != 0)
    b.claim("What is popped is in hand next", (hand.as_value() == b.past(head)) & hand_valid, when=b.past(pop) & ~cleared)
    b.claim("What is in hand stays until it is picked", hand_valid & (hand.as_value() == b.past(hand.as_value())),
            when=b.past(hand_valid & ~pick) & ~cleared)
    b.claim("The lowest spike is one of those in hand, and none is below", (lowest & ~hand.mask == 0) & ((lowest - 1) & hand.mask == 0),
            when=hand_valid & (hand.mask != 0), cover=lowest == 8)


def spikes(b: Bench) -> None:
    """10 neurons on 4 lanes, 3 words a step, 3 steps of delay."""
    dut, o, push, load = b.dut, b.dut.o, b.dut.push, b.dut.load
    b.least = 2
    cleared = b.past(dut.clear)
    hand, hand_valid, pick, pop, due, head = (b.inner(name) for name in ("hand", "hand_valid", "pick", "pop", "due", "head"))
    lowest, rest, source, valid = (b.inner(name) for name in ("lowest", "rest", "s1_source", "s1_valid"))
    level, room = b.inner("spikes.level"), b.inner("spikes.w_rdy")
    picked, given, held = b.keep(8), b.keep(8), b.keep(4)
    out = o.valid & o.ready
    pushed = push.en & push.any
    b.assume("Words of a sweep are below 3")
    word = b.free("word", 2)
    b.drive(push, Cat(b.free("push_en"), b.free("any"), Mux(word == 3, 0, word), b.free("mask", 4)))
    # Anything is possible, but what is due and a long time without a clear are likely.
    b.drive(dut.clear, b.free("clear_0") & b.free("clear_1") & b.free("clear_2"))
    likely = b.free("likely", 2) != 0
    b.drive(dut.tag, Mux(likely, b.free("tag_low"), b.free("tag_any", 6)))
    b.drive(dut.delay, Mux(likely, 1 + b.free("delay_low"), b.free("delay_any", 6)))
    with b.m.If(dut.clear):
        b.m.d.sync += [picked.eq(0), given.eq(0), held.eq(0)]
    with b.m.Else():
        b.m.d.sync += [picked.eq(picked + pick), given.eq(given + out), held.eq(held + (pushed & room) - pop)]
    stuck = b.past(o.valid & ~o.ready & ~dut.clear)
    b.claim("A spike stays valid until it is taken, but for a clear", o.valid, when=stuck)
    b.claim("A spike does not change until it is taken", o.payload.as_value() == b.past(o.payload.as_value()), when=stuck)
    b.claim("After a clear nothing is on its way out", ~o.valid & ~valid & ~hand_valid, when=cleared, cover=b.past(o.valid))
    b.claim("The list holds what was pushed and not popped", level == held, cover=held == 5)
    b.claim("No word of spikes is refused while fewer than nine wait", room, when=level < 9, cover=level == 8)
    b.claim("Every spike picked is given once, none is lost and none invented", picked == (given + valid + o.valid)[:8], cover=given > 3)
    entry_of_the_ring(b, 9, Cat(dut.tag, push.word, push.mask), pushed, room, pop, level, head.as_value())
    b.claim("Busy as long as a spike is on its way", dut.busy, when=o.valid | valid | hand_valid | due)
    b.claim("Not busy when nothing is due and nothing on its way", ~dut.busy, when=~(o.valid | valid | hand_valid | due))
    b.claim("An entry is due when its step is delay - 1 steps ago", head.tag == (dut.tag - (dut.delay - 1))[:6], when=due, cover=dut.delay == 2)
    b.claim("An entry is popped only when it is due", due, when=pop)
    picks(b, hand, hand_valid, pick, pop, rest, lowest, head.as_value())
    for k in range(4):
        b.claim(f"The source picked from lane {k} is that of its word", source == (4 * b.past(hand.word) + k)[:4],
                when=b.past(pick & lowest[k]))
    b.claim("A source is the address of its row, three words each", o.payload.address == (3 * b.past(source))[:5],
            when=b.past(valid & (~o.valid | o.ready)) & ~cleared, cover=o.payload.address == 27)
    b.claim("The weight is that of the source, loaded just before", o.payload.weight == b.past(b.past(load.data)),
            when=b.past(b.past(load.en)) & b.past(valid & (~o.valid | o.ready)) & (b.past(source) == b.past(b.past(load.address)))
            & (b.past(source) < 10) & ~cleared, cover=o.payload.weight != 0)
    b.claim("A spike that was picked is at the output a cycle after the one before left", o.valid | cleared, when=b.past(valid))
