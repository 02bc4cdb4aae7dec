"""The core's engines without a simulator: what each is given, in which pieces a run is asked of it, and what its recording says."""

import dataclasses
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from small_networks import kicked, twenty

from spikegate.cosim.engines import bitstream, netlist, point_rtl, rtl, rtl_cocotb, rtl_streams
from spikegate.cosim.engines.hardware import Bitstream, Cocotb, Netlist, Rtl
from spikegate.cosim.engines.point_hardware import PointCocotb, PointNetlist
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.toolchain.verilate import Build
from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.core import golden
from spikegate.models.core.address_map import Op
from spikegate.models.errors import InputError
from spikegate.models.network.builder import Builder
from spikegate.models.network.engine import Agreement, Hardware
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.streams.faults import FaultParams
from spikegate.models.streams.params import StreamFaults
from spikegate.translator.hybrid import hybrid

NETWORK = twenty()
STREAMS = hybrid(NETWORK.replace(steps=20), "v4", length=64)
FAULTS = StreamFaults((FaultParams.random(0.1, 1, 64),))
TOLD = print
POINTS = kicked()


@pytest.fixture
def calls(monkeypatch):
    """What the modules of the engines are called with."""
    found = []
    for module, names in ((rtl, ("run", "waveform")), (rtl_streams, ("run", "run_cocotb", "waveform")), (rtl_cocotb, ("run",)), (netlist, ("run",)),
                          (bitstream, ("run",))):
        for name in names:
            where = f"{module.__name__.rpartition('.')[2]}.{name}"
            monkeypatch.setattr(module, name, lambda *args, where=where, **options: found.append((where, args, options)) or where)
    return found


CORE = dict(store=16, walk=True, banks=2, overlap=True)


@pytest.mark.parametrize("engine, network, called", [
    (Rtl(), NETWORK, ("rtl.run", (NETWORK, 40), dict(store=None, walk=False, banks=1, overlap=False, clock_gate=True))),
    (Rtl(3, **CORE, clock_gate=False), NETWORK, ("rtl.run", (NETWORK, 3), dict(**CORE, clock_gate=False))),
    (Rtl(3, faults=FAULTS, clock_gate=False), STREAMS, ("rtl_streams.run", (STREAMS, 3), dict(faults=FAULTS, clock_gate=False))),
    (Netlist(2, **CORE), NETWORK, ("netlist.run", (NETWORK, 2, "ice40"), dict(**CORE, seed=1))),
    (Netlist(2, family="ecp5", seed=5), NETWORK, ("netlist.run", (NETWORK, 2, "ecp5"), dict(store=None, walk=False, banks=1, overlap=False, seed=5))),
    (Bitstream(1, store=16, walk=True), NETWORK, ("bitstream.run", (NETWORK, 1), dict(store=16, walk=True, overlap=False, seed=1, place_seed=1))),
    (Bitstream(2, seed=4, place_seed=7), NETWORK,
     ("bitstream.run", (NETWORK, 2), dict(store=None, walk=False, overlap=False, seed=4, place_seed=7)))],
    ids=lambda value: type(value).__name__)
def test_a_run_is_given_every_option_of_its_engine(calls, engine, network, called):
    where, args, options = called
    assert engine.run(network, trace=True, progress=TOLD) == engine.run(network) == where
    assert calls == [(where, args, {**options, "trace": True, "progress": TOLD}), (where, args, {**options, "trace": False, "progress": None})]


def test_cocotb_is_given_its_stalls_their_seed_and_the_faults(calls):
    assert Cocotb(3, stall=0.25, seed=9, clock_gate=False).run(NETWORK, trace=True) == "rtl_cocotb.run"
    assert Cocotb(3, faults=FAULTS).run(STREAMS) == "rtl_streams.run_cocotb"
    assert calls == [("rtl_cocotb.run", (NETWORK, 3), dict(trace=True, stall=0.25, seed=9, clock_gate=False)),
                     ("rtl_streams.run_cocotb", (STREAMS, 3), dict(trace=False, stall=0.0, seed=1, clock_gate=True, faults=FAULTS))]


