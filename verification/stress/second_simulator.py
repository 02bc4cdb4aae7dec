"""The RTL in a second simulator, Icarus Verilog, whose registers and memories hold unknown or random values at power-up: what Verilator records."""

import random
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from spikegate.cosim.engines import rtl
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.ip import core_bench
from spikegate.cosim.ip.bench import hexadecimal
from spikegate.cosim.ip.cores import Booted, booted
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.models.errors import Mismatch, SpikegateError
from spikegate.models.network.point import PointNetwork
from verification.stimuli.networks import GEOMETRIES, any_network
from verification.stimuli.point_networks import ADAPTING, KINDS, MIXED, random_network
from verification.stress.icarus import simulate

__all__ = ["CASES", "STARTS", "Second", "bench", "compared", "core_of", "second", "unsettled", "verilated"]

#: What registers and memories hold at power-up: unknown values, or random ones of a seed.
STARTS: tuple[str | int, ...] = ("x", 1, 2)
STEPS = 40
REGISTER = re.compile(r"^(  reg (?:\[(\d+):0\] )?)((?!\\\$auto\$verilog_backend)\S+ ) ?= (\d+)'h[0-9a-f]+;$", re.MULTILINE)
MEMORY = re.compile(r"^  reg (?:\[(\d+):0\] )?(\S+) +\[(\d+):0\];\n(?!  initial)", re.MULTILINE)


#: Cores of Brunel's network, by their geometry.
BRUNEL = ("stochastic-wrap", "floor-wrap", "wide-wrap", "store", "banks")
#: Cores of point neurons, by their kinds.
POINTS = {"points, mixed": MIXED, "points, kinds": KINDS, "points, adapting": ADAPTING}
CASES = (*BRUNEL, *POINTS)


def core_of(name: str) -> Booted:
    """An entry of `CASES` with a network that spikes, but not always; its recording is the golden model's."""
    for seed in count():
        if name in POINTS:
            core = booted(random_network(seed, POINTS[name], n=12, steps=STEPS, max_delay=7), {"lanes": 3})
        else:
            g = GEOMETRIES[name]
            network = any_network(g, np.random.default_rng([seed, 31]), STEPS)
            words = np.concatenate([rtl.load_words(network, g), rtl.run_word(g, STEPS)])
            core = replace(booted(network, {"lanes": g.lanes, **g.options}), make=partial(Core, g), geometry=g, words=words)
        if 5 <= len(core.recording.spikes) <= core.network.n * STEPS // 2:
            return core
    raise AssertionError


@dataclass(frozen=True)
class Second:
    """What was compared.

    Parameters
    ----------
    runs : int
        Of a core from a start.
    words : int
        Of sweeps, in each of which all states and spikes of its neurons are.
    unsettled : int
        Registers and memories that began with other values than theirs.
    seconds : float
    """

    runs: int
    words: int
    unsettled: int
    seconds: float


def unsettled(text: str, start: str | int) -> tuple[str, int]:
    """Verilog whose registers and memories begin unknown (``x``) or with random values of a seed, and how many they are.

    Tables of constants keep what they hold. Icarus takes a register without a value to be unknown.
    """
    rng = random.Random(start)

    def register(found: re.Match[str]) -> str:
        width = int(found[2] or 0) + 1
        return f"{found[1]}{found[3].rstrip()} ;" if start == "x" else f"{found[1]}{found[3]}= {width}'h{rng.getrandbits(width):x};"

    def memory(found: re.Match[str]) -> str:
        width = int(found[1] or 0) + 1
        values = "".join(f"    {found[2]} [{k}] = {width}'h{rng.getrandbits(width):x};\n" for k in range(int(found[3]) + 1))
        return f"{found[0]}  initial begin\n{values}  end\n"

    made, registers = REGISTER.subn(register, text)
    memories = len(MEMORY.findall(made))
    return (made if start == "x" else MEMORY.sub(memory, made)), registers + memories


