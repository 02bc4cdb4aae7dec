"""Time of one call of each class that users import, beside the published package's, in one run on one machine.

    python benchmarks/class_calls.py --published /path/to/a/venv/with/sc-neurocore/bin/python

Each interpreter keeps one process for its calls. They take turns, so that whatever else the machine does meets both, and the median of
the turns counts. Time is that of the processor. The last lines compare steps of the fixed-point neuron, clamped at rest and wrapping as the
published one, bit for bit.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Any, NamedTuple, cast

from rich import box
from rich.console import Console
from rich.table import Table

from spikegate.models.errors import InputError, SpikegateError

__all__ = ["CASES", "Case", "measure", "main"]

#: Reads ``[setup, call, seconds]``, a line of JSON each, and answers with the seconds of one call; ``[setup, call, null]`` asks for its value.
WORKER = """
import json, sys, time, timeit
timers = {}
for line in sys.stdin:
    setup, call, seconds = json.loads(line)
    if seconds is None:
        names = {}
        exec(setup, names)
        answer = eval(call, names)
    else:
        if (setup, call) not in timers:
            timer, count = timeit.Timer(call, setup, time.process_time), 1
            timer.timeit(1)
            while (took := timer.timeit(count)) < seconds / 2:
                count *= 2 if took > seconds / 20 else 8
            timers[setup, call] = timer, count
        timer, count = timers[setup, call]
        answer = timer.timeit(count) / count
    print(json.dumps(answer), flush=True)
