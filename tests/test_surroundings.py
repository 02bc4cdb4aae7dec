"""The machine around a run: folders that cannot be written, no HOME at all, and files in the working folder that shadow modules."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from elsewhere import installed

from spikegate import cli
from spikegate.models import cache
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.translator.brunel import preset, translate

SPIKEGATE = Path(sys.executable).with_name("spikegate")
NOBODY = """
import os, pwd, sys
def unknown(*_): raise KeyError("uid not found")
pwd.getpwuid = unknown
os.environ.pop("HOME", None)
from spikegate.cli import main
sys.exit(main(sys.argv[1:]))
"""
#: A working folder of somebody who is learning Python.
SHADOWS = ("random", "numpy", "subprocess", "wasmtime", "string", "typing", "tempfile", "cocotb")


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "net.spikegate"
    translate(preset("ai", n_exc=8, n_inh=2), name="small", ms=2.0).save(path)
    return path


def child(*command, cwd=None, **environment):
    changed = {name: str(value) for name, value in {**os.environ, **environment}.items() if value is not None}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=changed, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr.splitlines()


def test_an_install_and_a_home_that_cannot_be_written_leave_a_temporary_folder(tmp_path, network):
    place = installed(tmp_path / "site")
    (tmp_path / "tmp").mkdir()
    code = "import sys, spikegate.models as m; print(m.__file__); from spikegate.cli import main; sys.exit(main(sys.argv[1:]))"
    surroundings = {"PYTHONPATH": place, "HOME": "/proc", "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": None, "SPIKEGATE_CACHE": None,
                    "TMPDIR": tmp_path / "tmp"}
    said = child(sys.executable, "-P", "-c", code, "network", "verify", network, **surroundings)
    assert said == (0, f"{place}/spikegate/models/__init__.py\n{network}: ok, small, N=10, 20 steps, {Network.load(network).hash}\n", [])
    home = tmp_path / "tmp" / f"spikegate-{os.getuid()}"
    assert (home / ".cache").is_dir() and stat.S_IMODE(home.stat().st_mode) == 0o700
    # The control: where nothing stands in for HOME, the kernels have no place.
    unsettled = ("import sys; from pathlib import Path; from types import SimpleNamespace as S\n"
                 "sys.modules['spikegate.models.cache'] = S(settle=lambda: 0, cache_root=lambda: Path('/proc/x'))\n")
    code, _, err = child(sys.executable, "-P", "-c", unsettled + code, "network", "verify", network, **surroundings)
    assert code == 2 and "/proc/x" in err[-1], err


def test_without_home_and_an_entry_among_the_users_there_is_a_cache(tmp_path, network):
    for named, root in ((None, tmp_path / f"spikegate-{os.getuid()}" / ".cache" / "spikegate"), (tmp_path / "named", tmp_path / "named")):
        surroundings = {"XDG_CACHE_HOME": None, "SPIKEGATE_CACHE": named, "TMPDIR": tmp_path}
        code, out, err = child(sys.executable, "-P", "-c", NOBODY, "network", "verify", network, **surroundings)
        assert (code, err) == (0, []) and out.startswith(f"{network}: ok, small")
        asked = NOBODY.replace("from spikegate.cli import main", "from spikegate.models.cache import cache_root").replace("sys.exit", "print")
        assert child(sys.executable, "-P", "-c", asked.replace("main(sys.argv[1:])", "cache_root()"), **surroundings) == (0, f"{root}\n", [])
    control = NOBODY.replace("from spikegate.cli import main", "from pathlib import Path").replace("main(sys.argv[1:])", "Path.home()")
    assert "Could not determine home directory" in child(sys.executable, "-P", "-c", control)[2][-1]


@pytest.mark.parametrize("command", [["sim", "--ms", "2"], ["bitstream"]])
def test_a_named_cache_that_cannot_be_written_is_refused_first(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPIKEGATE_CACHE", "/proc/spikegate")
    code, said = cli.main([*command, "--out", str(tmp_path / "out")]), capsys.readouterr()
    assert code == 2 and said.out == "" and not (tmp_path / "out").exists()
    assert said.err == ("spikegate: Cache folder /proc/spikegate cannot be written (No such file or directory); "
                        "set SPIKEGATE_CACHE to a folder that can\n")


def test_with_no_folder_at_all_there_is_one_line(network):
    code = f"import tempfile; tempfile._candidate_tempdir_list = lambda: ['/proc']\n{NOBODY}"
    code, out, err = child(sys.executable, "-P", "-c", code, "network", "verify", network, XDG_CACHE_HOME=None, cwd="/proc")
    assert code == 2 and out == "" and len(err) == 1 and "Neither HOME nor a temporary folder can be written" in err[0]
    assert "set HOME or TMPDIR to a folder that can" in err[0]


def test_a_home_that_can_be_written_stays(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("SPIKEGATE_CACHE", raising=False)
    cache.settle()
    assert os.environ["HOME"] == str(tmp_path) and cache.cache_root() == tmp_path / ".cache" / "spikegate"
    monkeypatch.setenv("SPIKEGATE_CACHE", str(tmp_path / "mine"))
    assert cache.cache_root() == tmp_path / "mine"
    monkeypatch.setenv("SPIKEGATE_CACHE", "")
    assert cache.cache_root() == tmp_path / ".cache" / "spikegate"


def test_a_temporary_folder_of_somebody_else_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    theirs = tmp_path / f"spikegate-{os.getuid()}"
    theirs.mkdir(mode=0o777)
    theirs.chmod(0o777)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "/proc")
    cache.settle()
    home = Path(os.environ["HOME"])
    assert home.parent == tmp_path and home != theirs and list(theirs.iterdir()) == [] and stat.S_IMODE(home.stat().st_mode) == 0o700
    assert os.environ["XDG_CACHE_HOME"] == str(home / ".cache") and (home / ".cache").is_dir()


@pytest.fixture
def shadowed(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    for name in SHADOWS:
        (folder / f"{name}.py").write_text(f"raise SystemExit('the {name}.py of the working folder was imported')")
    return folder


SYNTHESIS = """
from spikegate.cosim.toolchain.synthesis import synthesise
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.numeric.lfsr import Lfsr
from spikegate.models.numeric.lfsr import LfsrParams
print(synthesise(to_verilog(Lfsr(LfsrParams(7, (7, 6))), "top"), "top", "ice40").cells["SB_DFFESR"])
"""


def test_files_in_the_working_folder_shadow_no_module(shadowed, network):
    code, out, err = child(SPIKEGATE, "sim", "--network", network, "--lanes", "3", "--out", "out", cwd=shadowed)
    print(out, *err, sep="\n")
    assert code in (0, 1) and "Traceback" not in "".join(err) and (shadowed / "out" / "report.json").exists()
    assert child(sys.executable, "-c", "import random", cwd=shadowed)[2] == ["the random.py of the working folder was imported"]  # the control


def test_files_in_the_working_folder_shadow_no_module_of_yosys(shadowed, tmp_path):
    """In an empty cache, so that it does run, and has to be compiled first."""
    code, out, err = child(sys.executable, "-P", "-c", SYNTHESIS, cwd=shadowed, SPIKEGATE_CACHE=tmp_path / "cache")
    assert (code, err) == (0, []) and int(out) > 0 and len(list((tmp_path / "cache").glob("*/finished"))) == 2


def test_a_cache_folder_that_cannot_be_written_is_bad_input(monkeypatch):
    monkeypatch.setenv("SPIKEGATE_CACHE", "/dev/null/x")
    with pytest.raises(InputError, match=r"^Cache folder /dev/null/x cannot be written \(Not a directory\); set SPIKEGATE_CACHE"):
        cache.cache_root()
