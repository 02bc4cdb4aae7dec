"""The RTL of the network core under cocotb: the same recording as the native driver, with random stalls if asked for."""

import os
import random
import time
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.cosim.benches.bench import FOLDER_VARIABLE, FallingEdge, RisingEdge, cocotb, compile_bench, simulate
from spikegate.cosim.engines.rtl import core_verilog, load_words, run_word, unpack
from spikegate.cosim.toolchain.verilate import OPTIONS, Build
from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.errors import SpikegateError
from spikegate.models.files import working_folder
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording

__all__ = ["build", "run"]

BENCH = Path(__file__).with_suffix(".sv")


def build(geometry: CoreGeometry, *, clock_gate: bool = True) -> Build:
    """The compiled bench of a geometry for cocotb, from the cache or made now."""
    g, start = geometry, time.perf_counter()
    text = core_verilog(g, clock_gate)
    generate_s = time.perf_counter() - start
    defines = {"LOAD_BITS": g.load_layout().size, "SWEEP_BITS": g.sweep_layout().size, "LANES": g.lanes, "WORDS": g.words,
               "MASK_AT": g.sweep_layout()["spikes"].offset, **({"CLOCK_GATE": 1} if clock_gate else {}), **({"STREAMS": 1} if g.streams else {})}
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


def execute(network: Network, g: CoreGeometry, words: np.ndarray, *, trace: bool, stall: float, seed: int, clock_gate: bool = True) -> Recording:
    """Run the RTL of a geometry on a network that ``words`` load; for `run`."""
    made = build(g, clock_gate=clock_gate)
    with working_folder() as folder:
        np.save(folder / "load.npy", np.concatenate([words, run_word(g, network.steps)]).view(np.uint8).reshape(-1, load_size(g)))
        simulate(made.path, "core_bench", __name__, folder, seed,
                 [f"+record={folder / 'record'}", f"+steps={network.steps}", f"+stall={stall}", *(["+every"] if trace else [])])
        if not (folder / "result.npy").exists():
            log = (folder / "log").read_text(errors="replace")[-1500:]
            raise SpikegateError(f"The cocotb bench of the core failed:\n{log}")
        cycles, run_s = np.load(folder / "result.npy")
        record = np.dtype([("step", "<u4"), ("word", "<u4"), ("sweep", "u1", g.sweep_layout().size // 8)])
        words = np.fromfile(folder / "record", record)
    mask_at = g.sweep_layout()["spikes"].offset // 8
    bits = np.unpackbits(words["sweep"][:, mask_at:mask_at + g.lane_bits // 8], axis=1, bitorder="little")
    row, lane = np.nonzero(bits)
    spikes = np.stack([words["step"][row], words["word"][row] * g.lanes + lane], axis=1)
    final = unpack(words["sweep"][words["step"] == network.steps - 1], g)
    return Recording("rtl", network.n, network.steps, spikes, {key: values[0] for key, values in final.items() if key != "events"},
                     unpack(words["sweep"], g) if trace else {}, int(cycles), {
                         "network": network.hash, "lanes": g.lanes, "driver": "cocotb", "generate_s": made.generate_s,
                         "compile_s": made.compile_s, "run_s": float(run_s)})


def load_size(geometry: CoreGeometry) -> int:
    """Bytes of a load word in memory."""
    return run_word(geometry, 1).itemsize


@cocotb.test()
async def runs_the_network(dut: Any) -> None:
    """Load through the load stream, run, wait for the end."""
    folder, rng = Path(os.environ[FOLDER_VARIABLE]), random.Random(cocotb.RANDOM_SEED)
    stall = float(cocotb.plusargs["stall"])
    width = len(dut.i_payload)
    words = [int.from_bytes(word.tobytes(), "little") & ((1 << width) - 1) for word in np.load(folder / "load.npy")]
    await RisingEdge(dut.clk)
    for word in words:
        while rng.random() < stall:
            dut.i_valid.value = 0
            await RisingEdge(dut.clk)
        dut.i_valid.value, dut.i_payload.value = 1, word
        await RisingEdge(dut.clk)  # the core is ready as long as nothing runs
    dut.i_valid.value = 0
    start = time.perf_counter()
    if stall:
        await RisingEdge(dut.clk)
        while int(dut.busy.value):
            dut.o_ready.value = int(rng.random() >= stall)
            await RisingEdge(dut.clk)
    else:
        await FallingEdge(dut.busy)
    np.save(folder / "result.npy", [int(dut.cycles.value), time.perf_counter() - start])
