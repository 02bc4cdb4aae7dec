"""The RTL of a core under cocotb: the same recording as the native driver, with random stalls if asked for, and a model of a memory outside."""

import os
import random
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.cosim.benches.bench import FOLDER_VARIABLE, FallingEdge, RisingEdge, cocotb, compile_bench, simulate
from spikegate.cosim.engines.rtl import core_verilog, load_words
from spikegate.cosim.engines.words import Geometry, Outside, run_word, swept
from spikegate.cosim.toolchain.verilate import OPTIONS, Build
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.rows_external import External
from spikegate.models.errors import SpikegateError
from spikegate.models.files import working_folder
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording

__all__ = ["build", "run", "execute"]

BENCH = Path(__file__).with_suffix(".sv")
#: Step of the event after the last one.
NEVER = 2**32 - 1


def ports(geometry: Geometry) -> dict[str, int]:
    """What a core has besides its load and sweep streams, as the bench's defines: recorded events, and a memory of rows, with its widths."""
    if not isinstance(geometry, PointGeometry):
        return {"STREAMS": 1} if geometry.streams else {}
    memory = {"ADDRESS_BITS": max(1, (geometry.row_words - 1).bit_length()), "ROW_BITS": geometry.synapse_layout().size * geometry.lanes}
    return {"EVENTS": 1, **(memory if isinstance(geometry.rows, External) else {})}


def build(geometry: Geometry, *, clock_gate: bool = True) -> Build:
    """The compiled bench of a geometry for cocotb, from the cache or made now."""
    g, start = geometry, time.perf_counter()
    text = core_verilog(g, clock_gate)
    generate_s = time.perf_counter() - start
    defines = {"LOAD_BITS": g.load_layout().size, "SWEEP_BITS": g.sweep_layout().size, "LANES": g.lanes, "WORDS": g.words,
               "MASK_AT": g.sweep_layout()["spikes"].offset, **({"CLOCK_GATE": 1} if clock_gate else {}), **ports(g)}
    # Were every signal public, as in the other benches, most optimisation would be forbidden; the bench names those that it needs.
    options = [*OPTIONS, "--timing", *(f"-D{name}={value}" for name, value in defines.items())]
    start = time.perf_counter()
    folder = compile_bench({"core.v": text, BENCH.name: BENCH.read_text()}, "core_bench", options)
    return Build(folder, generate_s, time.perf_counter() - start)


def run(network: Network, lanes: int = 40, *, trace: bool = False, stall: float = 0.0, seed: int = 1, clock_gate: bool = True) -> Recording:
    """Run the RTL in Verilator under cocotb; the recording equals that of `spikegate.cosim.engines.rtl.run`.

    Parameters
    ----------
    network : Network
    lanes : int
        1..N.
    trace : bool
        Record ``v``, ``hold``, ``overflow`` and ``events`` at every step.
    stall : float
        Probability that a stream pauses in a cycle, 0..1; above 0, Python wakes at every edge and cycles are not as predicted.
    seed : int
        Of the stalls.
    clock_gate : bool
        As in `spikegate.gateware.core.core.Core`.
    """
    g = CoreGeometry.of(network, lanes)
    return execute(network, g, load_words(network, g), trace=trace, stall=stall, seed=seed, clock_gate=clock_gate)