def test_a_waveform_is_of_the_steps_lanes_and_faults_that_are_given(calls):
    Rtl(3).waveform(NETWORK, first=2, last=5, path="w")
    Rtl(4, faults=FAULTS).waveform(STREAMS, first=1, last=3, path="v")
    assert calls == [("rtl.waveform", (NETWORK, 3, 2, 5, "w"), {}), ("rtl_streams.waveform", (STREAMS, 4, 1, 3, "v"), dict(faults=FAULTS))]


def test_what_the_engines_are():
    for engine, name, title in ((Rtl(), "rtl", "RTL"), (Cocotb(), "rtl_cocotb", "RTL under cocotb"), (Netlist(), "netlist", "netlist"),
                                (Bitstream(), "bitstream", "bitstream"), (PointRtl(), "rtl", "RTL"),
                                (PointCocotb(), "rtl_cocotb", "RTL under cocotb"), (PointNetlist(), "netlist", "netlist")):
        assert (engine.name, engine.title, engine.agreement, engine.traces) == (name, title, Agreement.BIT_TRUE, True)
        assert isinstance(engine, Hardware)
        with pytest.raises(dataclasses.FrozenInstanceError):
            engine.lanes = 2
    assert PointRtl() == PointRtl(8, None, True) and Rtl() == Rtl(40, None, False, 1, False, None, True)


def test_stuck_lines_are_counted_and_the_cause_of_a_departure():
    lines = FaultParams(64, stream=dataclasses.replace(FAULTS.paths[0].stream, stuck0=0b101, stuck1=0b1000))
    engine = Rtl(faults=StreamFaults((lines,)))
    made = sum(bin(int(mask)).count("1") for masks in engine.faults.masks() for mask in masks.ravel())
    assert engine.stuck == made >= 3 and engine.departs == f"the RTL has faults ({made:,} lines stuck), Brian2 has none"
    assert Rtl().stuck == 0 and Rtl().departs is None and Rtl(faults=StreamFaults((FaultParams(64),))).departs is None


def test_cycles_are_predicted_with_the_options_of_the_core():
    network = NETWORK.replace(steps=40)
    recording = golden.Golden().run(network)
    for options in ({}, dict(store=16), dict(walk=True), dict(store=16, walk=True), dict(banks=2)):
        assert Rtl(2, **options).predicted_cycles(network, recording) == golden.engine.predict_cycles(network, recording, 2, **options)
    assert len({Rtl(2, **options).predicted_cycles(network, recording) for options in ({}, dict(store=16), dict(banks=2))}) == 3


def test_options_of_the_store_are_not_for_streams():
    reasons = Rtl(4, **CORE).unsupported(STREAMS)
    assert reasons == [f"{name} must be left out for bitstream synapses, not {value}" for name, value in Rtl(4, **CORE)._options.items()]
    assert Rtl(4, walk=True).unsupported(NETWORK) == Rtl(4, faults=FAULTS).unsupported(STREAMS) == []
    assert len(Rtl(21).unsupported(STREAMS)) == 1 and Rtl(21, banks=2).unsupported(NETWORK)[0].startswith("Lanes must be in 1..N=20")


class Core:
    """In place of `NativeCore`: it writes down what it is asked."""

    made = []

    def __init__(self, path, geometry, seed=0):
        self.path, self.geometry, self.seed, self.calls, self.cycles = path, geometry, seed, [], 4321
        size = geometry.sweep_layout().size // 8
        self.last = np.zeros((geometry.words, size), np.uint8)
        self.last[:, 0] = 5
        Core.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.calls.append("closed")

    def load(self, words):
        self.calls.append(("load", words))

    def give(self, events):
        self.calls.append(("give", events.tolist()))

    def run(self, word, first, steps, trace):
        self.calls.append(("run", int(word["op"][0]), int(word["data"][0, 0]), first, steps, trace))
        sweeps = np.zeros((steps * self.geometry.words, self.last.shape[1]), np.uint8)
        sweeps[:, 0] = 7
        return np.array([[first, 1], [first + 1, 2]], np.int32), sweeps if trace else None

    @contextmanager
    def wave(self, path):
        self.calls.append(("wave", path))
        yield
        self.calls.append("shut")


