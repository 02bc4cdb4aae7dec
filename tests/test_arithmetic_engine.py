"""The engine that docs/arithmetic.md prints equals the golden models, and the files that the page refuses are refused."""

import hashlib
import json
import math
import re
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from pages import ARITHMETIC, blocks, execute, vectors

from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q16_12, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import JOE_KUO, SobolParams
from spikegate.models.streams.faults import FaultParams
from spikegate.models.streams.params import StreamFaults
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid as stochastic


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("engine"))
        return execute(ARITHMETIC)


def damaged(data):
    """Name -> a file that section 8 of the page says a reader has to refuse, made from a good one."""
    magic, _, content = data.split(b"\n", 2)
    line, body = content.split(b"\n", 1)
    header = json.loads(line)
    compact = lambda entries: json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()  # noqa: E731
    made = lambda text, rest=body: magic + b"\n" + hashlib.sha256(text + b"\n" + rest).hexdigest().encode() + b"\n" + text + b"\n" + rest  # noqa: E731

    def changed(*path, value):
        copy = json.loads(line)
        inner = copy
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        return made(compact(copy))

    def array(name, index, value, text=line):
        offset = 0
        for entry in header["arrays"]:
            size = int(entry["dtype"][-1])
            if entry["name"] == name:
                at = offset + size * index
                return made(text, body[:at] + value.to_bytes(size, "little", signed=value < 0) + body[at + size:])
            offset += size * math.prod(entry["shape"])
        raise LookupError(name)

    one, *others = header["arrays"]
    return {
        "another first line": b"spikegate network 9" + data[len(magic):], "the hash of another content": data[:-1] + bytes([data[-1] ^ 1]),
        "a byte more": made(line, body + b"\0"), "a byte less": made(line, body[:-1]),
        "keys not sorted": made(json.dumps(dict(reversed(header.items())), separators=(",", ":")).encode()),
        "spaces": made(json.dumps(header, sort_keys=True).encode()), "a key twice": made(b'{"delay":2,' + line[1:]),
        "a key more": changed("colour", value=1), "a key less": made(compact({key: value for key, value in header.items() if key != "dt_ns"})),
        "a leak fraction that says nothing": changed("lif", "leak_fraction", value=header["format"]["fraction"]),
        "a float": changed("delay", value=2.0), "a truth value": changed("delay", value=True),
        "no delay": changed("delay", value=0), "a long delay": changed("delay", value=64), "no steps": changed("steps", value=0),
        "no time": changed("dt_ns", value=0), "threshold outside": changed("lif", "threshold", value=1 << 15),
        "reset at threshold": changed("lif", "reset", value=header["lif"]["threshold"]), "no leak": changed("lif", "leak", value=0),
        "a leak above one": changed("lif", "leak", value=257), "a gain": changed("lif", "gain", value=255),
        "a short register": made(compact({**header, "lfsr": {"leap": 32, "taps": [39, 35], "width": 39}})),
        "a long leap": changed("lfsr", "leap", value=61), "a seed of 0": array("seeds", 0, 0), "v0 outside": array("v0", 0, 1 << 15),
        "another type": made(compact({**header, "arrays": [{**one, "dtype": "<u8"}, *others]})),
        "another shape": made(compact({**header, "arrays": [{**one, "shape": [1]}, *others]})),
        "another place": made(compact({**header, "arrays": [*others, one]})), "indptr that falls": array("indptr", 1, 9),
        "a target too many": array("indices", 0, 2), "a table that falls": array("limits", 0, 2**32 - 1),
        "a table of another length": made(compact({**header, "arrays": [{**entry, "shape": [14]} if entry["name"] == "limits" else entry
                                                                         for entry in header["arrays"]]}), body[:-4]),
        "inputs that may leave their bits": array("weights", 0, -32768, compact({**header, "drive": {"weight": -32768}})),
        "no neurons": changed("n_exc", value=-1),
    }


def test_every_file_that_must_be_refused_is(engine, tmp_path):
    path, files = tmp_path / "net", damaged(engine["data"])
    path.write_bytes(engine["data"])
    assert Network.load(path).hash == engine["pair"].hash and len(files) > 30
    accepted = []
    for name, data in files.items():
        path.write_bytes(data)
        try:
            Network.load(path)
            accepted.append(name)
        except InputError:
            pass
    assert accepted == []


def test_pair_vector_and_the_file_as_printed(engine):
    vector, = vectors("pair")
    network, recording = engine["pair"], engine["golden"]
    assert network.hash == vector["hash"]
    assert recording.spikes.tolist() == vector["spikes"]
    for name in ("events", "v", "hold", "overflow"):
        assert recording.trace[name].T.tolist() == vector[name]
    assert [f"{int(state):016x}" for state in recording.final["lfsr"]] == vector["lfsr"]
    printed, arrays = blocks(ARITHMETIC, "text")
    magic, digest, header = printed.split("\n", 2)
    body = bytes.fromhex("".join(re.findall(r"\b[0-9a-f]{8,16}\b", arrays)))
    assert f"{magic}\n{digest}\n".encode() + header.replace("\n", "").encode() + b"\n" + body == engine["data"]


