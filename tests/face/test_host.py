"""The client of the host link, against the Verilated board behind a pseudo-terminal: whole networks, bad lines, bad input."""

import dataclasses
import os
import random
import sys
import termios

import numpy as np
import pytest

from spikegate import cli, host
from spikegate.cosim.engines.rtl import load_words
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.gateware.core.core import CoreGeometry, Op
from spikegate.host import Board, LinkError
from spikegate.host_line import Line
from spikegate.models.core import engine as golden
from spikegate.models.core import stream_engine
from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.link.frames import Answer, Request
from spikegate.models.link.payloads import Identity
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow
from spikegate.models.streams.faults import FaultParams
from spikegate.models.streams.params import StreamFaults
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid


def small(format=Q8_8, *, n=103, ms=20.0, **changes):
    """A network of ``n`` neurons that spikes."""
    return translate(preset("ai", **{"n_exc": n - n // 5, "n_inh": n // 5, "weight_exc": 2.0, "delay": 0.5, **changes}), format, ms=ms)


NETWORK, GEOMETRY = small(), CoreGeometry.of(small(), 8)


def agree(network, recording, **options):
    """Everything that comes over the link is the golden model's; the number of spikes."""
    reference = golden.run(network, trace=bool(recording.trace))
    assert np.array_equal(recording.spikes, reference.spikes) and len(reference.spikes) > network.n // 2
    assert sorted(recording.final) == ["hold", "overflow", "v"]
    for kind in ("final", "trace"):
        for name, values in getattr(recording, kind).items():
            assert np.array_equal(values, getattr(reference, kind)[name]), (kind, name)
    assert recording.cycles == golden.predict_cycles(network, reference, recording.provenance["lanes"], **options)
    return len(reference.spikes)


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


@pytest.mark.parametrize("network, lanes, options", [(small(Q16_12), 5, {}), (small(), 2, {"store": 64, "walk": True}), (small(), 13, {"banks": 4})],
                         ids=["q16.12", "store", "banks"])
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
    """100 ms of the whole network; the core alone would be twice as fast as the line, so that this is always busy."""
    network = translate(preset("ai"), ms=100.0)
    recording = host.run(network, 40)
    spikes = agree(network, recording)
    took = {name: round(value, 1) for name, value in recording.provenance.items() if name.endswith("_s")}
    print(f"{spikes:,} spikes, {recording.cycles:,} cycles, {took}")
    assert spikes == 3724


def test_a_long_run_is_several_runs_for_the_board(port, monkeypatch):
    monkeypatch.setattr(host, "MAX_STEPS", 77)
    with Board(port) as board:
        agree(NETWORK, board.run(NETWORK))


class BadLine:
    """A serial port on whose line bytes are lost and changed: ``rate`` of those to the board, and of answers to the client."""

    def __init__(self, serial, seed, rate):
        self._serial, self._rng, self._rate, self.damaged, self.keep = serial, random.Random(seed), rate, 0, lambda data: True

    def __getattr__(self, name):
        return getattr(self._serial, name)

    def __setattr__(self, name, value):
        if name == "timeout":
            self._serial.timeout = value
        else:
            super().__setattr__(name, value)

    def _damage(self, data):
        found = bytearray()
        for byte in data:
            bad = self._rng.random() < self._rate
            self.damaged += bad
            if not bad or self._rng.random() < 0.5:
                found.append(byte ^ (self._rng.randint(1, 255) if bad else 0))
        return bytes(found)

    def write(self, data):
        self._serial.write(self._damage(data))

    def read(self, size):
        data = self._serial.read(size)
        return self._damage(data) if self.keep(data) else b""


def test_damaged_requests_and_answers_are_sent_again_and_executed_once(port):
    """The load, with damaged bytes on the way, leaves what it should: the run is right, and its cycles."""
    with Board(port, patience=0.1) as board:
        board._serial = line = BadLine(board._serial, seed=1, rate=1 / 700)
        run = board._run

        def run_on_a_good_line(*args):
            line._rate = 0.0
            run(*args)

        board._run = run_on_a_good_line
        for _ in range(4):
            line._rate = 1 / 700
            agree(NETWORK, board.run(NETWORK))
        print(f"{line.damaged} bytes damaged, {board.status().dropped} frames dropped by the board")
        assert line.damaged > 10


def test_a_run_whose_answer_is_lost_is_not_run_twice(port):
    with Board(port, patience=0.2) as board:
        send, seen = board._send, []

        def twice(kind, seq, payload=b""):
            if kind == Request.RUN:
                seen.append(seq)
                send(kind, seq, payload)
            send(kind, seq, payload)

        board._send = twice
        before = board.status()
        agree(NETWORK, board.run(NETWORK))
        assert len(seen) == 1 and board.status().steps - before.steps == NETWORK.steps


def test_lost_data_are_said_and_counted(port):
    """Negative control: one DATA frame of the run is dropped."""
    with Board(port) as board:
        feed, dropped = board._deframer.feed, []

        def lossy(data):
            for frame in feed(data):
                if frame.answer == Answer.DATA and not dropped:
                    dropped.append(frame)
                else:
                    yield frame

        board._deframer.feed = lossy
        with pytest.raises(LinkError, match=r"Data of the run were lost between board and client: \d+ of 1\d\d spikes and \d+ of 200 steps arrived"):
            board.run(NETWORK)
        assert len(dropped) == 1
        agree(NETWORK, board.run(NETWORK))


def test_an_interrupted_run_is_stopped_and_the_board_is_ready(port):
    long = small(ms=2000.0)

    def interrupt(fraction):
        if fraction > host.LOADING + 0.01:
            raise KeyboardInterrupt

    with Board(port) as board:
        with pytest.raises(KeyboardInterrupt):
            board.run(long, progress=interrupt)
        assert not board.running
        agree(NETWORK, board.run(NETWORK))


def test_a_client_that_dies_leaves_a_board_that_the_next_one_can_use(port):
    board = Board(port)
    board.load([bytes(14)])
    board.order(Request.RUN, [bytes([1, 255, 255, 0, 0, 0])])
    board.close()
    with Board(port) as following:
        assert not following.running and 0 < following.status().steps
        agree(NETWORK, following.run(NETWORK))


def test_a_port_that_does_not_exist_or_is_in_use_is_an_input_error(port):
    with pytest.raises(InputError, match="Port /dev/ttyNONE9 does not exist; ports found: "):
        Board("/dev/ttyNONE9")
    with Board(port), pytest.raises(InputError, match=f"Port {port} is in use by another program"):
        Board(port)
    with pytest.raises(InputError, match="cannot be opened"):
        Board("/dev/null")


def test_a_port_on_which_nothing_answers_is_said(tmp_path):
    master, slave = os.openpty()
    try:
        with pytest.raises(LinkError, match=r"No board answers on .* at 2,000,000 or 3,000,000 baud \(5 tries\)(?s:.*)docs/bring_up.md"):
            Board(os.ttyname(slave), patience=0.02)
        with pytest.raises(LinkError, match=r"No board answers on .* at 1,000,000 baud \(5 tries\)"):
            Board(os.ttyname(slave), 1_000_000, patience=0.02)
    finally:
        os.close(master)
        os.close(slave)


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


def test_without_pyserial_the_hint_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ToolMissing, match=r"pyserial is not installed; install it with: .* -m pip install -e .*\[sim\]"):
        Board("/dev/ttyUSB0")


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
