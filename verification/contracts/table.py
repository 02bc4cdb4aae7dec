"""A module with its mutants in Verilator, and a guard's table of inputs and expected outputs, replayed on each of them."""

import ctypes
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from spikegate.cosim.toolchain.verilate import OPTIONS, compile_shared
from spikegate.models.errors import SpikegateError
from verification.mutation.mutants import SELECT, Mutants

__all__ = ["Row", "Guard", "Port", "Table", "ports", "table", "wrapped", "first_differences"]

HARNESS = Path(__file__).with_suffix(".cpp")
WORD, THREADS = 32, 2

#: Inputs of a cycle, and the outputs in it, before its clock edge; None where the golden model does not say.
Row = tuple[Mapping[str, int], Mapping[str, int | None]]


@dataclass(frozen=True)
class Guard:
    """What a module promises, cycle by cycle from its initial state, as its golden model has it.

    Parameters
    ----------
    rows : callable
        Makes rows from a source of random numbers.
    cycles : int
        How many of them are taken each time.
    care : dict
        Output -> outputs of one bit, or names in ``state``; while one of them is 1, and only then, it matters. All others always do.
    streams : tuple of str
        Stream inputs, which rows hold as long as they are not taken; proofs assume the same.
    assume : str
        Verilog over the inputs and the ``gold_`` outputs: rows fulfil it in every cycle, and proofs hold as long as it has been fulfilled.
    state : str
        Verilog declarations that ``assume`` needs.
    episodes : int
        How often they are made, from another seed and again from the initial state.
    proved : bool
        Whether mutant 0 is also proved to be the module, which takes too long beside multipliers or large memories.
    lemma : str
        Verilog over the module's own signals, as `verification.mutation.mutants` names them, that holds in all states it reaches: proved by
        induction, then taken for granted.
    """

    rows: Callable[[random.Random], Iterator[Row]]
    cycles: int
    care: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    assume: str = "1"
    state: str = ""
    episodes: int = 8
    proved: bool = True
    lemma: str = ""


@dataclass(frozen=True)
class Port:
    """A port of a module: its name, its bits and where they begin among those of all inputs or outputs."""

    name: str
    width: int
    offset: int


@dataclass(frozen=True)
class Table:
    """Rows as 32-bit words: inputs, expected outputs, and a mask of the bits that are compared; so many ports in all.

    Each ``cycles`` rows begin at the initial state.
    """

    inputs: np.ndarray
    expected: np.ndarray
    care: np.ndarray
    cycles: int
    compared: int


def _body(text: str, top: str) -> str:
    found = re.search(rf"^module {top}\(.*?^endmodule", text, re.MULTILINE | re.DOTALL)
    return found[0] if found else ""


def ports(text: str, top: str, direction: str) -> list[Port]:
    """Inputs but for the clock and the select, or outputs, of a module in Verilog, by name."""
    found, offset = [], 0
    declared = re.findall(rf"^ *{direction} (?:\[(\d+):0\] )?\\?(\w+) *;", _body(text, top), re.MULTILINE)
    for size, name in sorted(declared, key=lambda entry: entry[1]):
        if name not in ("clk", SELECT):
            found.append(Port(name, int(size or 0) + 1, offset))
            offset += found[-1].width
    if not found:
        raise SpikegateError(f"Module {top} has no {direction} that could be tried")
    return found


def _words(places: list[Port]) -> int:
    # More than 64 bits, so that Verilator has them as an array whatever the module.
    return max(3, -(-(places[-1].offset + places[-1].width) // WORD))


def wrapped(text: str, top: str) -> str:
    """Verilog with a top module ``mutated``, whose ports ``i`` and ``o`` hold all others."""
    into, out = ports(text, top, "input"), ports(text, top, "output")
    wires = [f".\\{port.name} ({side}[{port.offset} +: {port.width}])" for side, places in (("i", into), ("o", out)) for port in places]
    clock = [f".{name}({name})" for name in ("clk", SELECT) if re.search(rf"^ *input (\[15:0\] )?{name};", _body(text, top), re.MULTILINE)]
    return f"""{text}
module mutated(input clk, input [15:0] {SELECT}, input [{WORD * _words(into) - 1}:0] i, output [{WORD * _words(out) - 1}:0] o);
  {top} tried({', '.join([*clock, *wires])});
  assign o[{WORD * _words(out) - 1}:{out[-1].offset + out[-1].width}] = 0;
endmodule
"""


def _packed(values: list[int], words: int) -> np.ndarray:
    return np.frombuffer(b"".join(value.to_bytes(4 * words, "little") for value in values), "<u4").reshape(len(values), words)


def table(guard: Guard, text: str, top: str) -> Table:
    """A guard's rows for a module.

    Raises
    ------
    SpikegateError
        If a row leaves out a port or names another, or if nothing is compared.
    """
    into, out = ports(text, top, "input"), ports(text, top, "output")
    inputs, expected, care, compared = [], [], [], 0
    rows = (row for seed in range(guard.episodes) for row in islice(guard.rows(random.Random(seed)), guard.cycles))
    for number, (given, wanted) in enumerate(rows):
        for places, values in ((into, given), (out, wanted)):
            if {port.name for port in places} != set(values):
                raise SpikegateError(f"Row {number} of the guard of {top} must have the ports {[port.name for port in places]}, not {list(values)}")
        inputs.append(sum((given[port.name] & (1 << port.width) - 1) << port.offset for port in into))
        cares = [port for port in out if wanted[port.name] is not None
                 and (port.name not in guard.care or any(wanted.get(name, True) for name in guard.care[port.name]))]
        expected.append(sum((wanted[port.name] & (1 << port.width) - 1) << port.offset for port in cares))
        care.append(sum((1 << port.width) - 1 << port.offset for port in cares))
        compared += len(cares)
    if not compared:
        raise SpikegateError(f"The guard of {top} compares nothing")
    return Table(_packed(inputs, _words(into)), _packed(expected, _words(out)), _packed(care, _words(out)), guard.cycles, compared)


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
    return first.tolist()
