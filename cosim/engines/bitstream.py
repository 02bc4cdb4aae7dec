"""The bitstream of a core as an engine: placed, routed, packed, unpacked, read back by icebox into Verilog, and simulated like any other core."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from spikegate.cosim.engines import rtl
from spikegate.cosim.engines.netlist import compile_core, flatten
from spikegate.cosim.toolchain.synthesis import Placed, icebox, pack, place, synthesise, unpack
from spikegate.cosim.toolchain.verilate import build_directory
from spikegate.cosim.toolchain.verilog import cached_verilog
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.pins import CorePins, PinsHost
from spikegate.models.errors import SpikegateError
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.surroundings import child_environment

__all__ = ["BITS", "pins", "read_back", "bits_verilog", "core_placed", "core_verilog", "run"]

#: The module that icebox makes of a bitstream.
BITS = "bits"


def pins(placed: Placed) -> dict[str, str]:
    """Place of each bit of each port, as nextpnr says: ``port[bit] -> x y z``."""
    module, = json.loads((placed.folder / "placed.json").read_text())["modules"].values()
    found = {}
    for name, cell in module["cells"].items():
        if cell["type"] == "SB_IO" and (place := re.fullmatch(r"X(\d+)/Y(\d+)/io(\d)", cell["attributes"]["NEXTPNR_BEL"])):
            found[name.removesuffix("$sb_io")] = " ".join(place.groups())
    wanted = {bit for port, length in _ports(placed).items() for bit in _bits(port, length)}
    if found.keys() != wanted:
        raise SpikegateError(f"Pins of nextpnr are not the ports of the netlist: {sorted(found.keys() ^ wanted)[:4]}")
    return found


def _ports(placed: Placed) -> dict[str, int]:
    return {name: len(port["bits"]) for name, port in placed.netlist.module["ports"].items()}


def _bits(port: str, length: int) -> list[str]:
    return [port] if length == 1 else [f"{port}[{k}]" for k in range(length)]


def read_back(text: str, placed: Placed, folder: Path) -> str:
    """Verilog of the bits of a part, given as text: a module `BITS`, with a port for each bit of each port of the design."""
    (folder / "back.asc").write_text(text)
    (folder / "pins.pcf").write_text("".join(f"set_io {bit} {place}\n" for bit, place in sorted(pins(placed).items())))
    # Without -P: its module lies in its own folder, which is not the one at hand.
    command = [sys.executable, str(icebox("icebox_vlog")), "-s", "-n", BITS, "-d", placed.package, "-p", "pins.pcf", "back.asc"]
    # It walks through sets: the same bits are the same text only with the same hashes.
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=child_environment(PYTHONHASHSEED="0"))
    if done.returncode:
        raise SpikegateError(f"icebox_vlog failed with exit code {done.returncode}:\n{done.stderr[-1500:]}")
    return done.stdout


def bits_verilog(placed: Placed, name: str) -> str:
    """A module with the ports of the design around the module `BITS`."""
    ports, directions = _ports(placed), {name: port["direction"] for name, port in placed.netlist.module["ports"].items()}
    declared = ", ".join(f"{directions[port]} [{length - 1}:0] {port}" for port, length in ports.items())
    wires = ", ".join(f".\\{bit} ({port}[{k}])" for port, length in ports.items() for k, bit in enumerate(_bits(port, length)))
    return f"module {name}({declared});\n  {BITS} bits({wires});\nendmodule\n"


def core_placed(geometry: CoreGeometry, place_seed: int = 1) -> Placed:
    """The core behind its pins, synthesised, placed and routed for the HX8K."""
    return place(synthesise(cached_verilog(lambda: CorePins(geometry), "chip", (geometry,), reset=False), "chip", "ice40"), seed=place_seed)


def core_verilog(geometry: CoreGeometry, placed: Placed) -> str:
    """Verilog with the ports of `Core` around what is read back from the bitstream."""
    host = cached_verilog(lambda: PinsHost(geometry, chip="chip"), "core", (geometry,), reset=False)
    with build_directory("bitstream", (placed.folder / "top.asc").read_text(), host, Path(__file__).read_text()) as (folder, finished):
        if not finished:
            bits = pack((placed.folder / "top.asc").read_text(), folder)
            (folder / "bits.v").write_text(read_back(unpack(bits, folder), placed, folder) + bits_verilog(placed, "chip"))
            (folder / "host.v").write_text(host)
            flatten("read_verilog bits.v host.v", "core", "ice40", folder)
    return (folder / "flat.v").read_text()


def run(network: Network, lanes: int = 1, *, trace: bool = False, seed: int = 1, place_seed: int = 1,
        progress: Callable[[float], None] | None = None, **options: Any) -> Recording:
    """Run what is read back from the core's bitstream for the HX8K, in Verilator through the native driver.

    The recording is that of the RTL. With one lane its cycles are, too; with more, the sweep waits for its pins.

    Parameters
    ----------
    network : Network
    lanes : int
        1..N.
    trace : bool
        Record ``v``, ``hold``, ``overflow`` and ``events`` at every step.
    seed : int
        Of what is unknown at power-up; nothing depends on it.
    place_seed : int
        Of nextpnr.
    progress : callable, optional
        Called with the finished fraction, 0..1.
    options
        ``store`` and ``walk``, as in `CoreGeometry`.

    Raises
    ------
    InputError
        If lanes is outside 1..N.
    ToolMissing
        If a tool is absent.
    SpikegateError
        If the core does not fit, with the end of what nextpnr says.
    """
    g = CoreGeometry.of(network, lanes, **options)
    placed = core_placed(g, place_seed)
    recording = rtl.execute(network, g, rtl.load_words(network, g), trace=trace, progress=progress, made=compile_core(core_verilog(g, placed)),
                             engine="bitstream", seed=seed)
    return replace(recording, provenance={**recording.provenance, "used": placed.used, "fmax_mhz": placed.fmax_mhz})
