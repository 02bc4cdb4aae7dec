"""NIR graphs at the command line: every node named, frozen, and the hardware proved on what was frozen."""

import json

import nir
import numpy as np
import pytest
from command import run as command
from script_files import FACE, run

from spikegate.models.errors import InputError
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.nir import freeze, reading
from spikegate.translator.nir.formats import Formats
from studies.classifier import GRAPH, batch, with_clear
from studies.digits import digits


def test_check_names_every_node_and_what_becomes_of_it(tmp_path):
    done = run(tmp_path, FACE, "check", GRAPH)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "42 neurons, " in said and "4 of 6 nodes are quantised, the others exact" in said
    assert said.count("Affine") == 2 and said.count("LIF") >= 2 and "each product of a step is rounded" in said
    assert "step t of the graph is step t + 2 of the network" in said


def test_a_graph_is_frozen_and_the_hardware_proved_on_it(tmp_path):
    cleared, own = with_clear(nir.read(GRAPH))
    nir.write(tmp_path / "cleared.nir", cleared)
    np.savez(tmp_path / "spikes.npz", **batch(digits().spikes[:6], own))
    done = run(tmp_path, FACE, "network", "from-nir", "cleared.nir", "--out", "net", "--inputs", "spikes.npz", "--format", "q2.6")
    assert done.returncode == 0 and "net: " in done.stdout, done.stderr
    proved = run(tmp_path, FACE, "sim", "--network", "net", "--lanes", "8", "--out", "out")
    assert proved.returncode == 0 and "judged: RTL = golden" in proved.stderr, proved.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())["engines"]["golden"]["spikes"] > 6 * 42


@pytest.mark.parametrize("words, given", [
    ([], dict(dt=1e-4, steps=None, inputs=None, method="euler", integrators="step", reset="value", formats=None)),
    (["--dt", "0.001", "--steps", "7", "--method", "exact", "--integrators", "seconds", "--reset", "subtract", "--format", "q2.6",
      "--current-format", "q4.8"], dict(dt=1e-3, steps=7, inputs=None, method="exact", integrators="seconds", reset="subtract",
                                        formats=Formats(QFormat(8, 6), QFormat(12, 8)))),
    (["--current-format", "q4.8"], dict(dt=1e-4, steps=None, inputs=None, method="euler", integrators="step", reset="value",
                                        formats=Formats(current_format=QFormat(12, 8))))])
def test_every_option_reaches_the_graph(words, given, tmp_path, capsys, monkeypatch):
    asked = []

    def frozen(graph, **options):
        asked.append((graph, options))
        raise InputError("no further")

    monkeypatch.setattr(reading, "read", lambda path: path)
    monkeypatch.setattr(freeze, "from_nir", frozen)
    assert command(capsys, "network", "from-nir", "a.nir", "--out", tmp_path / "net", *words)[::2] == (2, ["spikegate: no further"])
    assert command(capsys, "check", "b.nir", *(word for word in words if word not in ("--steps", "7")))[::2] == (2, ["spikegate: no further"])
    assert asked == [("a.nir", given), ("b.nir", {**given, "steps": 1})]


@pytest.mark.parametrize(("words", "line"), [
    (["check", "none.nir"], "NIR file none.nir cannot be read (No such file or directory)"),
    (["check", GRAPH, "--beside"], "--beside runs a Brian2 script, and this is a NIR graph"),
    (["check", "mine.py", "--dt", "0.01"], "--dt is of a NIR graph, and mine.py is a Brian2 script; leave it out"),
    (["check", GRAPH, "--save", "net"], "--save needs the length of a run"), (["check", GRAPH, "--dt", "0.01"], "shorter than a step of 0.01 s"),
    (["check", GRAPH, "--format", "q9"], "Format must be written qM.N"), (["check", GRAPH, "--reset", "zero"], "reset must be value or subtract"),
    (["network", "from-nir", GRAPH, "--out", "net"], "steps must be 1 or more"),
    (["network", "from-nir", GRAPH, "--out", "net", "--inputs", GRAPH], "it holds no arrays"),
    (["network", "from-nir", GRAPH, "--out", "no/net", "--steps", "5"], "no/net")])
def test_what_is_in_the_way_is_said_and_exit_code_2(words, line, tmp_path):
    done = run(tmp_path, FACE, *words)
    assert done.returncode == 2 and line in done.stderr, done.stderr
    assert all(each.startswith("spikegate: ") for each in done.stderr.splitlines()) and not (tmp_path / "net").exists()
