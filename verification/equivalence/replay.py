"""Mutants of a module on its graph of gates, 256 at a time: what decides nearly all of them, hundreds of times as fast as one by one in Verilator."""

import ctypes
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from spikegate.cosim.toolchain.verilate import build_directory, run_tool
from spikegate.models.surroundings import machine
from verification.contracts.ports import SELECT
from verification.contracts.table import Table
from verification.equivalence.aig import Aig

__all__ = ["HARNESS", "THREADS", "Look", "bit_of", "replay"]

HARNESS = Path(__file__).with_suffix(".cpp")
FLAGS = ["-std=c++20", "-O2", "-march=native", "-shared", "-fPIC"]
THREADS = 2


class Look(NamedTuple):
    """An output that is looked at: its literal, its bit in an expected row, and the number of the question that it answers."""

    literal: int
    place: int
    question: int = 0


def bit_of(name: str) -> tuple[str, int]:
    """Port and bit of an input or output of a graph: ``name[3]`` or ``name``."""
    port, _, bit = name.rstrip("]").partition("[")
    return port, int(bit or 0)


def _library() -> ctypes.CDLL:
    with build_directory("replay", HARNESS.read_text(), *FLAGS, machine()) as (folder, finished):
        if not finished:
            run_tool(["g++", *FLAGS, str(HARNESS.resolve()), "-o", "replay.so"], folder)
    return ctypes.CDLL(str(folder / "replay.so"))


def _struct(*values: int | np.ndarray) -> ctypes.Array:
    """A structure of numbers and pointers, all of 64 bits."""
    return (ctypes.c_uint64 * len(values))(*(value.ctypes.data if isinstance(value, np.ndarray) else value for value in values))


def replay(graph: Aig, offsets: Mapping[str, int], looks: Sequence[Look], rows: Table, numbers: Sequence[int], *, given: Sequence[int] = (),
           limit: int | None = None) -> np.ndarray:
    """For each question and each of the mutants ``numbers`` the row in which it differs first, or -1.

    Parameters
    ----------
    graph : Aig
        Of a module with the input `SELECT`, or of one without mutants, of which number 0 alone can be asked for.
    offsets : dict
        Where the bits of each input begin in a row.
    looks : sequence of Look
    rows : Table
    numbers : sequence of int
    given : sequence of int
        Literals: from the row in which one is 0 to the end of its episode nothing counts.
    limit : int, optional
        Only so many rows.
    """
    library, places = _library(), [bit_of(name) for name in graph.inputs]
    selects = np.array([port == SELECT for port, _ in places], np.uint8)
    numbers_of = lambda values: np.array(list(values), np.uint32)  # noqa: E731
    begin, after, gates = numbers_of(offsets.get(port, 0) + bit for port, bit in places), numbers_of(graph.next), numbers_of(graph.gates)
    literals, seen, question = (numbers_of(part) for part in zip(*looks))
    assumed, questions = numbers_of(given), 1 + max(look.question for look in looks)
    tables = [np.ascontiguousarray(part, np.uint32) for part in (rows.inputs, rows.expected, rows.care)]
    count = len(rows.inputs) if limit is None else min(limit, len(rows.inputs))
    parts = (_struct(len(places), len(after), len(graph.gates), after, gates, begin, selects),
             _struct(len(looks), questions, len(assumed), literals, seen, question, assumed),
             _struct(*tables, rows.inputs.shape[1], rows.expected.shape[1], count, rows.cycles))
    asked, lanes = np.array(numbers, np.uint16), library.replay_lanes()

    def run(group: np.ndarray) -> np.ndarray:
        first = np.empty((questions, lanes), np.int64)
        library.replay(*parts, ctypes.c_void_p(group.ctypes.data), ctypes.c_uint64(len(group)), ctypes.c_void_p(first.ctypes.data))
        return first[:, :len(group)]

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(run, [asked[k:k + lanes].copy() for k in range(0, len(asked), lanes)]))
    return np.concatenate(found, axis=1) if found else np.empty((questions, 0), np.int64)
