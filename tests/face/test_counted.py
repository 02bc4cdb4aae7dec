"""Spikes counted on a board, and those of chosen neurons: held against the golden model, from Python and at the command line."""

import dataclasses
import re

import numpy as np
import pytest
from command import run

from spikegate import counted, counting
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.counted import SpikeCounts, count
from spikegate.gateware.core.core import CoreGeometry
from spikegate.host import Board
from spikegate.host_line import LinkError
from spikegate.models.core import engine as golden
from spikegate.models.errors import InputError
from spikegate.models.link.decoder import Decoder
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate

CHOSEN = [95, 3, 0, 50, 3]
CORES = {"asked for steps ahead": {"walk": True, "banks": 2, "overlap": True}, "with a store": {"walk": True, "store": 64, "overlap": True}}
SMALL = ["--board", "hx8k_evn", "--set", "n_exc=32", "--set", "n_inh=8", "--ms", "40"]


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=77, n_inh=19, weight_exc=0.9), ms=150.0)


@pytest.fixture(scope="module")
def reference(network):
    return SpikeCounts.of(golden.run(network), np.unique(CHOSEN))


@pytest.mark.parametrize("core", CORES)
def test_counts_and_chosen_spikes_are_the_golden_models_over_several_runs(network, reference, core, monkeypatch):
    ends = {tuple(pair) for pair in reference.spikes.tolist()}
    steps = next(at for at in range(400, 700) if any((at - 1, neuron) in ends for neuron in CHOSEN))  # the last step of a RUN has counts alone
    monkeypatch.setattr(counted, "MAX_STEPS", steps)
    told = []
    with virtual_board(CoreGeometry.of(network, 4, **CORES[core]), counts=True) as path, Board(path) as board:
        found = count(board, network, CHOSEN, progress=told.append)
        again = count(board, network)
        with pytest.raises(InputError, match=r"Chosen neurons must be in 0\.\.95, not 96; give others"):
            count(board, network, [3, 96])
        with pytest.raises(InputError, match=r"not -1"):
            count(board, network, [3, -1])
    assert found.differing(reference) == again.differing(dataclasses.replace(reference, chosen=again.chosen, spikes=again.spikes)) == 0
    assert found.chosen.tolist() == [0, 3, 50, 95] and np.array_equal(found.spikes, reference.spikes) and len(found.spikes) > 30
    assert len(again.spikes) == 0 and found.counts.sum() > 500 and np.allclose(found.rates_hz, reference.counts / 0.15)
    assert told == sorted(told) and told[-1] == 1 and found.provenance["baud"] == board.baud and found.cycles == again.cycles


def test_what_differs_is_counted(reference):
    other = dataclasses.replace(reference, counts=reference.counts + (np.arange(96) == 7), spikes=reference.spikes[1:])
    assert reference.differing(other) == other.differing(reference) == 2 and reference.differing(reference) == 0


def test_a_lost_spike_of_a_chosen_neuron_is_noticed(network, monkeypatch):
    finish = Decoder.finish

    def losing(self, events):
        finish(self, events)
        self._spikes = self._spikes[:3] + self._spikes[5:]
    with virtual_board(CoreGeometry.of(network, 4, **CORES["with a store"]), counts=True) as path, Board(path) as board:
        monkeypatch.setattr(Decoder, "finish", losing)
        with pytest.raises(LinkError, match=r"differ in steps 0\.\.1,499: data were lost between board and client"):
            count(board, network, [0])


def test_a_board_without_counters_says_so(network):
    with virtual_board(CoreGeometry.of(network, 4, **CORES["with a store"])) as path, Board(path) as board:
        with pytest.raises(InputError, match="does not count spikes; read every spike with spikegate sim, or build a bitstream"):
            count(board, network)


def test_the_command_prints_rates_and_saves_what_was_read(capsys, tmp_path):
    code, out, err = run(capsys, "network", "count", *SMALL, "--neurons", "1,30:33", "--save", tmp_path / "found.npz")
    saved = Recording.load(tmp_path / "found.npz")
    exc, inh, chosen = out.splitlines()
    spikes = int(saved.final["counts"][:32].sum())
    assert code == 0 and exc == f"excitatory: {spikes:,} spikes, {spikes / 32 / 0.04:.2f} Hz" and inh.startswith("inhibitory: ") and spikes > 50
    assert chosen == f"chosen: 4 neurons, {len(saved.spikes)} spikes" and set(saved.spikes[:, 1]) <= {1, 30, 31, 32} and len(saved.spikes) > 3
    assert saved.provenance["spikes_of"] == [1, 30, 31, 32]
    assert len(saved.spikes) == saved.final["counts"][[1, 30, 31, 32]].sum()
    assert err[0] == "spikegate: Verilated board with the core of the iCE40-HX8K breakout ..."
    assert re.search(r"0\.04 s of biological time in .* times real time", err[1])
    assert err[2] == "spikegate: ok: 40 counts and the spikes of 4 chosen neurons equal the golden model's"


def test_counts_that_are_not_the_golden_models_end_the_command_with_1(capsys, monkeypatch):
    made = golden.run
    monkeypatch.setattr(golden, "run", lambda network: dataclasses.replace(made(network), spikes=made(network).spikes[3:]))
    code, out, err = run(capsys, "network", "count", *SMALL)
    assert code == 1 and "excitatory" in out
    assert re.fullmatch(r"spikegate: Counts or spikes of [123] neurons are not those of the golden model", err[-1])


@pytest.mark.parametrize("words, said", [
    (["--neurons", "x"], "--neurons must be numbers and ranges such as 0,7,100:110, not 'x'"),
    (["--neurons", "3,40"], "--neurons must be in 0..39, each range ascending, not 40"),
    (["--neurons", "9:9"], "each range ascending, not 9:9"), (["--neurons", "1:2:3"], "not '1:2:3'"), (["--baud", "9600"], "give --port with it"),
    (["--board", "icebraker"], "icebreaker"), (["--preset", "cuba", "--set", "n=40"], "has point neurons"), (["--port", "/dev/none"], "/dev/none"),
    (["--variant", "v4"], "Stochastic synapses have no core on a board yet")])
def test_what_cannot_be_counted_is_one_line(words, said, capsys):
    first = [] if "--preset" in words else SMALL
    code, out, err = run(capsys, "network", "count", *first, *words)
    assert code == 2 and out == "" and len(err) == 1 and said in err[0]


def test_neurons_are_numbers_and_ranges():
    assert counting.chosen_of("7,0,3:6", 8) == [7, 0, 3, 4, 5] and counting.chosen_of("", 8) == []
