"""What a module promises, cycle by cycle, and the table of inputs and expected outputs that is made from it."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from spikegate.models.errors import SpikegateError
from verification.contracts.ports import ports, words

__all__ = ["Row", "Guard", "Table", "table", "packed"]

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
        Verilog declarations that ``assume`` and ``care`` need.
    episodes : int
        How often they are made, from another seed and again from the initial state.
    proved : bool
        Whether mutant 0 is also proved to be the module, which takes too long beside multipliers or large memories.
    """

    rows: Callable[[random.Random], Iterator[Row]]
    cycles: int
    care: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    assume: str = "1"
    state: str = ""
    episodes: int = 8
    proved: bool = True


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


def packed(values: list[int], words: int) -> np.ndarray:
    """Numbers as rows of so many 32-bit words, the lowest first."""
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
        known = [(port, value) for port in out if (value := wanted[port.name]) is not None
                 and (port.name not in guard.care or any(wanted.get(name, True) for name in guard.care[port.name]))]
        expected.append(sum((value & (1 << port.width) - 1) << port.offset for port, value in known))
        care.append(sum((1 << port.width) - 1 << port.offset for port, _ in known))
        compared += len(known)
    if not compared:
        raise SpikegateError(f"The guard of {top} compares nothing")
    return Table(packed(inputs, words(into)), packed(expected, words(out)), packed(care, words(out)), guard.cycles, compared)
