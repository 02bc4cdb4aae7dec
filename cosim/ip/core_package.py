"""The folder of a core that is given away."""

from collections.abc import Mapping
from typing import Any

from spikegate.cosim.ip import core_bench, core_map, datasheet, timing
from spikegate.cosim.ip.bench import hexadecimal
from spikegate.cosim.ip.cores import CORE, POINT_CORE, Booted
from spikegate.cosim.ip.package import description, fitted, headed, lint_file
from spikegate.cosim.ip.ports import ports, summary
from spikegate.cosim.toolchain.verilog import to_verilog

__all__ = ["core_files"]

SHOWN, QUIET = 14, 60


def _wave(core: Booted) -> timing.Wave:
    """The first load words, and a step of what is loaded then."""
    inputs = [{"i__valid": 1, "i__payload": word} for word in core.loads[:2]]
    layout = core.geometry.load_layout()
    inputs.append({"i__valid": 1, "i__payload": layout.const({"op": int(core.geometry.ops.RUN), "data": 1}).as_bits()})
    inputs += [{"i__valid": 0, "i__payload": 0}] * (QUIET + core.geometry.words)
    fixed = {"o__ready": 1, "events__valid": 1, "events__payload": core.events[-1]}
    component = core.make()
    return timing.simulated(component, ports(component), [fixed | each for each in inputs])


def core_files(core: Booted, values: Mapping[str, Any], *, fit: bool = False) -> dict[str, str]:
    """Everything of a core that runs a network."""
    name, parameters = core.name, CORE if core.name == "core" else POINT_CORE
    made = core.make()
    made._MustUse__used = True
    places, bits = ports(made), core.geometry.lanes * (core.lane_bits + 1)
    wave = timing.busiest(_wave(core), SHOWN)
    tables = {"load.hex": hexadecimal(core.loads, core.load_bits), "expected.hex": hexadecimal(core.sweeps, bits),
              "mask.hex": hexadecimal(core.masks, bits), **({} if name == "core" else {"events.hex": hexadecimal(core.events, 64)})}
    words = ("From a simulation of this component: two load words, then a `RUN` of one step of what is loaded so far. A column is what stands "
             "on the ports before a rising edge; `.` is a value that stays.")
    origin = (f"Made for network {core.network.name!r}, {core.network.n:,} neurons; any network that needs no more runs on it, loaded through "
              "stream `i`.")
    sheet = [f"# {name}: {core.title}", summary(type(made)), origin, datasheet.parameter_section(parameters, values), datasheet.port_section(places),
             datasheet.stream_section(places), *core_map.sections(core), datasheet.timing_section(timing.letters(wave), words),
             datasheet.fits(fitted(core.make) if fit else {}), datasheet.running(name, [f"{name}.v"]),
             "## Files of the bench\n\n`load.hex`: load words. `expected.hex`: a line for each word of each sweep, spikes above the lanes. "
             "`mask.hex`: a line for each word of a sweep, 1 for the bits that are compared."
             + ("" if name == "core" else " `events.hex`: recorded events.")]
    return {
        f"{name}.v": headed(name, core.title, values, to_verilog(core.make(), name)), f"{name}.vlt": lint_file(),
        f"{name}.core": description(name, core.title, [f"{name}.v"], list(tables)), "datasheet.md": "\n\n".join(filter(None, sheet)) + "\n",
        "timing.svg": timing.svg(wave, f"{name}, simulated"), f"{name}_example.v": core_bench.example(core), f"{name}_tb.v": core_bench.bench(core),
        **tables}
