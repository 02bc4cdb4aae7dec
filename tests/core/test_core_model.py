"""The golden model of the core by itself: small networks and their cycles by hand, and the parts that other models take from it."""

from collections import Counter

import numpy as np
import pytest
from independent import engine, netfile

from spikegate.models.core import engine as core
from spikegate.models.core.part import CoreSize, due_spikes
from spikegate.models.core.rows_store import Store
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams

#: A limit that no number exceeds.
NEVER = 2**32 - 1
WIDE = QFormat(17, 8)


def network(n=3, rows=None, *, q=Q8_8, delay=1, steps=6, weights=None, v0=None, limits=(NEVER,) * 7, event=0, external=None, **lif):
    """Neurons that leak nothing as long as they stay within -127..127, with the targets of each source in ``rows``."""
    rows, lfsr = [sorted((rows or {}).get(source, ())) for source in range(n)], LfsrParams()
    return Network(name="by hand", n_exc=n, n_inh=0, delay=delay, steps=steps, dt_ns=1, lfsr=lfsr, seeds=lfsr.phases(0x9E3779B97F4A7C15, n, steps),
                   lif=LifParams(q, **{"threshold": 100, "reset": 5, "rest": 0, "leak": 1, "refractory": 1, **lif}),
                   indptr=np.cumsum([0, *map(len, rows)]), indices=[target for row in rows for target in row], weights=weights or [1] * n,
                   v0=[0] * n if v0 is None else v0, drive=DriveParams(list(limits), event), external=external)


def recorded(steps, spikes, n=20, events=()):
    """A recording made by hand, with these numbers of events by step and neuron."""
    trace = np.zeros((steps, n), np.uint8)
    for (step, neuron), count in dict(events).items():
        trace[step, neuron] = count
    return Recording("by hand", n, steps, np.array(spikes, np.int32).reshape(-1, 2), trace={"events": trace} if events else {})


