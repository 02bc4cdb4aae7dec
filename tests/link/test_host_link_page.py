"""docs/host_link.md suffices to write a client: its tables are those of the code, its bytes those of the models, and a client in C runs networks."""

import re
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from spikegate.cosim.engines.rtl import load_words
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.neuron.lif import params_shapes, state_layout
from spikegate.host import load_frames
from spikegate.models.core import engine as golden
from spikegate.models.core.address_map import BY_NEURON, Op, Param
from spikegate.models.core.drives import Search, Walk
from spikegate.models.core.rows_store import Store
from spikegate.models.link.device import Device
from spikegate.models.link.frames import Answer, Frame, Request, encode
from spikegate.models.link.payloads import Identity
from spikegate.models.network.network import Network
from spikegate.models.neuron.lif import LifParams
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8, Q16_12, Overflow, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.brunel import preset, translate

PAGE = (Path(__file__).parents[2] / "docs" / "host_link.md").read_text()
#: As docs/arithmetic.md has it.
PAIR = Network(name="pair", n_exc=1, n_inh=1, delay=2, steps=12, dt_ns=100_000, lfsr=LfsrParams(),
               lif=LifParams(Q8_8, threshold=5120, reset=2560, rest=0, leak=3, refractory=2),
               drive=DriveParams(binomial_limits(4, Fraction(1, 4)), weight=400), indptr=[0, 1, 2], indices=[1, 0], weights=[1500, -700],
               v0=[4700, 4600], seeds=LfsrParams().phases(0x9E3779B97F4A7C15, 2, 12))
#: Boards of 16 neurons; the page's formulas have to hold for each.
GEOMETRIES = [CoreGeometry(16, 4, Q8_8), CoreGeometry(16, 3, Q8_8, drive=Walk()), CoreGeometry(16, 2, Q8_8, rows=Store(16), drive=Walk()),
              CoreGeometry(100, 2, Q8_8, rows=Store(64), drive=Walk(), depth=5), CoreGeometry(100, 40, Q16_12),
              CoreGeometry(16, 2, Q8_8, drive=Walk(), depth=1)]


def table(header):
    """Cells of the rows of the page's table that begins so."""
    lines = PAGE[PAGE.index(header):].splitlines()[2:]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines[:lines.index("")]]