@pytest.fixture
def core(monkeypatch):
    """What runs either core with `Core`, a build that takes 0.25 and 0.5 s, and clocks that go 1 s and 0.125 s from one look to the next."""
    Core.made = []
    built = []

    def build(geometry, **options):
        built.append((geometry, options))
        return Build(Path("library"), 0.25, 0.5)
    wall, cpu = iter(np.arange(5.0, 50.0)), iter(np.arange(3.0, 9.0, 0.125))
    monkeypatch.setattr(rtl, "NativeCore", Core)
    monkeypatch.setattr(rtl, "build", build)
    monkeypatch.setattr(rtl, "time", SimpleNamespace(perf_counter=lambda: float(next(wall)), process_time=lambda: float(next(cpu))))
    return built


PIECES = [(Op.RUN.value, count, first, count) for first, count in ((0, 512), (512, 512), (1024, 276))]


@pytest.mark.parametrize("trace", [False, True])
def test_a_run_is_asked_of_the_core_in_pieces_of_512_steps(core, trace):
    fractions, g = [], CoreGeometry.of(NETWORK, 4, store=16, walk=True)
    found = rtl.run(NETWORK, 4, store=16, walk=True, trace=trace, clock_gate=False, progress=fractions.append)
    made, = Core.made
    assert core == [(g, {"clock_gate": False})] and (made.path, made.geometry, made.seed) == (Path("library"), g, 0)
    assert made.calls[0][0] == "load" and np.array_equal(made.calls[0][1], rtl.load_words(NETWORK, g))
    assert made.calls[1:] == [*(("run", *piece, trace) for piece in PIECES), "closed"]
    assert fractions == [512 / 1300, 1024 / 1300, 1.0]
    assert found.spikes.tolist() == [[0, 1], [1, 2], [512, 1], [513, 2], [1024, 1], [1025, 2]] and (found.engine, found.cycles) == ("rtl", 4321)
    assert list(found.final) == ["v", "hold", "overflow"] and found.final["v"][:3].tolist() == [5, 0, 0] and len(found.final["v"]) == 20
    assert {name: values.shape for name, values in found.trace.items()} == (
        {name: (1300, 20) for name in ("v", "hold", "overflow", "events")} if trace else {})
    assert not trace or found.trace["v"][[0, 1299], 0].tolist() == [7, 7]
    assert found.provenance == {"network": NETWORK.hash, "lanes": 4, "store": 16, "walk": True, "driver": "native", "generate_s": 0.25,
                                "compile_s": 0.5, "load_s": 1.0, "run_s": 1.0, "cpu_s": 0.125} | {
        key: value for key, value in g.options.items() if key not in ("store", "walk")}


def test_what_was_made_elsewhere_runs_under_its_name_with_its_seed(core):
    g = CoreGeometry.of(NETWORK, 3)
    found = rtl.execute(NETWORK, g, rtl.load_words(NETWORK, g), trace=False, made=Build(Path("other"), 1.5, 2.5), engine="netlist", seed=6)
    assert core == [] and (Core.made[0].path, Core.made[0].seed) == (Path("other"), 6) and found.engine == "netlist"
    assert (found.provenance["generate_s"], found.provenance["compile_s"]) == (1.5, 2.5)


WAVES = [((600, 1290), [(0, 512), (512, 88)], 600, 691), ((-3, 2), [], 0, 3), ((512, 5000), [(0, 512)], 512, 788), ((0, 0), [], 0, 1),
         ((1024, 1024), [(0, 512), (512, 512)], 1024, 1)]