@pytest.mark.parametrize("q", [Q8_8, WIDE], ids=str)
@pytest.mark.parametrize("delay, spikes, v, hold", [
    (1, [[0, 0], [1, 1], [1, 2], [2, 0]], [[5, 40, 50], [5, 5, 5], [5, 5, 5], [5, 65, 65], [5, 65, 65], [5, 65, 65]],
     [[1, 0, 0], [0, 1, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]),
    (2, [[0, 0], [2, 1], [2, 2], [4, 0]], [[5, 40, 50], [5, 40, 50], [5, 5, 5], [5, 5, 5], [5, 5, 5], [5, 5, 5]],
     [[1, 0, 0], [0, 0, 0], [0, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 0]])])
def test_a_network_by_hand(q, delay, spikes, v, hold):
    """Neuron 0 starts at the threshold and sends 60; the others reach it, and send back 50 and 45, which with 5 make 100."""
    made = network(rows={0: [1, 2], 1: [0], 2: [0]}, q=q, delay=delay, weights=[60, 50, 45], v0=[100, 40, 50])
    found = core.run(made, trace=True)
    assert found.spikes.tolist() == spikes and found.trace["v"].tolist() == v and found.trace["hold"].tolist() == hold
    assert not found.trace["overflow"].any() and not found.trace["events"].any()
    assert (found.engine, found.n, found.steps, found.provenance) == ("golden", 3, 6, {"network": made.hash})
    assert found.final["v"].tolist() == v[-1] and found.final["hold"].tolist() == hold[-1] and found.final["overflow"].tolist() == [0] * 3
    short = core.run(made)
    assert short.spikes.tolist() == spikes and short.trace == {} and short.final["v"].tolist() == v[-1]


def test_events_are_drawn_from_each_neurons_own_register():
    """By a register of the independent engine: its low 32 bits exceed so many limits."""
    limits = [2**30, 2**31, 3 * 2**30]
    made = network(2, steps=9, limits=limits, event=7)
    registers, events = [engine.Register(int(seed), 64, (64, 63, 61, 60), 32) for seed in made.seeds], []
    for _ in range(9):
        events.append([sum(state % 2**32 > limit for limit in limits) for state in (register.draw() for register in registers)])
    found = core.run(made, trace=True)
    assert found.trace["events"].tolist() == events == core.external_events(made).tolist() and len({*sum(events, [])}) > 2
    assert found.trace["v"][:4].tolist() == np.cumsum([[7 * count for count in row] for row in events], axis=0)[:4].tolist()
    assert found.final["lfsr"].tolist() == [register.state for register in registers] and found.final["lfsr"].dtype == np.uint64


def test_every_low_bit_of_a_state_is_compared():
    """The first number of the first neuron is one above a limit, and equal to another."""
    number = int(network(1).seeds[0]) % 2**32
    for limits, count in (((number - 1,) * 3, 3), ((number,) * 3, 0), ((number - 1, number, number), 1)):
        assert core.run(network(1, limits=limits), trace=True).trace["events"][0].tolist() == [count] and number % 2


def test_every_bit_above_those_rounds():
    """A leak of 1/256 and bits that make its product a whole number, or one less than that."""
    random = [int(seed) >> 32 & 255 for seed in network(40, rounding=Rounding.STOCHASTIC).seeds]
    for less in (0, 1):
        found = core.run(network(40, steps=6, v0=[bits - 256 + less for bits in random], rounding=Rounding.STOCHASTIC, threshold=300), trace=True)
        assert found.trace["v"][0].tolist() == [bits - 255 for bits in random] and {bits % 2 for bits in random} == {0, 1}


@pytest.mark.parametrize("rounding", [Rounding.NEAREST, Rounding.STOCHASTIC])
def test_neurons_beyond_one_block_are_updated_alike(rounding, tmp_path):
    """More than a block of them, the last few of another one, by the independent engine."""
    n = 1030
    made = network(n, {0: [1027], 1024: [1, 1029]}, steps=3, weights=[300] * n, v0=[100 * (k % 64 in (0, 5)) - k % 9 for k in range(n)],
                   limits=[2**30, 2**31, 3 * 2**30], event=9, rest=50, leak=40, rounding=rounding)
    made.save(tmp_path / "net")
    file, spikes, found = netfile.read(tmp_path / "net"), [], core.run(made, trace=True)
    for step, (fired, values) in enumerate(engine.simulate(file, engine.Weights(file))):
        assert all(found.trace[name][step].tolist() == values[name] for name in ("v", "hold", "overflow", "events"))
        spikes += [[step, neuron] for neuron in fired]
    assert found.spikes.tolist() == spikes and len(spikes) > 20 and max(neuron for _, neuron in spikes) >= 1024
    assert np.array_equal(core.external_events(made), found.trace["events"])


@pytest.mark.parametrize("q, v, wide", [(Q8_8, np.int16, np.int32), (WIDE, np.int32, np.int64)], ids=str)
def test_inputs_are_signed_numbers_of_four_bits_more(q, v, wide):
    """They saturate the membrane from either side; what a step is given has these types, and room for a spike of each neuron."""
    made, half, seen = network(4, q=q, steps=1, threshold=q.max, reset=7, overflow=Overflow.SATURATE), 1 << q.width + 3, []

    def advance(first, steps, neurons, drive, ring, *rest):
        neurons[4][:] = half - 1, half, -half, 2 * half - 1
        seen.append((first, steps, [array.dtype for array in neurons], ring.shape, rest[-2].shape, [array.dtype for array in rest[-1]]))
        return core.advancer(made)(first, steps, neurons, drive, ring, *rest)

    found = core.simulate(made, advance, trace=True)
    assert found.spikes.tolist() == [[0, 0]] and found.trace["v"].tolist() == [[7, q.min, q.min, -1]]
    assert found.trace["overflow"].tolist() == [[1, 1, 1, 0]]
    assert seen == [(0, 1, [np.int32, np.uint8, np.uint8, np.uint64, wide], (1, 4), (4, 2), [v, np.uint8, np.uint8, np.uint8])]


@pytest.mark.parametrize("q", [Q8_8, WIDE], ids=str)
@pytest.mark.parametrize("event", [1000, -1000])
def test_an_input_with_its_events_is_such_a_number_too(q, event):
    """Three events of 1000 lead beyond the range, where the sign is the other one."""
    made, half = network(2, q=q, steps=1, threshold=q.max, limits=[0, 0, 0], event=event), 1 << q.width + 3

    def advance(first, steps, neurons, *rest):
        neurons[4][:] = (half - 3001, half - 3000) if event > 0 else (3000 - half, 2999 - half)
        return core.advancer(made)(first, steps, neurons, *rest)

    found = core.simulate(made, advance, trace=True)
    assert found.trace["events"].tolist() == [[3, 3]]
    assert found.trace["v"].tolist() == [[5, q.min] if event > 0 else [q.min, 5]]


def test_a_flag_stays_set():
    """An input that saturates the membrane in the first step alone."""
    for rounding in (Rounding.NEAREST, Rounding.STOCHASTIC):
        made = network(2, {0: [1]}, steps=4, weights=[2**15 - 1, 0], v0=[127, 99], rounding=rounding)
        assert core.run(made, trace=True).trace["overflow"].tolist() == [[0, 0], [0, 1], [0, 1], [0, 1]]


def test_everybody_may_fire_in_every_step():
    found = core.run(network(5, steps=4, v0=[100] * 5, reset=99, refractory=0, rest=100, leak=255))
    assert found.spikes.tolist() == [[step, neuron] for step in range(4) for neuron in range(5)]


def test_spiking_neurons_are_found_in_groups_of_eight():
    groups, emitted = np.zeros(3, np.uint64), np.full(20, -1, np.int32)
    groups.view(np.uint8)[[0, 7, 8, 18]] = 1
    assert core.emit(groups, 100, 19, emitted, 2) == 6
    assert emitted[:6].tolist() == [-1, -1, 100, 107, 108, 118]
    groups[:] = 0
    groups.view(np.uint8)[[16, 17]] = 1
    assert core.emit(groups, 0, 17, emitted, 0) == 1 and emitted[0] == 16


def test_scratch_holds_a_block():
    assert [(array.shape, array.dtype) for array in core.make_scratch()] == [
        ((core.BLOCK,), np.uint32), ((core.BLOCK,), np.int64), ((core.BLOCK,), np.int32), ((core.BLOCK // 8,), np.uint64)]
    assert core.BLOCK % 8 == 0 and not core.make_scratch()[3].any()


def test_progress_is_told_in_pieces_of_1024_steps():
    fractions, made = [], network(1, steps=2049, v0=[100], reset=99, rest=100, leak=255, refractory=254)
    found = core.run(made, progress=fractions.append)
    assert fractions == [1024 / 2049, 2048 / 2049, 1.0]
    assert found.spikes.tolist() == [[255 * k, 0] for k in range(9)]


def test_recorded_events_come_before_drawn_ones_and_have_to_be_the_same():
    drawn = {"limits": [2**31] * 3, "event": 1}
    own = core.external_events(network(**drawn))
    core.require_own_drive(network(**drawn))
    core.require_own_drive(network(**drawn, external=own))
    other = own.copy()
    other[5, 2] ^= 1
    assert np.array_equal(core.external_events(network(**drawn, external=other)), other)
    with pytest.raises(InputError, match="must be those of its own drive"):
        core.require_own_drive(network(**drawn, external=other))


@pytest.mark.parametrize("delay, due", [(1, [2, 1, 0, 3]), (2, [0, 2, 1, 0]), (4, [0, 0, 0, 2]), (5, [0, 0, 0, 0]), (9, [0, 0, 0, 0])])
def test_spikes_fall_due_so_many_steps_later(delay, due):
    found = due_spikes(recorded(4, [[0, 1], [0, 7], [1, 19], [3, 0], [3, 2], [3, 4]]), delay)
    assert found.tolist() == due and found.dtype == np.int64


#: Targets of some of twenty neurons.
ROWS = {0: [0, 4, 8], 9: [3, 7, 11, 15, 19], 17: [1, 2, 3, 16, 17]}


def row_cycles(made, lanes, bits):
    return Store(bits).row_cycles(CoreSize(made.n, lanes, made.lif.format.width), made)


def test_rows_of_a_store_by_hand():
    """Words of 16 neurons, and the third one for the weight; four lanes: 0 has three targets of one lane, 9 four of one."""
    found = row_cycles(network(20, ROWS), 4, 16)
    assert found.tolist() == [5] + 8 * [3] + [6] + 10 * [3] and found.dtype.kind == "i"
    assert row_cycles(network(17, {16: [0, 16]}), 1, 16).tolist() == [3] * 17
    assert row_cycles(network(16, {3: [1, 3, 14]}), 2, 32).tolist() == [1, 1, 1, 2, *[1] * 12]


@pytest.mark.parametrize("n, lanes, store", [(20, 4, 16), (33, 1, 16), (50, 8, 16), (40, 2, 32), (70, 16, 64)])
def test_rows_of_a_store_by_counting(n, lanes, store):
    rng = np.random.default_rng(n)
    rows, expected = {source: np.flatnonzero(rng.random(n) < 0.3).tolist() for source in range(0, n, 2)}, []
    for source in range(n):
        counts = Counter((target // store, target % lanes) for target in rows.get(source, []))
        words = range(-(-(n + 16) // store))
        expected.append(sum(max(1, *(counts[word, lane] for lane in range(lanes)), 0) for word in words))
    assert row_cycles(network(n, rows), lanes, store).tolist() == expected


#: Spikes of five steps, of which those of the last are not delivered in the run if the delay is 2.
SPIKES = [[0, 0], [0, 5], [0, 17], [1, 3], [3, 9], [4, 0]]
#: In the first step two neurons of one word of four lanes have four events or more, in the second two of other words, in the third nobody.
EVENTS = {(0, 2): 5, (0, 3): 4, (1, 4): 4, (1, 19): 7, (2, 7): 3}


@pytest.mark.parametrize("lanes, options, cycles", [
    (4, {}, 5 * (5 + 9 + 3) + 5 * 5), (3, {}, 5 * (7 + 9 + 3) + 5 * 7), (20, {}, 5 * (1 + 9 + 3) + 5),
    (4, {"walk": True}, 5 * (5 + 9 + 2) + 3 + 5 * 5), (3, {"walk": True}, 5 * (7 + 9 + 2) + 4 + 5 * 7),
    (1, {"banks": 4}, 5 * (20 + 9 + 3) + 5 * 5), (5, {"banks": 2}, 5 * (4 + 9 + 3) + 5 * 2),
    (4, {"store": 16}, 5 * (5 + 10 + 3) + 4 * 3 + 4 + (9 + 7 + 7 + 7 + 10)),
    (4, {"store": 16, "walk": True}, 5 * (5 + 10 + 2) + 3 + 4 * 3 + 4 + (9 + 7 + 7 + 7 + 10)),
    (1, {"store": 32}, 5 * (20 + 10 + 3) + 4 * 2 + 3 + (8 + 6 + 10 + 6 + 10))])
def test_cycles_by_hand(lanes, options, cycles):
    """Twenty neurons, a table of depth 3, delay 2: in steps 1 to 4 three, one, no and one spikes fall due."""
    made, recording = network(20, ROWS, delay=2, steps=5), recorded(5, SPIKES, events=EVENTS)
    found = core.predict_cycles(made, recording, lanes, **options)
    assert found == cycles and type(found) is int


def test_cycles_with_events_of_the_network_and_of_another_depth():
    """Without a trace, and a walk of 2^4 / 4 groups."""
    events = recorded(5, [], events=EVENTS).trace["events"]
    made = network(20, ROWS, delay=2, steps=5, limits=(NEVER,) * 15, external=events)
    assert core.predict_cycles(made, recorded(5, []), 4, walk=True) == 5 * (5 + 9 + 2) + 3 * 3
    assert core.predict_cycles(made, recorded(5, [], events={(4, 3): 4}), 4, walk=True) == 5 * (5 + 9 + 2) + 3


@pytest.mark.parametrize("delay, store, cycles", [(1, 16, 2 * 30 + 2 * 3), (2, 16, 2 * 30 + 3), (3, 16, 2 * 30), (9, 16, 2 * 30), (9, None, 2 * 29)])
def test_cycles_of_a_run_that_is_shorter_than_the_delay(delay, store, cycles):
    """One lane: 17 + 10 + 3 cycles a step with a store, 17 + 9 + 3 without; 3 for a search for spikes that are due, as 17 are two words."""
    made = network(17, delay=delay, steps=2)
    assert core.predict_cycles(made, recorded(2, [], 17), 1, store=store) == cycles
    late = core.predict_cycles(made, recorded(2, [[1, 4]], 17), 1, store=store)
    assert late == cycles + (1 + 4 + 3) * (delay == 1)
