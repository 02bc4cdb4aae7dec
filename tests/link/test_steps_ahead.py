"""A core that is asked for steps ahead, behind its host link: what it makes, what it takes, and where it stands still."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from spikegate.cosim.engines.link_frames import load_frames
from spikegate.cosim.engines.rtl import load_words
from spikegate.cosim.engines.virtual_board import HARNESS, IDLE, NAME, LinkedCore, NativeLink, build_linked
from spikegate.cosim.toolchain.verilate import compile_shared
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.link import runner, step_ends
from spikegate.models.core import engine as golden
from spikegate.models.errors import SpikegateError
from spikegate.models.link.decoder import Decoder
from spikegate.models.link.frames import Answer, Deframer, Frame, Request, encode
from spikegate.models.link.payloads import MAX_STEPS, Identity, Run, Status, batch
from spikegate.translator.brunel import preset, translate

#: With sweep words that are kept for the link, and with words that the core waits for.
SIZES = {"wide": (13, dict(banks=4, walk=True, overlap=True)), "narrow": (6, dict(banks=2, walk=True, overlap=True))}
DIVISOR = 4


@pytest.fixture(scope="module")
def network():
    return translate(preset("ai", n_exc=83, n_inh=20, weight_exc=2.0, delay=0.5), ms=30.0)


@pytest.fixture(scope="module")
def reference(network):
    return golden.run(network, trace=True)


class Talk:
    """What a board with the network says to a RUN, and to what comes during it."""

    def __init__(self, network, size, flags, during=(), *, library=None, steps=None):
        lanes, options = SIZES[size]
        g = CoreGeometry.of(network, lanes, **options)
        identity, steps = Identity.of(g), steps or network.steps
        asked = [Frame(Request.IDENTIFY, 0)]
        for payload in load_frames(load_words(network, g), identity):
            asked.append(Frame(Request.LOAD, len(asked) - 1 & 0xFF, payload))
        run = encode(Frame(Request.RUN, len(asked) - 1 & 0xFF, bytes([flags, *steps.to_bytes(2, "big"), 0, 0, 0])))
        self.deframer = Deframer()
        with NativeLink(library or build_linked(g, DIVISOR).path, DIVISOR) as native:
            loaded = [frame for each in asked for frame in self.deframer.feed(native.exchange(list(encode(each))))]
            assert all(frame.answer == Answer.OK for frame in loaded[1:]) and len(loaded) == len(asked)
            # DONE may begin after a run that was silent for long, and then is waited for.
            said = [frame for symbols in ([*run, *during], [IDLE | 500]) for frame in self.deframer.feed(native.exchange(symbols))]
        self.answers = [frame for frame in said if frame.answer not in (Answer.DATA, Answer.DONE)]
        self.done, = (Status.unpack(frame.payload) for frame in said if frame.answer == Answer.DONE)
        self.decoder = Decoder(Run(flags), min(steps, self.done.steps), g.n, g.lanes, g.format.width)
        if self.done.steps < steps:
            self.decoder.flags &= ~Run.FINAL
        for frame in said:
            if frame.answer == Answer.DATA:
                self.decoder.feed(frame.payload)

    def statuses(self):
        return [Status.unpack(frame.payload) for frame in self.answers if frame.answer == Answer.STATUS]


def ask(kind, bits):
    """A request some time after what was sent before."""
    return [IDLE | bits, *encode(Frame(kind, 0))]


def cycles(network, reference, size, steps=None, **options):
    """Predicted for the first steps."""
    lanes, kinds = SIZES[size]
    steps = steps or network.steps
    kept = reference.spikes[reference.spikes[:, 0] < steps]
    trace = {name: values[:steps] for name, values in reference.trace.items()}
    cut = dataclasses.replace(reference, steps=steps, spikes=kept, trace=trace)
    return golden.predict_cycles(network, cut, lanes, **{"batch": MAX_STEPS, **options}, **kinds)


def judge(talk, network, reference, size):
    """Everything that came is what the golden model has, and the counters are of all steps that were made."""
    made = talk.done.steps
    expected = reference.spikes[reference.spikes[:, 0] < made]
    assert talk.decoder.complete and made > 0
    if talk.decoder.flags & (Run.EVENTS | Run.EVERY):
        assert np.array_equal(talk.decoder.spikes, expected) and len(expected) > 10
    if talk.decoder.flags & Run.EVENTS:
        last = made - 1 if talk.decoder.flags & Run.FINAL else made
        assert talk.done.events == np.count_nonzero(expected[:, 0] < last)
    for step, rows in talk.decoder.records.items():
        for name, row in zip(("v", "hold", "overflow"), rows):
            assert np.array_equal(row, reference.trace[name][step])
    assert talk.done.cycles == cycles(network, reference, size, made)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("flags", [Run(0), Run.EVENTS, Run.EVENTS | Run.FINAL, Run.EVERY, Run.FINAL], ids=lambda flags: str(int(flags)))
def test_a_run_is_the_golden_models_and_takes_the_cycles_of_one_batch(network, reference, size, flags):
    """With records of every step the line holds each word up."""
    talk = Talk(network, size, flags)
    assert talk.done.steps == network.steps and bool(talk.decoder.records) == bool(flags & (Run.FINAL | Run.EVERY))
    judge(talk, network, reference, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("flags", [Run(0), Run.EVENTS], ids=["nothing sent", "events"])
def test_a_status_finds_the_core_between_two_steps_and_changes_nothing(network, reference, size, flags):
    talk = Talk(network, size, flags, [*ask(Request.STATUS, 7), *ask(Request.STATUS, 0), *ask(Request.STATUS, 750), *ask(Request.STATUS, 900)])
    found = talk.statuses()
    assert len(found) == 4 and found[0] == found[1], "nothing happens between the two"
    assert 0 < found[0].steps < found[2].steps < network.steps and found[2].steps <= found[3].steps
    sent = np.searchsorted(reference.spikes[:, 0], np.arange(network.steps + 1)) * bool(flags)
    for status in found:
        # Events are of whole steps; one more has begun, or two if a sweep is as short as the way to the link.
        assert status.events in sent[status.steps - 2:status.steps + 1]
        assert cycles(network, reference, size, status.steps - 2) < status.cycles <= cycles(network, reference, size, status.steps)
    judge(talk, network, reference, size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("bits", [0, 23, 60])
def test_a_stop_ends_the_run_after_the_step_under_way(network, reference, size, bits):
    talk = Talk(network, size, Run.EVENTS, ask(Request.STOP, bits))
    assert talk.done.steps < network.steps
    judge(talk, network, reference, size)


@pytest.mark.parametrize("size", SIZES)
def test_a_status_and_then_a_stop(network, reference, size):
    talk = Talk(network, size, Run.EVENTS, [*ask(Request.STATUS, 3), *encode(Frame(Request.STOP, 0)), *encode(Frame(Request.STATUS, 0))])
    first, last = talk.statuses()
    assert first.steps <= last.steps <= talk.done.steps <= last.steps + 1 < network.steps
    judge(talk, network, reference, size)


def mutated(monkeypatch, old, new):
    """`StepEnds` with some text changed, in all links that are made."""
    source = Path(step_ends.__file__).read_text()
    assert source.count(old) == 1, old
    namespace = {"__name__": step_ends.__name__}
    exec(compile(source.replace(old, new), "StepEnds, mutated", "exec"), namespace)
    monkeypatch.setattr(runner, "StepEnds", namespace["StepEnds"])


@pytest.mark.parametrize(("old", "new", "flags"), [
    ("self.latest.eq(under == 1)", "self.latest.eq(under != 0)", Run.EVENTS | Run.FINAL),  # records of a step before the last
    ("self.wait.eq(self.zero | (held & between))", "self.wait.eq(held & between)", Run.EVENTS),  # a step's end is written over
    ("between.eq(self.last)", "between.eq(1)", Run.EVENTS)], ids=["latest", "wait", "between"])
def test_a_defective_link_is_noticed(monkeypatch, network, reference, old, new, flags):
    """Negative control."""
    mutated(monkeypatch, old, new)
    lanes, options = SIZES["wide"]
    library = compile_shared(to_verilog(LinkedCore(CoreGeometry.of(network, lanes, **options), DIVISOR), NAME, reset=False), NAME, HARNESS).path
    with pytest.raises((AssertionError, SpikegateError)):
        talk = Talk(network, "wide", flags, ask(Request.STATUS, 7), library=library)
        status, = talk.statuses()
        assert status.events in np.searchsorted(reference.spikes[:, 0], np.arange(network.steps + 1))[status.steps - 2:status.steps + 1]
        judge(talk, network, reference, "wide")


def test_cycles_of_steps_that_are_asked_for_one_by_one_are_others(network, reference):
    """Negative control; and which boards are asked ahead."""
    for size in SIZES:
        assert cycles(network, reference, size, batch=1) - cycles(network, reference, size) >= 5 * (network.steps - 1)
    assert (batch(True, None), batch(1, 0), batch(True, 64), batch(False, None)) == (MAX_STEPS, MAX_STEPS, 1, 1)
