"""What is given away with a component, against known values: figures and diagram of its datasheet, its parameters, what a core is held against."""

import numpy as np
import pytest
from small_networks import twenty
from some_point import some_point_network

from spikegate.cosim.ip import catalogue, timing
from spikegate.cosim.ip.axi import stream, writes
from spikegate.cosim.ip.cores import booted
from spikegate.cosim.ip.datasheet import fits, parameter_section
from spikegate.cosim.ip.parameters import Parameter, read, shown
from spikegate.cosim.ip.ports import Field, Port
from spikegate.models.link.axi import DATA, END_OF_STEP, Register
from spikegate.models.neuron.linear import Order
from spikegate.models.numeric.fixed import QFormat


def test_each_column_of_sizes_has_its_own_figure():
    found = {family: dict(luts=11 + k, carries=22 + k, flip_flops=33 + k, multipliers=44 + k, memories=55 + k, fmax_mhz=[66.5 + k, 60.0])
             for k, family in enumerate(("ice40", "ecp5"))}
    head, _, *rows = fits(found).splitlines()[4:]
    assert [cell.strip() for cell in head.strip("|").split("|")] == [
        "family", "look-up tables", "carry cells", "flip-flops", "multipliers", "block RAMs", "MHz"]
    assert rows == ["| iCE40 (HX8K) | 11 | 22 | 33 | – | 55 | 66.5 |", "| ECP5 (LFE5U-85F, speed 6) | 12 | 23 | 34 | 45 | 56 | 67.5 |"]
    assert "--fit" in fits({})


def port(name, width, signed=False, fields=()):
    return Port(name, False, width, signed, fields or (Field(name, width, signed, 0),), "")


def test_a_timing_diagram_has_each_value_as_its_port_has_it():
    """Signed numbers with their sign, wide ones and records in hexadecimal, a value that stays as a dot; and the same in the picture."""
    ports = [port("one", 1), port("plain", 8), port("signed", 8, True), port("wide", 20), port("record", 8, fields=(Field("a", 4, False, 0),) * 2)]
    values = {"one": [0, 1, 1], "plain": [255, 128, 128], "signed": [127, 128, 255], "wide": [1, 1, 70_000], "record": [9, 10, 10]}
    wave = timing.Wave(ports, values, 5)
    rows = [line.split() for line in timing.letters(wave).splitlines()]
    assert rows == [["cycle", "5", "6", "7"], ["one", "0", "1", "."], ["plain", "255", "128", "."], ["signed", "127", "-128", "-1"],
                    ["wide", "0x1", ".", "0x11170"], ["record", "0x9", "0xa", "."]]
    drawn = timing.svg(wave, "title")
    assert [drawn.count(f">{text}</text>") for text in ("255", "128", "-128", "-1", "0x11170", "0xa")] == [1] * 6


@pytest.mark.parametrize("name", catalogue.LEAVES)
def test_a_parameter_is_shown_as_it_can_be_given(name):
    parameters = catalogue.LEAVES[name][0]
    usual = read(name, parameters, [])
    written = [f"{key}={shown(value)}" for key, value in usual.items()]
    assert read(name, parameters, written) == usual


@pytest.mark.parametrize("kind, value, text", [
    (tuple[str, ...], ("exc", "inh"), "exc,inh"), (tuple[int, ...], (64, 3, 1), "64,3,1"), (tuple[str, ...], (), "none"), (bool, True, "true"),
    (int | None, None, "none"), (int | None, 7, "7"), (Order, Order.BRIAN2, "brian2"), (QFormat, QFormat(20, 12), "q8.12")])
def test_a_value_of_each_kind_is_shown_and_read_back(kind, value, text):
    parameters = {"x": Parameter(kind, value, "some")}
    assert shown(value) == text and read("m", parameters, [f"x={text}"]) == {"x": value}
    assert f"| `x` | {text} | some |" in parameter_section(parameters, {"x": value})


@pytest.mark.parametrize("network, lanes", [(twenty(), 8), (some_point_network(2, 60), 3)])
def test_a_core_is_held_against_every_state_and_spike_of_its_neurons_and_of_no_other(network, lanes):
    made = booted(network, {"lanes": lanes})
    g, n = made.geometry, network.n
    assert n % lanes and len(made.masks) == g.words and len(made.sweeps) == g.words * made.recording.steps and len(made.recording.spikes)
    fired = np.zeros((made.recording.steps, g.words * lanes), bool)
    fired[tuple(made.recording.spikes.T)] = True
    for word, mask in enumerate(made.masks):
        there = [word * lanes + lane < n for lane in range(lanes)]
        assert mask >> made.lane_bits * lanes == sum(k << lane for lane, k in enumerate(there))
        parts = [mask >> made.lane_bits * lane & (1 << made.lane_bits) - 1 for lane in range(lanes)]
        assert [part != 0 for part in parts] == there
        for lane in range(lanes):
            known = [(name, at, width) for name, at, width in made.places[word * lanes + lane]] if there[lane] else []
            assert parts[lane].bit_count() == sum(width for _, _, width in known) + there[lane]
    spikes = [[sweep >> made.lane_bits * lanes + lane & 1 for lane in range(lanes)] for sweep in made.sweeps]
    assert np.array_equal(np.array(spikes, bool).reshape(fired.shape), fired)


def test_the_writes_of_a_bus_are_the_load_words_and_its_stream_has_every_spike_and_step():
    made = booted(twenty(), {"lanes": 4})
    held, words = {Register.LANE: 0, Register.ADDRESS: 0}, []
    for address, value in writes(made):
        held[address] = value
        if address == Register.OP:
            data = [held.pop(at) for at in sorted(at for at in held if at >= DATA)]  # all of them are written for each word
            words.append((value, held[Register.LANE], held[Register.ADDRESS], sum(part << 32 * k for k, part in enumerate(data)), len(data)))
    parts = 2 * made.words["data"].shape[1]
    assert words == [(int(word["op"]), int(word["lane"]), int(word["address"]), int.from_bytes(word["data"].tobytes(), "little"), parts)
                     for word in made.words] and len({word[0] for word in words}) > 4
    sent, step, found = stream(made), 0, []
    for word in sent:
        last, value = word >> 32, word & 0xFFFFFFFF
        assert last == (value == END_OF_STEP)
        found += [] if last else [[step, value]]
        step += last
    assert step == made.recording.steps and found == made.recording.spikes.tolist() and len(found) > 3
