"""Runs and lines that are legal or nearly so, and that few make: names in other encodings, runs of one step, arguments in the wrong place."""

import io
import os

import numpy as np
import pytest
from command import SMALL, run

from spikegate.cosim.results.figure import figure
from spikegate.models.errors import InputError
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate

SCRIPT = """from brian2 import *
cells = NeuronGroup(3, "dv/dt = (2 - v) / (5*ms) : 1", threshold="v > 1", reset="v = 0", method="exact", name="some_cells_with_a_long_name_indeed")
Network(cells).run(2*ms)
"""


def test_a_folder_whose_name_is_no_utf_8_is_named_in_the_page_and_a_defect_that_changes_nothing_is_warned_of(capsys, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    code, _, err = run(capsys, "sim", *SMALL, "--lanes", 10, "--ms", 0.1, "--sabotage", "delay", "--out", folder)
    assert code == 0 and b"caf\xe9" in (folder / "report.html").read_bytes()
    assert "spikegate: WARNING: the defect delay of the golden model makes no difference in this run; run for longer, or choose another defect" in err


@pytest.mark.parametrize(("line", "program"), [(["network", "run", "x.spikegate"], "network run"), (["sim", "--lanse", "3"], "sim"),
                                               (["network", "--lanse", "verify", "x"], "network")])
def test_an_argument_that_a_command_does_not_know_leads_to_its_own_help(capsys, line, program):
    code, _, err = run(capsys, *line)
    assert code == 2 and len(err) == 1 and err[0].endswith(f"; see `spikegate {program} --help`")


def test_seeds_of_a_check_need_a_run_beside(capsys, tmp_path):
    (tmp_path / "s.py").write_text(SCRIPT)
    for name in ("s.py", "s.nir"):
        code, out, err = run(capsys, "check", tmp_path / name, "--seeds", "3")
        assert code == 2 and out == "" and len(err) == 1 and err[0].startswith("spikegate: --seeds 3 is of"), err


def test_what_check_saves_is_one_line_however_long(capsys, tmp_path):
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    (tmp_path / "s.py").write_text(SCRIPT)
    code, out, _ = run(capsys, "check", tmp_path / "s.py", "--save", folder / "s.spikegate")
    first, *_, last = out.splitlines()
    assert code == 0 and last.startswith(f"{folder / 's.spikegate'}: ") and len(last) > 200
    assert first.endswith("spike-exact on the same integers")


def test_a_run_of_one_step_is_drawn_as_points(monkeypatch, tmp_path):
    drawn, network = [], translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), ms=0.1)
    monkeypatch.setattr("matplotlib.backends.backend_agg.FigureCanvasAgg.print_png",
                        lambda canvas, part: None if isinstance(part, io.BytesIO) else (drawn.append(canvas.figure), open(part, "wb").close()))
    rtl = Recording("rtl", 20, 1, [], trace={"v": np.ones((1, 20), np.int64)})
    figure({"rtl": rtl, "golden": rtl, "brian2_float": rtl}, network, tmp_path / "sim.png")
    lines = [line for at in (1, 2) for line in drawn[0].axes[at].lines if len(line.get_xdata()) == 1]
    assert len(lines) == 5 and {line.get_marker() for line in lines} == {"o"} and drawn[0].get_suptitle().endswith("1 step of 0.1 ms")


def test_lanes_of_a_sweep_need_the_rtl(capsys, tmp_path):
    code, _, err = run(capsys, "sweep", "--ms", "1", "--lanes", "3", "--out", tmp_path / "sweep")
    assert code == 2 and err == ["spikegate: --lanes 3 is of the RTL, and --engine is golden; leave it out, or give --engine rtl"]


def test_a_recording_that_cannot_be_written_names_its_own_path_alone(tmp_path):
    rtl, path = Recording("rtl", 2, 3, []), tmp_path / "none" / "x"
    for write in (rtl.save, lambda path: rtl.to_csv(path, 0.1)):
        with pytest.raises(InputError, match=rf"^(File|Recording) {path} cannot be written \(No such file or directory\); choose another folder$"):
            write(path)