"""


class Case(NamedTuple):
    """What is timed: for each package what is done once, and the call."""

    name: str
    ours: tuple[str, str]
    published: tuple[str, str]


BITS = "import numpy as np; bits = (np.random.default_rng(1).random(256) < 0.5).astype(np.uint8)\n"
ROWS = "import numpy as np; rows = (np.random.default_rng(1).random((50, 4096)) < 0.5).astype(np.uint8)\n"
MATRIX = "import numpy as np; rng = np.random.default_rng(1); w, p = rng.random((200, 200)), rng.random(200)\n"
SEEDS = "; from itertools import count; seeds = count()"
#: Both make in the first call what later ones use.
FIRST = "; layer.forward(p)"
NEURON = "neuron = StochasticLIFNeuron(v_threshold=20.0, v_reset=10.0, tau_mem=20.0, dt=0.1{})"

CASES = (
    Case("FixedPointLIFNeuron.step",
         ("from spikegate import FixedPointLIFNeuron; neuron = FixedPointLIFNeuron(v_threshold=5120, v_reset=2560)", "neuron.step(1, 256, 100)"),
         ("from sc_neurocore import FixedPointLIFNeuron; neuron = FixedPointLIFNeuron(v_threshold=5120, v_reset=2560, refractory_period=0)",
          "neuron.step(1, 256, 100)")),
    Case("LFSR step, 16 bits",
         ("from spikegate import LfsrParams; step, s = LfsrParams(16, leap=1).step, 44257", "s = step(s)"),
         ("from sc_neurocore import FixedPointLFSR; step = FixedPointLFSR(16, 44257).step", "s = step()")),
    Case("StochasticLIFNeuron.step",
         ("from spikegate import StochasticLIFNeuron; " + NEURON.format(""), "neuron.step(0.5)"),
         ("from sc_neurocore import StochasticLIFNeuron; " + NEURON.format(""), "neuron.step(0.5)")),
    Case("StochasticLIFNeuron.step, noisy",
         ("from spikegate import StochasticLIFNeuron; " + NEURON.format(", noise_std=1.0, seed=1"), "neuron.step(0.5)"),
         ("from sc_neurocore import StochasticLIFNeuron; " + NEURON.format(", noise_std=1.0, seed=1"), "neuron.step(0.5)")),
    Case("BitstreamSynapse()",
         ("from spikegate import BitstreamSynapse", "BitstreamSynapse(0.0, 1.0, 256, 0.3)"),
         ("from sc_neurocore import BitstreamSynapse", "BitstreamSynapse(0.0, 1.0, 256, 0.3)")),
    Case("BitstreamSynapse(seed), another each time",
         ("from spikegate import BitstreamSynapse" + SEEDS, "BitstreamSynapse(0.0, 1.0, 256, 0.3, seed=next(seeds))"),
         ("from sc_neurocore import BitstreamSynapse" + SEEDS, "BitstreamSynapse(0.0, 1.0, 256, 0.3, seed=next(seeds))")),
    Case("BitstreamSynapse.apply, bits",
         (BITS + "from spikegate import BitstreamSynapse; synapse = BitstreamSynapse(0.0, 1.0, 256, 0.3)", "synapse.apply(bits)"),
         (BITS + "from sc_neurocore import BitstreamSynapse; synapse = BitstreamSynapse(0.0, 1.0, 256, 0.3)", "synapse.apply(bits)")),
    Case("stream of 256 bits",
         ("from spikegate import bitstream", "bitstream(0.3, 256)"),
         ("from sc_neurocore import generate_bernoulli_bitstream", "generate_bernoulli_bitstream(0.3, 256)")),
    Case("stream of 256 bits, encoder at hand",
         ("from spikegate import bitstream", "bitstream(0.3, 256)"),
         ("from sc_neurocore import BitstreamEncoder; encoder = BitstreamEncoder(length=256, seed=1)", "encoder.encode(0.3)")),
    Case("stream of 4096 bits",
         ("from spikegate import bitstream", "bitstream(0.3, 4096)"),
         ("from sc_neurocore import generate_bernoulli_bitstream", "generate_bernoulli_bitstream(0.3, 4096)")),
    Case("Sobol stream of 256 bits",
         ("from spikegate import bitstream", "bitstream(0.3, 256, 'sobol', 1)"),
         ("from sc_neurocore import generate_sobol_bitstream", "generate_sobol_bitstream(0.3, 256, seed=1)")),
    Case("Sobol stream of 4096 bits",
         ("from spikegate import bitstream", "bitstream(0.3, 4096, 'sobol', 1)"),
         ("from sc_neurocore import generate_sobol_bitstream", "generate_sobol_bitstream(0.3, 4096, seed=1)")),
    Case("BitstreamDotProduct.apply, 50 x 4096 bits",
         (ROWS + "from spikegate import BitstreamDotProduct, BitstreamSynapse\n"
          "dot = BitstreamDotProduct([BitstreamSynapse(0.0, 1.0, 4096, 0.3, seed=k) for k in range(50)])", "dot.apply(rows)"),
         (ROWS + "from sc_neurocore import BitstreamDotProduct, BitstreamSynapse\n"
          "dot = BitstreamDotProduct([BitstreamSynapse(0.0, 1.0, 4096, 0.3, seed=k) for k in range(50)])", "dot.apply(rows)")),
    *(Case(f"VectorizedSCLayer.forward, 200 x 200, {length} bits, {mode}",
           (f"{MATRIX}from spikegate import VectorizedSCLayer; layer = VectorizedSCLayer(w, {length}, sc_mode={mode!r})" + FIRST,
            "layer.forward(p)"),
           (f"{MATRIX}from sc_neurocore import VectorizedSCLayer\nlayer = VectorizedSCLayer(200, 200, {length}, False, sc_mode={mode!r}, seed=1)"
            + FIRST, "layer.forward(p)"))
      for length, mode in ((4096, "unipolar"), (1024, "unipolar"), (1000, "bipolar"))),
)

STEPS = """
import random
def states(neuron, count):
    rng, found = random.Random(7), []
    for _ in range(count):
        found.append(neuron.step(rng.randint(1, 256), rng.randint(-512, 512), rng.randint(-8000, 8000), rng.randint(-300, 300)))
    return found
