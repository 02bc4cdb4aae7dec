"""Mutants on their graph of gates, 256 at a time: what decides nearly all of them, hundreds of times as fast as one after another in Verilator."""

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from spikegate.cosim.toolchain.verilate import build_directory, run_tool
from spikegate.models.surroundings import machine
from verification.contracts.table import THREADS, Table, ports
from verification.equivalence.aig import Aig
from verification.mutation.mutants import SELECT

__all__ = ["HARNESS", "first_differences"]

HARNESS = Path(__file__).with_suffix(".cpp")
FLAGS = ["-std=c++20", "-O2", "-march=native", "-shared", "-fPIC"]


def _library() -> ctypes.CDLL:
    with build_directory("graph", HARNESS.read_text(), *FLAGS, machine()) as (folder, finished):
        if not finished:
            run_tool(["g++", *FLAGS, str(HARNESS.resolve()), "-o", "graph.so"], folder)
    library = ctypes.CDLL(str(folder / "graph.so"))
    pointer, size = ctypes.c_void_p, ctypes.c_uint64
    library.graph_run.argtypes = [size, pointer, pointer, size, pointer, size, pointer, size, pointer, pointer, pointer, size, *[pointer] * 3,
                                  *[size] * 4, pointer]
    return library


def first_differences(graph: Aig, text: str, top: str, rows: Table, numbers: Sequence[int], *, limit: int | None = None) -> list[int]:
    """For each of the mutants ``numbers`` the row in which it differs first, or -1; in the first ``limit`` rows, by default all.

    ``graph`` is that of `verification.mutation.prover.watched`, of the module ``top`` in ``text``.
    """
    library = _library()
    offsets = {side: {port.name: port.offset for port in ports(text, top, side)} for side in ("input", "output")}

    def place(name: str, side: str) -> int:
        port, _, bit = name.rstrip("]").partition("[")
        return offsets[side].get(port, 0) + int(bit or 0)

    selects = np.array([name.startswith(f"{SELECT}[") for name in graph.inputs], np.uint8)
    seen = [(literal, place(name[4:], "output")) for literal, name in zip(graph.outputs, graph.names) if name.startswith("see_")]
    arrays = [np.ascontiguousarray(part, np.uint32) for part in (
        [place(name, "input") for name in graph.inputs], graph.next, graph.gates, [literal for literal, _ in seen], [at for _, at in seen])]
    pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)  # noqa: E731
    places, after, pairs, literals, seen_places = map(pointer, arrays)
    asked, lanes, count = np.array(numbers, np.uint16), library.graph_lanes(), len(rows.inputs) if limit is None else min(limit, len(rows.inputs))
    groups = [asked[k:k + lanes].copy() for k in range(0, len(asked), lanes)]

    def run(group: np.ndarray) -> list[int]:
        first = np.empty(len(group), np.int64)
        library.graph_run(len(graph.inputs), places, pointer(selects), len(graph.next), after, len(graph.gates), pairs, len(seen), literals,
                          seen_places, pointer(group), len(group), pointer(rows.inputs), pointer(rows.expected), pointer(rows.care),
                          rows.inputs.shape[1], rows.expected.shape[1], count, rows.cycles, pointer(first))
        return first.tolist()

    with ThreadPoolExecutor(THREADS) as pool:
        return [where for part in pool.map(run, groups) for where in part]
