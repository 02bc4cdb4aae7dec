"""Scripts of Brian2 at the command line: checked, frozen, proved, refused; and run by Python as they are."""

import json
import subprocess
import sys

import pytest
from script_files import DEVICE, FACE, SCRIPT, run, write


def test_a_script_is_frozen_and_the_hardware_proved_on_it(tmp_path):
    done = run(tmp_path, FACE, "check", write(tmp_path, SCRIPT), "--save", "mine.spikegate")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert all(words in said for words in ("12 neurons, ", "300 steps of 0.1 ms would run", "spike-exact", "leak a step"))
    assert "spikes" not in done.stdout.replace("spike-exact", "").splitlines()[-1]
    (tmp_path / "beside.py").write_text(SCRIPT)
    again = run(tmp_path.parent, FACE, "check", write(tmp_path, "import beside"))
    assert again.returncode == 0 and "12 neurons, " in " ".join(again.stdout.split()), again.stderr
    proved = run(tmp_path, FACE, "sim", "--network", "mine.spikegate", "--out", "out")
    assert proved.returncode == 0 and "judged: RTL = golden" in proved.stderr, proved.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    rows = {row["parameter"]: row for row in report["quantisation"]}
    assert rows["neurongroup.tau_mem"]["asked"] == pytest.approx(8) and rows["neurongroup.threshold"]["asked"] == 1
    assert report["engines"]["golden"]["spikes"] > 20
    alone, ours = run(tmp_path, sys.executable, write(tmp_path, SCRIPT)), run(tmp_path, sys.executable, write(tmp_path, DEVICE + SCRIPT))
    assert alone.stdout == ours.stdout == f"spikes {report['engines']['golden']['spikes']}\n", alone.stderr + ours.stderr


@pytest.mark.parametrize(("text", "words"), [
    (SCRIPT.replace("(1.5 - v)", "v * v * (1.5 - v)").replace("exact", "euler"),
     "NeuronGroup 'neurongroup': 'dv/dt = v * v * (1.5 - v) / (8*ms) : 1 (unless refractory)' is not linear in v"),
    ("print('nothing')", "runs no network on this device"), ("import brian2\n1 / 0", "ends before it runs a network (ZeroDivisionError"),
    ("from brian2 import *\nset_device('cpp_standalone', build_on_run=False)\nrun(1*ms)", "runs no network on this device"),
    ("open('no such data')", "ends before it runs a network (FileNotFoundError"),
    ("raise SystemExit(3)", "ends before it runs a network (SystemExit: 3)"), (None, "cannot be read (No such file or directory)")])
def test_what_is_in_the_way_is_one_line_each_and_exit_code_2(text, words, tmp_path):
    path = tmp_path / "none.py" if text is None else write(tmp_path, text)
    done = run(tmp_path, FACE, "check", path, "--save", tmp_path / "net")
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert all(line.startswith("spikegate: ") for line in done.stderr.splitlines()) and not (tmp_path / "net").exists()


def test_a_format_that_does_not_hold_the_script_is_refused(tmp_path):
    done = run(tmp_path, FACE, "check", write(tmp_path, SCRIPT), "--format", "q1.8")
    assert done.returncode == 2 and "q1.8" in done.stderr and "Traceback" not in done.stderr


def test_a_refusal_in_a_script_is_one_line_and_no_traceback(tmp_path):
    done = run(tmp_path, sys.executable, write(tmp_path, DEVICE + SCRIPT.replace("v += w", "v *= w")))
    assert done.returncode == 1 and "depends on v, which changes" in done.stderr and "Traceback" not in done.stderr


def test_what_a_script_leaves_that_did_not_run_is_not_complained_of(tmp_path):
    """Brian2 would, when it is collected, long after the command has closed its streams."""
    (tmp_path / "stops.py").write_text("from brian2 import *\ncells = NeuronGroup(2, 'v : 1')\n1/0\n")
    code = ("import gc, spikegate.brian2 as s\nfrom spikegate.models.errors import InputError\nfrom brian2 import NeuronGroup\n"
            "try:\n    s.check('stops.py')\nexcept InputError as error:\n    print(error)\ngc.collect()\nprint('collected')\n"
            "forgotten = NeuronGroup(2, 'v : 1', name='forgotten')\ndel forgotten\ngc.collect()\n")
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "ZeroDivisionError" in done.stdout and "collected" in done.stdout and done.returncode == 0
    assert done.stderr.count("is getting deleted") == 1 and "'forgotten'" in done.stderr  # the control
