"""An engine that was written from docs/arithmetic.md alone, in plain loops, gives what the golden models give, item by item."""

from bisect import bisect_right
from fractions import Fraction

import numpy as np
import pytest
from independent import engine, netfile, streams
from odd_networks import differences, odd_network, with_streams

from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine
from spikegate.models.network.network import MAX_DELAY, Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.streams import planes
from spikegate.models.streams.faults import FaultParams, PointFaults
from spikegate.models.streams.params import Generator, StreamFaults, StreamParams
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid as stochastic

FORMATS = (Q8_8, Q16_12, QFormat(8, 3), QFormat(6, 1), QFormat(24, 20), QFormat(17, 9))


def small(variant=None, *, length=64, channels=None, **changes):
    bp = preset("ai", **{"n_exc": 37, "n_inh": 10, "weight_exc": 2.0, "g_inh": 3.0, "delay": 0.3, "eta": 4.0, "refractory": 0.2, **changes})
    network = translate(bp, Q8_8, ms=12.0)
    return stochastic(network, variant, length=length, channels=channels) if variant else network


@pytest.mark.parametrize(("name", "format", "ms"), [
    ("ai", Q8_8, 100.0), ("ai", Q16_12, 60.0), ("tutorial", Q8_8, 40.0),
    *(pytest.param(name, format, 1000.0, marks=pytest.mark.long) for name in ("ai", "tutorial") for format in (Q8_8, Q16_12))])
def test_fixed_point_weights_of_the_whole_network(name, format, ms, tmp_path):
    wrong, compared, golden = differences(translate(preset(name), format, ms=ms), tmp_path / "net")
    print(f"{name} {format}, {ms:g} ms: {compared:,} items compared, {wrong} differ")
    assert wrong == 0 and len(golden.spikes) > 15 * ms


@pytest.mark.parametrize(("variant", "ms"), [("v4", 12.0), ("v14", 12.0), ("v13", 8.0),
                                             *(pytest.param(variant, 200.0, marks=pytest.mark.long) for variant in ("v4", "v14", "v13"))])
def test_stochastic_synapses_of_the_whole_network(variant, ms, tmp_path):
    network = stochastic(translate(preset("ai"), Q8_8, ms=ms), variant)
    wrong, compared, golden = differences(network, tmp_path / "net", bits=True)
    print(f"{variant}, {ms:g} ms: {compared:,} items compared, {golden.provenance['windows']:,} windows, {wrong} differ")
    assert wrong == 0 and golden.provenance["windows"] > 800 * ms


@pytest.mark.parametrize("overflow", list(Overflow))
@pytest.mark.parametrize("rounding", list(Rounding))
def test_odd_networks(rounding, overflow, tmp_path):
    rng, total = np.random.default_rng([rounding, overflow]), 0
    spikes, flags, held = 0, 0, 0
    for k in range(24):
        network = odd_network(rng, FORMATS[k % 6], rounding, overflow, delay=(1, 2, MAX_DELAY)[k % 3], refractory=(0, 0, 3, 255)[k % 4],
                              fine=k % 5 == 4, taps=(64, 62) if k == 7 else None)
        wrong, compared, golden = differences(network, tmp_path / "net")
        assert wrong == 0, (k, network)
        total, spikes, flags = total + compared, spikes + len(golden.spikes), flags + int(golden.final["overflow"].sum())
        held += int((golden.trace["hold"] > 0).sum())
    print(f"{total:,} items compared, {spikes:,} spikes, {flags} overflowed, {held:,} held steps")
    assert spikes > 1000 and flags > 10 and held > 1000


@pytest.mark.parametrize("generator", list(Generator))
def test_odd_networks_of_streams(generator, tmp_path):
    rng, total, windows = np.random.default_rng(generator), 0, 0
    for k in range(12):
        network = odd_network(rng, FORMATS[k % 6], Rounding(k % 3), Overflow(k % 2), delay=(1, 5)[k % 2], refractory=k % 3, fine=k % 4 == 3)
        network = with_streams(network, rng, generator, *((64, 8), (128, 3), (256, 2), (512, 1), (1024, 1), (64, 5))[k % 6])
        wrong, compared, golden = differences(network, tmp_path / "net", bits=True)
        assert wrong == 0, (k, network)
        total, windows = total + compared, windows + golden.provenance["windows"]
    print(f"{total:,} items compared, {windows:,} windows")
    assert total > 60_000 and windows > 5000


