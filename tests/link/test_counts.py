"""Spikes that the host link counts, and those of chosen neurons: bytes by hand from docs/host_link.md, and the gateware against the model."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link import counts, link, requests, runner
from spikegate.gateware.link.link import HostLink
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.link.decoder import Decoder
from spikegate.models.link.device import Device
from spikegate.models.link.frames import Answer, Frame, Request, encode
from spikegate.models.link.payloads import CHOOSE, Identity, Run, Status
from spikegate.models.numeric.fixed import Q8_8
from spikegate.translator.cuba import CubaParams, cuba
from verification.stress.link_abuse import check
from verification.stress.link_counts import counted

#: N = 5 in two lanes, so that there are six places.
FIVE = CoreGeometry(5, 2, Q8_8)
FIVE_COUNTED = Identity.of(FIVE, counts=True)
SMALL = CoreGeometry(141, 4, Q8_8)
CHOSEN, COUNTS = Run.EVENTS | Run.CHOSEN, Run.EVENTS | Run.CHOSEN | Run.COUNTS


def board(*neurons):
    """A board of five neurons, of which some are chosen."""
    device = Device(Identity.of(FIVE, counts=True))
    items = b"".join(bytes([0] * 7 + [place in neurons]) for place in range(6))
    answer, = device.receive(encode(Frame(Request.LOAD, 0, bytes([CHOOSE, 0, 0, 0, 0, 0]) + items)))
    assert answer.answer == Answer.OK and device.words == [] and np.flatnonzero(device.chosen).tolist() == list(neurons)
    return device


def ran(device, flags, *steps):
    """The data of a run in which these neurons spike, and DONE."""
    device.receive(encode(Frame(Request.RUN, device.expected, bytes([flags, 0, len(steps), 0, 0, 0]))))
    for spikes in steps:
        device.step(*np.zeros((3, 6), np.int64), np.isin(np.arange(6), spikes).astype(int), 10)
    *data, done = device.collect()
    return b"".join(frame.payload for frame in data), Status.unpack(done.payload)


def test_distances_of_chosen_neurons_go_on_over_the_steps_and_the_counts_of_all_places_end_the_data():
    device = board(1, 4)
    data, done = ran(device, COUNTS, [0, 1], [], [4, 3], [1, 4, 0])
    assert data == bytes.fromhex("02 0F 0002 0002 0000 0001 0002 0000").ljust(128, b"\0") and done.events == 2, "places 1 and 2 * 6 + 4"
    data, done = ran(device, CHOSEN, [1], *[[]] * 40, [1])
    assert data == bytes.fromhex("02 81 76").ljust(128, b"\0") and done.events == 4, "246 = 41 * 6"
    data, _ = ran(device, Run.COUNTS, [4], [4])
    assert data == bytes.fromhex("0000 0000 0000 0000 0002 0000").ljust(128, b"\0"), "a run counts from 0"


def test_a_board_without_counters_knows_neither_the_op_nor_the_flags():
    device = Device(Identity.of(FIVE))
    answer, = device.receive(encode(Frame(Request.LOAD, 0, bytes([CHOOSE, 0, 0, 0, 0, 0]))))
    assert answer.answer == Answer.ARGUMENT and Identity.of(FIVE).version == 2 and not Identity.of(FIVE).counts
    assert ran(device, COUNTS, [1], [2])[0] == bytes.fromhex("02 00 03 00").ljust(128, b"\0")


def test_a_version_and_its_features_belong_together():
    said = [Identity.of(g, counts=each) for each in (False, True) for g in (FIVE, CoreGeometry(8, 2, Q8_8))]
    assert [(each.version, each.features, each.understood) for each in said] == [(2, 0, True)] * 2 + [(5, 2, True)] * 2
    assert not any(dataclasses.replace(FIVE_COUNTED, **wrong).understood for wrong in ({"version": 2}, {"features": 0}, {"features": 4}))


@pytest.mark.parametrize("data, events, why", [
    ("02 0F 0002 0002 0000 0001 0002", 2, "the counts are not whole"), ("02 0F 0002 0002 0000 0001 0002 0000 01", 2, "something comes after them"),
    ("02 11 0002 0002 0000 0001 0002 0000", 2, "a chosen neuron's spike in the step that only has counts"),
    ("02 04 0002 0002 0000 0001 0002 0000", 2, "a place without a neuron"), ("02 00 0002 0002 0000 0001 0002 0000", 2, "the same spike twice"),
    ("02", 2, "fewer bytes than spikes")])
def test_data_that_cannot_be_are_told_from_others(data, events, why):
    decoder = Decoder(COUNTS, 4, 5, 2, 16)
    decoder.feed(bytes.fromhex(data))
    decoder.finish(events)
    assert not decoder.complete, why


def test_a_run_of_no_steps_has_no_counts():
    decoder = Decoder(COUNTS, 0, 5, 2, 16)
    decoder.finish(0)
    assert decoder.complete and decoder.counts.tolist() == []


def mutant(monkeypatch, module, name, old, new):
    """Let the host link be built from a module's source with some text changed."""
    source = Path(module.__file__).read_text()
    assert source.count(old) == 1, old
    namespace = {"__name__": module.__name__}
    exec(compile(source.replace(old, new), f"{name} of {module.__name__}", "exec"), namespace)
    monkeypatch.setattr(runner if module is counts else link, name, namespace[name])


