"""Claims about row sources that keep no list on the chip: generated rows with the cipher and a lane of theirs, and rows in a memory outside."""

from amaranth.hdl import Array, Cat, Const, Mux, Signal, Value

from spikegate.models.network.generated import LANE_LEAP, LANE_TAPS, lane_wires
from verification.contracts.catalogue import LANE
from verification.formal.bench import SAMPLE, Bench

__all__ = ["row_cipher", "row_lane", "rows_generated", "rows_external"]


def row_cipher(b: Bench) -> None:
    """40 rounds in five cycles."""
    b.sample = SAMPLE
    dut, count, rounds = b.dut, b.inner("count"), b.inner("rounds")
    begun, works, before = b.past(dut.start), b.past(dut.busy & ~dut.start), b.past(count)
    # What each round should make of the two halves before it; the words by rounds alone, and the cycles since the start.
    halves, words, middle, age, after = [dut.second[:32], dut.second[32:], *rounds], b.keep(64), b.keep(64), b.keep(3), Cat(rounds[-2:])
    due = [y ^ x.rotate_left(1) & x.rotate_left(8) ^ x.rotate_left(2) ^ dut.seed[32 * (t % 2):][:32] ^ Cat(Const(t, 3), count)
           for t, (y, x) in enumerate(zip(halves, halves[1:-1]))]
    with b.m.If(dut.start):
        b.m.d.sync += [words.eq(Cat(Const(0, 32), dut.value)), age.eq(0)]
    with b.m.Elif(dut.busy):
        b.m.d.sync += [words.eq(after), age.eq(age + 1)]
        with b.m.If(age == 3):
            b.m.d.sync += middle.eq(after)
    for t, (made, wanted) in enumerate(zip(rounds, due)):
        b.claim(f"Round {t} of a cycle is the cipher's round of that number and the count", made == wanted, cover=made != 0)
    b.claim("It is at rest at first", ~dut.busy, when=b.first)
    b.claim("A start sets it to work, whatever it does", dut.busy, when=begun, cover=b.past(dut.busy))
    b.claim("The count is the cycles since the start", count == age, when=dut.busy, cover=count == 3)
    b.claim("The count is one of five", count < 5, when=dut.busy, cover=count == 4)
    b.claim("It begins with the number above 32 zeros", dut.second == Cat(Const(0, 32), b.past(dut.value)), when=begun, cover=dut.second != 0)
    b.claim("It works for five cycles", dut.busy == (before != 4), when=works, cover=~dut.busy)
    b.claim("Without a start it stays at rest", ~dut.busy, when=b.past(~dut.busy & ~dut.start), cover=dut.second != 0)
    b.claim("At rest the second word stays", dut.second == b.past(dut.second), when=b.past(~dut.busy & ~dut.start), cover=dut.second != 0)
    b.claim("At work the second word is that of all rounds up to now", dut.second == words, when=dut.busy, cover=age == 4)
    b.claim("At rest it is that of all 40 rounds", dut.second == words, when=~dut.busy, cover=age == 5)
    b.claim("After 32 rounds the first word is what the second is then", dut.first == dut.second, when=works & (before == 3), cover=dut.first != 0)
    b.claim("The first word is that of the first 32 rounds", dut.first == middle, cover=middle != 0)
    b.claim("At other times the first word stays", dut.first == b.past(dut.first), when=~b.first & ~(works & (before == 3)), cover=dut.first != 0)


