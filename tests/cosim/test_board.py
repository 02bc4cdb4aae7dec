"""Boards: clocks, what fits, the build from Amaranth to bits, and the fit report."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spikegate import boards as face
from spikegate.cli import main
from spikegate.cosim.toolchain import board as flow
from spikegate.gateware.link.board import platform
from spikegate.models.core import engine as golden
from spikegate.models.errors import InputError, SpikegateError
from spikegate.models.link.board import BOARDS, Pll, board
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


def test_cores_and_clocks_are_those_of_the_fpga_page():
    """N, lanes, banks and MHz; a board that is not in its table has the core of one with a part alike."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.read_text().splitlines()]
    found = {}
    for title, part, n, lanes, format, *_, clock, _, _ in [row for row in rows if len(row) == 12 and row[2].isdigit()]:
        named, = [spec for spec in BOARDS.values() if spec.title.endswith(title) and spec.part.startswith(part.replace(" ", "") + "-")]
        spec, (lanes, banks) = named.of(QFormat.parse(format.lower())), (int(text.split()[0]) for text in [*lanes.split(","), "1"][:2])
        assert (spec.n, spec.lanes, spec.banks, spec.clock_hz) == (int(n), lanes, banks, float(clock.split(",")[0]) * 1e6)
        found[tuple(spec.capacity.values())] = named
    assert len(found) >= 3
    for spec in BOARDS.values():
        alike = found[tuple(spec.capacity.values())]
        assert all(getattr(spec, name) == getattr(alike, name) for name in ("n", "lanes", "banks", "store", "wide", "baud", "options"))


def test_formats_of_more_than_16_bits_take_four_banks_on_an_ecp5():
    assert [board(name).of(QFormat(width, 8)).banks for name in ("ulx3s_85f", "ecpix5_85f") for width in (16, 17, 28)] == [8, 4, 4] * 2
    assert board("hx8k_evn").of(QFormat(28, 12)) == board("hx8k_evn")


@pytest.mark.parametrize("width", [16, 28])
@pytest.mark.parametrize("name", BOARDS)
def test_every_pll_makes_the_clock_that_is_stated(name, width):
    spec = board(name).of(QFormat(width, 8))
    pll = spec.pll
    assert spec.oscillator_hz * pll.feedback == spec.clock_hz * pll.reference * pll.output
    inside = spec.oscillator_hz * pll.feedback / pll.reference
    assert (533e6 if spec.family == "ice40" else 400e6) <= inside <= (1066e6 if spec.family == "ice40" else 800e6)


@pytest.mark.parametrize("name", BOARDS)
def test_every_bit_rate_is_one_of_the_usb_converters(name):
    """FTDI's divide 12 MHz by a whole number."""
    assert 12e6 % board(name).baud == 0


#: Input and output in MHz, and reference, feedback and output; None if the part cannot make it. iCE40: comparator 10 to 133 MHz, oscillator 533 to
#: 1066, dividers 16, 64 and 2 to 64. ECP5: 3.125 to 400 and 400 to 800 MHz, 128, 80 and 128.
PLLS = {
    "ice40": [
        (10, 320, (1, 64, 2)), (10, 325, None), (9, 288, None), (133, 332.5, (1, 5, 2)), (134, 335, (2, 10, 2)), (13, 266.5, (1, 41, 2)),
        (14, 266, None), (82, 533, (1, 13, 2)), (97, 533.5, None), (160, 275, (16, 55, 2)),
        (170, 275, None), (12, 9, (1, 48, 64)), (12, 4.5, None), (12, 144, (1, 48, 4)), (12, 72, (1, 48, 8)), (12, 576, None), (20, 45, (1, 36, 16))],
    "ecp5": [
        (3.125, 3.125, (1, 128, 128)), (3, 150, None), (4, 320, (1, 160, 2)), (4, 324, None), (400, 400, (1, 1, 1)), (401, 401, (2, 2, 1)),
        (100, 100, (1, 4, 4)), (133, 133, (1, 4, 4)), (100, 400, (1, 4, 1)), (100, 800, (1, 8, 1)), (89, 801, None),
        (400, 240.625, (128, 154, 2)), (516, 308, None), (25, 37.5, (2, 33, 11)), (100, 37.5, (8, 33, 11))],
}


@pytest.mark.parametrize("family, line", [(family, line) for family, lines in PLLS.items() for line in lines])
def test_plls_at_the_limits_of_the_data_sheets(family, line):
    *clocks, expected = line
    clocks = [round(clock * 1e6) for clock in clocks]
    if expected:
        assert Pll.of(family, *clocks) == Pll(*expected)
    else:
        with pytest.raises(InputError, match="cannot be made"):
            Pll.of(family, *clocks)


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
                 "fmax": {str(k): {"achieved": mhz, "constraint": 1.0} for k, mhz in enumerate(achieved)}}
        (tmp_path / "nextpnr.json").write_text(json.dumps(found))
        return flow.fit(spec, network, tmp_path, {"synthesis": 1.5}, seed=3)

    asked = spec.clock_hz / 1e6
    met = report(asked + 2, asked + 0.5)
    assert met["utilisation"] == {kind: {"used": used, "available": 2 * used} for kind, used in expected.items()}
    assert (met["seed"], met["stages_s"], met["bitstream"], met["fmax_hz"]) == (3, {"synthesis": 1.5}, bits, round((asked + 0.5) * 1e6))
    assert met["sha256"] == hashlib.sha256(b"bits").hexdigest() and met["clock_hz"] == spec.clock_hz and met["clock_met"]
    assert met["steps_per_s"] == pytest.approx(spec.clock_hz / met["cycles_per_step"])
    assert met["real_time_factor"] == pytest.approx(met["steps_per_s"] * 1e-4)
    assert spec.oscillator_hz < spec.clock_hz
    missed = report(asked + 2, (spec.oscillator_hz + spec.clock_hz) / 2e6)
    assert not missed["clock_met"] and missed["fmax_hz"] > spec.oscillator_hz


def test_a_core_that_is_too_large_says_what_does_not_fit_and_leaves_nothing(tmp_path):
    large = dataclasses.replace(SMALL, n=600)  # 600 rows of 20 words take more than 32 block RAMs
    with pytest.raises(SpikegateError, match=r"(?s)Build for iCE40-HX8K breakout failed.*ICESTORM_RAM|no BELs|nable to place"):
        flow.build(large, flow.geometry(large, face.network_for(large)), tmp_path / "large")
    assert list(tmp_path.iterdir()) == []


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
def test_the_same_seed_gives_the_same_bits_and_another_one_others(built, tmp_path):
    folder, network, _ = built
    for seed, same in ((1, True), (2, False)):
        flow.build(SMALL, flow.geometry(SMALL, network), tmp_path / str(seed), seed=seed)
        assert ((tmp_path / str(seed) / "top.bin").read_bytes() == (folder / "top.bin").read_bytes()) == same