def some_network(seed):
    """A small network with extreme values in any format, rounding and overflow mode."""
    rng = np.random.default_rng(seed)
    q = [QFormat(16, 8), QFormat(32, 12), QFormat(8, 3), QFormat(6, 1), QFormat(24, 20)][seed % 5]
    n, delay, steps = int(rng.integers(1, 9)), int(rng.integers(1, 6)), 60
    dense = rng.random((n, n)) < 0.5
    threshold = int(rng.integers(1, q.max))
    lif = LifParams(q, threshold, int(rng.integers(q.min, threshold)), int(rng.integers(q.min, q.max)), int(rng.integers(1, q.one + 1)),
                    refractory=int(rng.integers(0, 4)), rounding=Rounding(seed % 3), overflow=Overflow(seed // 3 % 2))
    if seed % 4 == 3:
        lif = replace(lif, leak=lif.leak * 5, leak_fraction=min(q.fraction + 7, 28))
    indptr, indices = np.concatenate([[0], np.cumsum(dense.sum(axis=1))]), np.nonzero(dense)[1]
    return Network(name="some", n_exc=n, n_inh=0, delay=delay, steps=steps, dt_ns=100_000, lif=lif, lfsr=LfsrParams(), indptr=indptr, indices=indices,
                   drive=DriveParams(binomial_limits(3, Fraction(1, 3)), int(rng.integers(0, q.max // 3 + 1)) // 2),
                   weights=rng.integers(-(q.max // 2), q.max // 2, n), seeds=LfsrParams().phases(int(rng.integers(1, 2**63)), n, steps),
                   v0=rng.integers(q.min, q.max, n))


def test_the_engine_of_the_document_equals_the_golden_model(engine, tmp_path):
    spikes = flags = held = 0
    for seed in range(60):
        network = some_network(seed)
        network.save(tmp_path / "some")
        header, arrays = engine["read_network"]((tmp_path / "some").read_bytes())
        found, trace = engine["run_network"](header, arrays, engine["deliver_weights"](header, arrays))
        golden = core.run(network, trace=True)
        assert found == [tuple(spike) for spike in golden.spikes.tolist()], seed
        for name, rows in trace.items():
            assert rows == golden.trace[name].tolist(), (seed, name)
        spikes, flags, held = spikes + len(found), flags + int(golden.final["overflow"].sum()), held + int((golden.trace["hold"] > 0).sum())
    print(f"{spikes} spikes, {flags} overflowed neurons, {held} held steps")
    assert spikes > 1000 and flags > 20 and held > 1000


@pytest.mark.parametrize(("variant", "length", "channels"), [("v4", 256, None), ("v14", 256, None), ("v13", 64, 3), ("v14", 128, 2)])
@pytest.mark.parametrize("rates", [None, (0.02, 0.01)], ids=["sound", "faulty"])
def test_the_stream_engine_of_the_document_equals_the_golden_model(engine, tmp_path, variant, length, channels, rates):
    bp = preset("ai", n_exc=32, n_inh=8, weight_exc=2.0, g_inh=3.0, delay=0.2, eta=4.0)
    network = stochastic(translate(bp, Q16_12, ms=4.0), variant, length=length, channels=channels)
    network.save(tmp_path / "some")
    header, arrays = engine["read_network"]((tmp_path / "some").read_bytes())
    paths, faults, seeds = None, None, ()
    if rates:
        paths = StreamFaults(tuple(FaultParams.random(rates[0], c, length, flip_rate=rates[1]) for c in range(network.streams.channels)))
        faults = [[(at.stuck0, at.stuck1, at.flips) for at in (path.stream, path.weight, path.count)] for path in paths.paths]
        seeds = paths.seeds(network.max_windows)
    found, trace = engine["run_network"](header, arrays, engine["deliver_streams"](header, arrays, faults, seeds))
    golden = stream_engine.run(network, trace=True, faults=paths)
    assert found == [tuple(spike) for spike in golden.spikes.tolist()] and len(found) > 20 and golden.provenance["windows"] > 60
    for name, rows in trace.items():
        assert rows == golden.trace[name].tolist(), name


def test_the_table_of_direction_numbers_is_that_of_the_model(engine):
    assert engine["JOE_KUO"] == JOE_KUO
    for d in (0, 7, 31):
        assert [engine["sobol"](d, 16, i) for i in range(0, 65536, 999)] == SobolParams(d, 16).points(np.arange(0, 65536, 999)).tolist()


def test_the_engine_of_the_document_refuses_a_damaged_file(engine):
    data = bytearray(engine["data"])
    data[-1] ^= 1
    with pytest.raises(ValueError, match="foreign or damaged"):
        engine["read_network"](bytes(data))
    with pytest.raises(InputError):
        Network.load("absent.spikegate")
