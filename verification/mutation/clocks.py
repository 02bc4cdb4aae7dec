"""Mutants of a register's clock, replayed in Verilator: on a graph of gates there is one clock, which never stands still."""

import ctypes
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from spikegate.cosim.toolchain.verilate import OPTIONS, compile_shared
from spikegate.models.errors import SpikegateError
from verification.contracts.ports import wrapped
from verification.contracts.table import Table
from verification.equivalence.replay import THREADS
from verification.mutation.mutants import Mutants

__all__ = ["CLOCK", "HARNESS", "first_differences"]

#: Names of mutants that concern a clock.
CLOCK = re.compile(r"^(inv|const0|const1) (\S+) CLK \d+$")
HARNESS = Path(__file__).with_suffix(".cpp")


def first_differences(made: Mutants, top: str, rows: Table, numbers: Sequence[int], *, episodes: int | None = None) -> list[int]:
    """For each of the mutants ``numbers`` the row in which it differs first, or -1; in so many episodes, by default all."""
    count = len(rows.inputs) if episodes is None else min(len(rows.inputs), episodes * rows.cycles)
    lib = ctypes.CDLL(str(compile_shared(wrapped(made.text, top), "mutated", HARNESS, options=OPTIONS).path))
    pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)  # noqa: E731
    if (lib.mutation_input_words(), lib.mutation_output_words()) != (rows.inputs.shape[1], rows.expected.shape[1]):
        raise SpikegateError(f"Verilator has the ports of {top} in another size than the table")
    lib.mutation_run.argtypes = [ctypes.c_void_p, ctypes.c_uint64, *[ctypes.c_void_p] * 3, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_void_p]
    asked, first = np.array(numbers, np.uint16), np.empty(len(numbers), np.int64)

    def replay(begin: int) -> None:
        some, where = asked[begin::THREADS].copy(), np.empty(len(asked[begin::THREADS]), np.int64)
        lib.mutation_run(pointer(some), len(some), *map(pointer, (rows.inputs, rows.expected, rows.care)), count, rows.cycles,
                         pointer(where))
        first[begin::THREADS] = where

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(replay, range(THREADS)))
    return [int(where) for where in first]