def test_ops_are_those_of_the_load_stream_and_the_model_knows_their_places():
    rows = table("| op | name | item")
    assert [(int(op), name) for op, name, *_ in rows] == [(op.value, op.name) for op in Op if op.value < Op.RUN.value]
    assert [(Op.RUN.value, op.value) for op in Op if op.value > 7] == [(7, 8), (7, 9), (7, 10)] and "8, 9 and 10" in PAGE and "7 is no op" in PAGE
    for g in GEOMETRIES:
        identity, words = Identity.of(g), -(-g.n // g.lanes)
        stride = -(-(g.n + g.format.width) // g.rows.bits) if isinstance(g.rows, Store) else words
        value = {"1": 1, "N S": g.n * stride, "N; 0 with a store": 0 if isinstance(g.rows, Store) else g.n, "8": len(Param),
                 "2^depth": max(1 << g.depth, 4 * g.options["walk"]),
                 "ceil(N / L)": words}
        assert (g.words, g.stride, identity.words, identity.stride) == (words, stride, words, stride)
        for op, _, _, addresses, lanes, _ in rows:
            assert identity.addresses(int(op)) == value[addresses] and (lanes == "L") == (int(op) in BY_NEURON)


def test_parameters_are_those_of_the_core():
    rows = table("| number | parameter | bits")
    assert [(int(number), name) for number, name, *_ in rows] == [(param.value, param.name) for param in Param]
    for g in GEOMETRIES:
        width, fraction = g.format.width, g.leak_fraction
        bits = {"leak_fraction + 1": fraction + 1, "W, signed": width, "W + leak_fraction + 1": width + fraction + 1, "8": 8, "6": 6}
        shapes = params_shapes(g.format, fraction)
        for param, (_, _, size, _) in zip(Param, rows):
            if shape := shapes.get(param.name.lower()):
                assert (shape.width, shape.signed) == (bits[size], "signed" in size), param


@pytest.mark.parametrize("q, size", [(Q8_8, 25), (Q16_12, 41)])
def test_a_state_lies_as_the_page_says(q, size):
    layout = state_layout(q)
    assert {name: (field.offset, field.width) for name, field in layout} == {"v": (0, q.width), "hold": (q.width, 8), "overflow": (q.width + 8, 1)}
    assert layout.size == size and "bits 0 to W - 1" in PAGE and "bits W to W + 7" in PAGE and "bit W + 8" in PAGE


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_the_drive_table_lies_as_the_page_says(depth):
    drive = DriveParams(np.arange(7, 7 + (1 << depth) - 1, dtype=np.uint32), 1)
    tree = dict(Search().words(drive))
    assert sorted(tree) == list(range(1, 1 << depth))
    for j in range(depth):
        for p in range(1 << j):
            assert tree[(1 << j) + p] == 7 + p * (1 << depth - j) + (1 << depth - j >> 1) - 1
    assert [limit for _, limit in Walk().words(drive)] == (list(range(7, 7 + (1 << depth) - 1)) + 4 * [0xFFFFFFFF])[:max(4, 1 << depth)]


@pytest.mark.parametrize("g", GEOMETRIES[:5])
def test_rows_and_weights_lie_as_the_page_says(g):
    size, width, n = g.word_bits, g.format.width, 9
    network = PAIR.replace(n_exc=n - 1, indptr=2 * np.arange(n + 1), indices=np.tile([1, n - 1], n), weights=np.arange(n) - 4, v0=np.zeros(n),
                           seeds=np.arange(1, n + 1), lif=LifParams(g.format, threshold=5120, reset=2560))
    words = g.rows.loads(g.size, network, None)[1][-1].data
    number = [sum(int(part) << 64 * k for k, part in enumerate(word)) for word in words]
    for source in range(g.n):
        row = sum(word << size * k for k, word in enumerate(number[source * g.stride:(source + 1) * g.stride]))
        weight = (source - 4) % (1 << width) if isinstance(g.rows, Store) and source < n else 0
        assert row == (source < n) * (1 << 1 | 1 << n - 1) + (weight << size * g.stride - width)


def test_fields_of_an_identity_are_in_the_order_of_the_page_with_as_many_bytes():
    said = next(cells[2] for cells in table("| TYPE | name | payload |\n|---|---|---|\n") if cells[1] == "IDENTITY")
    fields = [re.fullmatch(r"(\w+)(?: 2)?(?: \((\d)\))?", part).groups() for part in said.replace("version 2", "version").split(", ")]
    assert [(name.lower(), int(size or 1)) for name, size in fields] == [(name, Identity.SIZES.get(name, 1)) for name in Identity.names()]


def test_numbers_of_modes_and_of_the_default_generator():
    assert "`family` is `CA17997D`" in PAGE and Identity.of(GEOMETRIES[0]).family == 0xCA17997D
    for kind in (Rounding, Overflow):
        assert f"`{kind.__name__.lower()}` is " + ", ".join(f"{member.value} {member.name.lower()}" for member in kind) in " ".join(PAGE.split())


def pair_conversation():
    block = re.findall(r"```conversation\n(.*?)```", PAGE, re.DOTALL)[1]
    lines = [re.fullmatch(r"(host|board) +(\w+) +([0-9A-F]{2}) *([0-9A-Fx ]*?) *\| ([0-9A-Fx ]+)", line) for line in block.strip().splitlines()]
    whole = lambda text: bytes.fromhex(re.sub(r"(..)x(\d+)", lambda found: found[1] * int(found[2]), text))  # noqa: E731
    return [(line[1], line[2], int(line[3], 16), whole(line[4]), whole(line[5])) for line in lines]


def test_the_network_byte_by_byte_is_what_the_client_sends_and_the_golden_model_gives():
    geometry = CoreGeometry.of(PAIR, 2, n=3)
    device, said, recording = Device(Identity.of(geometry)), [], golden.run(PAIR, trace=True)
    sent = [(Request.IDENTIFY, b""), *((Request.LOAD, payload) for payload in load_frames(load_words(PAIR, geometry), device.identity)),
            (Request.RUN, bytes([3, 0, 12, 0, 0, 0]))]
    lines = pair_conversation()
    assert len(lines) == 2 * len(sent) + 2 and len(sent) == 9
    cycles = [golden.predict_cycles(PAIR.replace(steps=k), golden.run(PAIR.replace(steps=k)), 2, n=3) for k in range(1, 13)]
    for who, kind, seq, payload, wire in lines:
        if who == "host":
            asked, expected = sent.pop(0)
            assert (Request[kind], payload) == (asked, expected)
            frame = Frame(asked, seq, payload)
            said += device.receive(encode(frame))
            while device.due:
                t = 12 - device.left
                rows = [np.append(recording.trace[name][t], [0, 0]).astype(int) for name in ("v", "hold", "overflow")]
                fired = np.isin(np.arange(4), recording.spikes[recording.spikes[:, 0] == t, 1]).astype(int)
                device.step(*rows, fired, cycles[t] - (cycles[t - 1] if t else 0))
            said += device.collect()
        else:
            frame = said.pop(0)
            assert frame.answer == Answer[kind]
        assert (frame.seq, frame.payload, encode(frame)) == (seq, payload, wire), (who, kind)
    assert said == [] and sent == []


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    program = tmp_path_factory.mktemp("client") / "client"
    source = Path(__file__).with_name("client.c")
    subprocess.run(["gcc", "-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", "-O1", "-o", program, source], check=True)
    return program


def written(network):
    """A network as the C client reads it."""
    lif, drive = network.lif, network.drive
    head = [network.n, network.delay, network.steps, lif.threshold, lif.reset, lif.rest, lif.leak, lif.refractory, drive.weight, drive.depth]
    rows = [network.indices[first:last].tolist() for first, last in zip(network.indptr, network.indptr[1:])]
    neurons = [[int(w), int(v), int(np.int64(np.uint64(seed).view(np.int64))), len(row), *row]
               for w, v, seed, row in zip(network.weights, network.v0, network.seeds, rows)]
    return "\n".join(" ".join(map(str, line)) for line in (head, drive.limits.tolist(), *neurons))


TEN = translate(preset("ai", n_exc=8, n_inh=2, weight_exc=2.0, delay=0.5), ms=50.0)
RUNS = {"pair": (PAIR, CoreGeometry.of(PAIR, 4, n=16)), "lanes": (TEN, CoreGeometry.of(TEN, 3, n=16)),
        "banks": (TEN, CoreGeometry.of(TEN, 2, n=16, banks=4, walk=True)), "store": (TEN, CoreGeometry.of(TEN, 2, n=16, store=16, walk=True)),
        "steps ahead": (TEN, CoreGeometry.of(TEN, 2, n=16, banks=4, walk=True, overlap=True))}


@pytest.mark.parametrize("kind", RUNS)
def test_a_client_in_c_runs_networks_as_the_golden_model_does(client, tmp_path, kind):
    network, geometry = RUNS[kind]
    (tmp_path / "network").write_text(written(network))
    with virtual_board(geometry) as port:
        done = subprocess.run([client, port, tmp_path / "network"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    reference = golden.run(network)
    assert [list(map(int, line)) for line in lines if line[0] != "final"] == reference.spikes.tolist() and len(reference.spikes) > 1
    final = [[int(reference.final[name][i]) for name in ("v", "hold", "overflow")] for i in range(network.n)]
    assert [list(map(int, line[1:])) for line in lines if line[0] == "final"] == final
