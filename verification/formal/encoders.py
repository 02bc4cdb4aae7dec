"""Claims about the encoders and the gate that multiplies what they make."""

from amaranth.hdl import Cat, Mux, Signal

from verification.formal.bench import Bench
from verification.formal.sources import DIRECTIONS, leapt, requests

__all__ = ["encoder", "window_encoder", "synapse"]


def encoder(b: Bench) -> None:
    """16 bits of the LFSR against a threshold."""
    i, o, raw, start = b.dut.i, b.dut.o, b.free("threshold", 17), b.free("seed", 64)
    near = b.free("near", 3)
    b.drive(i.payload, Cat(Mux(start == 0, 1, start), Mux(near == 7, 1 << 15, Mux(raw > 1 << 16, 1 << 16, raw))))
    b.assume("Seeds are not 0")
    b.assume("Thresholds are 0..2^bits")
    taken, loaded = requests(b)
    state, threshold = b.keep(64), b.keep(17)
    with b.m.If(i.valid & i.ready):
        b.m.d.sync += [state.eq(i.payload.start), threshold.eq(i.payload.threshold)]
    with b.m.Elif(o.valid & o.ready):
        b.m.d.sync += state.eq(leapt(b, state))
    number, bit = state[:16], o.payload
    b.claim("The number is that of the register, from the seed on", b.inner("source.o.payload") == state, when=o.valid)
    b.claim("The threshold is that of the last request", b.inner("threshold") == threshold, when=o.valid)
    b.lemma(threshold <= 1 << 16)
    b.claim("The register is never 0", state != 0, when=o.valid)
    b.claim("A bit is 1 exactly when its number is below the threshold", bit == (number < threshold), when=o.valid,
            cover=bit & (threshold == number + 1))
    b.claim("Threshold 0 gives no ones, whatever the numbers", ~bit, when=o.valid & (threshold == 0), cover=taken)
    b.claim("Threshold 2^bits gives nothing but ones", bit, when=o.valid & (threshold == 1 << 16), cover=taken)
    b.claim("A threshold of half the range tells the highest bit", bit == ~number[15], when=o.valid & (threshold == 1 << 15))
    b.claim("The largest number is 1 at the threshold of certainty alone", bit == (threshold == 1 << 16), when=o.valid & (number == (1 << 16) - 1))
    b.claim("The smallest number is 1 at all thresholds but 0", bit == (threshold != 0), when=o.valid & (number == 0))
    b.claim("The first bit is that of the seed's low bits", bit == (b.past(i.payload.start)[:16] < b.past(i.payload.threshold)), when=loaded)
    b.claim("A request taken together with a bit leaves that bit as it is", bit == (number < threshold), when=o.valid & i.valid & i.ready,
            cover=bit & (i.payload.threshold < number))


def window_encoder(b: Bench) -> None:
    """64 positions of dimension 1 with 7 bits."""
    i, o, load, raw = b.dut.i, b.dut.o, b.dut.load, b.free("threshold", 8)
    b.drive(i.payload, Mux(raw > 128, 128, raw))
    b.assume("Thresholds are 0..2^bits")
    took, threshold = b.past(i.valid & i.ready), b.past(i.payload)
    index = b.keep()
    used = b.past(index)
    with b.m.If(load.en):
        b.m.d.sync += index.eq(load.start)
    with b.m.Elif(i.valid & i.ready):
        b.m.d.sync += index.eq(~index)
    loaded = b.keep()
    with b.m.If(load.en):
        b.m.d.sync += loaded.eq(1)

    numbers = []
    for t in range(128):
        gray, number = t ^ t >> 1, 0
        for k, direction in enumerate(DIRECTIONS[:7]):
            number ^= direction >> 1 if gray >> k & 1 else 0
        numbers.append(number)
    ones = Signal(7)
    b.m.d.comb += ones.eq(sum(o.payload[t] for t in range(64)))
    last = {name: b.keep(shape) for name, shape in (("window", 64), ("threshold", 8), ("index", 1), ("there", 1))}
    begun = b.past(loaded)
    fresh = took & begun
    with b.m.If(fresh):
        b.m.d.sync += [last["window"].eq(o.payload), last["threshold"].eq(threshold), last["index"].eq(used), last["there"].eq(1)]

    b.holds(o, "A window")
    b.claim("Nothing is valid before a threshold", ~o.valid, when=b.first)
    b.claim("A threshold gives a window one cycle later", o.valid, when=took)
    b.claim("Only a threshold gives a window", took, when=o.valid & ~b.past(o.valid & ~o.ready))
    b.claim("A threshold is taken unless a window waits", i.ready == ~(o.valid & ~o.ready), cover=~i.ready)
    b.claim("Threshold 0 gives no ones, whatever the numbers", o.payload == 0, when=took & (threshold == 0))
    b.claim("Threshold 2^bits gives nothing but ones", o.payload.all(), when=took & (threshold == 128))
    b.claim("The offset is that of the window's index", b.inner("offset") == Mux(index, numbers[64], numbers[0]), when=loaded)
    for half in (0, 1):
        positions = [o.payload[63 - t] == (numbers[64 * half + t] < threshold) for t in range(64)]
        b.claim(f"In window {half} each position has a one where its number is below the threshold, the earliest highest",
                Cat(positions).all(), when=fresh & (used == half), cover=threshold == 77)
    b.claim("A window holds half as many ones as the threshold says", ones == threshold >> 1, when=fresh & ~threshold[0], cover=ones == 17)
    b.claim("At an odd threshold it holds that many or one more", (ones == threshold >> 1) | (ones == (threshold >> 1) + 1),
            when=fresh & threshold[0])
    kept = [last["window"][63 - t] == (Mux(last["index"], numbers[64 + t], numbers[t]) < last["threshold"]) for t in range(64)]
    b.claim("The window remembered is that of its index and threshold", Cat(kept).all(), when=last["there"])
    both = Signal(8)
    past_ones = b.keep(7)
    with b.m.If(fresh):
        b.m.d.sync += past_ones.eq(ones)
    b.m.d.comb += both.eq(ones + past_ones)
    pair = fresh & last["there"] & (threshold == last["threshold"]) & (used != last["index"])
    b.lemma(~last["there"] | (past_ones == sum(last["window"][t] for t in range(64))))
    b.claim("The two windows of a period hold as many ones as the threshold says", both == threshold, when=pair, cover=threshold[0])
    b.claim("A window of a higher threshold has all ones of that of a lower one", (last["window"] & ~o.payload) == 0,
            when=fresh & last["there"] & (used == last["index"]) & (threshold > last["threshold"]))