def bench(core: Booted) -> str:
    """A bench that writes each word of each sweep to ``sweeps.hex``, and says how many cycles the run took."""
    g, steps = core.geometry, core.network.steps
    limit = len(core.words) + g.most_cycles(steps) + 1000
    return f"""module {core.name}_second;
  reg clk = 1'b0;
  reg rst = 1'b0;
  integer file;
  integer taken = 0;
  integer passed = 0;
  wire loaded, o_valid, busy;
  wire [31:0] o_word;
  wire [{g.lanes - 1}:0] o_spikes;
  wire [{g.lanes * core.lane_bits - 1}:0] o_lanes;
  wire [47:0] cycles;
  {core.name}_example dut (.clk(clk), .rst(rst), .loaded(loaded), .o_valid(o_valid), .o_ready(1'b1), .o_word(o_word), .o_spikes(o_spikes),
    .o_lanes(o_lanes), .busy(busy), .cycles(cycles));
  always #5 clk = ~clk;
  initial begin
    file = $fopen("sweeps.hex", "w");
    #1 rst = 1'b1;
    repeat (2) @(negedge clk);
    rst = 1'b0;
    while ((loaded !== 1'b1 || taken < {steps * g.words} || busy !== 1'b0) && passed < {limit}) begin
      #4;
      if (o_valid !== 1'b0) begin
        $fwrite(file, "%b %h %h\\n", o_valid, o_word, {{o_spikes, o_lanes}});
        taken = taken + 1;
      end
      passed = passed + 1;
      @(negedge clk);
    end
    $fclose(file);
    $display("%0d", cycles);
    $finish;
  end
endmodule
"""


def _number(digits: str, mask: int) -> int:
    """A number in hexadecimal digits, unknown ones 0; -1 if the mask asks for one of these."""
    unknown = sum(15 << 4 * k for k, digit in enumerate(reversed(digits)) if digit.lower() not in "0123456789abcdef")
    return -1 if unknown & mask else int(re.sub("[^0-9a-fA-F]", "0", digits), 16)


def compared(core: Booted, start: str | int, verilog: str) -> tuple[int, int]:
    """Run a core from a start, and hold every word against what the core's recording has; words, and registers and memories that began so.

    Raises
    ------
    Mismatch
        With the first word that differs, or the cycles.
    """
    text, changed = unsettled(verilog, start)
    with tempfile.TemporaryDirectory() as folder:
        files = {f"{core.name}.v": text, f"{core.name}_example.v": core_bench.example(core), "bench.v": bench(core)}
        tables = {"load.hex": hexadecimal(core.loads, core.load_bits), "events.hex": hexadecimal(core.events, 64)}
        for name, content in {**files, **tables}.items():
            (Path(folder) / name).write_text(content)
        cycles = simulate(Path(folder), list(files), f"{core.name}_second").split()[-1:]
        lines = [line.split() for line in (Path(folder) / "sweeps.hex").read_text().splitlines()]
    words, found = core.geometry.words, f"Core of {core.network.name} in Icarus Verilog from {start}"
    for k, wanted in enumerate(core.sweeps):
        mask = core.masks[k % words]
        valid, word, value = lines[k] if k < len(lines) else ("no", "x", "x")
        if valid != "1" or _number(word, (1 << 32) - 1) != k % words or (given := _number(value, mask)) == -1 or given & mask != wanted & mask:
            raise Mismatch(f"{found}: step {k // words}, word {k % words} is {value} ({valid}, {word}), not {wanted:x} under {mask:x}")
    if len(lines) != len(core.sweeps) or cycles != [str(core.cycles)]:
        raise Mismatch(f"{found}: {len(lines)} words, not {len(core.sweeps)}; cycles {cycles}, not {core.cycles}")
    return len(lines), changed


def verilated(core: Booted) -> Booted:
    """A core with the recording of Verilator in place of the golden model's; `Mismatch` if it takes other cycles."""
    network, g = core.network, core.geometry
    if isinstance(network, PointNetwork):
        recording = PointRtl(g.lanes).run(network, trace=True)
    else:
        assert isinstance(g, CoreGeometry)
        recording = rtl.execute(network, g, core.words[:-1], trace=True)
    if recording.cycles != core.cycles:
        raise Mismatch(f"Core of {network.name} in Verilator: {recording.cycles} cycles, predicted {core.cycles}")
    return replace(core, recording=recording)


def second(names: Sequence[str] = CASES, starts: Sequence[str | int] = STARTS) -> Second:
    """Run cores in both simulators, from each start, and compare every word of every sweep and the cycles.

    Raises
    ------
    Mismatch
        With the first difference.
    SpikegateError
        If nothing was compared.
    """
    begin, runs, words, changed = time.perf_counter(), 0, 0, 0
    for name in names:
        core = verilated(core_of(name))
        verilog = to_verilog(core.make(), core.name)
        for start in starts:
            taken, began = compared(core, start, verilog)
            runs, words, changed = runs + 1, words + taken, changed + began
    if not words or not changed:
        raise SpikegateError("The second simulator compared nothing: give at least one core and one start")
    return Second(runs, words, changed, time.perf_counter() - begin)