def row_lane(b: Bench) -> None:
    """Lane 2 of 4, groups of two or three sources."""
    dut, at = b.dut, b.dut.at

    def sized(width: int, value: Value) -> Signal:
        signal = Signal(width)
        b.m.d.comb += signal.eq(value)
        return signal

    def below(name: str) -> Signal:
        chosen = b.free(name, 2)
        return sized(6, Mux(chosen < block, chosen, 0))
    block = sized(7, Mux(b.free("three"), 3, 2))
    own = [part for k in range(2) for part in (b.free(f"own_valid_{k}"), below(f"own_{k}"))]
    stripes = b.free("stripes", 3 * len(at.stripes[0].as_value()))
    b.drive(at, Cat(block, below("place_of_source"), *(below(f"table_{k}") for k in range(8)), b.free("nearest_lane", 2),
                    b.free("sources_are_targets"), *own, stripes, b.free("lane_of_first", 2), b.free("lane_of_last", 2)))
    b.assume("A block is of two or three sources, and places, tables and stripes are below that")
    state, new, number, table, member, diagonal, stripe, base, turn, own = (
        b.inner(name) for name in ("state", "new", "number", "table", "member", "diagonal", "stripe", "base", "turn", "own"))
    target = Array(at.stripes[k].as_value() for k in range(3))[stripe]
    word, first, last, beyond = target[:len(dut.word)], target[len(dut.word)], target[len(dut.word) + 1], target[len(dut.word) + 2]
    apart = Mux(at.place < member, at.place + block - member, at.place - member)
    turned = own.stripe + 1 + apart + (number * (block - 1) >> 8)
    moved = b.past(dut.move & ~dut.start)
    b.claim("A row begins with bits of its seed", state == Cat(b.past(dut.seed)[wire] for wire in lane_wires(LANE)), when=b.past(dut.start),
            cover=state != 0)
    b.claim("Without a row that begins and without a move the generator stays", state == b.past(state), when=b.past(~dut.move & ~dut.start),
            cover=state != 0)
    b.claim("With each block the generator moves by sixteen bits", state[LANE_LEAP:] == b.past(state)[:LANE_LEAP], when=moved, cover=state != 0)
    b.claim("The bits that come are those that were new", state[:LANE_LEAP] == b.past(new), when=moved, cover=state != 0)
    for k in (0, LANE_LEAP - 1):
        b.claim(f"New bit {k} is the XOR of four that were before", new[k] == (Cat(state[tap - LANE_LEAP + k] for tap in LANE_TAPS).xor()),
                cover=new[k])
    b.claim("The lane's place in the group is its distance from the group's first", (member + at.nearest)[:2] == LANE, cover=member == 3)
    b.claim("Where no source of the group is here, its place is that of the table", base == Array(at.tables[k] for k in range(8))[table],
            when=~diagonal, cover=base == 2)
    at_random = Array(at.tables[k] for k in range(8))[new[8:11]] + (new[:8] * block >> 8)
    b.claim("Where no source of the group is here, eight new bits turn the place in the table of three others",
            stripe == Mux(at_random >= block, at_random - block, at_random), when=~diagonal, cover=at_random > block)
    b.claim("No source of the group is here, unless sources are targets", ~diagonal, when=~at.recurrent)
    b.claim("A lane beyond the group has none of its sources", ~diagonal, when=member >= block)
    b.claim("Where a source of the group is, places go on from the one after its own", stripe == Mux(
        turned >= 2 * block, turned - 2 * block, Mux(turned >= block, turned - block, turned)), when=diagonal, cover=turned > block)
    b.claim("No source is its own target", stripe != own.stripe, when=diagonal & (at.place == member), cover=number > 128)
    b.claim("The turn is less than the group", turn < block, cover=turn == 2)
    b.claim("A target is in one of the block's stripes", stripe < block, cover=stripe == 2)
    b.claim("The word is that of the stripe", dut.word == word, cover=dut.word != 0)
    b.claim("Beyond the last target is none", ~dut.valid, when=beyond)
    b.claim("Before the first target is none", ~dut.valid, when=first & (at.first_lane > LANE))
    b.claim("Behind the last target's lane is none", ~dut.valid, when=last & (at.last_lane < LANE))
    b.claim("All between them are targets", dut.valid, when=~beyond & ~(first & (at.first_lane > LANE)) & ~(last & (at.last_lane < LANE)),
            cover=first & last)


def loads(b: Bench, rare: tuple[str, ...]) -> None:
    """Any load words, but a long time without a clear, and of those in ``rare``, is likely."""
    load = b.dut.load
    ops = {name: b.free(f"load_{name}") for name in load.en.shape().members}
    for name in ("clear", *rare):
        ops[name] &= b.free(f"{name}_1") & b.free(f"{name}_2")
    b.drive(load, Cat(*ops.values(), b.free("load_op", 8), b.free("load_lane", 16), b.free("load_address", 32), b.free("load_data", 64)))


