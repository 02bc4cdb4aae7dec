"""The commands for boards, each at its real entry: bitstream, program, and sim through the host link and on a port."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spikegate.boards import network_for
from spikegate.cli import main
from spikegate.cosim.toolchain import board as flow
from spikegate.cosim.toolchain import board_fit
from spikegate.cosim.toolchain.board_fit import multiplier_ns
from spikegate.models.core import engine as golden
from spikegate.models.link.board import BETWEEN, board
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.brunel import preset, translate

ROOT = Path(__file__).parents[2]
#: Names of nextpnr's cells, and what the report calls them.
KINDS = {"ice40": {"ICESTORM_LC": "lut", "ICESTORM_RAM": "bram", "ICESTORM_DSP": "dsp", "ICESTORM_SPRAM": "spram"},
         "ecp5": {"TRELLIS_COMB": "lut", "TRELLIS_FF": "ff", "DP16KD": "bram", "MULT18X18D": "dsp"}}
TITLES = {"lut": "logic cells", "ff": "flip-flops", "bram": "block RAMs", "spram": "single-port RAMs", "dsp": "multipliers"}
#: The smallest core: a lane of ten neurons. Multipliers: leak times membrane, drive weight times events, and without a store a source's row.
SMALLEST = ["--n", "10", "--lanes", "1", "--seed", "3"]
MULTIPLIERS = {"icebreaker": 2, "hx8k_evn": 0, "ulx3s_85f": 3}


def walk(name, out):
    """`spikegate bitstream` of the smallest core in a process of its own: its report and what it printed."""
    command = Path(sys.executable).with_name("spikegate")
    done = subprocess.run([command, "bitstream", "--board", name, *SMALLEST, "--out", out], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr  # so small a core of the UP5K just meets its clock, or just does not
    report = json.loads((out / name / "report.json").read_text())
    assert report["clock_met"] == (done.returncode == 0), done.stderr
    return report, done


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Folder, report and output of each board's smallest core, built when first asked for."""
    found = {}

    def of(name):
        if name not in found:
            out = tmp_path_factory.mktemp(name)
            found[name] = (out, *walk(name, out))
        return found[name]
    return of


WALKED = ["hx8k_evn", *(pytest.param(name, marks=pytest.mark.long) for name in ("icebreaker", "ulx3s_85f"))]


