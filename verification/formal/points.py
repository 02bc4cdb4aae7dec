"""Claims about parts of a core of point neurons: 13 neurons on 4 lanes, 16 sources, rings of 4 slots for each of two ports, two tables."""

from amaranth.hdl import Array, Cat, Mux, Signal

from verification.formal.bench import SAMPLE, Bench
from verification.formal.tables import entry_of_the_ring, picks

__all__ = ["sources", "rows_csr", "inputs_ring", "drive_tables"]


def sources(b: Bench) -> None:
    """Words of a sweep, then recorded events."""
    dut, o, push, events = b.dut, b.dut.o, b.dut.push, b.dut.events
    b.least = 2
    hand, hand_valid, pick, pop, head, there, due, leaves = (
        b.inner(name) for name in ("hand", "hand_valid", "pick", "pop", "head", "head_valid", "head_due", "head_pop"))
    lowest, rest, level, room, first = (b.inner(name) for name in ("lowest", "rest", "spikes.level", "spikes.w_rdy", "spikes.r_data"))
    en, mask = b.free("push_en"), b.free("mask", 4)
    b.drive(push, Cat(en, Mux(en, mask != 0, b.free("any")), b.free("word", 2), mask))
    b.assume("What is pushed says whether it holds a spike")
    # Anything is possible, but near steps and a long time without a clear are likely.
    b.drive(dut.clear, b.free("clear_0") & b.free("clear_1") & b.free("clear_2"))
    b.drive(dut.step, Mux(b.free("step_far", 3) == 0, b.free("step_any", 32), b.free("step_low", 2)))
    b.drive(events.payload, Cat(Mux(b.free("event_far", 3) == 0, b.free("event_any", 32), b.free("event_low", 2)), b.free("event_source", 32)))
    cleared, out, pushed, free = b.past(dut.clear), o.valid & o.ready, push.en & push.any, ~o.valid | o.ready
    begun, given, held = b.keep(8), b.keep(8), b.keep(4)
    with b.m.If(dut.clear):
        b.m.d.sync += [begun.eq(0), given.eq(0), held.eq(0)]
    with b.m.Else():
        b.m.d.sync += [begun.eq(begun + (pick | leaves)), given.eq(given + out), held.eq(held + (pushed & room) - pop)]
    stuck, waits = b.past(o.valid & ~o.ready & ~dut.clear), hand_valid | (level != 0)
    b.claim("A source stays valid until it is taken, but for a clear", o.valid, when=stuck)
    b.claim("A source does not change until it is taken", o.payload == b.past(o.payload), when=stuck)
    b.claim("After a clear nothing is on its way, and no event is in hand", ~o.valid & ~there & ~waits, when=cleared, cover=b.past(o.valid))
    b.claim("The list holds what was pushed and not popped", level == held, cover=held == 4)
    b.claim("No word of spikes is refused while fewer than four wait", room, when=level < 4, cover=level == 3)
    entry_of_the_ring(b, 4, Cat(push.word, push.mask), pushed, room, pop, level, first)
    picks(b, hand, hand_valid, pick, pop, rest, lowest, first)
    b.claim("A spike in hand goes on its way as soon as the output is free", pick == (hand_valid & free), when=hand_valid, cover=pick)
    for k in range(4):
        b.claim(f"A spike of lane {k} is given as the source 4 w + {k} of its word", o.valid & (o.payload == 4 * b.past(hand.word) + k),
                when=b.past(pick & lowest[k]) & ~cleared)
    b.claim("Every spike picked and every event that left is given once, none is lost and none invented", begun == (given + o.valid)[:8],
            cover=given > 3)
    b.claim("An event leaves only after the sweep, in its step or later, and when all spikes have gone",
            dut.go & there & (head.step <= dut.step) & ~waits & free, when=leaves, cover=head.step < dut.step)
    b.claim("An event of the present step leaves as soon as the sweep has ended, all spikes have gone, and the output is free", leaves,
            when=dut.go & there & (head.step == dut.step) & ~waits & free)
    b.claim("An event that left is given as its source", o.valid & (o.payload == b.past(head.source)[:4]), when=b.past(leaves) & ~cleared)
    b.claim("An event is taken exactly when none is in hand, or that one leaves", events.ready == (~there | leaves), cover=there & events.valid)
    b.claim("An event that is taken is in hand next", there & (head.as_value() == b.past(events.payload.as_value())),
            when=b.past(events.valid & events.ready) & ~cleared)
    b.claim("An event in hand stays until it leaves", there & (head.as_value() == b.past(head.as_value())),
            when=b.past(there & ~leaves) & ~cleared)
    b.claim("Busy as long as a source is on its way, or a spike or an event of the step may still come", dut.busy, when=o.valid | waits | due)
    b.claim("Busy as long as no event is in hand", dut.busy, when=~there)
    b.claim("Not busy when nothing is on its way and the event in hand is one of a later step", ~dut.busy,
            when=~o.valid & ~waits & there & (head.step > dut.step))


