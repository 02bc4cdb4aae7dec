"""What the documents show is what the code does: examples run, and the normative vectors are those of the models."""

import hashlib
import importlib.util
import json
import math
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from spikegate.cosim.results import effects, scatter
from spikegate.models.core import engine as core
from spikegate.models.core import stream_engine
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.neuron.adaptive_lif import AdaptiveLifParams
from spikegate.models.neuron.lif import LifParams, lif_step
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q16_12, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import JOE_KUO, SobolParams
from spikegate.models.streams import faults
from spikegate.models.streams.dot_product import scale_count
from spikegate.models.streams.faults import FaultParams
from spikegate.models.streams.params import StreamFaults
from spikegate.models.streams.synapse import weight_probability
from spikegate.translator import registry, variants
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid as stochastic

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
ARITHMETIC = ROOT / "docs" / "arithmetic.md"


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def vectors(kind):
    found = [v for v in map(json.loads, blocks(ARITHMETIC, "json")) if v["vector"] == kind]
    assert found, f"arithmetic.md has no vector {kind}"
    return found


def execute(path):
    space = {"__name__": path.stem}
    for number, text in enumerate(blocks(path, "python"), 1):
        exec(compile(text, f"{path.name}, example {number}", "exec"), space)
    return space


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("engine"))
        return execute(ARITHMETIC)


@pytest.mark.parametrize("path", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_every_example_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "VARIANTS", dict(variants.VARIANTS))  # an example registers one
    execute(path)


@pytest.mark.parametrize("path", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(path):
    missing = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text())
               if not link.startswith("http") and not (path.parent / link).exists()]
    assert missing == []


def test_the_drawing_of_the_architecture_is_current_and_a_stale_one_is_seen(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    drawing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(drawing)
    assert drawing.main(["--check"]) == 0, "docs/architecture.md is stale; run: python docs/architecture.py"
    assert "models/numeric" in drawing.imports()["gateware/neuron"]
    monkeypatch.setattr(drawing, "PAGE", tmp_path / "architecture.md")
    drawing.PAGE.write_text(drawing.page().replace("Golden models", "Models", 1))
    assert drawing.main(["--check"]) == 1


def test_register_vectors():
    for vector in vectors("leap") + vectors("positions"):
        states = [int(word, 16) for word in vector["states"]]
        assert LfsrParams(vector["width"], tuple(vector["taps"]), vector.get("leap", 1)).run(states[0], len(states)) == states


def test_phase_vector():
    vector, = vectors("phases")
    params = LfsrParams()
    assert params.period // vector["streams"] == vector["stride"]
    first = params.phases(int(vector["seed"], 16), vector["streams"], vector["steps"])[:len(vector["first"])]
    assert [f"{state:016x}" for state in first] == vector["first"]


def test_drive_vectors():
    table, = vectors("table")
    limits = binomial_limits(table["trials"], Fraction(table["probability"]))
    assert limits.tolist() == table["limits"]
    bp = preset("ai")
    assert (bp.c_exc, bp.external_probability) == (table["trials"], Fraction(table["probability"]))
    events, = vectors("events")
    drive = DriveParams(limits, 0)
    assert [drive.step(uniform) for uniform in events["uniform"]] == events["events"]
    stream = [int(word, 16) % 2**32 for word in vectors("leap")[0]["states"]]
    assert events["uniform"][:len(stream)] == stream


def test_neuron_vectors():
    vector, = vectors("neuron")
    assert len(vector["cases"]) >= 16
    for rounding, overflow, v, hold, current, random, *expected in vector["cases"]:
        params = LifParams(QFormat(16, 8), 5120, 2560, 0, 1, refractory=20, rounding=Rounding[rounding.upper()], overflow=Overflow[overflow.upper()])
        assert list(lif_step(v, hold, current, 0, random, params.constants())) == expected


def test_adaptive_neuron_vectors():
    vector, = vectors("adaptive")
    assert len(vector["cases"]) >= 16
    for decay, jump, theta, v, hold, current, *expected in vector["cases"]:
        params = AdaptiveLifParams(LifParams(QFormat(16, 8), 5120, 2560, refractory=20), decay, jump)
        assert list(params.step(theta, v, hold, current)) == expected


def test_fault_vectors():
    vector, = vectors("faulty")
    assert len(vector["cases"]) >= 8
    for x, stuck0, stuck1, flips, expected in vector["cases"]:
        assert faults.apply.py_func(x, stuck0, stuck1, flips) == expected


def _damaged(data):
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
    path, damaged = tmp_path / "net", _damaged(engine["data"])
    path.write_bytes(engine["data"])
    assert Network.load(path).hash == engine["pair"].hash and len(damaged) > 30
    accepted = []
    for name, data in damaged.items():
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


def test_worked_example_is_the_pair():
    vector, = vectors("pair")
    lines = re.findall(r"^\| \d+ \|.*`.*$", ARITHMETIC.read_text(), re.MULTILINE)
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    assert len(rows) == 8
    for t, (step, state, uniform, e, delivered, current, _, p, d, x, spike, v, hold) in enumerate(rows):
        assert (int(step), int(state, 16) % 2**32) == (t, int(uniform)) and int(current) == int(delivered) + 400 * int(e)
        assert [int(e), int(v), int(hold)] == [vector[name][0][t] for name in ("events", "v", "hold")]
        assert int(spike) == ([t, 0] in vector["spikes"])
        if p != "–":
            before = vector["v"][0][t - 1] if t else 4700
            assert (int(p), int(d), int(x)) == (-3 * before, (int(p) + 128) >> 8, before + int(d) + int(current))


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


def test_stream_vectors():
    for weight, threshold, p in vectors("weights")[0]["cases"]:
        assert weight_probability(weight, threshold) == p
    for total, threshold, log2_length, step in vectors("scaling")[0]["cases"]:
        assert scale_count(total, threshold, log2_length) == step


def test_the_engine_of_the_document_refuses_a_damaged_file(engine):
    data = bytearray(engine["data"])
    data[-1] ^= 1
    with pytest.raises(ValueError, match="foreign or damaged"):
        engine["read_network"](bytes(data))
    with pytest.raises(InputError):
        Network.load("absent.spikegate")


def test_the_verdicts_in_the_document_are_those_of_the_code():
    page = (ROOT / "docs" / "validation.md").read_text()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    named = {"brian2_float": "Brian2, asked", "brian2_realised": "Brian2, realised", "brian2_ordered": "Brian2, core's order", "rtl": "RTL"}
    for effect in effects.EFFECTS:
        assert [effect.name, named[effect.of], named[effect.against], "warning" if effect.warns else "failure"] in rows
    tolerance = effects.TOLERANCE
    assert ["tolerance", f"{100 * tolerance['rate_hz']:g} %", f"{100 * tolerance['cv_isi']:g} %", f"{tolerance['correlation']:g}"] in rows
    assert f"|t| exceeds {scatter.student(effects.CHANCE, scatter.MOST_BLOCKS - 1):.1f} with probability {effects.CHANCE:g}" in page