@pytest.mark.parametrize(("variant", "channels"), [("v4", None), ("v14", None), ("v13", None), ("v14", 3)])
def test_faults(variant, channels, tmp_path):
    network = small(variant, channels=channels)
    paths = tuple(FaultParams.random(0.03, c, 64, flip_rate=0.02) for c in range(network.streams.channels))
    wrong, compared, golden = differences(network, tmp_path / "net", bits=True, faults=StreamFaults(paths, 5))
    sound = stream_engine.run(network)
    print(f"{variant}: {compared:,} items compared, {golden.provenance['windows']:,} windows, {len(golden.spikes)} spikes")
    assert wrong == 0 and compared > 20_000 and not np.array_equal(golden.spikes, sound.spikes)


def crowd():
    """Eighteen neurons that all fire at once, and counts stuck at their highest: the input sum leaves its bits."""
    n = 18
    lif = LifParams(QFormat(4, 1), 5, 0, 7, leak=2, overflow=Overflow.SATURATE)
    network = Network(name="crowd", n_exc=n, n_inh=0, delay=1, steps=9, dt_ns=1, lif=lif, lfsr=LfsrParams(), indptr=np.arange(n + 1) * n,
                      indices=np.tile(np.arange(n), n), weights=[1] * n, v0=[k % 16 - 8 for k in range(n)],
                      drive=DriveParams(binomial_limits(1, Fraction(0)), 0), seeds=range(1, n + 1),
                      streams=StreamParams([65536] * n, 7, Generator.SOBOL, 64, dimensions=(0,)))
    return network, StreamFaults((FaultParams(64, count=PointFaults(stuck1=127)),))


def test_input_sums_wrap_in_their_bits(tmp_path, monkeypatch):
    network, faults = crowd()
    wrong, compared, golden = differences(network, tmp_path / "net", bits=True, faults=faults)
    assert wrong == 0 and len(golden.spikes) > 18
    monkeypatch.setattr(engine, "wrapped", lambda value, width: value)
    assert differences(network, tmp_path / "net", bits=True, faults=faults)[0] > 0


def edge():
    """In the first step the uniform number is a limit of the table, and the membrane reaches the threshold exactly."""
    lif = LifParams(Q8_8, 100, 0, 0, leak=1, refractory=1)
    return Network(name="edge", n_exc=1, n_inh=0, delay=1, steps=4, dt_ns=1, lif=lif, lfsr=LfsrParams(), indptr=[0, 1], indices=[0], weights=[100],
                   seeds=[12345], v0=[100], drive=DriveParams([12345, 2**32 - 1, 2**32 - 1], 256))


NETWORKS = {"edge": (edge, {}), "small": (small, {}), "v4": (lambda: small("v4"), {"bits": True}),
            "v14": (lambda: small("v14", channels=2), {"bits": True}),
            "stuck": (lambda: small("v4"), {"bits": True, "faults": StreamFaults((FaultParams(64, PointFaults(0b1111, 0b1100)),))})}
#: What is put in place of a part of the independent engine, and the network on which it has to show.
WRONG_PARTS = {
    "spike above the threshold": (engine, "fires", lambda v, threshold: v > threshold, "edge"),
    "event at the limit": (engine, "bisect_left", bisect_right, "edge"),
    "rounding down": (engine, "rounding", lambda mode, lost: lambda random: 0, "small"),
    "bit at the threshold": (streams.RegisterStream, "below", lambda own, limit, below=streams.RegisterStream.below: below(own, limit + 1), "v4"),
    "stuck at 0 wins": (streams.Point, "pass_through", lambda own, x, lines: (x | own.stuck1) & ~own.stuck0, "stuck"),
}
#: What is changed in the file once it has been read, and the network.
WRONG_FILES = {
    "tap": (lambda file: file.header["lfsr"].update(taps=[64, 63, 61, 59]), "small"),
    "tap of streams": (lambda file: file.header["streams"]["lfsr"].update(taps=[61, 60, 59, 55]), "v4"),
    "dimensions swapped": (lambda file: file.header["streams"]["dimensions"].reverse(), "v14"),
    "delay": (lambda file: file.header.update(delay=4), "small"),
    "refractory": (lambda file: file.header["lif"].update(refractory=1), "small"),
    "weights": (lambda file: file.arrays["weights"].reverse(), "small"),
}


@pytest.mark.parametrize("name", [*WRONG_PARTS, *WRONG_FILES])
def test_a_wrong_engine_is_rejected(name, tmp_path, monkeypatch):
    change, on = WRONG_FILES.get(name, (None, WRONG_PARTS[name][-1] if name in WRONG_PARTS else None))
    make, options = NETWORKS[on]
    assert differences(make(), tmp_path / "net", **options)[0] == 0
    if change is None:
        monkeypatch.setattr(*WRONG_PARTS[name][:-1])
    wrong, compared, _ = differences(make(), tmp_path / "net", change=change, **options)
    print(f"{name}: {wrong} of {compared} differ")
    assert wrong > 0


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d + b"\0", lambda d: d.replace(b"1", b"2", 1), lambda d: d[:300] + b"#" + d[301:]])
def test_the_reader_refuses_a_damaged_file(damage, tmp_path):
    edge().save(tmp_path / "net")
    (tmp_path / "net").write_bytes(damage((tmp_path / "net").read_bytes()))
    with pytest.raises(ValueError, match="hash|first line"):
        netfile.read(tmp_path / "net")


