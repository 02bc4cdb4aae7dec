"""The RTL of the core of point neurons as an engine: a `PointNetwork` in, a recording out."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np

from spikegate.cosim.engines.native import HARNESS, NativeCore
from spikegate.cosim.engines.rtl import BATCH, load_array, run_word
from spikegate.cosim.toolchain.verilate import Build, compile_shared
from spikegate.cosim.toolchain.verilog import cached_verilog
from spikegate.gateware.core.point_core import PointCore, PointGeometry
from spikegate.models.core.point_image import PointImage, state_fields
from spikegate.models.core.point_loads import point_loads
from spikegate.models.core.point_rows import PointRows
from spikegate.models.core.rows_csr import CSR, row_words
from spikegate.models.core.rows_external import External
from spikegate.models.core.words import Field, unpack
from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement, Hardware, Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

__all__ = ["PointRtl", "build", "load_words", "named_states"]


def load_words(network: PointNetwork, geometry: PointGeometry) -> np.ndarray:
    """Everything that makes the core ready to run a network."""
    return np.concatenate([load_array(geometry, part) for part in point_loads(network, geometry)])


def build(geometry: PointGeometry, *, clock_gate: bool = True, trace: bool = False) -> Build:
    """The compiled simulator of a geometry, from the cache or made now."""
    start = time.perf_counter()
    text = cached_verilog(lambda: PointCore(geometry, clock_gate=clock_gate), "core", (geometry, clock_gate), reset=False)
    generate_s = time.perf_counter() - start
    made = compile_shared(text, "core", HARNESS, trace=trace)
    return Build(made.path, generate_s, made.compile_s)


def states(network: PointNetwork, sweeps: np.ndarray, geometry: PointGeometry) -> dict[str, np.ndarray]:
    """Sweep words as bytes (count, size) to int32 arrays (count / W, n): every state, 0 where a neuron has none of it, and ``events``."""
    g, layout = geometry, geometry.lane_layout()
    size = layout.size // 8
    words = np.ascontiguousarray(sweeps[:, :g.lanes * size]).view("<u8").reshape(-1, g.words * g.lanes, size // 8)[:, :network.n]
    return {**named_states(network, words), "events": unpack(words, layout["events"].offset, Field(g.events_bits)).astype(np.int32)}


def named_states(network: PointNetwork, words: np.ndarray) -> dict[str, np.ndarray]:
    """States as uint64 (steps, n, any) to int32 arrays (steps, n), 0 where a neuron has none of it."""
    found: dict[str, np.ndarray] = {}
    for each, first in zip(network.populations, network.firsts):
        at, here = 0, slice(first, first + each.size)
        for name, field in state_fields(each.neuron).items():
            found.setdefault(name, np.zeros(words.shape[:2], np.int32))[:, here] = unpack(words[:, here], at, field)
            at += field.width
    return found


def memory_words(network: PointNetwork, geometry: PointGeometry) -> np.ndarray:
    """Rows as a memory outside has them: bytes (words, any), synapse by synapse from the lowest bit on."""
    packing, bits = PointImage(network, geometry.lanes).packing, geometry.synapse_layout().size
    records = row_words(packing, geometry).view(np.uint8)
    each = np.unpackbits(records, axis=1, bitorder="little")[:, :bits].reshape(packing.words, -1)
    return np.packbits(each, axis=1, bitorder="little")


@dataclass(frozen=True)
class PointRtl(Hardware[PointNetwork]):
    """The RTL of the core of point neurons in Verilator, through the native driver.

    Parameters
    ----------
    lanes : int
        1..N.
    geometry : PointGeometry, optional
        What is compiled, of as many lanes; by default what the network needs. The recording is the same, but for the cycles if it has a deeper drive.
    clock_gate : bool
        As in `spikegate.gateware.core.point_core.PointCore`; the recording is the same.
    latency, memory_seed : int
        Of external rows: by how many cycles the memory is late at most, and what decides by how many, not 0; the recording is the same.
    rows : PointRows
        Where the core finds its synapses, without a geometry; the recording is the same, but for the cycles.
    """

    lanes: int = 8
    geometry: PointGeometry | None = None
    clock_gate: bool = True
    rows: PointRows = CSR
    latency: int = 0
    memory_seed: int = 1

    name, title, agreement = "rtl", "RTL", Agreement.BIT_TRUE

    def unsupported(self, network: PointNetwork) -> list[str]:
        try:
            return self._geometry(network).problems(network)
        except InputError as error:
            return str(error).splitlines()

    def _geometry(self, network: PointNetwork) -> PointGeometry:
        if not isinstance(network, PointNetwork):
            raise InputError(f"Network must be a PointNetwork, not {type(network).__name__}; make one with PointNetwork.of")
        return self.geometry or PointGeometry.of(network, self.lanes, self.rows)

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        """Run the network, as `Engine.run`; trace and final state as the golden model's, but for the streams, which the core does not show."""
        g = self._geometry(network)
        if problems := g.problems(network):
            raise InputError("\n".join(problems))
        made, spikes, parts = build(g, clock_gate=self.clock_gate), [], []
        with NativeCore(made.path, g) as core:
            start = time.perf_counter()
            self._give(core, network, g)
            loaded = time.perf_counter()
            for first in range(0, network.steps, BATCH):
                count = min(BATCH, network.steps - first)
                found, sweeps = core.run(run_word(g, count), first, count, trace)
                spikes.append(found)
                parts += [states(network, cast(np.ndarray, sweeps), g)] if trace else []
                if progress:
                    progress((first + count) / network.steps)
            run_s = time.perf_counter() - loaded
            final = {name: values[0] for name, values in states(network, core.last, g).items() if name != "events"}
            cycles = core.cycles
        traces = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]} if parts else {}
        return Recording(self.name, network.n, network.steps, np.concatenate(spikes), final, traces, cycles, {
            "network": network.hash, "lanes": g.lanes, "driver": "native", "generate_s": made.generate_s, "compile_s": made.compile_s,
            "load_s": loaded - start, "run_s": run_s})

    def predicted_phases(self, network: PointNetwork, recording: Recording) -> dict[str, int] | None:
        return self._geometry(network).phases(network, recording)

    def _give(self, core: NativeCore, network: PointNetwork, g: PointGeometry) -> None:
        core.load(load_words(network, g))
        core.give(network.input_events)
        if isinstance(g.rows, External):
            core.outside(memory_words(network, g), self.latency, self.memory_seed)

    def waveform(self, network: PointNetwork, *, first: int, last: int, path: str | Path,
                 progress: Progress | None = None) -> None:
        g, last = self._geometry(network), min(last, network.steps - 1)
        first = max(first, 0)
        with NativeCore(build(g, trace=True).path, g) as core:
            self._give(core, network, g)
            for step in range(0, first, BATCH):
                core.run(run_word(g, min(BATCH, first - step)), step, min(BATCH, first - step), False)
            with core.wave(path):
                core.run(run_word(g, last - first + 1), first, last - first + 1, False)