def synapse(b: Bench) -> None:
    """AND of 16 lines, each of which may be stuck or flipped."""
    spike, weight, post, faults, others = b.dut.spike, b.dut.weight, b.dut.post, b.dut.stream_faults, b.dut.weight_faults
    stuck = [x.stuck0 | x.stuck1 for x in (faults, others)]
    sound = [(x == 0) & (y.flips == 0) for x, y in zip(stuck, (faults, others))]
    full = (1 << 16) - 1

    def ones(value):
        return sum(value[k] for k in range(16))

    b.claim("Without faults it is the AND", post == (spike & weight), when=sound[0] & sound[1], cover=post != 0)
    b.claim("Without faults no more ones leave than a window has", (ones(post) <= ones(spike)) & (ones(post) <= ones(weight)),
            when=sound[0] & sound[1], cover=spike.any() & weight.any())
    b.claim("A weight of nothing but ones passes the spikes", post == spike, when=sound[0] & sound[1] & (weight == full), cover=spike != 0)
    b.claim("A weight without ones passes nothing", post == 0, when=sound[0] & sound[1] & (weight == 0), cover=spike != 0)
    b.claim("A window with itself is itself", post == spike, when=sound[0] & sound[1] & (spike == weight), cover=spike != 0)
    b.claim("Spikes stuck at 0 silence the synapse", post == 0, when=(faults.stuck0 == full) & (faults.stuck1 == 0) & (faults.flips == 0),
            cover=(spike & weight) != 0)
    b.claim("A weight stuck at 0 silences the synapse", post == 0, when=(others.stuck0 == full) & (others.stuck1 == 0) & (others.flips == 0),
            cover=(spike & weight) != 0)
    b.claim("A spike line stuck at 1 passes the weight", post == weight, when=(faults.stuck1 == full) & (faults.flips == 0) & sound[1],
            cover=weight != 0)
    b.claim("A weight line stuck at 1 passes the spikes", post == spike, when=(others.stuck1 == full) & (others.flips == 0) & sound[0],
            cover=spike != 0)
    b.claim("Stuck at 1 is stronger than stuck at 0", post[0], when=faults.stuck1[0] & others.stuck1[0] & ~faults.flips[0] & ~others.flips[0],
            cover=faults.stuck0[0] & others.stuck0[0])
    b.claim("A flip acts behind a stuck line", ~post[1], when=faults.stuck1[1] & faults.flips[1])
    b.claim("Flips of all spikes pass the weight where there is no spike", post == (weight & ~spike),
            when=(stuck[0] == 0) & (faults.flips == full) & sound[1], cover=post != 0)
    b.claim("Flips of all weights pass the spikes where there is no weight", post == (spike & ~weight),
            when=(stuck[1] == 0) & (others.flips == full) & sound[0], cover=post != 0)
    clean = ~(stuck[0] | faults.flips | stuck[1] | others.flips)
    b.claim("A fault changes no other line", ((post ^ spike & weight) & clean) == 0, cover=clean.any() & ~clean.all() & post.any())
    b.claim("Between lines stuck at 1, the flip alone tells", post[2] == (faults.flips[2] ^ 1),
            when=faults.stuck1[2] & others.stuck1[2] & ~others.flips[2])