def test_a_leap_is_so_many_positions():
    for leap in (32, 45, 60):
        one, whole = engine.Register(0x9E3779B97F4A7C15, 64, (64, 63, 61, 60), 1), engine.Register(0x9E3779B97F4A7C15, 64, (64, 63, 61, 60), leap)
        for _ in range(50):
            assert whole.draw() == one.state
            for _ in range(leap):
                one.draw()


def test_the_windows_of_a_register_are_its_bits():
    for width, taps in ((8, (8, 6, 5, 4)), (61, (61, 60, 59, 56))):
        state, windows = 0xB5, streams.register_windows(0xB5, width, taps, 64)
        for _ in range(200):
            expected = 0
            for _ in range(64):
                bit = sum(state >> tap - 1 & 1 for tap in taps) % 2
                state, expected = (state << 1 | bit) % (1 << width), expected << 1 | bit
            assert next(windows) == expected


SMALL = [(Q8_8, Rounding.NEAREST, Overflow.SATURATE, 1, 0, False), (Q8_8, Rounding.FLOOR, Overflow.WRAP, 3, 2, False),
         (QFormat(16, 4), Rounding.NEAREST, Overflow.WRAP, 2, 1, True), (Q8_8, Rounding.STOCHASTIC, Overflow.SATURATE, 2, 3, True),
         (QFormat(17, 9), Rounding.NEAREST, Overflow.WRAP, 1, 1, False), (Q16_12, Rounding.STOCHASTIC, Overflow.WRAP, 4, 0, True)]


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_small_odd_networks_in_small_pieces(case, tmp_path, monkeypatch):
    """A run is made in chunks of steps and, as Python, in blocks of neurons: seven and eight here."""
    monkeypatch.setattr(core, "CHUNK", 7)
    monkeypatch.setattr(core, "BLOCK", 8)
    q, rounding, overflow, delay, refractory, fine = case
    rng, spikes = np.random.default_rng(SMALL.index(case)), 0
    for _ in range(5):
        network = odd_network(rng, q, rounding, overflow, delay=delay, refractory=refractory, fine=fine).replace(steps=24)
        wrong, _, golden = differences(network, tmp_path / "net")
        assert wrong == 0, network
        assert golden.trace["v"].dtype == (np.int16 if q.width <= 16 else np.int32) and golden.steps == 24 and golden.engine == "golden"
        assert np.array_equal(golden.final["v"], golden.trace["v"][-1]) and np.array_equal(golden.final["hold"], golden.trace["hold"][-1])
        assert np.array_equal(core.external_events(network), golden.trace["events"])
        spikes += len(golden.spikes)
    assert spikes > 5


def extend_rows(rows, known, taps):
    """`planes._extend`, which as Python takes most of the time of a small network."""
    for i in range(known, len(rows)):
        rows[i] = np.bitwise_xor.reduce(rows[i - np.array(taps)])


@pytest.mark.parametrize(("generator", "length", "channels", "delay", "seed", "faulty"), [
    (Generator.SOBOL, 64, 1, 1, 0, False), (Generator.SOBOL, 128, 3, 3, 3, False), (Generator.LFSR, 64, 2, 1, 6, False),
    (Generator.LFSR, 64, 2, 3, 3, False), (Generator.SOBOL, 64, 2, 1, 6, True), (Generator.SOBOL, 64, 2, 3, 2, True)])
def test_small_odd_networks_of_streams(generator, length, channels, delay, seed, faulty, tmp_path, monkeypatch):
    """Registers begin anew in their rows after 64 windows, more than twice in a run."""
    monkeypatch.setattr(planes, "_extend", extend_rows)
    rng = np.random.default_rng([length, channels, delay, seed])
    network = odd_network(rng, Q8_8, Rounding.NEAREST, Overflow.SATURATE, delay=delay, refractory=1, fine=False).replace(steps=12)
    network = with_streams(network, rng, generator, length, channels)
    weight, count = PointFaults(1 << 50, 3, 900), PointFaults(1, 4, 800)
    paths = tuple(FaultParams(length, PointFaults(6, 1 << 40, 700 + c), weight, count) for c in range(channels))
    wrong, _, golden = differences(network, tmp_path / "net", bits=True, faults=StreamFaults(paths, 5) if faulty else None)
    assert wrong == 0, network
    assert len(golden.spikes) > 40 and golden.provenance["windows"] > 240