def rows_csr(b: Bench) -> None:
    """16 sources, and rows in 16 words of a synapse a lane."""
    dut, i, o, load = b.dut, b.dut.i, b.dut.o, b.dut.load
    b.least = 2
    waits, begins, active, address, left, issue, last = (
        b.inner(name) for name in ("s1_valid", "s1_ready", "active", "address", "left", "issue", "last"))
    pointer, words = b.inner("pointer_read.data"), [o.payload[lane] for lane in range(4)]
    # Any load words, but a long time without a clear and lanes that exist are likely.
    ops = {name: b.free(f"load_{name}") for name in load.en.shape().members}
    ops["clear"] &= b.free("clear_1") & b.free("clear_2")
    lane = Mux(b.free("lane_far", 2) == 0, b.free("lane_any", 16), b.free("lane_low", 2))
    b.drive(load, Cat(*ops.values(), b.free("load_op", 8), lane, b.free("load_address", 32), b.free("load_data", 64)))
    cleared, take, began = b.past(load.en.clear), i.valid & i.ready, b.past(waits & begins)
    stuck, issued = b.past(o.valid & ~o.ready & ~load.en.clear), b.past(issue)
    # Of the row at work: its words, and those that were read.
    number, done = b.keep(3), b.keep(3)
    with b.m.If(waits & begins):
        b.m.d.sync += [number.eq(pointer.number), done.eq(0)]
    with b.m.Elif(issue):
        b.m.d.sync += done.eq(done + 1)
    b.claim("Nothing is under way at first", ~dut.busy, when=b.first)
    b.claim("A word stays valid until it is taken, but for a clear", o.valid, when=stuck)
    b.claim("A word does not change until it is taken", o.payload.as_value() == b.past(o.payload.as_value()), when=stuck)
    b.claim("Busy exactly as long as a source waits, a row is at work, or a word is not taken", dut.busy == (waits | active | o.valid),
            cover=dut.busy)
    b.claim("After a clear nothing is under way", ~dut.busy, when=cleared, cover=b.past(active))
    b.claim("A source is taken at once when none waits", i.ready, when=~waits)
    b.claim("While a source waits, another is taken exactly when the row of that one begins", i.ready == begins, when=waits, cover=i.ready)
    b.claim("A row begins when none is at work, or with the last word of the one before", begins == (~active | issue & last), cover=active & begins)
    b.claim("A row begins with the first word of its pointer, and has as many as it says",
            active & (address == b.past(pointer.first)) & (left == b.past(pointer.number)), when=began & ~cleared, cover=left == 3)
    b.claim("A word is read in every cycle in which a row is at work and the output is free", issue == (active & (~o.valid | o.ready)), cover=issue)
    b.claim("Words of a row ascend", active & (address == (b.past(address) + 1)[:4]), when=b.past(issue & ~last) & ~cleared, cover=address == 0)
    b.claim("A word that is not read stays next", active & (address == b.past(address)), when=b.past(active & ~issue) & ~cleared)
    b.claim("The words left are those of the row that were not read", left == number - done, when=active, cover=done == 2)
    b.claim("A row at work has words left, unless it has none at all", (left != 0) == (number != 0), when=active, cover=left == 1)
    b.claim("A row that has no words is marked", b.inner("empty") == (number == 0), when=active, cover=number == 0)
    b.claim("A row ends with its last word, and an empty one with its first", done + 1 == Mux(number == 0, 1, number), when=issue & last,
            cover=number > 2)
    b.claim("Rows follow each other without a pause", active == b.past(waits), when=b.past(issue & last) & ~cleared, cover=active)
    b.claim("A word that was read is valid a cycle later", o.valid, when=issued & ~cleared)
    b.claim("No word is valid but one that was read", issued | b.past(o.valid & ~o.ready), when=o.valid)
    b.claim("A row without words is one word without a valid synapse", ~Cat(word.valid for word in words).any(),
            when=issued & (b.past(number) == 0) & ~cleared, cover=o.valid)
    taken, quiet = b.past(b.past(b.past(take & ~dut.busy))), ~cleared & ~b.past(cleared) & ~b.past(b.past(cleared))
    b.claim("A word follows its source by three cycles if nothing is under way", o.valid & b.past(~o.valid), when=taken & quiet)
    b.claim("A pointer is that which was loaded for its source just before", pointer.as_value() == b.past(b.past(load.data))[:7],
            when=b.past(take) & b.past(b.past(load.en.pointer)) & (b.past(i.payload) == b.past(b.past(load.address))[:4]),
            cover=pointer.number != 0)
    before = b.past(b.past(load.en.row)) & issued & (b.past(address) == b.past(b.past(load.address))[:4])
    for lane, word in enumerate(words):
        synapse, mine = b.past(b.past(load.data))[:12], before & (b.past(b.past(load.lane)) == lane)
        b.claim(f"Lane {lane} gives the synapse that was loaded for it just before", word.as_value()[1:] == synapse[1:], when=mine,
                cover=word.weight < 0)
        b.claim(f"The synapse of lane {lane} is valid if it was loaded so, and its row has a word",
                word.valid == (synapse[0] & (b.past(number) != 0)),
                when=mine, cover=word.valid)


