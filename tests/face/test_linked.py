"""The engine behind the host link: what it passes on to a board, and what it says of one that does not fit. No board is made."""

from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import pytest
from small_networks import kicked

from spikegate import host, linked, point_host
from spikegate.cosim.engines.hardware import Rtl
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.linked import Linked
from spikegate.models.core.golden import Golden
from spikegate.models.core.rows_external import External
from spikegate.models.errors import InputError
from spikegate.models.link.point import ROOM
from spikegate.models.network.builder import Builder
from spikegate.models.network.engine import Agreement, Hardware
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.streams.params import StreamFaults
from spikegate.point_linked import PointLinked
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid

NETWORK = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=2.0)
STREAMS = hybrid(NETWORK, "v4", length=64)
FAULTS = StreamFaults.stuck_at_random(STREAMS.streams, 0.1, 3)


@pytest.fixture
def boards(monkeypatch):
    """Boards of eight lanes that refuse what ``refusal`` says, and what was asked of them."""
    seen = SimpleNamespace(asked=[], refusal=None)

    class Board:
        identity = SimpleNamespace(lanes=8)

        def __init__(self, port, baud=None):
            seen.asked.append((port, baud))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            seen.asked.append("closed")

        def geometry(self, network, faults):
            seen.asked.append((network, faults))
            if seen.refusal:
                raise InputError(seen.refusal)

        def run(self, network, **options):
            return network, options

    monkeypatch.setattr(host, "Board", Board)
    return seen


def test_a_board_is_asked_whether_it_fits(boards, monkeypatch):
    assert Linked(0, "/dev/x", 9600, FAULTS).unsupported(STREAMS) == Linked(8, "/dev/x").unsupported(NETWORK) == []
    assert boards.asked == [("/dev/x", 9600), (STREAMS, FAULTS), "closed", ("/dev/x", None), (NETWORK, None), "closed"]
    assert Linked(4, "/dev/x").unsupported(NETWORK) == ["--lanes 4 is not what the board on /dev/x has: 8; leave it out"]
    boards.refusal = "too large\ntoo slow"
    assert Linked(4, "/dev/x").unsupported(NETWORK) == ["too large", "too slow", "--lanes 4 is not what the board on /dev/x has: 8; leave it out"]
    other = NETWORK.replace(external=[[1] * 20] * 20)
    boards.refusal = None
    problems = Linked(8, "/dev/x").unsupported(other)
    assert len(problems) == 1 and "recorded external events" in problems[0]
    monkeypatch.setattr(linked, "core_problems", lambda network, lanes, **options: [f"{lanes} {options}"])
    assert Linked(8, "/dev/x").unsupported(NETWORK) == ["1 {}"]  # whatever a board of that size has


def test_without_a_port_it_is_the_rtl_that_fits_or_not(boards):
    for lanes, faults, network in ((21, None, NETWORK), (4, FAULTS, NETWORK), (4, FAULTS, STREAMS)):
        assert Linked(lanes, faults=faults).unsupported(network) == Rtl(lanes, faults=faults).unsupported(network)
    assert len(Linked(21).unsupported(NETWORK)) == 1 == len(Linked(4, faults=FAULTS).unsupported(NETWORK)) and boards.asked == []


def test_a_run_is_given_every_option(monkeypatch):
    calls = []
    monkeypatch.setattr(host, "run", lambda *args, **options: calls.append((args, options)) or "a recording")
    progress = calls.append
    assert Linked(3, "/dev/x", 9600, FAULTS).run(STREAMS, trace=True, progress=progress) == Linked().run(NETWORK) == "a recording"
    assert calls == [((STREAMS, 3), dict(port="/dev/x", baud=9600, faults=FAULTS, trace=True, progress=progress)),
                     ((NETWORK, 40), dict(port=None, baud=None, faults=None, trace=False, progress=None))]


def test_a_board_on_a_port_runs_and_another_is_made_with_the_lanes_of_the_run(boards, monkeypatch):
    assert host.run(STREAMS, 3, port="/dev/x", baud=5, faults=FAULTS, trace=True) == (STREAMS, dict(faults=FAULTS, trace=True, progress=None))
    assert boards.asked == [("/dev/x", 5), "closed"]
    made = []

    class Virtual:
        def __init__(self, geometry):
            made.append((geometry.n, geometry.lanes, bool(geometry.streams), bool(geometry.streams and geometry.streams.stuck)))

        def __enter__(self):
            return "/dev/pts/1"

        def __exit__(self, *_):
            made.append("closed")

    monkeypatch.setattr(host, "virtual_board", Virtual)
    host.run(NETWORK, 3)
    host.run(STREAMS, 5, faults=FAULTS)
    assert made == [(20, 3, False, False), "closed", (20, 5, True, True), "closed"] and boards.asked[2:] == [("/dev/pts/1", None), "closed"] * 2


