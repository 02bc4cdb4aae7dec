"""The trio of the correlation meter."""

from itertools import cycle
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikegate.cosim.benches.amaranth_sim import exchange
from spikegate.cosim.benches.correlation import check, lfsr_windows, stimuli
from spikegate.gateware.streams.correlation import Correlation
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams.correlation import CorrelationParams
from spikegate.models.streams.plan import LfsrPlan
from spikegate.models.streams.planes import lfsr_planes
from spikegate.models.streams.scc import overlap_counts, scc_of

SEED = 0x123456789ABCDEF
SERIAL = LfsrParams(16, leap=1)
COUNTS = ("n11", "n10", "n01", "n00")


@pytest.mark.parametrize("make, message", [
    (lambda: CorrelationParams(0, 8), "Meter width must be at least 1 position, not 0"),
    (lambda: CorrelationParams(3, 8), "Meter length must be a multiple of its width of 3 positions, not 8"),
    (lambda: CorrelationParams(8, 0), "Meter length must be a multiple of its width of 8 positions, not 0")])
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_meter_by_hand():
    assert CorrelationParams(4, 8).run([0b1111, 0b0000, 0b1010, 0b1100], [0b1100, 0b0011, 0b1010, 0b1010]).tolist() == [[2, 2, 2, 2], [3, 1, 1, 3]]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([(1, 1), (1, 5), (3, 9), (8, 8), (64, 128), (100, 200)]), st.data())
def test_gateware_in_amaranth_equals_the_model(shape, data):
    params = CorrelationParams(*shape)
    window = st.one_of(st.sampled_from([0, (1 << params.width) - 1]), st.integers(0, (1 << params.width) - 1))
    pairs = data.draw(st.lists(st.tuples(window, window), min_size=params.windows, max_size=5 * params.windows))
    stalls = [(True, True), *data.draw(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=12))]
    windows = [dict(zip("ab", pair)) for pair in pairs]
    beats = exchange(Correlation(params), windows, cycle(stalls), results=len(pairs) // params.windows)
    assert [[out[name] for name in COUNTS] for out, _ in beats if out is not None] == params.run(*zip(*pairs)).tolist()


BENCHES = {"planned-windows": (CorrelationParams(256, 1024), LfsrParams(61, leap=256)), "planned-serial": (CorrelationParams(1, 7), SERIAL)}


@pytest.mark.parametrize("meter, lfsr", BENCHES.values(), ids=BENCHES)
def test_verilated_gateware_equals_the_model(meter, lfsr):
    plan = LfsrPlan.make(lfsr, 6, 200, SEED % lfsr.mask)
    assert check(meter, lfsr, plan.seeds, count=60, seed=41) > 60


def test_verilated_gateware_meters_a_bad_plan():
    # Seeds of the published kind; the last two are the same, as with more than 65,535 encoders.
    meter, seeds = CorrelationParams(256, 1024), [1, 2, 3, 3]
    with pytest.raises(InputError, match="Streams 2 and 3 start 0 positions apart"):
        LfsrPlan(SERIAL, seeds, 256)
    neighbours, same = scc_of(meter.run(*zip(*stimuli(meter, SERIAL, seeds, 8, Random(0))))[6:])
    assert abs(neighbours) < 0.2 and same == 1  # 0.2 is 6.4 standard deviations: at p = q = 1/2 a distance of one position does not show
    assert check(meter, SERIAL, seeds, count=60, seed=42) > 60


@pytest.mark.parametrize("wrong", [CorrelationParams(256, 512), CorrelationParams(256, 1280)], ids=["shorter", "longer"])
def test_a_wrong_model_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at result 0: signal o, golden"):
        check(CorrelationParams(256, 1024), SERIAL, [1, 2], count=20, seed=43, model=wrong)


@pytest.mark.parametrize("wrong", [[2, 1], [1, 3]], ids=["exchanged", "other"])
def test_a_wrong_stream_is_rejected_in_verilator(wrong):
    with pytest.raises(Mismatch, match="first divergence at result [6-9]: signal o, golden"):
        check(CorrelationParams(256, 1024), SERIAL, [1, 2], count=20, seed=44, model_seeds=wrong)


def test_the_meter_and_the_counts_of_packed_streams_agree():
    plan = LfsrPlan.make(LfsrParams(61, leap=256), 2, 4, SEED)
    pairs = list(zip(*([next(stream) for stream in [lfsr_windows(plan.params, seed, 256)] * 4] for seed in plan.seeds)))
    words = lfsr_planes(plan.params, plan.seeds, 0, 4, 256)
    assert CorrelationParams(256, 1024).run(*zip(*pairs)).tolist() == [overlap_counts(words[:, 0], words[:, 1]).sum(axis=0).tolist()]
