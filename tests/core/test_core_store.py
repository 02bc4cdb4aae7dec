"""The core for small parts, with a store and a walk, against the golden model: every value, and the cycles."""

import dataclasses
import re

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Module, Signal, Value
from amaranth.sim import Simulator

from spikegate.cosim.engines import netlist, rtl, rtl_cocotb
from spikegate.cosim.results.compare import compare
from spikegate.cosim.toolchain.board import COLLISIONS
from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.cosim.toolchain.verilog import without_zeros
from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.gateware.core.spike_list import first_set
from spikegate.models.core import engine as golden
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from spikegate.translator.brunel import preset, translate

SIGNALS = ("spike", "v", "hold", "overflow", "events")


def small(format=Q8_8, *, n=103, ms=20.0, **changes):
    """A network of ``n`` neurons that spikes."""
    return translate(preset("ai", **{"n_exc": n - n // 5, "n_inh": n // 5, "weight_exc": 2.0, "delay": 0.5, **changes}), format, ms=ms)


def agree(network, recording, model=None):
    """Compare a traced recording with the golden model, and its cycles with the prediction."""
    reference = golden.run(model or network, trace=True)
    made = recording.provenance
    check = compare("RTL = golden", "bit-true", dataclasses.replace(reference, provenance=made), recording, SIGNALS)
    assert check.compared >= 4 * network.n * network.steps and len(recording.spikes) > network.n // 2
    predicted = golden.predict_cycles(network, reference, made["lanes"], store=made["store"], walk=made["walk"])
    return check, recording.cycles - predicted


@pytest.mark.parametrize(("lanes", "store", "network"), [
    (4, 64, small(eta=9.0)),  # up to 14 events a step: the walk goes round
    (1, 16, small(delay=0.1)),  # spikes of the step itself
    (2, 32, small(n=48, delay=6.3)),  # whole words of neurons, 64 slots, the weight in a word of its own
    (8, 64, small(Q16_12))], ids=("walk", "delay 1", "delay 63", "q16.12"))
def test_a_store_and_a_walk_change_no_value(lanes, store, network):
    check, off = agree(network, rtl.run(network, lanes, store=store, walk=True, trace=True))
    assert check.ok, check
    assert off == 0


def test_the_whole_network_with_two_lanes_is_bit_true():
    network = translate(preset("ai"), ms=100.0)
    recording = rtl.run(network, 2, store=64, walk=True, trace=True)
    check, off = agree(network, recording)
    assert check.ok and check.compared > 4_000_000 and off == 0
    assert 700 < recording.cycles / network.steps < 800


@pytest.mark.parametrize(("store", "walk"), [(None, True), (64, False)])
def test_each_works_without_the_other(store, walk):
    network = small()
    check, off = agree(network, rtl.run(network, 8, store=store, walk=walk, trace=True))
    assert check.ok and off == 0, check


def test_random_stalls_and_enables_in_place_of_gated_clocks_change_no_value():
    network = small()
    g = CoreGeometry.of(network, 8, store=64, walk=True)
    recording = rtl_cocotb.execute(network, g, rtl.load_words(network, g), trace=True, stall=0.3, seed=3, clock_gate=False)
    reference = golden.run(network, trace=True)
    assert recording.cycles > golden.predict_cycles(network, reference, 8, store=64, walk=True)
    check = compare("RTL = golden", "bit-true", reference, recording, SIGNALS)
    assert check.ok and check.compared > 80_000, check


@pytest.mark.parametrize("defect", ["weight", "row", "slot"])
def test_a_store_that_holds_something_else_is_rejected(defect):
    """Negative control: one bit of one word, or a delay that looks into another slot."""
    network = small()
    g = CoreGeometry.of(network, 8, store=64, walk=True)
    words = rtl.load_words(network, g)
    source = int(golden.run(network).spikes[0, 1])
    rows = np.flatnonzero(words["op"] == 1)
    if defect == "slot":
        words["data"][(words["op"] == 6) & (words["address"] == 6)] += 1
    else:
        words["data"][rows[source * g.stride + (g.stride - 1 if defect == "weight" else 0)], 0] ^= np.uint64(1 << (50 if defect == "weight" else 5))
    check, _ = agree(network, rtl.execute(network, g, words, trace=True))
    assert not check.ok and check.mismatches > 0 and check.first_divergence["signal"] in SIGNALS


@pytest.mark.long
@pytest.mark.parametrize("masked", [True, False], ids=["as built", "all reads unknown"])
def test_no_value_depends_on_a_read_beside_a_write_to_the_same_word(masked, tmp_path):
    """What the build leaves open to synthesis is a random number here; where every read is, the comparison sees it."""
    network = small(n=40)
    g = CoreGeometry.of(network, 2, store=16, walk=True)
    component = Core(g)
    ports = {"__".join(map(str, path)): (Value.cast(value), None) for path, _, value in component.signature.flatten(component)}
    top = Module()
    top.domains.sync = sync = ClockDomain(reset_less=True)
    top.submodules.core = component
    (tmp_path / "core.il").write_text(without_zeros(rtlil.convert(top, name="core", ports=ports | {"clk": (sync.clk, None)}, emit_src=False)))
    yosys(f"read_rtlil core.il\n{COLLISIONS.format('*')}\nproc\nmemory_collect\nwrite_verilog -noattr -norename core.v\n", tmp_path)
    # Yosys writes a mask of the bits that collide, none by default.
    none = re.compile(r"(_\d_ <= )(\d+)'h0+;(?=\s+_\d_ <= \d+'hx)")
    text = (tmp_path / "core.v").read_text()
    assert len(none.findall(text)) == 5, "a store, and seeds and neurons of two lanes"
    text = text if masked else none.sub(r"\1{\2{1'b1}};", text)
    made, words = netlist.compile_core(text), rtl.load_words(network, g)
    for seed in (1, 2):
        try:
            check, off = agree(network, rtl.execute(network, g, words, trace=True, made=made, seed=seed))
        except (AssertionError, SpikegateError):
            assert not masked
        else:
            assert (check.ok and off == 0) == masked, check


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_the_place_of_the_lowest_bit(size):
    """All values, against Python's integers."""
    m, bits, place = Module(), Signal(size), Signal(4)
    m.d.comb += place.eq(first_set(bits))
    seen = set()

    async def bench(ctx):
        for value in range(1 << size):
            ctx.set(bits, value)
            assert ctx.get(place) == max(0, (value & -value).bit_length() - 1), value
            seen.add(ctx.get(place))

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert len(seen) == size


def test_rows_hold_targets_and_weight():
    network = small(n=50)
    g = CoreGeometry.of(network, 4, store=16)
    assert g.stride == 5  # 50 targets and a weight of 16 bits
    words = g.rows.loads(g.size, network, None)[1][0].data.reshape(50, 5)
    for source in range(50):
        row = sum(int(word) << 16 * k for k, word in enumerate(words[source]))
        targets = network.indices[network.indptr[source]:network.indptr[source + 1]]
        assert row == sum(1 << int(t) for t in targets) | (int(network.weights[source]) & 0xFFFF) << 64


@pytest.mark.parametrize(("lanes", "options", "message"), [
    (8, {"store": 48}, "Store must have words of 16, 32 or 64 bits and hold a weight of 16, not 48"),
    (3, {"store": 64}, "Lanes must divide the 64 bits of the store's words, not be 3")])
def test_a_store_that_cannot_be_is_refused(lanes, options, message):
    with pytest.raises(InputError, match=message):
        CoreGeometry.of(small(), lanes, **options)