def rows_generated(b: Bench) -> None:
    """Two rules; what memories hold is anything, at any time."""
    dut, i, o, load = b.dut, b.dut.i, b.dut.o, b.dut.load
    b.forget, b.sample = True, SAMPLE
    state, number, source, group, place, matches, start, follow, room, active = (
        b.inner(name) for name in ("state", "number", "source", "group", "place", "matches", "start", "follow", "room", "active"))
    cipher, seeded = b.inner("cipher.busy"), b.inner("cipher.start")
    rule = b.inner("rule")
    first, last, block = rule.first, rule.last, rule.block
    loads(b, ())
    state = Value.cast(state)
    idle, match, divide, waits = (state == k for k in range(4))
    cleared, free = b.past(load.en.clear), ~o.valid | o.ready
    stuck, moved = b.past(o.valid & ~o.ready & ~load.en.clear), b.past(active & free)
    local = b.inner("local")
    b.claim("Nothing is under way at first", ~dut.busy, when=b.first)
    b.claim("A word stays valid until it is taken, but for a clear", o.valid, when=stuck)
    b.claim("A word does not change until it is taken", o.payload.as_value() == b.past(o.payload.as_value()), when=stuck)
    b.claim("After a clear nothing is under way", ~dut.busy, when=cleared, cover=b.past(active))
    b.claim("Busy exactly as long as a source is at work, a row is under way, or a word is not taken", dut.busy == (~idle | active | o.valid),
            cover=dut.busy)
    b.claim("A source is taken exactly when none is at work", i.ready == idle, cover=i.ready)
    b.claim("A source that is taken is looked for in the first rule", match & (number == 0) & (source == b.past(i.payload)),
            when=b.past(i.valid & i.ready) & ~cleared, cover=source != 0)
    b.claim("The source stays while it is at work", source == b.past(source), when=b.past(~idle), cover=source != 0)
    b.claim("A rule matches the sources from its first to its last", matches == ((first <= source) & (source <= last)), cover=matches)
    b.claim("A rule that matches is divided by next", divide & (number == b.past(number)), when=b.past(match & matches) & ~cleared, cover=number == 1)
    b.claim("After a rule that does not match comes the next", match & (number == 1), when=b.past(match & ~matches & (number == 0)) & ~cleared)
    b.claim("After the last rule the source is done", idle, when=b.past(follow & (number == 1)) & ~cleared, cover=active)
    b.claim("The cipher begins when the source is divided", seeded == divide, cover=seeded)
    b.claim("The place is what is left of the source without whole groups", place == (b.past(local) - b.past(group) * b.past(block))[:6],
            when=b.past(divide), cover=place != 0)
    b.claim("A row begins when the cipher has ended, and the row before is at its last word", start == (waits & ~cipher & room), cover=start)
    b.claim("There is room when no row is under way", room, when=~active, cover=o.valid)
    b.claim("A source waits for its row", waits, when=b.past(waits & ~start) & ~cleared, cover=active)
    b.claim("A row that begins is under way next", active, when=b.past(start) & ~cleared)
    b.claim("The next rule is looked at when a row begins, or one does not match", follow == (start | (match & ~matches)), cover=follow)
    b.claim("A word of a row under way is valid a cycle later", o.valid, when=moved & ~cleared)
    b.claim("No word is valid but one of a row", moved | b.past(o.valid & ~o.ready), when=o.valid)
    b.claim("A row that was not moved goes on", active, when=b.past(active & ~free) & ~cleared)
    for lane in range(1, 4):
        mine, other = o.payload[lane], o.payload[0]
        b.claim(f"Lane {lane} has the delay, the port and the weight of lane 0", Cat(mine.delay, mine.port, mine.weight) == Cat(
            other.delay, other.port, other.weight), when=o.valid, cover=mine.weight != 0)


