"""Mutants that show themselves only in long runs: counts of steps that go wrong beyond what a table has room for, run to their end."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from spikegate.cosim.core import load_words, run_word
from spikegate.cosim.leaves import GEOMETRY
from spikegate.cosim.mutants import BITS, SELECT, Mutants
from spikegate.cosim.native import HARNESS, NativeCore
from spikegate.cosim.verilate import compile_shared
from spikegate.models.drive import UNIFORM_BITS, DriveParams
from spikegate.models.errors import SpikegateError
from spikegate.models.fixed import Q8_8
from spikegate.models.lfsr import LfsrParams
from spikegate.models.lif import LifParams
from spikegate.models.network import Network

__all__ = ["alone", "killed", "quiet"]

#: A bit that is inverted for a value of another, the first of these that is out of a table's reach, and the last bits for which there is time.
PAIR, FIRST, LAST = re.compile(r"^cnot[01] \S+ \S+ (\d+) (\d+)$"), 12, 24
#: Cycles of a step in which nothing is due, and steps in which the module itself is run.
STEP, SHORT = GEOMETRY.words + GEOMETRY.depth + 9, 5000


def alone(text: str, number: int) -> str:
    """The core with one mutant, without the input that selects it."""
    text, ports = re.subn(rf"^(module core\(.*), {SELECT}\);", r"\1);", text, flags=re.MULTILINE)
    text, declared = re.subn(rf"^  input \[{BITS - 1}:0\] {SELECT};\n  wire \[{BITS - 1}:0\] {SELECT};",
                             f"  wire [{BITS - 1}:0] {SELECT} = {number};", text, flags=re.MULTILINE)
    if ports != 1 or declared != 1:
        raise SpikegateError(f"There is no input {SELECT} of the core to be replaced")
    return text


def quiet(steps: int) -> Network:
    """A network in which nothing ever happens."""
    g, q, never = GEOMETRY, Q8_8, np.full((1 << GEOMETRY.depth) - 1, (1 << UNIFORM_BITS) - 1, np.uint32)
    lif, drive = LifParams(q, q.one, 0, 0, leak=q.one, refractory=0), DriveParams(never, 0)
    return Network("quiet", g.n - 2, 2, lif, drive, LfsrParams(), np.zeros(g.n + 1, int), [], [0] * g.n, [1] * g.n, [0] * g.n, 1, steps, 100_000)


def cycles(text: str, number: int, steps: int) -> int:
    """Cycles that a mutant counts in a run of so many steps, which is broken off soon after the module would have ended it."""
    with NativeCore(compile_shared(alone(text, number), "core", HARNESS).path, GEOMETRY) as core:
        core.load(load_words(quiet(1), GEOMETRY))
        core.bare(run_word(GEOMETRY, steps), (steps + 1) * STEP)
        return core.cycles


def killed(made: Mutants, numbers: Sequence[int], *, progress: Callable[[str], None] = lambda _: None) -> set[int]:
    """Those of the mutants ``numbers`` of the core that need another number of cycles for a run of 2^j + 2^i steps, i being inverted beside j.

    Raises
    ------
    SpikegateError
        If the core itself needs others than are documented.
    """
    pairs = {number: tuple(map(int, found.groups())) for number in numbers if (found := PAIR.match(made.names[number - 1]))}
    long = {number: (1 << other) + (1 << bit) for number, (bit, other) in pairs.items() if FIRST <= other <= LAST and bit <= LAST}
    if long and (found := cycles(made.text, 0, SHORT)) != SHORT * STEP:
        raise SpikegateError(f"The core needs {found} cycles for {SHORT} quiet steps, not {SHORT * STEP}")
    dead = set()
    for number, steps in long.items():
        progress(f"{steps:,} steps of {number}")
        if cycles(made.text, number, steps) != steps * STEP:
            dead.add(number)
    return dead
