"""The client of the host link, against the Verilated board behind a pseudo-terminal: whole networks, bad lines, bad input."""

import dataclasses
import termios

import numpy as np
import pytest
from linked import GEOMETRY, NETWORK, agree, small

from spikegate import cli, host
from spikegate.cosim.engines.rtl import load_words
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.gateware.core.core import CoreGeometry, Op
from spikegate.host import Board
from spikegate.host_line import Line
from spikegate.models.core import engine as golden
from spikegate.models.core import stream_engine
from spikegate.models.errors import InputError
from spikegate.models.link.payloads import Identity
from spikegate.models.numeric.fixed import Q16_12, Overflow
from spikegate.models.streams.faults import FaultParams
from spikegate.models.streams.params import StreamFaults
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid


@pytest.fixture(scope="module")
def port():
    """A board for `NETWORK`, for all tests that leave it as they found it."""
    with virtual_board(GEOMETRY) as path:
        yield path


def test_a_network_runs_and_another_one_after_it(port):
    with Board(port) as board:
        assert (board.identity.n, board.identity.lanes) == (103, 8)
        for network in (NETWORK, small(seed=2), NETWORK):
            fractions = []
            agree(network, board.run(network, progress=fractions.append))
            assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(fractions) > 5


def test_every_step_can_be_recorded(port):
    with Board(port) as board:
        recording = board.run(NETWORK, trace=True)
    assert agree(NETWORK, recording) and sorted(recording.trace) == ["hold", "overflow", "v"]


@pytest.mark.parametrize("network, lanes, options", [
    pytest.param(small(Q16_12), 5, {}, id="q16.12"), pytest.param(small(), 2, {"store": 64, "walk": True}, id="store", marks=pytest.mark.long),
    pytest.param(small(), 13, {"banks": 4}, id="banks", marks=pytest.mark.long)])
def test_other_formats_and_kinds_of_cores_run(network, lanes, options):
    with virtual_board(CoreGeometry.of(network, lanes, **options)) as path, Board(path) as board:
        agree(network, board.run(network), **options)


#: Cores of 16 neurons: rows in words of lanes, in banks, in a store, and one with a lane too many for the last word.
LARGER = {"lanes": (4, {}), "ragged": (3, {}), "banks": (2, {"banks": 4, "walk": True}), "store": (2, {"store": 16, "walk": True})}


@pytest.mark.parametrize("kind", LARGER)
def test_a_smaller_network_runs_on_a_larger_board_as_if_it_were_its_own(kind):
    """And one of the board's own size after it, so that nothing of the smaller one is left."""
    (lanes, options), network = LARGER[kind], small(n=10, ms=50.0)
    with virtual_board(CoreGeometry.of(network, lanes, n=16, **options)) as path, Board(path) as board:
        agree(network, board.run(network), n=16, **options)
        agree(network, board.run(network, trace=True), n=16, **options)
        agree(small(n=16, ms=50.0), board.run(small(n=16, ms=50.0)), **options)


def test_neurons_that_a_network_does_not_have_are_not_heard_even_if_a_resting_one_spikes():
    network = small(n=10, ms=20.0)
    network = network.replace(lif=dataclasses.replace(network.lif, rest=network.lif.threshold, leak=40))
    with virtual_board(CoreGeometry.of(network, 4, n=16)) as path, Board(path) as board:
        recording = board.run(network)
        sent = board.status().events
    assert np.array_equal(recording.spikes, golden.run(network).spikes) and sent > len(recording.spikes) > 50
    assert all(np.array_equal(recording.final[name], golden.run(network).final[name]) for name in ("v", "hold", "overflow"))


def words_of(place):
    """Load words of `NETWORK` with one changed."""
    words = load_words(NETWORK, GEOMETRY)
    field, op, value = place
    at = np.flatnonzero(words["op"] == op.value)[-1] if field != "data" else np.flatnonzero((words["op"] == op.value) & (words["address"] == 6))[0]
    words[field][at] = value
    return words


def test_the_shortest_and_the_longest_delay_have_their_place():
    identity, usual = Identity.of(GEOMETRY), list(host.load_frames(load_words(NETWORK, GEOMETRY), Identity.of(GEOMETRY)))
    for delay in (1, 16):
        found = list(host.load_frames(words_of(("data", Op.PARAM, delay)), identity))
        assert len(found) == len(usual) and sum(one != other for one, other in zip(found, usual)) == 1 and identity.max_delay == 16


@pytest.mark.parametrize("place, message", [
    (("lane", Op.STATE, 8), "STATE of lane 8, address 12, data .* 8 lanes"),
    (("address", Op.SEED, 13), "SEED of lane 7, address 13, .* 13 addresses"),
    (("address", Op.ROW, 103 * 13), "ROW of lane 0, address 1339, .* 1,339 addresses"), (("address", Op.WEIGHT, 103), "WEIGHT of .* 103 addresses"),
    (("address", Op.TABLE, 16), "TABLE of .* 16 addresses"), (("address", Op.PARAM, 8), "PARAM of .* 8 addresses"),
    (("data", Op.PARAM, 17), r"PARAM of lane 0, address 6, data 17 .* a delay in 1\.\.16"), (("data", Op.PARAM, 0), "address 6, data 0 ")])
