"""The gallery: every script has a title, a picture and an assertion that it can fail by, and imports what users may import; all of them run."""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
SCRIPTS = sorted(EXAMPLES.glob("plot_*.py"))
QUICK = ("plot_first_divergence", "plot_stochastic_synapse")
#: Seconds of processor time that a script may take, what it compiles included.
MOST_S = 60
#: Runs a script as a user does, and fails unless it leaves a picture with something drawn on labelled axes.
RUN = """
import resource, runpy, sys, matplotlib.pyplot as plt
runpy.run_path(sys.argv[1], run_name="__main__")
drawn = [axes for number in plt.get_fignums() for axes in plt.figure(number).axes if axes.has_data()]
assert drawn and any(axes.get_xlabel() for axes in drawn) and any(axes.get_ylabel() for axes in drawn), "no picture"
print("seconds", sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""


def faults(text):
    """What a script of the gallery lacks."""
    tree, found = ast.parse(text), []
    lines = (ast.get_docstring(tree) or "").splitlines()
    if len(lines) < 4 or lines[1] != "=" * len(lines[0]) or lines[2]:
        found.append("a title, underlined, and an introduction")
    if "\n# %%\n" not in text:
        found.append("blocks")
    if "plt.show()" not in text:
        found.append("a picture")
    if not any(isinstance(node, ast.Assert) and any(isinstance(part, ast.Name) for part in ast.walk(node.test)) for node in tree.body):
        found.append("an assertion of a value")
    if not 25 <= sum(1 for line in text.splitlines() if line.strip()) <= 90:
        found.append("25 to 90 lines")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "spikegate":
            public = importlib.import_module(node.module).__all__
            found += [f"{node.module}.{alias.name} to be public" for alias in node.names if alias.name not in public]
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            found.append(f"no private name {node.attr}")
    return found


def run(script):
    """Seconds of processor time that it took."""
    done = subprocess.run([sys.executable, "-P", "-W", "error::DeprecationWarning:__main__", "-c", RUN, script], capture_output=True, text=True,
                          env={**os.environ, "MPLBACKEND": "Agg"})
    assert done.returncode == 0, done.stderr
    return float(done.stdout.rsplit("seconds", 1)[1])


def test_there_is_a_gallery_and_its_page():
    title, underline, *text = (EXAMPLES / "README.txt").read_text().splitlines()
    assert len(SCRIPTS) >= 12 and underline == "=" * len(title) and any(text)
    assert sorted(EXAMPLES.glob("*.py")) == SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_has_title_picture_and_assertion_and_imports_public_names(script):
    assert faults(script.read_text()) == []


@pytest.mark.parametrize("old, new, lack", [
    ("=====", "----", "a title"), ("# %%", "#", "blocks"), ("plt.show()", "", "a picture"), ("assert ", "", "an assertion"),
    ("import describe", "import describe, _same_run", "to be public"), ("check.ok", "check._ok", "no private name"),
    ("plt.show()", "plt.show()\n" + 90 * "x = 1\n", "25 to 90 lines")])
def test_what_a_script_lacks_is_seen(old, new, lack):
    text = (EXAMPLES / "plot_first_divergence.py").read_text()
    assert old in text and any(each.startswith(lack) or each.endswith(lack) for each in faults(text.replace(old, new)))


@pytest.mark.parametrize("name", [pytest.param(script.stem, marks=() if script.stem in QUICK else pytest.mark.long) for script in SCRIPTS])
def test_a_script_runs_to_its_end(name):
    assert run(EXAMPLES / f"{name}.py") < MOST_S


@pytest.mark.parametrize("ending, said", [("assert 1 > 2", "AssertionError"), ("plt.close('all')", "no picture")])
def test_a_script_that_claims_what_is_not_so_or_draws_nothing_fails(tmp_path, ending, said):
    script = tmp_path / "plot_wrong.py"
    script.write_text(f"import matplotlib.pyplot as plt\nplt.plot([1])\nplt.xlabel('a')\nplt.ylabel('b')\n{ending}\n")
    with pytest.raises(AssertionError, match=said):
        run(script)
