"""Simulators for the machine at hand, in any folder, and with a clean environment whatever the shell holds."""

import ctypes
import importlib
import os
import signal
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from spikegate.cosim.benches.bench import simulate
from spikegate.cosim.benches.lfsr import check
from spikegate.cosim.engines import rtl, rtl_cocotb
from spikegate.cosim.isolation.run import EngineError, Job, run_isolated
from spikegate.cosim.toolchain import verilate
from spikegate.cosim.toolchain.verilate import build_directory, compile_shared
from spikegate.models import surroundings
from spikegate.models.errors import SpikegateError
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.surroundings import child_environment, clean_environment, machine
from spikegate.translator.brunel import preset, translate

#: Variables that make cocotb, Verilator, make, g++, perl, Python or Amaranth do something else.
HOSTILE = {"COCOTB_TEST_FILTER": "no_such_test", "COCOTB_TESTCASE": "no_such_test", "COCOTB_TEST_MODULES": "no_such_module",
           "GPI_USERS": "/no.so", "LIBPYTHON_LOC": "/no/libpython.so", "COCOTB_TOPLEVEL": "no", "COCOTB_RANDOM_SEED": "none",
           "COCOTB_RESULTS_FILE": "/no/results.xml", "PYGPI_PYTHON_BIN": "/no/python", "WAVES": "1", "GUI": "1", "SIM_CMD_PREFIX":
           "/no/prefix", "MAKEFLAGS": "--no-such-option", "VERILATOR_ROOT": "/no", "VERILATOR_BIN": "no", "CXXFLAGS": "-no-such-option",
           "CFLAGS": "-no-such-option", "CC": "/no/cc", "CXX": "/no/c++", "LDSHARED": "/no/ld", "CPLUS_INCLUDE_PATH": "/no",
           "GCC_EXEC_PREFIX": "/no", "PERL5OPT": "-MNo::Such", "PYTHONWARNINGS": "error", "AMARANTH_USE_YOSYS": "none", "GIT_DIR":
           "/no", "BASH_ENV": "/no", "SPIKEGATE_BENCH": "/no"}
TOP = "module {0}(input clk, output reg [7:0] q); always @(posedge clk) q <= q + 8'd1; endmodule\n"
HARNESS = '#include "V{0}.h"\nextern "C" int seven() {{ V{0} model; model.eval(); return 7; }}\ndouble sc_time_stamp() {{ return 0; }}\n'
STUB = "import os, signal\ndef die(network, progress=None):\n    os.kill(os.getpid(), signal.SIGILL)\n"
OTHER = """#!/bin/sh
case "$*" in *-dM*) echo '#define __OTHER__ 1'; exit 0;; esac
echo compiled again; exit 9
"""


def network():
    return translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), ms=10.0)


@pytest.fixture
def hostile(monkeypatch):
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)


def test_the_shells_variables_change_nothing_of_a_run_under_cocotb(hostile):
    found, native = rtl_cocotb.run(network(), 4), rtl.run(network(), 4)
    assert np.array_equal(found.spikes, native.spikes) and len(found.spikes) and found.cycles == native.cycles
    assert check(LfsrParams(), count=200, seed=1) >= 200
    assert all(os.environ[name] == value for name, value in HOSTILE.items())


def test_a_child_sees_no_hostile_variable_and_what_it_needs(hostile, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/absolute", "relative", ""]))
    seen = child_environment(MORE="1")
    assert not seen.keys() & (HOSTILE.keys() - {"SPIKEGATE_BENCH"})
    assert seen["PATH"] == os.environ["PATH"] and seen["HOME"] == os.environ["HOME"] and seen["MORE"] == "1"
    assert seen["PYTHONPATH"].split(os.pathsep) == ["/absolute", str(Path("relative").absolute())]
    before = dict(os.environ)
    with pytest.raises(KeyError), clean_environment(MORE="2"):
        assert dict(os.environ) == child_environment(MORE="2")
        raise KeyError
    assert dict(os.environ) == before


def test_a_simulator_is_compiled_in_a_folder_of_any_name(tmp_path, monkeypatch):
    folder = tmp_path / 'a "quoted" $HOME `x` é \' (1) #;&|*'
    folder.mkdir()
    parts = {name: verilate._runtime(name) for name in verilate.RUNTIME}  # Verilator's own, which takes half a minute, as it was compiled before
    monkeypatch.setenv("SPIKEGATE_CACHE", str(folder / "cache"))
    monkeypatch.setattr(verilate, "_runtime", parts.__getitem__)
    harness = folder / "harness.cpp"
    harness.write_text(HARNESS.format("odd"))
    made = compile_shared(TOP.format("odd"), "odd", harness)
    assert made.path.is_relative_to(folder) and ctypes.CDLL(str(made.path)).seven() == 7


@pytest.fixture
def another_machine(tmp_path, monkeypatch):
    """A compiler that says that it is for another processor, and fails when it has to compile."""
    def go():
        (tmp_path / "bin").mkdir()
        compiler = tmp_path / "bin" / "g++"
        compiler.write_text(OTHER)
        compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
        machine.cache_clear()
    yield go
    machine.cache_clear()


@pytest.mark.parametrize("compiled", [lambda: rtl.build(rtl.CoreGeometry.of(network(), 4)).path, lambda: rtl_cocotb.build(
    rtl_cocotb.CoreGeometry.of(network(), 4)).path], ids=["native", "cocotb"])
def test_what_was_compiled_for_another_machine_is_not_used(another_machine, compiled):
    assert compiled() == compiled()
    another_machine()
    assert machine() == "#define __OTHER__ 1\n"
    with pytest.raises(SpikegateError, match="compiled again"):
        compiled()


def test_this_machine_is_named_by_compiler_and_processor():
    assert "__VERSION__" in machine() and "__SSE2__" in machine() or "__ARM" in machine()


def test_a_process_that_dies_of_an_illegal_instruction_is_told_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "illegal_stub.py").write_text(STUB)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    die = importlib.import_module("illegal_stub").die
    with pytest.raises(EngineError, match=rf"rtl was killed by SIGILL.*another processor; remove the folder {surroundings.cache_root()} and run"):
        run_isolated([Job("rtl", die, network())])
    simulator = tmp_path / "top"
    simulator.write_text(f"#!{sys.executable}\n{STUB}die(None)\n")
    simulator.chmod(0o755)
    with pytest.raises(SpikegateError, match="simulator was killed by SIGILL.*another processor; remove the folder"):
        simulate(tmp_path, "top", "no_module", tmp_path, 1)




def test_what_a_killed_build_has_left_goes_when_another_is_made_and_what_is_being_built_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKEGATE_CACHE", str(tmp_path))
    with build_directory("finished"):
        pass
    with build_directory("under way") as (under_way, _):
        child = os.fork() or _die_in_a_build()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert len([folder for folder in tmp_path.iterdir() if folder.is_dir()]) == 3
        with build_directory("another") as (another, finished):
            assert not finished and under_way.exists()
            assert len([folder for folder in tmp_path.iterdir() if folder.is_dir()]) == 3
    with build_directory("killed") as (_, finished):
        assert not finished and under_way.exists() and another.exists()


def _die_in_a_build():
    with build_directory("killed"):
        os.kill(os.getpid(), signal.SIGKILL)
