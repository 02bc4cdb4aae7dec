"""The real command line in strange surroundings: each run ends as it should."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikegate.models.cache import cache_root

SPIKEGATE = Path(sys.executable).parent / "spikegate"
SMALL = ["--set", "n_exc=80", "--set", "n_inh=20", "--ms", "40"]
SIM = ["sim", *SMALL, "--lanes", "10", "--out", "out"]
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (1600).to_bytes(4, "big") + (1000).to_bytes(4, "big")
#: The shell and the working folder of a notebook's user who builds other hardware, too.
NOTEBOOK = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "COCOTB_TEST_FILTER": "none", "COCOTB_TESTCASE": "none",
            "GPI_USERS": "/no", "LIBPYTHON_LOC": "/no/libpython.so", "MAKEFLAGS": "--no-such-option", "VERILATOR_ROOT": "/no",
            "CXXFLAGS": "-no", "CFLAGS": "-no", "CC": "no", "PERL5OPT": "-MNo::Such", "GIT_DIR": "/no", "AMARANTH_USE_YOSYS": "none",
            "NUMBA_CACHE_DIR": "/proc/no", "PYTHONOPTIMIZE": "2", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0",
            "COLUMNS": "40", "FORCE_COLOR": "1", "OMP_NUM_THREADS": "none"}
FILES = {"matplotlibrc": "text.usetex: True\nbackend: TkAgg\naxes.formatter.use_locale: True\n",
         "brian_preferences": "[core]\ndefault_float_dtype = float32\n[codegen]\ntarget = 'numpy'\n[codegen.cpp]\nextra_compile_args_gcc = ['-no']\n",
         **{name: "raise SystemExit('the wrong module')\n" for name in ("random.py", "numpy.py", "matplotlib.py", "amaranth.py", "Cython.py")}}


def shell(command, folder, **environment):
    """Run a line of bash with the command line's name in ``$S``: exit code, standard output, standard error."""
    settings = {**os.environ, "SPIKEGATE_CACHE": str(cache_root()), "S": str(SPIKEGATE), **environment}
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=300, check=False,
                          env={name: value for name, value in settings.items() if value is not None})
    return done.returncode, done.stdout, done.stderr


def sim(*options):
    return " ".join(["$S", *SIM, *options])


def exact(report):
    """The report's exact checks: each compared something and found no difference."""
    checks = [check for check in report["checks"] if check["class"] in ("bit-true", "spike-exact")]
    return len(checks) >= 2 and all(check["compared"] and not check["mismatches"] for check in checks)


def test_a_run_in_the_shell_and_the_folder_of_somebody_elses_work(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    code, out, err = shell(sim("--json"), tmp_path, **NOTEBOOK)
    assert code == 0, err
    report = json.loads(out)
    assert report == json.loads((tmp_path / "out" / "report.json").read_text()) and exact(report)
    assert (tmp_path / "out" / "sim.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize("options, expected", [((), 0), (("--sabotage", "threshold"), 1)], ids=["sound", "sabotaged"])
def test_a_closed_pipe_changes_no_verdict_nor_does_a_home_that_cannot_be_written(tmp_path, options, expected):
    line = f"{sim(*options)} 2>err | head -1; exit ${{PIPESTATUS[0]}}"
    code, out, err = shell(line, tmp_path, HOME="/proc/no", XDG_CACHE_HOME=None, TMPDIR=str(tmp_path))
    assert code == expected and out.startswith("ai, changed, v3") and out.count("\n") == 1, err
    said, report = (tmp_path / "err").read_text(), json.loads((tmp_path / "out" / "report.json").read_text())
    assert "Traceback" not in said and "Exception ignored" not in said and ("differ, first at" in said) is bool(expected)
    assert report["ok"] is exact(report) is not bool(expected)
    assert (tmp_path / "out" / "sim.png").read_bytes().startswith(PNG)


MAKE = " ".join(["$S", "network", "make", *SMALL, "net"])
#: What a user types, exit code, what standard output and standard error contain (None: nothing).
LINES = {
    "a closed output": ("$S doctor >&-", 0, None, None),
    "all closed": (f"{MAKE} >&- 2>&- <&-; code=$?; $S network verify net && exit $code", 0, "net: ok", None),
    "errors into a closed pipe": ("$S network verify nowhere 2>&1 | true; exit ${PIPESTATUS[0]}", 2, None, None),
    "errors nowhere": ("$S network verify nowhere 2>&-", 2, None, None),
    "a full disk": (f"{MAKE} > /dev/full", 2, None, "output cannot be used (No space left on device)"),
    "a reader that has gone": ("$S network show net | true; exit ${PIPESTATUS[0]}", 0, None, None),
    "no compiler of Numba": (f"{MAKE[:-3]} --events a && NUMBA_DISABLE_JIT=1 {MAKE[:-3]} --events b && cmp a b", 0, "b: ", None),
    "a name that is no text": ("$S network make --ms 1 $'\\xff\"\u201c\\n' | grep -a ff", 0, "udcff", None),
    "preferences that are wrong": (f"echo 'core.default_float_dtype = 7' > brian_preferences; {sim()}", 2, None, "correct ~/.brian/user_pref"),
    "no home": (f"env -u HOME -u XDG_CACHE_HOME -u USER {MAKE}", 0, "net: ", None),
    # Not /dev/null: who gets this wrong as root replaces the machine's.
    "a pipe with a name": (f"mkfifo pipe; cat pipe > net & {MAKE[:-3]} pipe; wait; test -p pipe && $S network verify net", 0, "net: ok", None),
    "options of Python": (f"PYTHONOPTIMIZE=2 PYTHONWARNINGS=default PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 {MAKE}", 0, "net: ", None),
    "a deleted folder": ("mkdir gone; cd gone; rmdir ../gone; $S network make --ms 1 net", 2, None, "cannot be written"),
}


@pytest.mark.parametrize("what", LINES)
def test_a_line_of_the_shell(what, tmp_path):
    line, expected, output, errors = LINES[what]
    if " show net" in line:
        shell(MAKE, tmp_path)
    code, out, err = shell(line, tmp_path)
    assert code == expected, err
    assert (output in out if output else out == "") and (errors in err if errors else "Traceback" not in err and "Exception ignored" not in err)


NOTE = """
import contextlib, io, sys
import numpy as np
from spikegate import cli
np.seterr(all="raise")
np.set_printoptions(precision=1, threshold=3, legacy="1.13")
class Cell(io.StringIO):
    encoding = None
with contextlib.redirect_stdout(Cell()) as out:
    code = cli.main(["network", "show", sys.argv[1]]), cli.main(["network", "verify", sys.argv[1]]), cli.main(["network", "verify", "no\\udcff"])
assert sys.stdout is sys.__stdout__
print(code, "net: ok" in out.getvalue(), "leak" in out.getvalue())
"""


def test_the_command_line_is_a_function_that_a_notebook_may_call(tmp_path):
    shell(MAKE, tmp_path)
    code, out, err = shell(f'"{sys.executable}" -c "$CODE" net', tmp_path, CODE=NOTE)
    assert code == 0 and out == "(0, 0, 2) True True\n", err