def execute(network: FrozenNetwork, g: Geometry, words: np.ndarray, *, trace: bool, stall: float, seed: int, clock_gate: bool = True,
            outside: Outside | None = None) -> Recording:
    """Run the RTL of a geometry on a network that ``words`` load; for `run`."""
    made = build(g, clock_gate=clock_gate)
    with working_folder() as folder:
        np.save(folder / "load.npy", np.concatenate([words, run_word(g, network.steps)]).view(np.uint8).reshape(-1, load_size(g)))
        most, given = g.most_cycles(network.steps), outside or Outside(np.empty((0, 2), np.int64))
        np.savez(folder / "outside.npz", events=given.events, rows=np.empty((0, 1), np.uint8) if given.rows is None else given.rows)
        # Long enough for any stall below 0.99, and never for ever.
        simulate(made.path, "core_bench", __name__, folder, seed, [
            f"+record={folder / 'record'}", f"+steps={network.steps}", f"+stall={stall}", f"+latency={given.latency}", f"+memory_seed={given.seed}",
            f"+most={int(most * (2 * given.latency + 2) / max(0.01, 1 - stall))}", *(["+every"] if trace else [])])
        if not (folder / "result.npy").exists():
            log = (folder / "log").read_text(errors="replace")[-1500:]
            raise SpikegateError(f"The cocotb bench of the core failed:\n{log}")
        cycles, run_s = np.load(folder / "result.npy")
        record = np.dtype([("step", "<u4"), ("word", "<u4"), ("sweep", "u1", g.sweep_layout().size // 8)])
        words = np.fromfile(folder / "record", record)
    mask = g.sweep_layout()["spikes"]
    bits = np.unpackbits(words["sweep"][:, mask.offset // 8:(mask.offset + mask.width) // 8], axis=1, bitorder="little")
    row, lane = np.nonzero(bits)
    spikes = np.stack([words["step"][row], words["word"][row] * g.lanes + lane], axis=1)
    final = swept(network, words["sweep"][words["step"] == network.steps - 1], g)
    return Recording("rtl", network.n, network.steps, spikes, {key: values[0] for key, values in final.items() if key != "events"},
                     swept(network, words["sweep"], g) if trace else {}, int(cycles), {
                         "network": network.hash, "lanes": g.lanes, "driver": "cocotb", "generate_s": made.generate_s,
                         "compile_s": made.compile_s, "run_s": float(run_s)}, network.dt_ns)


def load_size(geometry: Geometry) -> int:
    """Bytes of a load word in memory."""
    return run_word(geometry, 1).itemsize


class Events:
    """Offers recorded events, each until it is taken, and then one of a step that never comes."""

    def __init__(self, dut: Any, events: np.ndarray, rng: random.Random, stall: float) -> None:
        self.dut, self.rng, self.stall = dut, rng, stall
        self.left = deque([*((int(step) | int(source) << 32) for step, source in events), NEVER])
        self.offered = False

    def edge(self) -> None:
        """After a clock edge: what was taken at it goes, and the next is offered, now or after a pause."""
        if self.offered and self.dut.event_taken.value and len(self.left) > 1:
            self.left.popleft()
            self.offered = False
        if not self.offered and self.rng.random() >= self.stall:
            self.offered = True
        self.dut.events_valid.value, self.dut.events_payload.value = int(self.offered), self.left[0]


class Memory:
    """Rows outside: requests are answered in order, each by a random number of cycles late, and in some cycles none is taken."""

    def __init__(self, dut: Any, rows: np.ndarray, latency: int, seed: int, stall: float) -> None:
        self.dut, self.rows, self.latency, self.rng, self.now = dut, rows, latency, random.Random(seed), 0
        self.refuses = max(stall, 0.25 if latency else 0.0)
        self.asked: deque[tuple[int, int]] = deque()

    def edge(self) -> None:
        """After a clock edge: what was asked for and what was taken at it; then what is said next."""
        dut = self.dut
        self.now += 1
        if dut.response_taken.value:
            self.asked.popleft()
        if dut.request_taken.value:
            self.asked.append((int(dut.request_address.value), self.now + self.rng.randrange(self.latency + 1)))
        dut.request_ready.value = int(self.rng.random() >= self.refuses)
        due = bool(self.asked) and self.asked[0][1] <= self.now
        dut.response_valid.value = int(due)
        dut.response_payload.value = int.from_bytes(self.rows[self.asked[0][0]].tobytes(), "little") if due else 0


@cocotb.test()
async def runs_the_network(dut: Any) -> None:
    """Load through the load stream, run, wait for the end."""
    folder, rng = Path(os.environ[FOLDER_VARIABLE]), random.Random(cocotb.RANDOM_SEED)
    stall, given = float(cocotb.plusargs["stall"]), np.load(folder / "outside.npz")
    parts: list[Events | Memory] = []
    if hasattr(dut, "events_valid"):
        parts.append(Events(dut, given["events"], rng, stall))
    if hasattr(dut, "request_ready"):
        parts.append(Memory(dut, given["rows"], int(cocotb.plusargs["latency"]), int(cocotb.plusargs["memory_seed"]), stall))
    width = len(dut.i_payload)
    words = [int.from_bytes(word.tobytes(), "little") & ((1 << width) - 1) for word in np.load(folder / "load.npy")]
    await RisingEdge(dut.clk)
    for number, word in enumerate(words):
        while rng.random() < stall:
            dut.i_valid.value = 0
            await RisingEdge(dut.clk)
        if number == len(words) - 1:  # all is loaded, and the run begins
            for part in parts:
                part.edge()
        dut.i_valid.value, dut.i_payload.value = 1, word
        await RisingEdge(dut.clk)  # the core is ready as long as nothing runs
    dut.i_valid.value = 0
    start = time.perf_counter()
    if stall or len(given["events"]) or len(given["rows"]):
        await each_cycle(dut, parts, rng, stall, int(cocotb.plusargs["most"]))
    else:
        await FallingEdge(dut.busy)
    np.save(folder / "result.npy", [int(dut.cycles.value), time.perf_counter() - start])


async def each_cycle(dut: Any, parts: list[Events | Memory], rng: random.Random, stall: float, most: int) -> None:
    """Everything outside, cycle by cycle, until the core is at rest."""
    for part in parts:
        part.edge()
    await RisingEdge(dut.clk)
    for _ in range(most):
        if not int(dut.busy.value):
            return
        dut.o_ready.value = int(rng.random() >= stall)
        for part in parts:
            part.edge()
        await RisingEdge(dut.clk)
    raise TimeoutError(f"The core did not come to rest within {most} cycles")
