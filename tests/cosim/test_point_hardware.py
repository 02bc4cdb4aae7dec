"""The engines of the core of point neurons without a simulator: what each is given, and when cycles are not known."""

from types import SimpleNamespace

import numpy as np
import pytest
from small_networks import kicked, twenty

from spikegate.cosim.engines import netlist, point_rtl, rtl, rtl_cocotb
from spikegate.cosim.engines.hardware import Cocotb, Netlist, Rtl
from spikegate.cosim.engines.point_hardware import PointCocotb, PointNetlist
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.models.core import golden
from spikegate.models.core.rows_external import External
from spikegate.translator.hybrid import hybrid

NETWORK = twenty()
STREAMS = hybrid(NETWORK.replace(steps=20), "v4", length=64)
TOLD = print
POINTS = kicked()


def test_point_neurons_under_cocotb_and_as_a_netlist_are_given_what_the_rtl_is_and_their_own_options(monkeypatch):
    calls = []
    for where, module in (("rtl", rtl), ("rtl_cocotb", rtl_cocotb), ("netlist", netlist)):
        monkeypatch.setattr(module, "execute", lambda *args, where=where, **options: calls.append((where, args, options)))
    shared = dict(lanes=4, latency=3, memory_seed=8, rows=External())
    PointRtl(**shared).run(POINTS, trace=True, progress=TOLD)
    PointCocotb(**shared, stall=0.25, seed=9, clock_gate=False).run(POINTS, trace=True, progress=TOLD)
    PointNetlist(**shared, family="ecp5", seed=6).run(POINTS, trace=True, progress=TOLD)
    (first, given, options), *others = calls
    assert [where for where, _, _ in calls] == ["rtl", "rtl_cocotb", "netlist"] and given[1] == PointRtl(**shared)._geometry(POINTS)
    outside = options.pop("outside")
    assert (outside.latency, outside.seed) == (3, 8) and np.array_equal(outside.events, POINTS.input_events)
    assert np.array_equal(outside.rows, point_rtl.memory_words(POINTS, given[1])) and options == dict(trace=True, progress=TOLD, clock_gate=True)
    for (_, args, more), own in zip(others, (dict(stall=0.25, seed=9, clock_gate=False), dict(seed=6, progress=TOLD))):
        assert args[:2] == given[:2] and np.array_equal(args[2], given[2]) and np.array_equal(more.pop("outside").rows, outside.rows)
        assert more == dict(trace=True, **own)
    assert others[1][1][3:] == ("ecp5",) and POINTS.input_events.size and PointRtl(4)._ready(POINTS)[2].rows is None


def test_cycles_under_stalls_are_not_known_and_a_netlist_has_no_streams():
    recording = golden.Golden().run(NETWORK.replace(steps=20))
    assert Cocotb(2, stall=0.1).predicted_phases(NETWORK.replace(steps=20), recording) is None
    assert Cocotb(2).predicted_phases(NETWORK.replace(steps=20), recording) == Rtl(2).predicted_phases(NETWORK.replace(steps=20), recording)
    assert (Cocotb(stall=0.1).unpredicted, Rtl().unpredicted) == ("streams pause at random", "a memory outside answers when it can")
    assert Netlist(2).unsupported(NETWORK) == [] and "without bitstream synapses" in Netlist(2).unsupported(STREAMS)[0]


class Pin:
    """A port of 64 bits."""

    value = 0

    def __len__(self):
        return 64


def pauses(monkeypatch, folder, seed, stall):
    """At each edge of the clock whether a load word was offered, as the bench of the core drives a device that is never busy."""
    seen, dut = [], SimpleNamespace(clk=None, **{name: Pin() for name in ("busy", "i_valid", "i_payload", "o_ready", "cycles")})

    class Edge:
        def __init__(self, _):
            seen.append(dut.i_valid.value)

        def __await__(self):
            return iter(())

    monkeypatch.setattr(rtl_cocotb, "RisingEdge", Edge)
    monkeypatch.setattr(rtl_cocotb, "cocotb", SimpleNamespace(RANDOM_SEED=seed, plusargs={"stall": str(stall), "most": "9"}))
    monkeypatch.setenv(rtl_cocotb.FOLDER_VARIABLE, str(folder))
    np.save(folder / "load.npy", np.zeros((50, 8), np.uint8))
    np.savez(folder / "outside.npz", events=np.empty((0, 2)), rows=np.empty((0, 1)))
    running = rtl_cocotb.runs_the_network.func(dut)
    try:
        running.send(None)
    except StopIteration:
        return seen


def test_streams_pause_as_the_seed_says_and_not_without_stalls(monkeypatch, tmp_path):
    one, same, other, few = (pauses(monkeypatch, tmp_path, seed, stall) for seed, stall in ((3, 0.5), (3, 0.5), (4, 0.5), (3, 0.1)))
    assert one == same != other and sum(one) == sum(other) == sum(few) == 50 and len(one) > len(few) > 51


def test_the_bench_is_told_how_long_it_may_take_how_late_the_memory_is_and_by_which_seeds(monkeypatch):
    class Stop(Exception):
        """Before anything is simulated."""

    def told(*given):
        raise Stop(*given)

    monkeypatch.setattr(rtl_cocotb, "build", lambda geometry, clock_gate: SimpleNamespace(path="made"))
    monkeypatch.setattr(rtl_cocotb, "simulate", told)
    engine = PointCocotb(4, latency=3, memory_seed=8, rows=External(), stall=0.25, seed=9)
    with pytest.raises(Stop) as stopped:
        engine.run(POINTS, trace=True)
    path, _, _, folder, seed, words = stopped.value.args
    most = int(engine._geometry(POINTS).most_cycles(POINTS.steps) * 8 / 0.75)
    assert (path, seed) == ("made", 9) and words == [f"+record={folder / 'record'}", f"+steps={POINTS.steps}", "+stall=0.25", "+latency=3",
                                                     "+memory_seed=8", f"+most={most}", "+every"]
    with pytest.raises(Stop) as stopped:
        PointCocotb(4).run(POINTS)
    assert stopped.value.args[-2] == 1 and stopped.value.args[-1][2:5] == ["+stall=0.0", "+latency=0", "+memory_seed=1"]