MUTANTS = {
    "counts go on in the next run": (counts, "SpikeCounts", "m.d.sync += first.eq(1)", "m.d.sync += first.eq(0)"),
    "all steps write": (counts, "SpikeCounts", "m.d.sync += first.eq(0)", "m.d.sync += first.eq(1)"),
    "a step too little": (counts, "SpikeCounts", " + spikes[lane]", ""),
    "spikes of the next word": (counts, "SpikeCounts", " + spikes[lane]", " + self.spikes[lane]"),
    "a choice for all lanes": (counts, "SpikeCounts", "(self.choose & (self.address < words)) << self.lane",
                               "(self.choose & (self.address < words)).replicate(lanes)"),
    "a choice outside": (counts, "SpikeCounts", "(self.choose & (self.address < words))", "self.choose"),
    "the first word keeps its choice": (counts, "SpikeCounts", "self.choose & (self.address == 0)", "0"),
    "the choice of the word before": (counts, "SpikeCounts", "read_choice.addr.eq(following)", "read_choice.addr.eq(at)"),
    "counts of the word before": (runner, "Runner", "valid & ~(sums & ~self.tally.settled)", "valid"),
    "counts that are not there yet": (counts, "SpikeCounts", "waiting & self.present & ~self.word", "self.present & ~self.word"),
    "every neuron is chosen": (runner, "Runner", "(tally.chosen | ~through", "(~tally.chosen | tally.chosen | ~through"),
    "chosen ones alone in every run": (runner, "Runner", "(tally.chosen | ~through", "(tally.chosen | through"),
    "distances begin anew in a step": (runner, "Runner", "again & ~through", "again"),
    "distances go on in the next run": (runner, "Runner", "(again & ~through) | self.start", "(again & ~through)"),
    "a 0 after every step": (runner, "Runner", "~records & ~through if counted", "~records if counted"),
    "counts after records of every step": (runner, "Runner", "counted[0] & ~every", "counted[0]"),
    "the low byte of a count first": (runner, "Runner", "pick(halves, Cat(~part[0], lane))", "pick(halves, Cat(part[0], lane))"),
    "a record's bytes of a count": (runner, "Runner", "whole | (sums & part[0])", "whole"),
    "only two groups of a distance": (runner, "Runner", "low - 1, highest", "low - 1, gap[GROUP:].any()"),
    "a group too few": (runner, "Runner", "low != 1, gap", "low > 2, gap"),
    "a choice reaches the core": (requests, "Requests", "self.o.valid.eq(~own if", "self.o.valid.eq(1 if"),
}


@pytest.mark.parametrize("defect", MUTANTS)
def test_a_defective_counter_is_caught(monkeypatch, defect):
    """Negative control."""
    mutant(monkeypatch, *MUTANTS[defect])
    with pytest.raises(Mismatch, match="first divergence at frame"):
        check(HostLink(SMALL, 4, counts=True), frames=20, seed=3, more=counted)


def test_counters_and_chosen_neurons_are_those_of_the_model_at_every_place():
    report = check(HostLink(SMALL, 4, counts=True), frames=20, seed=3, more=counted)
    assert report.steps > 1000 and report.compared > 200


@pytest.mark.parametrize("lost", [None, *range(5)])
def test_a_frame_that_is_lost_is_noticed(lost):
    device, rng = Device(Identity.of(SMALL, counts=True)), np.random.default_rng(1)
    device.chosen[:] = True
    device.receive(encode(Frame(Request.RUN, 0, bytes([COUNTS, 0, 9, 0, 0, 0]))))
    while device.due:
        spikes = (rng.random(144) < 0.3) & (np.arange(144) < 141)
        device.step(*np.zeros((3, 144), np.int64), spikes.astype(int), 10)
    *data, done = device.collect()
    decoder = Decoder(COUNTS, 9, 141, 4, 16)
    for number, frame in enumerate(data):
        if number != lost:
            decoder.feed(frame.payload)
    decoder.finish(Status.unpack(done.payload).events)
    assert decoder.complete == (lost is None) and len(data) == 5


def test_the_link_of_point_neurons_has_no_counters():
    network = cuba(CubaParams(n=10), 1.0)
    with pytest.raises(InputError, match="link of a core of point neurons counts no spikes; leave the counters out"):
        HostLink(PointGeometry.of(network, 2), 4, counts=True)
