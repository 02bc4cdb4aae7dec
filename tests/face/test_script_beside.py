"""A script of Brian2 run by its floats and on the device, at the command line, and what is said of the two."""

import numpy as np
from script_files import FACE, SCRIPT, run, write

from spikegate.beside import Beside, _first, said


def test_a_script_is_set_beside_brian2(tmp_path):
    (tmp_path / "here").touch()  # a script finds its files where the user stands
    text = SCRIPT.replace("run(30*ms)", "states = StateMonitor(cells, 'v', record=True)\nopen('here').close()\nrun(30*ms)")
    done = run(tmp_path, FACE, "check", write(tmp_path, text), "--beside")
    assert done.returncode == 0, done.stderr
    words = " ".join(done.stdout.split())
    assert "spikemonitor: spikes " in words and "every spike equal" in words and "statemonitor: mean of v " in words


def test_a_narrow_format_is_noticed(tmp_path):
    done = run(tmp_path, FACE, "check", write(tmp_path, SCRIPT), "--beside", "--format", "q4.4")
    assert done.returncode == 0 and "first difference at " in " ".join(done.stdout.split()), done.stderr


def test_the_first_difference_is_the_first():
    one = {"i": np.array([1, 2, 0]), "t": np.array([0.1, 0.2, 0.3])}
    other = {"i": np.array([1, 2, 3]), "t": np.array([0.1, 0.25, 0.3])}
    assert _first(one, one) is None and _first(one, other) == (200.0, 2)
    assert said(Beside("m", True, {"spikes": 3.0}, {"spikes": 3.0}, (200.0, 2), 0.0)) == "m: spikes 3 and 3; first difference at 200 ms, neuron 2"