def rows_external(b: Bench) -> None:
    """16 sources, rows in 16 words of a memory outside."""
    dut, i, o, load, request, response = b.dut, b.dut.i, b.dut.o, b.dut.load, b.dut.request, b.dut.response
    b.least = 2
    found, left, away, asked, taken, room, pointer = (
        b.inner(name) for name in ("found", "left", "away", "asked", "taken", "room", "read.data"))
    loads(b, ())
    cleared, take, begun = b.past(load.en.clear), i.valid & i.ready, b.past(found & room)
    # Words that were asked for and did not come, as far as can be counted; and of the row at work, its words and those that were asked for.
    count, number, done = b.keep(9), b.keep(3), b.keep(3)
    with b.m.If(load.en.clear):
        b.m.d.sync += count.eq(0)
    with b.m.Else():
        b.m.d.sync += count.eq(count + (request.valid & request.ready) - (response.valid & response.ready))
    with b.m.If(found & room):
        b.m.d.sync += [number.eq(pointer.number), done.eq(0)]
    with b.m.Elif(asked):
        b.m.d.sync += done.eq(done + 1)
    b.claim("Nothing is under way at first", ~dut.busy, when=b.first)
    b.claim("After a clear nothing is under way", ~dut.busy, when=cleared, cover=b.past(away != 0))
    stuck = b.past(request.valid & ~request.ready & ~load.en.clear)
    b.claim("A request stays until it is taken, but for a clear", request.valid, when=stuck)
    b.claim("A request does not change until it is taken", request.payload == b.past(request.payload), when=stuck)
    b.claim("What is on its way is what was asked for and has not come", away == count, cover=count == 2)
    b.claim("No more than 255 words are on their way", count <= 255, cover=count == 3)
    b.claim("A word is asked for as long as the row has some left and fewer than 255 are on their way",
            request.valid == ((left != 0) & (away != 255)), cover=request.valid)
    b.claim("A word is given as it comes, if it was asked for",
            (o.valid == (response.valid & (away != 0))) & (o.payload.as_value() == response.payload.as_value()), cover=o.valid & o.payload[0].valid)
    b.claim("A response that nobody waits for is not taken", ~response.ready, when=away == 0, cover=response.valid)
    b.claim("A response is taken when the word that it is can be given on", response.ready == o.ready, when=away != 0, cover=response.ready)
    b.claim("A source is taken exactly when none waits, whatever the memory says", i.ready == ~found, cover=i.ready)
    b.claim("A source that was taken waits", found, when=b.past(take) & ~cleared)
    b.claim("A source waits until there is room", found, when=b.past(found & ~room) & ~cleared)
    b.claim("A row begins with the first word of its pointer, and has as many as it says",
            (left == b.past(pointer.number)) & (request.payload == b.past(pointer.first)), when=begun & ~cleared, cover=left == 3)
    b.claim("There is room when no word is left, or the last is asked for", room == ((left == 0) | ((left == 1) & asked)), cover=room & (left == 1))
    b.claim("Words of a row ascend", request.payload == (b.past(request.payload) + 1)[:4], when=b.past(asked & ~room) & ~cleared,
            cover=request.payload == 0)
    b.claim("The words left are those of the row that were not asked for", left == (number - done)[:3], when=left != 0, cover=done == 2)
    b.claim("A word that was not asked for stays next", (left == b.past(left)) & (request.payload == b.past(request.payload)),
            when=b.past((left != 0) & ~asked) & ~cleared, cover=left == 2)
    b.claim("When a row ends and no source waits, no word is asked for", left == 0, when=b.past(room & ~found) & ~cleared, cover=b.past(asked))
    b.claim("Busy exactly as long as a source waits, a word is left, or one is on its way", dut.busy == (found | (left != 0) | (away != 0)),
            cover=dut.busy)
    b.claim("A pointer is that which was loaded for its source just before", pointer.as_value() == b.past(b.past(load.data))[:7],
            when=b.past(take) & b.past(b.past(load.en.pointer)) & (b.past(i.payload) == b.past(b.past(load.address))[:4]),
            cover=pointer.number != 0)