@pytest.mark.parametrize("asked, before, first, count", WAVES)
def test_a_waveform_runs_up_to_its_first_step_in_pieces_and_opens_the_file_for_its_own(core, asked, before, first, count):
    rtl.waveform(NETWORK, 3, *asked, "w")
    PointRtl(3).waveform(POINTS, first=asked[0], last=asked[1], path="w")
    runs = [("run", Op.RUN.value, steps, start, steps, False) for start, steps in before]
    for made, gives in zip(Core.made, ([], [("give", POINTS.input_events.tolist())])):
        shown = [("wave", "w"), ("run", Op.RUN.value, count, first, count, False), "shut", "closed"]
        assert made.calls[0][0] == "load" and made.calls[1:] == [*gives, *runs, *shown]
    assert [options for _, options in core] == [{"trace": True}] * 2


def test_the_waveform_of_a_run_with_faults_has_these(core):
    g, sound = rtl_streams.geometry(STREAMS, 4, FAULTS), rtl_streams.geometry(STREAMS, 4)
    rtl_streams.waveform(STREAMS, 4, 1, 3, "w", faults=FAULTS)
    made, = Core.made
    words = rtl.load_words(STREAMS, g, FAULTS)
    assert core == [(g, {"trace": True})] and np.array_equal(made.calls[0][1], words) and g != sound
    assert len(words) != len(rtl.load_words(STREAMS, sound)) or not np.array_equal(words, rtl.load_words(STREAMS, sound))


@pytest.mark.parametrize("trace", [False, True])
def test_a_run_of_point_neurons_is_asked_in_pieces_too_with_the_recorded_events(core, trace):
    fractions, engine = [], PointRtl(4, clock_gate=False)
    found, g = engine.run(POINTS, trace=trace, progress=fractions.append), engine._geometry(POINTS)
    made, = Core.made
    assert core == [(g, {"clock_gate": False})] and made.geometry == g and np.array_equal(made.calls[0][1], point_rtl.load_words(POINTS, g))
    assert made.calls[1:] == [("give", POINTS.input_events.tolist()), *(("run", *piece, trace) for piece in PIECES), "closed"]
    assert fractions == [512 / 1300, 1024 / 1300, 1.0] and (found.engine, found.cycles, len(found.spikes)) == ("rtl", 4321, 6)
    assert "events" not in found.final and found.final["v"][:2].tolist() == [5, 0] and len(found.final["v"]) == 6
    assert (set(found.trace) == {*found.final, "events"} and found.trace["v"].shape == (1300, 6)) if trace else found.trace == {}
    assert found.provenance == {"network": POINTS.hash, "lanes": 4, "rows": "csr", "driver": "native", "generate_s": 0.25, "compile_s": 0.5,
                                "load_s": 1.0, "run_s": 1.0, "cpu_s": 0.125}


def test_what_a_core_of_point_neurons_cannot_run_it_says(core):
    assert PointRtl(4).unsupported(POINTS) == [] and len(PointRtl(7).unsupported(POINTS)) == 1
    words = "Network must be a PointNetwork, not Network; make one with PointNetwork.of"
    assert PointRtl().unsupported(NETWORK) == [words]
    small = PointRtl(4, geometry=PointRtl(4)._geometry(kicked(6)))
    assert small.unsupported(kicked(6)) == [] and small._geometry(POINTS) is small.geometry
    bigger = Builder("more", steps=5)
    bigger.population("cells", 60, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
    with pytest.raises(InputError) as caught:
        small.run(bigger.freeze())
    assert str(caught.value).splitlines() == small.unsupported(bigger.freeze()) and core == [] == Core.made
    recording = Recording("rtl", 6, 6, [(1, 1)], provenance={"network": kicked(6).hash})
    assert PointRtl(2).predicted_cycles(kicked(6), recording) == PointRtl(2)._geometry(kicked(6)).cycles(kicked(6), recording)
