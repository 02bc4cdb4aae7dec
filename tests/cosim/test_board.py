"""Boards: clocks, what fits, the build from Amaranth to bits, and the fit report."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import board_fits
import leaf_sizes
import point_fits
import pytest

from spikegate import boards as face
from spikegate.cli import main
from spikegate.cosim.toolchain import board as flow
from spikegate.cosim.toolchain import board_fit as fits
from spikegate.gateware.link.board import platform
from spikegate.models.core import engine as golden
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.link.board import BETWEEN, BOARDS, board
from spikegate.models.link.device import distances
from spikegate.models.link.frames import Answer, Frame, encode
from spikegate.models.link.payloads import MAX_STEPS
from spikegate.models.link.uart import UartParams
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid

#: A core of 16 neurons: everything of a board's build but the size.
SMALL = dataclasses.replace(board("hx8k_evn"), n=16, lanes=1, store=32, clock_hz=24_000_000)


LARGE = {"lut": 83640, "ff": 83640, "bram": 208, "spram": 0, "dsp": 156}
#: Of Lattice's data sheets FPGA-DS-02008 (iCE40 UltraPlus), FPGA-DS-02029 (iCE40 LP/HX) and FPGA-DS-02012 (ECP5).
PARTS = {"iCE40UP5K": {"lut": 5280, "ff": 5280, "bram": 30, "spram": 4, "dsp": 8},
         "iCE40HX8K": {"lut": 7680, "ff": 7680, "bram": 32, "spram": 0, "dsp": 0}, "LFE5U-85F": LARGE, "LFE5UM5G-85F": LARGE}
PAGE = Path(__file__).parents[2] / "docs" / "fpga.md"


@pytest.mark.parametrize("name", BOARDS)
def test_parts_and_oscillators_are_those_of_amaranths_boards_and_capacities_those_of_the_data_sheets(name):
    spec, known = board(name), platform(board(name))
    assert spec.part.startswith(known.device) and known.package in spec.part and spec.name == name
    assert spec.oscillator_hz == known.default_clk_frequency
    assert spec.capacity == PARTS[known.device]


FITS = json.loads((PAGE.parent / "board_fits.json").read_text())
POINT_FITS = json.loads((PAGE.parent / "point_fits.json").read_text())


def test_the_table_of_the_fpga_page_is_that_of_the_reports():
    page = PAGE.read_text()
    assert page[page.index(board_fits.START):page.index(board_fits.END)].split("\n", 1)[1].strip() == board_fits.table(FITS)
    sizes = json.loads((PAGE.parent / "leaf_sizes.json").read_text())
    assert page[page.index(leaf_sizes.START):page.index(leaf_sizes.END)].split("\n", 1)[1].strip() == leaf_sizes.table(sizes)


@pytest.mark.parametrize("fit", FITS, ids=lambda fit: f"{fit['board']}-{fit['format']}")
def test_reports_on_the_fpga_page_are_of_the_boards_as_they_are_and_of_what_their_networks_do(fit):
    """All but what the tools say of cells and frequency."""
    spec = board(fit["board"]).of(QFormat.parse(fit["format"]))
    network = face.network_for(spec, fit["format"])
    assert [fit[key] for key in ("part", "n", "lanes", "banks", "clock_hz", "baud", "seed")] == [
        spec.part, spec.n, spec.lanes, spec.banks, spec.clock_hz, spec.baud, 1]
    assert fit.get("overlap", False) == spec.overlap
    assert {kind: entry["available"] for kind, entry in fit["utilisation"].items()}.items() <= spec.capacity.items()
    assert all(entry["used"] <= entry["available"] for entry in fit["utilisation"].values()) and fit["clock_met"] and fit["fmax_hz"] >= spec.clock_hz
    assert fit["network"] == {"name": "ai", "hash": network.hash, "steps": 10_000}
    recording = golden.run(network)
    cycles = golden.predict_cycles(network, recording, spec.lanes, batch=spec.batch, **spec.options) / 10_000
    sent = fits.event_bytes(recording) / 10_000
    steps = spec.clock_hz / (cycles + spec.between)
    assert (spec.batch, spec.between) == ((MAX_STEPS, 0) if spec.overlap and not spec.store else (1, BETWEEN))
    expected = {"cycles_per_step": cycles, "cycles_between_steps": spec.between, "steps_per_s": steps, "real_time_factor": steps * 1e-4,
                "bytes_per_step": sent, "real_time_factor_read": min(steps, spec.clock_hz / spec.line.divisor / 10 / sent) * 1e-4}
    assert {key: fit[key] for key in expected} == pytest.approx(expected)
    assert fit.get("real_time_factor_counted") is None
    if (fit["board"], fit["format"]) == ("ulx3s_85f", "q8.8"):  # 2,048 bytes of counts, 128 of them in a frame of 135, once in 65,535 steps
        counted = fits.counted_factor(dataclasses.replace(spec, counts=True), steps, 100_000)
        assert counted == pytest.approx(6.5535 / (65_535 / steps + 16 * 135 * 10 * 22 / 43.75e6))
        assert f"{counted:.0f} times real time with" in PAGE.read_text()


@pytest.mark.parametrize("fit", POINT_FITS, ids=lambda fit: f"{fit['board']}-{fit['network']['name']}")
def test_reports_of_point_cores_are_of_their_networks_and_what_these_do(fit):
    network = point_fits.network(fit["network"]["name"])
    spec = board(fit["board"]).of_points(network.n, fit["lanes"])
    assert (fit["network"], fit["n"], fit["clock_hz"], fit["format"]) == (
        {"name": network.name, "hash": network.hash, "steps": network.steps}, network.n, spec.clock_hz, "point neurons")
    assert fit["clock_met"] and fit["fmax_hz"] >= fit["clock_hz"] and all(each["used"] <= each["available"] for each in fit["utilisation"].values())
    recording, cycles = fits.measured(spec, network)
    sent = fits.event_bytes(recording) / network.steps
    steps = spec.clock_hz / (cycles + BETWEEN)
    assert fit["cycles_per_step"] == pytest.approx(cycles) and fit["real_time_factor"] == pytest.approx(steps * 1e-4)
    assert fit["real_time_factor_read"] == pytest.approx(min(steps, spec.clock_hz / spec.line.divisor / 10 / sent) * 1e-4)
    page = PAGE.read_text()
    assert page[page.index(point_fits.START):page.index(point_fits.END)].split("\n", 1)[1].strip() == point_fits.table(POINT_FITS)


def test_every_board_is_on_the_fpga_page_and_its_figures_of_runs_are_the_models():
    page = PAGE.read_text()
    assert {fit["board"] for fit in FITS} == set(BOARDS) and f"{fits.MULTIPLIER_NS:.1f} ns" in page
    network = translate(preset("ai", n_exc=205, n_inh=51, weight_exc=2.0, delay=0.5), QFormat(16, 8), ms=100.0)
    recording = golden.run(network)
    assert f"{len(recording.spikes):,} spikes" in page and f"{golden.predict_cycles(network, recording, 1, store=16, walk=True):,}" in page
    network = translate(preset("ai"), QFormat(16, 8), ms=50.0)
    recording = golden.run(network)
    assert f"500 steps of `ai`, {len(recording.spikes):,} spikes" in page
    for lanes, options in ((2, {"store": 64, "walk": True}), (32, {"walk": True, "banks": 8})):
        assert f"{golden.predict_cycles(network, recording, lanes, **options):,}" in page


def test_the_bytes_of_a_step_on_the_line_are_those_of_its_frames():
    recording = golden.run(translate(preset("ai"), QFormat(16, 8), ms=50.0))
    data = b"".join(distances(recording.spikes[recording.spikes[:, 0] == step, 1].tolist()) for step in range(500))
    frames = [encode(Frame(Answer.DATA, 0, data[at:at + 128].ljust(128, b"\0"))) for at in range(0, len(data), 128)]
    assert fits.event_bytes(recording) == pytest.approx(sum(map(len, frames)), rel=0.05) and len(data) > 2500


def test_formats_of_more_than_16_bits_take_four_banks_on_an_ecp5():
    assert [board(name).of(QFormat(width, 8)).banks for name in ("ulx3s_85f", "ecpix5_85f") for width in (16, 17, 28)] == [8, 4, 4] * 2
    assert board("hx8k_evn").of(QFormat(28, 12)) == board("hx8k_evn")


def test_stochastic_synapses_are_refused():
    network = translate(preset("ai", n_exc=13, n_inh=3, weight_exc=2.0), ms=1.0)
    SMALL.check(network)
    with pytest.raises(InputError, match="Stochastic synapses have no core on a board yet; use variant v3"):
        SMALL.check(hybrid(network, "v4"))


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_a_core_and_a_line_for_both_formats(name):
    spec = board(name)
    for format, banks in (("q8.8", spec.banks), ("q16.12", spec.wide.get("banks", spec.banks))):
        network = face.network_for(spec, format)
        g = flow.geometry(spec.of(network.lif.format), network)
        assert (g.lanes, g.banks, g.options["walk"], g.format) == (spec.lanes, banks, True, network.lif.format)
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


@pytest.mark.parametrize("name, cells, bits, expected", [
    ("icebreaker", {"ICESTORM_LC": 4000, "ICESTORM_RAM": 29, "ICESTORM_SPRAM": 4, "ICESTORM_DSP": 7}, "top.bin",
     {"lut": 4000, "bram": 29, "spram": 4, "dsp": 7}),
    ("ulx3s_85f", {"TRELLIS_COMB": 50_000, "TRELLIS_FF": 20_000, "DP16KD": 200, "MULT18X18D": 40}, "top.bit",
     {"lut": 50_000, "ff": 20_000, "bram": 200, "dsp": 40})])
def test_the_fit_report_has_what_nextpnr_counted_and_the_slowest_clock(name, cells, bits, expected, tmp_path):
    """Known values in every column; a clock above the oscillator's and below the one asked for is not met."""
    spec, network = board(name), translate(preset("ai", n_exc=32, n_inh=8, weight_exc=2.0), ms=1.0)
    spec = dataclasses.replace(spec, n=40)
    (tmp_path / bits).write_bytes(b"bits")

    def report(*achieved):
        found = {"utilization": {cell: {"used": used, "available": 2 * used} for cell, used in cells.items()},
                 "fmax": {str(k): {"achieved": mhz, "constraint": 1.0} for k, mhz in enumerate(achieved)},
                 "critical_paths": [{"from": start, "to": end, "path": [{"delay": 5.0}]} for start, end in (("posedge 0", "a"), ("a", "posedge 0"))]}
        (tmp_path / "nextpnr.json").write_text(json.dumps(found))
        return fits.fit(spec, network, tmp_path, {"synthesis": 1.5}, seed=3)

    asked = spec.clock_hz / 1e6
    met = report(asked + 2, asked + 0.5)
    assert met["utilisation"] == {kind: {"used": used, "available": 2 * used} for kind, used in expected.items()}
    assert (met["seed"], met["stages_s"], met["bitstream"], met["fmax_hz"]) == (3, {"synthesis": 1.5}, bits, round((asked + 0.5) * 1e6))
    assert met["sha256"] == hashlib.sha256(b"bits").hexdigest() and met["clock_hz"] == spec.clock_hz and met["clock_met"]
    assert met["steps_per_s"] == pytest.approx(spec.clock_hz / (met["cycles_per_step"] + spec.between))
    assert met["real_time_factor"] == pytest.approx(met["steps_per_s"] * 1e-4)
    line = spec.clock_hz / spec.line.divisor / 10 / met["bytes_per_step"]  # is slower than the core
    assert met["real_time_factor_read"] == pytest.approx(line * 1e-4) and line < met["steps_per_s"]
    spec = dataclasses.replace(spec, lanes=1, banks=1, overlap=False, baud=spec.clock_hz // 3)
    fast = report(asked)  # of the line
    assert fast["real_time_factor_read"] == fast["real_time_factor"] < spec.clock_hz / 3 / 10 / fast["bytes_per_step"] * 1e-4
    assert spec.oscillator_hz < spec.clock_hz
    missed = report(asked + 2, (spec.oscillator_hz + spec.clock_hz) / 2e6)
    assert not missed["clock_met"] and missed["fmax_hz"] > spec.oscillator_hz


def test_a_core_that_is_too_large_says_what_does_not_fit_and_leaves_nothing(tmp_path):
    large = dataclasses.replace(SMALL, n=600)  # 600 rows of 20 words take more than 32 block RAMs
    with pytest.raises(SpikegateError, match=r"(?s)Build for iCE40-HX8K breakout failed.*ICESTORM_RAM|no BELs|nable to place"):
        flow.build(large, flow.geometry(large, face.network_for(large)), tmp_path / "large")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_build_that_is_stopped_leaves_no_process_and_no_file(tmp_path):
    code = ("import pathlib, sys; from spikegate import boards; from spikegate.cosim.toolchain import board\n"
            "from spikegate.models.link.board import BOARDS\n"
            "spec = BOARDS['icebreaker']; network = boards.network_for(spec)\n"
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
def test_the_same_seed_gives_the_same_bits_and_another_one_others(tmp_path):
    bits = []
    for seed in (1, 1, 2):
        flow.build(SMALL, flow.geometry(SMALL, face.network_for(SMALL)), tmp_path / "small", seed=seed)
        bits.append((tmp_path / "small" / "top.bin").read_bytes())
    assert bits[0] == bits[1] != bits[2]
