"""The client on a bad line: bytes and frames that are lost, runs that are interrupted, ports on which nothing answers."""

import os
import random
import sys

import pytest
from linked import GEOMETRY, NETWORK, agree, small

from spikegate import host
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.host import Board, LinkError
from spikegate.models.errors import InputError, ToolMissing
from spikegate.models.link.decoder import Decoder
from spikegate.models.link.frames import Answer, Request


@pytest.fixture(scope="module")
def port():
    """A board for `NETWORK`, for all tests that leave it as they found it."""
    with virtual_board(GEOMETRY) as path:
        yield path


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
        run = board.make

        def run_on_a_good_line(*args):
            line._rate = 0.0
            run(*args)

        board.make = run_on_a_good_line
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


def test_a_spike_that_is_lost_from_a_step_that_came_is_missed(port, monkeypatch):
    """Negative control: all steps are there, and one of them has a spike less than the board counted."""
    lost, event = [], Decoder._event

    def losing(decoder, byte):
        event(decoder, byte)
        if decoder._spikes and not lost:
            lost.append(decoder._spikes.pop())
            decoder.events -= 1

    with Board(port) as board:
        monkeypatch.setattr(Decoder, "_event", losing)
        with pytest.raises(LinkError, match=r"^Data of the run were lost between board and client: \d+ of \d+ spikes and 200 of 200 steps"):
            board.run(NETWORK)
        agree(NETWORK, board.run(NETWORK))
    assert len(lost) == 1


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
        with pytest.raises(LinkError, match=r"No board answers on .* at 2,000,000 or 2,400,000 or 3,000,000 baud \(5 tries\)(?s:.*)docs/bring_up.md"):
            Board(os.ttyname(slave), patience=0.02)
        with pytest.raises(LinkError, match=r"No board answers on .* at 1,000,000 baud \(5 tries\)"):
            Board(os.ttyname(slave), 1_000_000, patience=0.02)
    finally:
        os.close(master)
        os.close(slave)


def test_without_pyserial_the_hint_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(ToolMissing, match=r"pyserial is not installed; install it with: .* -m pip install -e .*\[sim\]"):
        Board("/dev/ttyUSB0")
