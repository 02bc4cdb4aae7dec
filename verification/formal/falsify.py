"""Simulation of a bench and of all mutants of its leaf under drawn inputs: which situations are reached, and which defects break a claim."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikegate.cosim.toolchain.synthesis import yosys
from verification.contracts.ports import SELECT, WORD
from verification.contracts.table import Table, packed
from verification.equivalence import aig
from verification.equivalence.aig import Aig
from verification.equivalence.replay import Look, bit_of, replay
from verification.equivalence.smt import READ, read

__all__ = ["Seen", "graph", "simulate"]

#: Cycles after which single bits are drawn with another probability; cycles that are drawn in an episode, and cycles in all.
EPOCH, EPISODE, CYCLES = 16, 100, 20_000


@dataclass
class Seen:
    """What a simulation has shown.

    Parameters
    ----------
    covered : dict of str to int
        Output of the bench -> cycle in which it was 1.
    broken : dict of str to int
        Output of the bench -> cycle in which it was 0, if it ever was.
    caught : dict of str to list of int
        Output -> mutants of which it was 0.
    """

    covered: dict[str, int]
    broken: dict[str, int]
    caught: dict[str, list[int]]


def graph(leaf: str, verilog: str, bench: str, folder: Path) -> Aig:
    """Of a bench, its RTLIL with the select, around a leaf's mutants, their Verilog; what has no initial value begins with 0."""
    read(leaf, verilog, bench, folder)
    yosys(READ.format(leaf=leaf, memory="memory_map") + """
        setundef -zero -undriven -init
        zinit -all
        async2sync
        dffunmap
        simplemap
        techmap
        opt_expr
        opt_merge
        aigmap
        opt_clean
        write_aiger -symbols bench.aig
        """, folder)
    return aig.read(folder / "bench.aig")


def drawn(widths: Mapping[str, int], script: Sequence[Mapping[str, int]], rng: random.Random) -> Iterator[dict[str, int]]:
    """Values of all inputs in an episode: words any, all 0, all 1 or as before; single bits with a probability of their own, for a while.

    Every other episode with a script begins with it; inputs that it does not name are drawn.
    """
    values, odds = dict.fromkeys(widths, 0), {}
    for cycle in range(len(script) + EPISODE):
        if cycle % EPOCH == 0:
            odds = {name: rng.choice((1/2, 3/4, 1/4, 7/8, 1/8, 1/2)) for name in widths}
        quiet = rng.random() < 1/4
        for name, width in widths.items():
            if width == 1:
                values[name] = int(rng.random() < odds[name])
            elif rng.random() >= 1/4:
                any_, full = rng.getrandbits(width), (1 << width) - 1
                values[name] = 0 if quiet else rng.choice((any_, any_, any_, any_, any_, any_, full, 0))
        if cycle < len(script):
            values.update(script[cycle])
        yield values


def simulate(circuit: Aig, mutants: int, claims: Sequence[str], covers: Sequence[str], given: Sequence[str], *,
             script: Sequence[Mapping[str, int]] = (), seed: int = 1) -> Seen:
    """Draw inputs and look at outputs.

    Parameters
    ----------
    circuit : Aig
        As `graph` makes it.
    mutants : int
        How many there are.
    claims, covers, given : sequence of str
        Outputs: 1 in every cycle, 1 in some, and 1 up to the last cycle of an episode that counts.
    script : sequence of dict of str to int
        Values of inputs in the first cycles of some episodes.
    seed : int
    """
    widths: dict[str, int] = {}
    for port, bit in map(bit_of, circuit.inputs):
        if port != SELECT:
            widths[port] = max(widths.get(port, 0), bit + 1)
    offsets, size = {}, 0
    for name, width in widths.items():
        offsets[name], size = size, size + width
    rng, length = random.Random(seed), len(script) + EPISODE
    rows = [sum(values[name] << offset for name, offset in offsets.items())
            for episode in range(-(-CYCLES // length)) for values in drawn(widths, script if episode % 2 == 0 else [{}] * len(script), rng)]
    outputs, wanted = dict(zip(circuit.names, circuit.outputs)), sum(1 << k for k in range(len(claims)))
    wide = -(-(len(claims) + len(covers)) // WORD)
    expected = np.repeat(packed([wanted], wide), len(rows), axis=0)
    table = Table(packed(rows, -(-size // WORD)), expected, np.full_like(expected, (1 << WORD) - 1), length, len(rows) * (len(claims) + len(covers)))
    looks = [Look(outputs[name], k, k) for k, name in enumerate((*claims, *covers))]
    assumed = [outputs[name] for name in given]
    itself = replay(circuit, offsets, looks, table, [0], given=assumed)[:, 0]
    caught = replay(circuit, offsets, looks[:len(claims)], table, range(1, mutants + 1), given=assumed)
    at = {name: int(row) % length for name, row in zip((*claims, *covers), itself) if row >= 0}
    return Seen({name: at[name] for name in covers if name in at}, {name: at[name] for name in claims if name in at},
                {name: [int(number) + 1 for number in np.flatnonzero(row >= 0)] for name, row in zip(claims, caught)})
