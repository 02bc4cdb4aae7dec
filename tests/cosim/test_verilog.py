"""The generated Verilog of every module: each signal has the name that a person gave it, and gateware/lint.vlt explains all that Verilator finds."""

import re
import subprocess
from pathlib import Path

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from spikegate.cosim.toolchain import verilog as verilog_source
from spikegate.cosim.toolchain.verilate import build_directory, tool_environment
from spikegate.cosim.toolchain.verilog import cached_verilog, to_verilog
from spikegate.gateware.core.core import Core
from spikegate.gateware.core.pins import PinsHost
from spikegate.gateware.core.point_core import PointCore, PointGeometry
from spikegate.gateware.core.point_lane import UNITS
from spikegate.gateware.link.axi_core import AxiCore
from spikegate.gateware.link.link import HostLink
from spikegate.gateware.neuron.bernoulli import Bernoulli
from spikegate.gateware.neuron.izhikevich import Izhikevich
from spikegate.gateware.neuron.linear import Linear
from verification.contracts import catalogue
from verification.coverage import cores, link
from verification.stimuli import point_networks
from verification.stimuli.point_networks import ADAPTING, IZHIKEVICH, MIXED, WIDE, random_network

#: All leaves, a core of each row source and drive, and the link, as verification takes them; and what a core of point neurons has.
MODULES = {**catalogue.LEAVES, **catalogue.WHOLE, **link.LINKS, "host_link_counts": lambda: HostLink(catalogue.GEOMETRY, 4, counts=True),
           "axi_core": lambda: AxiCore(catalogue.GEOMETRY),
           **{f"linear_{k}": lambda each=each: Linear(each, 20) for k, each in enumerate(MIXED + WIDE) if each.ports},
           **{f"adapting_{k}": lambda each=each: UNITS[type(each)](each, 20, 12) for k, each in enumerate(ADAPTING) if each.ports},
           "bernoulli": lambda: Bernoulli(MIXED[3]),
           **{f"izhikevich_{k}": lambda each=each: Izhikevich(each, 20) for k, each in enumerate(IZHIKEVICH)},
           "point_core_noise": lambda: PointCore(PointGeometry.of(random_network(3, ADAPTING, noise=1.0), 3)),
           **{f"point_core_{seed}": lambda seed=seed, lanes=lanes: PointCore(PointGeometry.of(random_network(seed, MIXED), lanes))
              for seed, lanes in ((1, 1), (2, 3), (3, 4))},
           **{name: lambda g=g, name=name: PinsHost(g) if name == cores.PINS else Core(g) for name, g in cores.CORES.items()}}
KEY = "".join(Path(module.__file__).read_text() for module in (catalogue, cores, link, point_networks))
#: Three lanes are between one and four, whose cores are here.
NAMES = [pytest.param(name, marks=pytest.mark.long) if name == "point_core_2" else name for name in MODULES]
LINT = Path(__file__).parents[2] / "gateware" / "lint.vlt"
#: A declaration, and what Amaranth calls a signal to which it finds no name: `$signal`, `$like`, ... Results of operators, `$1`, `$2`, ..., are
#: no signals, and Yosys adds some of its own, `$auto$...`.
DECLARATION = re.compile(r"^\s*(?:input |output )?(?:wire|reg) (?:signed )?(?:\[[^]]*\] )?(\S+)", re.MULTILINE)
NAMELESS = re.compile(r"\\\$(?!auto\$)[a-z_]")


def verilog(name: str) -> str:
    return cached_verilog(MODULES[name], name, (name, KEY))


def nameless(text: str) -> list[str]:
    names = DECLARATION.findall(text)
    assert names
    return [name for name in names if NAMELESS.match(name)]


def warnings(text: str, top: str) -> str:
    """What Verilator says, from the cache or anew."""
    with build_directory("lint", text, LINT.read_text()) as (folder, finished):
        if not finished:
            (folder / f"{top}.v").write_text(text)
            done = subprocess.run(["verilator", "--lint-only", "-Wall", "--top-module", top, str(LINT), f"{top}.v"], cwd=folder,
                                  env=tool_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            (folder / "warnings").write_text(done.stderr + ("" if done.returncode in (0, 1) else f"exit code {done.returncode}"))
        return (folder / "warnings").read_text()


class Stores(wiring.Component):
    """Two memories, one with contents."""

    def __init__(self):
        super().__init__({"a": In(2), "x": Out(4), "y": Out(4)})

    def elaborate(self, platform):
        m = Module()
        for name, port, init in (("empty", self.x, []), ("full", self.y, [0, 5])):
            m.submodules[name] = store = memory.Memory(shape=4, depth=4, init=init)
            write, read = store.write_port(), store.read_port()
            m.d.comb += [read.addr.eq(self.a), port.eq(read.data), write.addr.eq(self.a), write.data.eq(self.a), write.en.eq(self.a.any())]
        return m


def test_zeros_of_memories_are_left_out_and_contents_stay(monkeypatch):
    """The Verilog is that of Amaranth's own way through all the zeros, which `without_zeros` drops."""
    text = to_verilog(Stores(), "stores")
    assert len(re.findall(r"\[1\] = 4'h5;", text)) == 1 and len(re.findall(r"\[\d\] = 4'h", text)) == 4
    monkeypatch.setattr(verilog_source, "_Emitter", rtlil.ModuleEmitter)
    assert to_verilog(Stores(), "stores") == text


@pytest.mark.parametrize("name", NAMES)
def test_every_signal_has_a_name(name):
    assert nameless(verilog(name)) == []


@pytest.mark.parametrize("name", NAMES)
def test_verilator_finds_nothing(name):
    assert warnings(verilog(name), name) == ""


class Unpacked(wiring.Component):
    """Two signals of one line."""

    a: In(4)
    b: Out(4)

    def elaborate(self, platform):
        m = Module()
        first, second = Signal(4), Signal(4)
        m.d.sync += [first.eq(self.a), second.eq(first)]
        m.d.comb += self.b.eq(second)
        return m


def test_signals_of_one_line_are_found():
    """Negative control."""
    assert nameless(to_verilog(Unpacked(), "unpacked")) == ["\\$signal"]


@pytest.mark.parametrize(("kind", "fault"), [
    ("wire", "assign b = a + c;"), ("reg", "always @* if (a[0]) b = a;"), ("wire", "assign b = a + 8'd200;")])
def test_lint_still_finds_a_fault(kind, fault):
    """Negative control: an undriven signal, a latch, and lost bits."""
    told = warnings(f"module top(input [3:0] a, output {kind} [3:0] b);\n  wire [3:0] c;\n  {fault}\nendmodule\n", "top")
    assert re.search("-(UNDRIVEN|LATCH|WIDTHTRUNC):", told)