def inputs_ring(b: Bench) -> None:
    """4 words, 4 slots, two ports, sums of 12 bits; the memory that is looked into is the second port's."""
    dut, synapse, inputs = b.dut, b.dut.synapse, b.dut.inputs
    address, sums = b.inner("address"), Array(b.inner("words"))
    adding, port, weight, emptied = (b.past(each) for each in (dut.add & synapse.valid, synapse.port, synapse.weight, dut.empty))
    b.drive(dut.empty, b.free("wish_to_empty") & ~dut.add)
    b.drive(dut.consume, b.free("wish_to_consume") & ~adding)
    b.assume("Nothing is made empty while a synapse is added, and nothing consumed while one is on its way")
    move, zeroes = dut.add | dut.empty | dut.advance, dut.consume | emptied
    to = Mux(dut.add, Cat((dut.slot + synapse.delay)[:2], synapse.word), Mux(dut.empty, dut.place, Cat(dut.slot, dut.fetch)))
    place = b.keep(4)
    with b.m.If(move):
        b.m.d.sync += place.eq(to)
    # Any place, and all that was added to it since its sum was known.
    at, total, known = b.keep(4), b.keep(12), b.keep()
    with b.m.If(b.first):
        b.m.d.sync += at.eq(b.free("followed", 4))
    with b.m.Elif(zeroes & (place == at)):
        b.m.d.sync += [total.eq(0), known.eq(1)]
    with b.m.Elif(adding & port & (place == at)):
        b.m.d.sync += total.eq(total + weight)
    mine, there = place == at, Signal(12)
    b.m.d.comb += there.eq(sums[at])
    b.claim("The place at work is that which was moved to last", address == place, cover=address == 9)
    b.claim("A sum is all that was added to it since it was last consumed or made empty", there == total, when=known, cover=total[:11] > 70)
    b.claim("What is fetched is the sum as it becomes", inputs[1].as_unsigned() == total, when=known & b.past(move & (to == at) & ~b.first),
            cover=b.past(adding & port & mine))
    b.claim("A synapse is added delay slots after the present one, modulo their number",
            address == b.past(Cat((dut.slot + synapse.delay)[:2], synapse.word)),
            when=b.past(dut.add), cover=b.past(dut.advance))
    b.claim("The sweep fetches the word of the present slot", address == b.past(Cat(dut.slot, dut.fetch)),
            when=b.past(dut.advance & ~dut.add & ~dut.empty))
    b.claim("What is made empty is the place that was said", address == b.past(dut.place), when=emptied)
    b.claim("Without a move the place stays", address == b.past(address), when=b.past(~move), cover=address != 0)
    b.claim("Of what is consumed nothing is left", there == 0, when=b.past(dut.consume & mine & ~b.first), cover=b.past(there) != 0)
    b.claim("Of what is made empty nothing is left a cycle later", there == 0, when=b.past(emptied & mine & ~b.first), cover=b.past(there) != 0)
    b.claim("A synapse of the other port leaves a sum as it is", there == b.past(there), when=b.past(adding & ~port & ~b.first), cover=b.past(mine))
    b.claim("A sum elsewhere stays as it is", there == b.past(there), when=b.past(~mine & ~b.first), cover=b.past(adding & port))
    b.claim("A synapse that is not valid adds nothing", there == b.past(there), when=b.past(~adding & ~zeroes & ~b.first) & b.past(b.past(dut.add)),
            cover=b.past(mine))
    b.claim("A sum may be added to in every cycle", there == (b.past(b.past(there)) + b.past(b.past(weight)) + b.past(weight))[:12],
            when=b.past(adding & port & mine & ~b.first) & b.past(b.past(adding & port & mine & ~b.first)))
    for number, due in enumerate(inputs):
        again = b.past(move & (to == place) & ~b.first)
        b.claim(f"Port {number}: a sum that is read while it is added to is read with what is added",
                due == (b.past(due) + b.past(weight))[:12].as_signed(),
                when=again & b.past(adding & (port == number)) & b.past(b.past(dut.add)))
        b.claim(f"Port {number}: a sum that is read while it is consumed or made empty is 0", due == 0,
                when=again & b.past(zeroes), cover=b.past(due) != 0)
        b.claim(f"Port {number}: without a move what is given stands still", due == b.past(due), when=b.past(~move & ~b.first), cover=due != 0)