@pytest.mark.parametrize("name", WALKED)
def test_the_smallest_core_goes_all_the_way_to_bits_and_every_figure_is_the_tools_own(built, name):
    out, report, done = built(name)
    spec = board(name).of(QFormat(16, 8), 10, 1)
    log = (out / name / "top.tim").read_text()
    counts = {kind: re.findall(rf"Info: \s*{cell}: +(\d+)/ *(\d+)", log) for cell, kind in KINDS[spec.family].items()}
    found = {kind: tuple(map(int, counted[-1])) for kind, counted in counts.items() if counted}  # an HX8K has no multipliers
    assert {kind: (entry["used"], entry["available"]) for kind, entry in report["utilisation"].items()} == {
        kind: both for kind, both in found.items() if kind in report["utilisation"]}
    for kind, (used, available) in found.items():
        assert available == spec.capacity[kind] and (used == 0 or kind in report["utilisation"])
        if kind in report["utilisation"]:
            line, = [line for line in done.stdout.splitlines() if TITLES[kind] in line]
            assert line.split()[-3:] == [f"{used:,}", f"{available:,}", str(-(-100 * used // available))]
    assert report["utilisation"].get("dsp", {"used": 0})["used"] == MULTIPLIERS[name] and 500 < report["utilisation"]["lut"]["used"]
    assert {key: report[key] for key in ("board", "n", "lanes", "format", "seed", "baud", "clock_hz")} == {
        "board": name, "n": 10, "lanes": 1, "format": "q8.8", "seed": 3, "baud": spec.baud, "clock_hz": spec.clock_hz}
    assert "--seed 3 " in (out / name / "build_top.sh").read_text() and f"{spec.baud:,} baud" in done.stderr
    *_, achieved = map(float, re.findall(r"Max frequency for clock .*?: ([\d.]+) MHz", log))
    through = report["multiplier_path_ns"]
    assert report["fmax_hz"] == pytest.approx(min([achieved * 1e6, *([1e9 / through] if through else [])]), abs=1e4)
    assert (through is not None) == (name == "icebreaker") and report["clock_met"] == (report["fmax_hz"] >= spec.clock_hz)
    assert (out / name / report["bitstream"]).stat().st_size > 50_000 and f"{report['fmax_hz'] / 1e6:.1f}" in done.stdout


def test_rates_and_factors_are_those_of_the_network_on_the_core(built):
    _, report, _ = built("hx8k_evn")
    network = network_for(board("hx8k_evn").of(QFormat(16, 8), 10, 1))
    recording = golden.run(network)
    cycles = golden.predict_cycles(network, recording, 1, store=32, walk=True) / 10_000
    sent = (len(recording.spikes) + 10_000) * 135 / 128 / 10_000  # a byte a spike, a byte a step
    assert report["network"] == {"name": "ai", "hash": network.hash, "steps": 10_000}
    assert report["cycles_per_step"] == pytest.approx(cycles) and report["steps_per_s"] == pytest.approx(36e6 / (cycles + BETWEEN))
    assert report["real_time_factor"] == pytest.approx(36e6 / (cycles + BETWEEN) * 1e-4) and report["bytes_per_step"] == pytest.approx(sent)
    assert report["real_time_factor_read"] == pytest.approx(3e5 / sent * 1e-4)


@pytest.mark.long
def test_the_plls_analog_settings_are_in_the_bitstream(built):
    """As ecppll makes them; they were 0."""
    out, *_ = built("ulx3s_85f")
    words = dict(re.findall(r"^word: (\w+) ([01]+)$", (out / "ulx3s_85f" / "top.config").read_text(), re.MULTILINE))
    names = ("ICP_CURRENT", "LPF_RESISTOR", "MFG_GMCREF_SEL", "MFG_ENABLE_FILTEROPAMP", "CLKI_DIV", "CLKFB_DIV", "CLKOP_DIV", "CLKOP_CPHASE")
    assert [int(words[name], 2) for name in names] == [12, 8, 2, 1, 1, 2, 15, 8]


#: Of nextpnr: family, the cells that it counts, and how many.
COUNTS = {"icebreaker": {"ICESTORM_LC": 4001, "ICESTORM_RAM": 30, "ICESTORM_SPRAM": 4, "ICESTORM_DSP": 5},
          "hx8k_evn": {"ICESTORM_LC": 3000, "ICESTORM_RAM": 21},
          "ulx3s_85f": {"TRELLIS_COMB": 50_001, "TRELLIS_FF": 20_000, "DP16KD": 69, "MULT18X18D": 63}}
PERCENT = {"icebreaker": {"lut": 76, "bram": 100, "spram": 100, "dsp": 63}, "hx8k_evn": {"lut": 40, "bram": 66},
           "ulx3s_85f": {"lut": 60, "ff": 24, "bram": 34, "dsp": 41}}


def finished(monkeypatch, name, mhz, into=8.0, out=17.0):
    """Let a build be over at once, with what nextpnr says of it, and nanoseconds up to the multipliers and from them."""
    spec, dsp = board(name), "posedge $PACKER_GND_NET_$glb_clk"
    path = lambda first, last, ns: {"from": first, "to": last, "path": [{"delay": ns / 2}, {"delay": ns / 2}]}  # noqa: E731
    said = {"fmax": {"clk": {"achieved": mhz, "constraint": 1.0}}, "utilization": {
                cell: {"used": used, "available": spec.capacity[KINDS[spec.family][cell]]} for cell, used in COUNTS[name].items()},
            "critical_paths": [path("posedge clk", "posedge clk", 1e3 / mhz), path("posedge clk", dsp, into), path(dsp, "posedge clk", out)]}

    def build(_, g, folder, **options):
        folder.mkdir(parents=True)
        (folder / "nextpnr.json").write_text(json.dumps(said))
        (folder / ("top.bin" if spec.family == "ice40" else "top.bit")).write_bytes(b"bits")
        return {"synthesis": 1.0}

    monkeypatch.setattr(flow, "build", build)


@pytest.mark.parametrize("name", COUNTS)
def test_every_kind_of_cell_is_in_the_report_and_in_the_table_with_its_share(name, monkeypatch, tmp_path, capsys):
    finished(monkeypatch, name, 60.0)
    assert main(["bitstream", "--board", name, "--out", str(tmp_path), *SMALLEST]) == 0
    report, spec = json.loads((tmp_path / name / "report.json").read_text()), board(name)
    kinds = KINDS[spec.family]
    assert report["utilisation"] == {kinds[cell]: {"used": used, "available": spec.capacity[kinds[cell]]} for cell, used in COUNTS[name].items()}
    lines = capsys.readouterr().out.splitlines()
    for cell, used in COUNTS[name].items():
        line, = [line for line in lines if TITLES[kinds[cell]] in line]
        assert line.split()[-3:] == [f"{used:,}", f"{spec.capacity[kinds[cell]]:,}", str(PERCENT[name][kinds[cell]])]
    line, = [line for line in lines if "baud of the serial line" in line]
    assert line.split()[-1] == f"{spec.baud:,}" and report["baud"] == spec.baud


@pytest.mark.parametrize("mhz, out, met, shown", [(21.74, 17.0, False, 21.74), (12.5, 17.0, False, 12.5), (21.75, 17.0, True, 21.75),
                                                  (30.0, 40.0, False, 1e3 / 62.32), (30.0, 23.0, True, 1e3 / 45.32)])
def test_a_clock_is_met_if_it_is_the_cores_and_not_the_oscillators_with_its_multipliers(mhz, out, met, shown, monkeypatch, tmp_path, capsys):
    finished(monkeypatch, "icebreaker", mhz, out=out)
    assert main(["bitstream", *SMALLEST, "--out", str(tmp_path)]) == (0 if met else 1)
    report = json.loads((tmp_path / "icebreaker" / "report.json").read_text())
    assert report["clock_met"] == met and report["fmax_hz"] == pytest.approx(shown * 1e6, abs=1)
    assert report["multiplier_path_ns"] == pytest.approx(8.0 + 9.05 + 5.27 + out)
    assert met or f"21.75 MHz asked and {shown:.1f} MHz met" in capsys.readouterr().err


def test_the_slowest_path_through_a_multiplier_is_part_of_the_clock():
    part = lambda *delays: [{"delay": delay} for delay in delays]  # noqa: E731
    report = {"fmax": {"clk": {}}, "critical_paths": [
        {"from": "posedge clk", "to": "posedge clk", "path": part(90.0)}, {"from": "<async>", "to": "posedge clk", "path": part(80.0)},
        {"from": "posedge clk", "to": "posedge gnd", "path": part(3.0, 5.0)}, {"from": "posedge gnd", "to": "posedge clk", "path": part(17.0)}]}
    assert multiplier_ns(report) == pytest.approx(8.0 + 9.05 + 5.27 + 17.0)
    report["critical_paths"].append({"from": "posedge gnd", "to": "posedge gnd", "path": part(1.0)})
    with pytest.raises(flow.SpikegateError, match="the clock that is met is not known"):
        multiplier_ns(report)


BAD = {
    "no neuron": (["--n", "0"], ["N of a board's core", "1..16,383", "not 0", "--n"]),
    "too few for ai": (["--n", "9"], ["at least 10", "not 9", "--network FILE"]),
    "too many": (["--n", "16384"], ["1..16,383", "16384"]), "no lane": (["--lanes", "0"], ["Lanes", "1..1,000", "not 0", "--lanes"]),
    "lanes above N": (["--n", "20", "--lanes", "21"], ["Lanes", "1..20", "21"]),
    "lanes that no store has": (["--lanes", "3"], ["divide the 64 bits", "3"]),
    "an absent network": (["--network", "nowhere"], ["nowhere", "give the path"]), "an unknown format": (["--format", "float"], ["float", "q8.8"]),
    "a size that is no number": (["--n", "many"], ["--n", "many"]),
}


@pytest.mark.parametrize("what", BAD)
def test_a_core_that_there_cannot_be_is_refused_before_any_work(what, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(flow, "build", lambda *args, **options: pytest.fail("work was begun"))
    options, words = BAD[what]
    assert main(["bitstream", "--out", str(tmp_path / "out"), *options]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and all(word in said[0] for word in words), said
    assert not (tmp_path / "out").exists()


def test_a_core_for_a_network_of_ones_own_has_its_format_delay_and_size(monkeypatch, tmp_path, capsys):
    network = translate(preset("ai", n_exc=20, n_inh=5, delay=3.0), QFormat.parse("q16.12"), ms=5.0)
    network = network.replace(lif=dataclasses.replace(network.lif, leak_fraction=16, leak=network.lif.leak << 4))
    file, seen = str(tmp_path / "mine.spikegate"), []
    network.save(file)
    monkeypatch.setattr(flow, "build", lambda spec, g, folder, **options: seen.append((spec, g, folder, options)))
    monkeypatch.setattr(board_fit, "fit", lambda *args, **options: pytest.fail("nothing was built"))
    for options, n, lanes in (([], 25, 25), (["--n", "40", "--lanes", "8"], 40, 8)):
        with pytest.raises(pytest.fail.Exception):
            main(["bitstream", "--board", "ulx3s_85f", "--network", file, "--seed", "9", "--out", str(tmp_path), *options])
        spec, g, folder, given = seen.pop()
        assert (g.n, g.lanes, g.format, g.leak_fraction, g.max_delay) == (n, lanes, network.lif.format, 16, 63)
        assert (spec.n, spec.clock_hz, folder, given["seed"]) == (n, 30_000_000, tmp_path / "ulx3s_85f", 9)
    assert main(["bitstream", "--network", file, "--format", "q8.8", "--out", str(tmp_path)]) == 2
    assert "--format q8.8 cannot be given with it" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["bitstream", "program"])
def test_the_makefile_passes_the_board_and_other_options_on(target):
    command = ["make", "-n", "-o", ".venv/.installed-fpga", target, "BOARD=ulx3s_85f", "ARGS=--out x"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert f"spikegate {target} --board ulx3s_85f --out x" in said.stdout, said.stderr