def test_cycles_are_predicted_for_the_board_that_ran(monkeypatch):
    calls = []
    monkeypatch.setattr(linked, "predicted_phases", lambda *args, **options: calls.append((args, options)) or {"sweep": 5, "rest": 2})
    said = {"lanes": 8, "n": 103, "store": 64, "walk": True, "banks": 2, "driver": "host link"}
    recordings = [Recording("rtl", 20, 20, [], provenance={"network": NETWORK.hash, **more}) for more in (said, {"lanes": 5, "n": 20, "store": None,
                                                                                                                 "walk": False})]
    assert [Linked(3).predicted_cycles(NETWORK, recording) for recording in recordings] == [7, 7]
    assert calls == [((NETWORK, recordings[0], 8), dict(n=103, store=64, walk=True, banks=2)), ((NETWORK, recordings[1], 5), dict(n=20))]


def test_a_waveform_is_that_of_the_rtl_with_as_many_lanes_or_of_all_neurons(monkeypatch):
    calls = []
    monkeypatch.setattr(Rtl, "waveform", lambda self, network, **options: calls.append((self, network, options)))
    Linked(3, faults=FAULTS).waveform(STREAMS, first=2, last=5, path="w")
    Linked(0, "/dev/x").waveform(NETWORK, first=1, last=4, path="v")
    assert calls == [(Rtl(3, faults=FAULTS), STREAMS, dict(first=2, last=5, path="w")), (Rtl(20), NETWORK, dict(first=1, last=4, path="v"))]


def test_a_core_of_point_neurons_is_given_every_option_too_and_its_waveform_is_of_its_own_rows(monkeypatch):
    calls, points, outside = [], kicked(), External()
    monkeypatch.setattr(PointRtl, "waveform", lambda self, network, **options: calls.append((self, options)))
    monkeypatch.setattr(point_host, "run", lambda *args, **options: calls.append((args, options)) or "a recording")
    assert PointLinked(3, "/dev/x", 9600, outside).run(points, trace=True, progress=print) == PointLinked().run(points) == "a recording"
    PointLinked(3, rows=outside).waveform(points, first=2, last=5, path="w")
    PointLinked(0, "/dev/x").waveform(points, first=1, last=4, path="v")
    assert calls == [((points, 3, outside), dict(port="/dev/x", baud=9600, trace=True, progress=print)),
                     ((points, 8, PointLinked().rows), dict(port=None, baud=None, trace=False, progress=None)),
                     (PointRtl(3, rows=outside), dict(first=2, last=5, path="w")), (PointRtl(points.n), dict(first=1, last=4, path="v"))]


def test_what_it_is():
    engine = Linked(3, faults=FAULTS)
    assert engine.departs == Rtl(3, faults=FAULTS).departs != Linked().departs is None and not engine.traces
    assert (engine.name, engine.title, engine.agreement) == ("rtl", "RTL", Agreement.BIT_TRUE) and isinstance(engine, Hardware)
    assert Linked() == Linked(40, None, None, None) and Golden().traces
    with pytest.raises(FrozenInstanceError):
        engine.lanes = 4


def test_a_step_may_have_as_many_events_as_a_board_holds_and_no_more():
    class Begun(Exception):
        """The network is about to be loaded."""

    def begin(network, progress):
        raise Begun

    def kicked_at_once(count):
        net = Builder("points", steps=9)
        net.input("kick", count, steps=[2, *[4] * count], channels=[0, *range(count)])
        net.population("cells", 2, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
        net.connect("kick", "cells", weights=300, pairs=([0], [1]))
        return net.freeze()

    board = SimpleNamespace(begin=begin)
    with pytest.raises(Begun):
        point_host.PointBoard.run(board, kicked_at_once(ROOM))
    with pytest.raises(InputError, match=f"^Step 4 has {ROOM + 1} events, above the {ROOM} that a board holds; use fewer channels$"):
        point_host.PointBoard.run(board, kicked_at_once(ROOM + 1))