def drive_tables(b: Bench) -> None:
    """Two tables of 7 limits, 3 cycles, two lanes."""
    load, events, tables = b.dut.load, b.dut.events, b.dut.table
    b.least, b.sample = 4, SAMPLE
    numbers = [b.dut.uniform[0], b.dut.uniform[1]]
    b.drive(numbers[1], Mux(b.free("alike"), numbers[0], b.free("other", 32)))
    worth_en, index = b.free("worth_en"), b.free("index", 4)
    b.drive(load, Cat(b.free("limit_en"), worth_en, Mux(worth_en, index[0], index), b.free("value", 32)))
    b.assume("What is kept beside a table is loaded for one of the two")
    roots = [b.keep(32), b.keep(32)]
    for number, root in enumerate(roots):
        with b.m.If(load.limit_en & (load.index == 1 + 8 * number)):
            b.m.d.sync += root.eq(load.value)
    old = lambda value, cycles: value if not cycles else b.past(old(value, cycles - 1))  # noqa: E731
    for number, root in enumerate(b.inner("root")):
        b.claim(f"The root of table {number} is the limit that was loaded last at its index 1", root == roots[number], cover=root != 0)
    first = [old(root, 3) for root in roots]
    there, later, beside = ([old(x, cycles) for x in (load.limit_en, load.index, load.value)] for cycles in (4, 3, 2))
    kept = old(load.worth_en, 2)
    seen = [(old(number, 3), old(table, 3)) for number, table in zip(numbers, tables)]
    for lane, (number, table) in enumerate(seen):
        count, root = events[lane], Mux(table, first[1], first[0])
        b.claim(f"Lane {lane}: half of the limits of its table are exceeded exactly when the root is", count[2] == (number > root),
                cover=count[2] & table)
        b.claim(f"Lane {lane}: a number that is the root does not exceed it", count < 4, when=number == root, cover=number != 0)
        b.claim(f"Lane {lane}: the second limit is that of the index of the first outcome", count[1] == (number > there[2]),
                when=there[0] & (there[1] == Cat((2 + (number > root))[:3], table)), cover=number > there[2])
        b.claim(f"Lane {lane}: the third limit is that of the index of the first two outcomes", count[0] == (number > later[2]),
                when=later[0] & (later[1] == Cat((4 + count[1:])[:3], table)), cover=number > later[2])
        b.claim(f"Lane {lane}: 0 exceeds no limit", count == 0, when=number == 0, cover=table)
        b.claim(f"Lane {lane}: the number comes with its events, three cycles later", b.dut.late[lane] == number, cover=number != 0)
        b.claim(f"Lane {lane}: what an event is worth is what was loaded beside its table", b.dut.worth[lane].as_value() == beside[2][:9],
                when=kept & (beside[1] == table), cover=beside[2][:9] != 0)
    settled = b.keep(3)
    b.m.d.sync += settled.eq(Mux(settled == 4, 4, settled + 1))
    (one, mine), (other, its) = seen
    alike = (settled == 4) & (mine == its)
    b.claim("The same number in the same table gives the same events in both lanes", events[0] == events[1], when=alike & (one == other),
            cover=events[0] != 0)
    b.claim("A larger number never has fewer events of the same table", events[0] >= events[1],
            when=alike & (one > other), cover=events[0] > events[1])
    b.claim("A smaller number never has more events of the same table", events[0] <= events[1],
            when=alike & (one < other), cover=events[0] < events[1])
    b.claim("The same table is worth the same in both lanes", b.dut.worth[0].as_value() == b.dut.worth[1].as_value(), when=alike,
            cover=b.dut.worth[0].weight != 0)