"""
FIELDS = "16, 8, v_rest=100, v_reset=-50, v_threshold=2560, refractory_period={}"


class Package:
    """A process of an interpreter that makes calls."""

    def __init__(self, python: str):
        try:
            self.process = subprocess.Popen([python, "-P", "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise InputError(f"Python {python} does not run ({error.strerror}); give the interpreter of a venv with sc-neurocore") from None

    def ask(self, case: tuple[str, str], seconds: float | None) -> Any:
        """Seconds of one call, or its value."""
        try:
            print(json.dumps([*case, seconds]), file=self.process.stdin, flush=True)
            return json.loads(cast(IO[str], self.process.stdout).readline())
        except (OSError, ValueError):
            raise SpikegateError(f"{self.process.args[0]} did not answer to {case[1]}; its traceback is above") from None

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def measure(ours: str, published: str, rounds: int, seconds: float, show: Callable[[str], None]) -> list[dict[str, Any]]:
    """For each case the median seconds of a call of ours and of the published package, and their ratio.

    Raises
    ------
    SpikegateError
        If an interpreter cannot run a call.
    """
    packages, rows = (Package(ours), Package(published)), []
    for case in CASES:
        turns = [[package.ask(each, seconds) for package, each in zip(packages, case[1:])] for _ in range(rounds)]
        mine, theirs = (statistics.median(side) for side in zip(*turns))
        rows.append({"call": case.name, "ours_s": mine, "published_s": theirs, "ratio": mine / theirs})
        show(case.name)
    for package in packages:
        package.close()
    return rows


def differing(ours: str, published: str, count: int) -> dict[int, int]:
    """For each refractory period, steps of the fixed-point neuron that differ, of ``count``."""
    packages, found = (Package(ours), Package(published)), {}
    for period in (0, 1, 2, 5):
        fields = FIELDS.format(period)
        mine = "from spikegate import FixedPointLIFNeuron, Overflow; make = lambda: FixedPointLIFNeuron(" + fields + \
            ', overflow=Overflow.WRAP, clamp="rest")'
        theirs = f"from sc_neurocore import FixedPointLIFNeuron; make = lambda: FixedPointLIFNeuron({fields})"
        a, b = (package.ask((f"{STEPS}\n{setup}", f"states(make(), {count})"), None) for package, setup in zip(packages, (mine, theirs)))
        found[period] = sum(x != y for x, y in zip(a, b, strict=True))
    for package in packages:
        package.close()
    return found


def main(argv: list[str] | None = None) -> int:
    """Print the table; 1 if a call takes longer than the published package's, or a step differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--published", required=True, metavar="PYTHON", help="interpreter of a venv with sc-neurocore")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each package (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.05, help="time of a turn, at least (default %(default)s)")
    parser.add_argument("--steps", type=int, default=100_000, help="steps that are compared (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    args = parser.parse_args(argv)
    try:
        rows = measure(sys.executable, args.published, args.rounds, args.seconds, lambda name: print(f"timed {name}", file=sys.stderr))
        steps = differing(sys.executable, args.published, args.steps)
    except SpikegateError as error:
        print(f"class_calls: {error}", file=sys.stderr)
        return error.exit_code
    if args.json:
        print(json.dumps({"calls": rows, "steps": args.steps, "differ": steps}, indent=2))
    else:
        table = Table("call", "ours, us", "published, us", "ratio", box=box.SIMPLE)
        for row in rows:
            table.add_row(row["call"], f"{1e6 * row['ours_s']:,.2f}", f"{1e6 * row['published_s']:,.2f}", f"{row['ratio']:.2f}")
        Console(highlight=False, width=110).print(table)
        for period, count in steps.items():
            print(f"fixed-point neuron, refractory period {period}: {count} of {args.steps:,} steps differ")
    return int(any(row["ratio"] > 1 for row in rows) or any(steps.values()))


if __name__ == "__main__":
    sys.exit(main())