def test_words_that_the_board_has_no_place_for_are_refused_before_any_is_sent(place, message):
    identity = Identity.of(GEOMETRY)
    assert len(list(host.load_frames(load_words(NETWORK, GEOMETRY), identity))) > 10
    with pytest.raises(InputError, match=message):
        list(host.load_frames(words_of(place), identity))


def test_faults_reach_the_board_of_streams():
    network = hybrid(small(n=40, delay=1.0), "v4", length=64)
    faults = StreamFaults(tuple(FaultParams.random(0.05, 3 + channel, 64) for channel in range(network.streams.channels)), 3)
    sound, faulty = stream_engine.run(network), stream_engine.run(network, faults=faults)
    assert not np.array_equal(sound.spikes, faulty.spikes)
    for given, reference in ((None, sound), (faults, faulty)):
        recording = host.run(network, 8, faults=given)
        assert np.array_equal(recording.spikes, reference.spikes) and np.array_equal(recording.final["v"], reference.final["v"])


def test_the_rate_of_the_line_is_the_one_asked_for_or_whichever_the_board_answers_at(port, monkeypatch):
    rate = lambda board: termios.tcgetattr(board._serial.fileno())[4]  # noqa: E731
    with Board(port, 1_000_000) as board:
        assert rate(board) == termios.B1000000 and board.run(NETWORK).provenance["baud"] == board.baud == 1_000_000
    asked = Line._asked
    for answering, speed in ((2_000_000, termios.B2000000), (3_000_000, termios.B3000000)):
        monkeypatch.setattr(Line, "_asked", lambda self, *args, rate=answering: asked(self, *args) if self.baud == rate else None)
        with Board(port) as board:
            assert board.baud == answering and rate(board) == speed


def test_overflow_flags_come_over_the_link():
    network = small(weight_exc=6.0)
    recording = host.run(network, 8)
    agree(network, recording)
    assert recording.final["overflow"].any()


def test_ai_loses_nothing_at_the_highest_rate_of_the_line():
    """50 ms of the whole network; the core alone would be twice as fast as the line, so that this is always busy."""
    network = translate(preset("ai"), ms=50.0)
    recording = host.run(network, 40)
    spikes = agree(network, recording)
    took = {name: round(value, 1) for name, value in recording.provenance.items() if name.endswith("_s")}
    print(f"{spikes:,} spikes, {recording.cycles:,} cycles, {took}")
    assert spikes == 1957


def test_a_long_run_is_several_runs_for_the_board(port, monkeypatch):
    monkeypatch.setattr(host, "MAX_STEPS", 77)
    fractions = []
    with Board(port) as board:
        agree(NETWORK, board.run(NETWORK, progress=fractions.append))
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and 0.5 + 0.5 * 77 / 200 in fractions


BAD = {
    "larger": (small(n=104), "Network of N=104 is larger than the board on .*, which holds 103"),
    "of another format": (small(Q16_12), r"format's width is 32, that of the board on .* 16(?s:.*)format's fraction is 12"),
    "with a delay too long": (small(delay=2.0), "delay of 20 steps is above the 16"),
    "of another mode": (NETWORK.replace(lif=dataclasses.replace(NETWORK.lif, overflow=Overflow.WRAP)), "overflow is 1"),
    "of streams": (hybrid(NETWORK, "v4"), "generator or streams is"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_network_that_is_not_for_the_board_is_refused_before_any_load(port, what):
    network, words = BAD[what]
    with Board(port) as board:
        before = board.status()
        with pytest.raises(InputError, match=words):
            board.run(network)
        assert board.status() == before and board._seq == 0


@pytest.mark.parametrize("options, code, words", [
    (["--baud", "9600"], 2, ["--baud 9600", "--port"]),
    (["--port", "/dev/ttyNONE9"], 2, ["/dev/ttyNONE9", "does not exist"])])
def test_the_command_line_refuses_what_it_cannot_use(capsys, tmp_path, options, code, words):
    assert cli.main(["sim", "--ms", "5", "--out", str(tmp_path / "out"), *options]) == code
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and all(word in said[0] for word in words), said
    assert not (tmp_path / "out").exists()


def test_the_command_line_asks_the_board_for_its_lanes(capsys, port, tmp_path):
    options = ["--set", "n_exc=83", "--set", "n_inh=20", "--set", "weight_exc=2", "--set", "delay=0.5", "--ms", "20"]
    assert cli.main(["sim", *options, "--port", port, "--lanes", "4", "--out", str(tmp_path / "out")]) == 2
    assert "--lanes 4 is not what the board" in capsys.readouterr().err
