"""Encoders in gates: functions for every number and threshold, both components against the model in two simulators."""

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.amaranth_sim import evaluate, exchange
from spikegate.cosim.benches.encoder import check
from spikegate.gateware.streams.encoder import Encoder, WindowEncoder, below, lfsr_window, sobol_window_planes
from spikegate.models.errors import Mismatch
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import CounterParams, SobolParams
from spikegate.models.streams.encoder import EncoderParams, WindowParams


def integer(window):
    """A packed window as an integer."""
    return int.from_bytes(window.astype("<u8").tobytes(), "little")


def window_of(numbers, p):
    """The definition: the window of positions whose number is less than ``p``, the earliest highest."""
    return int("".join(str(int(x < p)) for x in numbers), 2)


def test_the_comparison_in_gates_is_right_for_every_number_and_threshold():
    for shape in ([16, 16, 16, 16], [1, 1, 16, 16], [16, 1, 16, 1]):
        m, p, out = Module(), Signal(5), Signal(16)
        planes = [Signal(width) for width in shape]
        m.d.comb += out.eq(below(planes, p))
        numbers = [sum((t >> (3 - b) & 1 if width == 16 else 1) << b for b, width in enumerate(shape)) for t in range(16)]
        row = [sum((x >> b & 1) << (15 - t) for t, x in enumerate(numbers)) & ((1 << width) - 1) for b, width in enumerate(shape)]
        assert evaluate(m, [*planes, p], out, [(*row, value) for value in range(17)]) == [window_of(numbers, value) for value in range(17)]


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 64), st.sampled_from([1, 2, 8, 32, 64, 256, 512]), st.data())
def test_a_leap_of_the_gateware_is_single_steps(width, length, data):
    params, state, out = LfsrParams(width, leap=1), Signal(width), Signal(length)
    seeds = data.draw(st.lists(st.integers(1, params.mask), min_size=1, max_size=3))
    m = Module()
    m.d.comb += out.eq(lfsr_window(m, state, params, length))
    for seed, window in zip(seeds, evaluate(m, [state], out, [(seed,) for seed in seeds]), strict=True):
        assert window == int("".join(str(state & 1) for state in params.run(params.step(seed), length)), 2)


@pytest.mark.parametrize("params", [SobolParams(6, 5, 8), SobolParams(0, 4, 16), SobolParams(2, 4, 1), CounterParams(5, 4)], ids=str)
def test_planes_of_the_gateware_are_the_numbers_of_each_window(params):
    m, offset, p = Module(), Signal(params.bits), Signal(params.bits + 1)
    out = Signal(params.leap)
    m.d.comb += out.eq(below(sobol_window_planes(params, params.leap, offset), p))
    stimuli = [(params.point(n * params.leap), value) for n in range(1 << params.index_bits) for value in range((1 << params.bits) + 1)]
    golden = [window_of(params.points(np.arange(params.leap) + n * params.leap), value)
              for n in range(1 << params.index_bits) for value in range((1 << params.bits) + 1)]
    assert evaluate(m, [offset, p], out, stimuli) == golden


STALLS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=5, max_size=50)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([WindowParams(LfsrParams(61, leap=64), 4), WindowParams(SobolParams(5, 10, 128), 10), WindowParams(CounterParams(6, 64), 6)]),
       STALLS, st.data())
def test_window_encoder_in_amaranth_equals_the_model(params, stalls, data):
    lfsr, starts = isinstance(params.source, LfsrParams), st.integers(1, (1 << params.start_bits) - 1 if params.start_bits else 1)
    start = data.draw(st.lists(starts, min_size=params.bits, max_size=params.bits) if lfsr else starts)
    p = data.draw(st.lists(st.integers(0, 1 << params.bits), min_size=1, max_size=20))
    loads = [{"en": 1, "plane": b, "start": seed} for b, seed in enumerate(start)] if lfsr else [{"en": 1, "start": start}]
    windows, waiting = [integer(window) for window in params.run(start, p)], []
    for (_, accept), (out, taken) in zip(stalls, exchange(WindowEncoder(params), p, stalls, loads=loads), strict=True):
        assert out == (waiting[0] if waiting and accept else None) and (taken is None or accept or not waiting)
        waiting = waiting if out is None else []
        waiting = waiting if taken is None else [windows.pop(0)]


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([EncoderParams(LfsrParams(9, leap=3), 8), EncoderParams(SobolParams(4, 6, 2), 6), EncoderParams(CounterParams(3), 3)]),
       STALLS, st.data())
def test_serial_encoder_in_amaranth_equals_the_model(params, stalls, data):
    request = st.fixed_dictionaries({"start": st.integers(1, (1 << params.start_bits) - 1), "threshold": st.integers(0, 1 << params.bits)})
    requests, bits = data.draw(st.lists(request, min_size=1, max_size=4)), []
    # One offer in eight, so that runs of bits come between requests.
    stalls = [(True, True)] + [(offer and n % 8 == 7, accept) for n, (offer, accept) in enumerate(stalls)]
    for (_, accept), (out, taken) in zip(stalls, exchange(Encoder(params), requests, stalls), strict=True):
        assert out == (bits[0] if bits and accept else None) and (taken is None or accept or not bits)
        bits = bits[1:] if out is not None else bits
        bits = params.run(**taken, count=len(stalls)).tolist() if taken is not None else bits


SERIAL = [EncoderParams(LfsrParams(20, leap=1), 12), EncoderParams(SobolParams(6, 10, 4), 10), EncoderParams(CounterParams(5), 5)]
PARALLEL = [WindowParams(LfsrParams(61, leap=256)), WindowParams(SobolParams(6, leap=256)), WindowParams(CounterParams(8, 64), 8)]
NAMES = [f"{type(p).__name__}-{type(p.source).__name__}" for p in SERIAL + PARALLEL]


@pytest.mark.parametrize("params", SERIAL + PARALLEL, ids=NAMES)
def test_verilated_gateware_equals_the_model(params):
    assert check(params, count=1200, seed=51) >= 1200


@pytest.mark.parametrize("params", SERIAL + PARALLEL, ids=NAMES)
def test_at_most_instead_of_less_is_rejected_in_verilator(params):
    with pytest.raises(Mismatch, match="first divergence at cycle .*: signal o, golden"):
        check(params, count=800, seed=52, fault="at most")


@pytest.mark.parametrize("params", PARALLEL, ids=NAMES[len(SERIAL):])
def test_a_reversed_window_is_rejected_in_verilator(params):
    with pytest.raises(Mismatch, match="first divergence at cycle .*: signal o, golden"):
        check(params, count=100, seed=53, fault="reversed")


@pytest.mark.parametrize("params, wrong", [
    (SERIAL[1], EncoderParams(SobolParams(7, 10, 4), 10)), (PARALLEL[1], WindowParams(SobolParams(7, leap=256))),
    (SERIAL[0], EncoderParams(LfsrParams(20, (20, 16), 1), 12)), (PARALLEL[0], WindowParams(LfsrParams(61, (61, 60, 59, 55), 256)))],
    ids=["serial-dimension", "parallel-dimension", "serial-tap", "parallel-tap"])
def test_a_wrong_source_is_rejected_in_verilator(params, wrong):
    with pytest.raises(Mismatch, match="first divergence at cycle .*: signal o, golden"):
        check(params, count=300, seed=54, model=wrong)
