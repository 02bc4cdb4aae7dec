"""A board of point neurons behind the host link: any network that fits runs on it, bit for bit, with events given while it runs."""

import json

import numpy as np
import pytest

from spikegate.cli import main
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.gateware.core.point_core import PointGeometry
from spikegate.host import Board, LinkError
from spikegate.models.core import point_engine
from spikegate.models.errors import InputError
from spikegate.models.network.projection import SpikeInput
from spikegate.point_host import PointBoard
from tests.point_boards import CHANNELS, LANES, made

NETWORK = made()
SMALLER = made(14, steps=40, seed=8)


@pytest.fixture(scope="module")
def port():
    with virtual_board(PointGeometry.of(NETWORK, LANES)) as path:
        yield path


@pytest.fixture
def board(port):
    with PointBoard(port) as made_:
        yield made_


def same(recording, reference):
    return np.array_equal(recording.spikes, reference.spikes) and all(
        np.array_equal(values, reference.final[name]) for name, values in recording.final.items())


def test_a_board_runs_networks_that_fit_one_after_another_bit_for_bit_and_in_the_cycles_that_are_predicted(board):
    for network in (NETWORK, SMALLER, NETWORK):
        reference = point_engine.run(network, trace=True)
        assert len(reference.spikes) > network.n and len(network.input_events) > 20
        recording = board.run(network, trace=network is SMALLER)
        assert same(recording, reference) and set(recording.final) == set(network.states)
        assert all(np.array_equal(values, reference.trace[name]) for name, values in recording.trace.items())
        assert recording.cycles == board.geometry(network).cycles(network, reference)


def test_a_swapped_weight_and_the_parameters_of_the_neighbour_are_found(board):
    reference = point_engine.run(NETWORK)
    assert not same(board.run(made(last=20)), reference)
    first, second = NETWORK.populations
    neighbour = type(first)(**{**vars(first), "index": np.roll(first.index, 1)})
    assert not same(board.run(NETWORK.replace(populations=[neighbour, second])), reference)


def test_events_come_while_the_network_runs(board):
    quiet, rng = made(events=False), np.random.default_rng(2)
    steps, channels = np.divmod(np.sort(rng.choice(60 * CHANNELS, 40, replace=False)), CHANNELS)
    events, spikes = np.stack([steps, channels], axis=1), []
    board.begin(quiet)
    for first in range(0, 60, 10):
        board.give(events[(steps >= first) & (steps < first + 10)])
        spikes.append(board.go(10).spikes + [first, 0])
    told = quiet.replace(inputs=[SpikeInput("in", CHANNELS, steps.astype(np.uint32), channels.astype(np.uint32))])
    assert np.array_equal(np.concatenate(spikes), point_engine.run(told).spikes) and len(np.concatenate(spikes)) > 20
    assert not np.array_equal(np.concatenate(spikes), point_engine.run(quiet).spikes)


def test_events_that_are_late_or_of_no_channel_are_refused_by_name(board):
    board.begin(NETWORK)
    board.go(5)
    with pytest.raises(InputError, match=f"Channel {CHANNELS} of the event in step 9 is not there: network 'board' has {CHANNELS}"):
        board.give([[9, CHANNELS]])
    with pytest.raises(InputError, match="Event of channel 1 in step 4 comes too late: the next step is 5; give it earlier"):
        board.give([[4, 1]])
    for events, name in (([[4, 17]], "LATE"), ([[9, 17 + CHANNELS]], "CHANNEL"), ([[9, 17], [8, 17]], "LATE")):
        with pytest.raises(LinkError, match=f"refused a EVENTS: {name}"):
            board._give(np.array(events))
        board.identify()
    board._give(np.array([[9, 17]] * 200))
    with pytest.raises(LinkError, match="refused a EVENTS: BUSY"):
        board._give(np.array([[10, 17]] * 100))
    board.identify()
    assert board.go(3).complete


def test_a_client_of_the_other_core_and_a_network_that_does_not_fit_are_told_so(port, board):
    with pytest.raises(InputError, match="Core has n 17, and network 'board' needs 20; build a bitstream for it: spikegate bitstream --network FILE"):
        board.geometry(made(20))
    board.close()
    with pytest.raises(LinkError, match="has a core of point neurons, and this network has one weight a source"):
        Board(port)


@pytest.mark.parametrize("version, words", [(2, "has a core of one weight a source, and this is a network of point neurons; build a bitstream"),
                                            (4, "has a core of one weight a source"), (9, "speaks version 9 of the link, this client 3")])
def test_a_board_of_another_core_or_version_is_told_by_its_first_byte(monkeypatch, board, version, words):
    own = board.identity.pack()[1:]
    monkeypatch.setattr(board, "find", lambda: bytes([version]) + (own if version == 9 else bytes(24)))
    with pytest.raises(LinkError, match=words):
        board.identify()


@pytest.mark.parametrize("network, on_a_port", [(NETWORK, False), (SMALLER, True)])
def test_sim_runs_a_network_of_point_neurons_through_the_host_link_and_on_a_board_that_is_larger(network, on_a_port, port, tmp_path, capsys):
    network.save(tmp_path / "net")
    words = ["--port", port, "--baud", "1000000"] if on_a_port else ["--lanes", str(LANES), "--through-host-link"]
    assert main(["sim", "--network", str(tmp_path / "net"), *words, "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("spikegate: ok; judged: RTL = golden, RTL = Brian2 integer, RTL cycles = predicted")
    checks = {check["name"]: check for check in json.loads((tmp_path / "out" / "report.json").read_text())["checks"]}
    assert checks["RTL cycles = predicted"]["compared"] == 1 and checks["RTL = golden"]["compared"] > 5 * network.n
