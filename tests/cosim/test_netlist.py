"""The synthesised netlist as an engine: spike for spike and cycle for cycle the golden model, on both families."""

import dataclasses

import numpy as np
import pytest

from spikegate.cosim.engines import netlist, rtl
from spikegate.cosim.results.compare import compare
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.geometry import Op
from spikegate.models.core import engine as golden
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.brunel import preset, translate

SIGNALS = ("spike", "v", "hold", "overflow", "events")
SMALL = dict(store=16, walk=True)


def small(ms=20.0):
    return translate(preset("ai", n_exc=32, n_inh=8, weight_exc=2.0, delay=0.5), Q8_8, ms=ms)


@pytest.mark.parametrize("family", ["ice40", pytest.param("ecp5", marks=pytest.mark.long)])
def test_the_netlist_is_the_golden_model(family):
    network = small()
    recording = netlist.run(network, 1, family, trace=True, **SMALL)
    reference = golden.run(network, trace=True)
    check = compare("netlist = golden", "bit-true", reference, recording, SIGNALS)
    assert check.ok and check.compared > 30_000 and len(recording.spikes) > 40, check
    assert recording.cycles == golden.predict_cycles(network, reference, 1, **SMALL)
    other = netlist.run(network, 1, family, trace=True, seed=2, **SMALL)
    assert compare("one power-up = another", "bit-true", recording, other, SIGNALS).ok and other.cycles == recording.cycles


@pytest.mark.long
def test_a_run_is_of_the_netlist_and_a_flipped_bit_of_a_look_up_table_is_rejected(monkeypatch):
    """Through `run`, which therefore simulates what was synthesised."""
    network, made = small(), netlist.core_netlist(CoreGeometry.of(small(), 1, **SMALL), "ice40")
    changed, where = netlist.flipped(made.module, "top.lane_0.seeds", seed=1)
    print(where)
    asked = []

    def tampered(geometry, family):
        asked.append((geometry, family))
        wrong = dataclasses.replace(made)
        wrong.__dict__["module"] = changed  # in place of the file's
        return wrong
    monkeypatch.setattr(netlist, "core_netlist", tampered)
    try:
        recording = netlist.run(network, 1, "ice40", trace=True, **SMALL)
    except SpikegateError as error:
        assert "Core" in str(error)
    else:
        assert not compare("netlist = golden", "bit-true", golden.run(network, trace=True), recording, SIGNALS).ok
    assert asked == [(CoreGeometry.of(network, 1, **SMALL), "ice40")]


def test_what_is_not_loaded_is_unknown_and_depends_on_the_seed_of_power_up(monkeypatch):
    """Without seeds of the drive's generators the spikes are those of whatever the memories held, which is of the seed that `run` is given."""
    network, load_words = small(), rtl.load_words

    def without_seeds(*args):
        words = load_words(*args)
        return words[words["op"] != Op.SEED.value]
    monkeypatch.setattr(rtl, "load_words", without_seeds)
    one, again, other = (netlist.run(network, 1, "ice40", trace=True, seed=seed, **SMALL) for seed in (1, 1, 2))
    assert np.array_equal(one.trace["events"], again.trace["events"]) and not np.array_equal(one.trace["events"], other.trace["events"])


def test_contents_of_memories_and_uses_without_a_model_are_refused():
    cell = {"type": "SB_RAM40_4K", "parameters": {"INIT_0": "0" * 255 + "1"}, "connections": {}}
    with pytest.raises(SpikegateError, match="Memory m .SB_RAM40_4K. has initial contents"):
        netlist.simulable({"cells": {"m": cell}}, "top")
    cell = {"type": "SB_SPRAM256KA", "parameters": {}, "connections": {"STANDBY": ["0"], "SLEEP": [7], "POWEROFF": ["1"]}}
    with pytest.raises(SpikegateError, match="Input SLEEP of m .SB_SPRAM256KA. must be 0"):
        netlist.simulable({"cells": {"m": cell}}, "top")
    unknown = {"type": "SB_RAM40_4K", "parameters": {"INIT_0": "x" * 256, "READ_MODE": "0"}, "connections": {}}
    assert "INIT_0" not in netlist.simulable({"cells": {"m": unknown}}, "top")


def test_an_unknown_family_is_refused_with_the_list():
    with pytest.raises(InputError, match="Family must be one of ice40, ecp5, not 'xc7'"):
        netlist.run(small(), 1, "xc7", **SMALL)


@pytest.mark.long
@pytest.mark.parametrize(("family", "lanes", "options"), [("ice40", 2, dict(store=64, walk=True)), ("ecp5", 32, dict(walk=True, banks=8))])
def test_500_steps_of_the_whole_network(family, lanes, options):
    network = translate(preset("ai"), Q8_8, ms=50.0)
    recording = netlist.run(network, lanes, family, **options)
    reference = golden.run(network)
    check = compare("netlist = golden", "bit-true", reference, recording, ("spike", "final.v", "final.hold", "final.overflow"))
    print(f"{family}, {lanes} lanes: {check.detail}, {recording.cycles:,} cycles; {recording.provenance}")
    assert check.ok and len(recording.spikes) > 1000 and network.steps == 500, check
    assert recording.cycles == golden.predict_cycles(network, reference, lanes, **options)
    assert np.array_equal(dataclasses.replace(recording).final["v"], reference.final["v"])
