"""Boards: clocks, what fits, the build from Amaranth to bits, and the fit report."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spikegate import bitstream as face
from spikegate.cli import main
from spikegate.cosim import board as flow
from spikegate.models import core as golden
from spikegate.models.board import BOARDS, Pll, board
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.uart import UartParams

#: A core of 16 neurons: everything of a board's build but the size.
SMALL = dataclasses.replace(board("hx8k_evn"), n=16, lanes=1, store=32, clock_hz=24_000_000)


@pytest.mark.parametrize("spec", BOARDS.values(), ids=str)
def test_every_pll_makes_the_clock_that_is_stated(spec):
    pll = spec.pll
    assert spec.oscillator_hz * pll.feedback == spec.clock_hz * pll.reference * pll.output
    inside = spec.oscillator_hz * pll.feedback / pll.reference
    assert (533e6 if spec.family == "ice40" else 400e6) <= inside <= (1066e6 if spec.family == "ice40" else 800e6)


def test_an_hx8k_at_36_mhz_by_hand():
    assert Pll.of("ice40", 12_000_000, 36_000_000) == Pll(reference=1, feedback=48, output=16)  # 576 MHz inside


@pytest.mark.parametrize("family, output", [("ice40", 16_100_000), ("ecp5", 51_234_567)])
def test_a_clock_that_no_pll_makes_is_refused(family, output):
    with pytest.raises(InputError, match=f"Clock of {output / 1e6:g} MHz cannot be made from 12 MHz by the PLL of an {family}"):
        Pll.of(family, 12_000_000, output)


@pytest.mark.parametrize("n, message", [
    (1200, "N=1200 is larger than the 1000 neurons that fit the iCEBreaker"), (900, "N=900 needs a core of its own size, and the iCEBreaker has")])
def test_a_network_of_another_size_is_refused(n, message):
    spec = board("icebreaker")
    with pytest.raises(InputError, match=message):
        flow.geometry(spec, face.network_for(dataclasses.replace(spec, n=n)))


@pytest.mark.parametrize("spec", BOARDS.values(), ids=str)
def test_every_board_has_a_core_and_a_line_for_both_formats(spec):
    for name, banks in (("q8.8", spec.banks), ("q16.12", spec.wide.get("banks", spec.banks))):
        network = face.network_for(spec, name)
        g = flow.geometry(spec.of(network.lif.format), network)
        assert (g.lanes, g.banks, g.walk, g.format) == (spec.lanes, banks, True, network.lif.format)
    assert UartParams(spec.clock_hz, spec.baud).divisor >= 3


def test_an_unknown_board_is_refused_with_the_list(capsys):
    assert main(["bitstream", "--board", "icebraker"]) == 2
    said = capsys.readouterr().err
    assert "did you mean icebreaker?" in said and all(name in said for name in BOARDS)


def test_a_board_without_a_bitstream_is_not_programmed(tmp_path, capsys):
    assert main(["program", "--board", "hx8k_evn", "--out", str(tmp_path)]) == 1
    assert "make it with: make bitstream BOARD=hx8k_evn" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        flow.build(SMALL, flow.geometry(SMALL, face.network_for(SMALL)), tmp_path / "file" / "board")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder, network and stage times of a small core's build."""
    folder, network, lines = tmp_path_factory.mktemp("boards") / "small", face.network_for(SMALL), []
    seconds = flow.build(SMALL, flow.geometry(SMALL, network), folder, say=lines.append)
    assert [line.split()[0] for line in lines] == ["elaborated", "synthesis", "placing", "packing"]
    return folder, network, seconds


def test_a_small_core_goes_all_the_way_to_bits(built):
    folder, network, seconds = built
    report = flow.fit(SMALL, network, folder, seconds, seed=1)
    assert json.loads(json.dumps(report)) == report
    assert 500 < report["utilisation"]["lut"]["used"] < report["utilisation"]["lut"]["available"] == SMALL.capacity["lut"]
    assert 0 < report["utilisation"]["bram"]["used"] <= report["utilisation"]["bram"]["available"] == SMALL.capacity["bram"]
    assert report["clock_met"] and report["fmax_hz"] >= SMALL.clock_hz
    assert (folder / "top.bin").stat().st_size > 100_000 and len(report["sha256"]) == 64
    recording = golden.run(network)
    cycles = golden.predict_cycles(network, recording, 1, store=32, walk=True)
    assert report["cycles_per_step"] == cycles / network.steps
    assert report["real_time_factor"] == pytest.approx(SMALL.clock_hz / report["cycles_per_step"] * 1e-4)
    assert "real-time factor" in [str(cell) for cell in face.table(report).columns[0].cells][-1]


def test_a_core_that_is_too_large_says_what_does_not_fit_and_leaves_nothing(tmp_path):
    large = dataclasses.replace(SMALL, n=600)  # 600 rows of 20 words take more than 32 block RAMs
    with pytest.raises(SpikegateError, match=r"(?s)Build for iCE40-HX8K breakout failed.*ICESTORM_RAM|no BELs|nable to place"):
        flow.build(large, flow.geometry(large, face.network_for(large)), tmp_path / "large")
    assert list(tmp_path.iterdir()) == []


def test_a_build_that_is_stopped_leaves_no_process_and_no_file(tmp_path):
    code = ("import pathlib, sys; from spikegate import bitstream; from spikegate.cosim import board; from spikegate.models.board import BOARDS\n"
            "spec = BOARDS['icebreaker']; network = bitstream.network_for(spec)\n"
            "board.build(spec, board.geometry(spec, network), pathlib.Path(sys.argv[1]) / 'board', say=lambda line: print(line, flush=True))")
    inside = lambda: [path for path in Path("/proc").glob("[0-9]*/cwd") if os.path.realpath(path).startswith(f"{tmp_path}/")]  # noqa: E731
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith("elaborated") and process.stdout.readline() == "synthesis ...\n"
        deadline = time.monotonic() + 20
        while not [log for log in tmp_path.glob(".board-*/top.rpt") if log.stat().st_size] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(inside()) == 2, "the shell and Yosys, which is at work"
        process.terminate()
        assert process.wait(20) == 143
    time.sleep(0.2)
    assert inside() == [] and list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_the_same_seed_gives_the_same_bits_and_another_one_others(built, tmp_path):
    folder, network, _ = built
    for seed, same in ((1, True), (2, False)):
        flow.build(SMALL, flow.geometry(SMALL, network), tmp_path / str(seed), seed=seed)
        assert ((tmp_path / str(seed) / "top.bin").read_bytes() == (folder / "top.bin").read_bytes()) == same
