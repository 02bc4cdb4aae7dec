"""`spikegate verilog` at its real entry: what it writes passes its own bench in two simulators, and a wrong golden value does not."""

import random
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import yaml
from verilog_tools import icarus, lint, verilator

from spikegate.cli import main
from spikegate.cosim.ip import catalogue, timing
from spikegate.cosim.ip.parameters import read
from spikegate.gateware.neuron.lif import state_layout
from spikegate.models.numeric.fixed import QFormat

NETWORK = ["--set", "n_exc=16", "--set", "n_inh=4", "--ms", "2"]
POINTS = ["--preset", "cuba", "--set", "n=20", "--set", "probability=0.5", "--ms", "2"]
#: Folder -> words of the command.
SHORT = {"lif": ["lif"], "lfsr": ["lfsr"], "core": ["core", *NETWORK, "--parameters", "lanes=4"]}
LONG = {"host_link": ["host_link", *NETWORK, "--parameters", "lanes=4", "divisor=3"],
        **{name: [name] for name in catalogue.LEAVES if name not in SHORT},
        "lif_wide": ["lif", "--parameters", "format=q16.12", "rounding=stochastic", "gain=true", "noise=true", "overflow=wrap"],
        "linear_brian2": ["linear", "--parameters", "currents=exc,inh", "order=brian2", "reset=subtract", "kicks=true"],
        "axi_core": ["axi_core", *NETWORK[:-1], "4", "--parameters", "lanes=4"],
        "encoder_sobol": ["encoder", "--parameters", "source=sobol", "bits=10", "dimension=3"],
        "core_store": ["core", *NETWORK, "--parameters", "lanes=2", "store=16", "walk=true"],
        "point_core": ["core", *POINTS, "--parameters", "lanes=3"],
        "izhikevich_core": ["core", "--preset", "izhikevich", "--set", "n=20", "--ms", "5"]}
WRITTEN = {**SHORT, **LONG}
EACH = [*SHORT, *(pytest.param(name, marks=pytest.mark.long) for name in LONG)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder that the command has written, once for all tests."""
    root, made = tmp_path_factory.mktemp("verilog"), {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = root / name
            assert main(["verilog", *WRITTEN[name], "--out", str(made[name])]) == 0
        return made[name]
    return get


def tables(folder: Path) -> Path:
    """The file of expected values."""
    return next(path for path in (folder / "expected.hex", folder / "line.hex") if path.exists())


def falsified(text: str) -> str:
    """With one expected value changed, in a line whose values are known."""
    lines = text.splitlines()
    at = max((k for k, line in enumerate(lines) if line[0] != "0"), default=0)
    return "\n".join([*lines[:at], f"{lines[at][:-1]}{int(lines[at][-1], 16) ^ 1:x}", *lines[at + 1:]]) + "\n"


def judged(run, folder: Path) -> None:
    """The bench passes, counts, and fails with a wrong value of the golden model, or with no value."""
    code, said = run(folder)
    compared = re.search(r"PASS: (\d+) \w+.* compared, none differs", said)
    assert code == 0 and compared and int(compared[1]) >= 30, said
    right = tables(folder).read_text()
    try:
        tables(folder).write_text(falsified(right))
        code, said = run(folder)
        assert code != 0 and re.search(r"FAIL: 1 (of|values|bytes)", said) and "golden model has" in said, said
        tables(folder).write_text("")
        assert run(folder)[0] != 0
    finally:
        tables(folder).write_text(right)


@pytest.mark.parametrize("name", EACH)
def test_the_bench_passes_in_icarus_and_fails_with_a_wrong_golden_value(folder, name):
    judged(icarus, folder(name))


@pytest.mark.parametrize("name", ["lif", *(pytest.param(name, marks=pytest.mark.long) for name in WRITTEN if name != "lif")])
def test_the_bench_passes_in_verilator_and_fails_with_a_wrong_golden_value(folder, name):
    judged(verilator, folder(name))


@pytest.mark.parametrize("name", EACH)
def test_verilator_finds_nothing_in_what_is_written(folder, name):
    assert lint(folder(name)) == ""


def test_lint_of_what_is_written_still_finds_a_fault(folder, tmp_path):
    """Negative control."""
    for path in folder("lif").iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (tmp_path / "lif.v").read_text()
    (tmp_path / "lif.v").write_text(re.sub(r"  assign o_state = .*\n", "", text, count=1))
    assert "UNDRIVEN" in lint(tmp_path)


@pytest.mark.parametrize("name", EACH)
def test_the_core_file_names_the_files_that_are_there(folder, name):
    where = folder(name)
    described, = (yaml.safe_load(path.read_text().removeprefix("CAPI=2:\n")) for path in where.glob("*.core"))
    named = {next(iter(each)) if isinstance(each, dict) else each for fileset in described["filesets"].values() for each in fileset["files"]}
    files = {path.name for path in where.iterdir() if path.suffix in (".v", ".vlt", ".hex")}
    assert named == files and {"lint", "sim", "sim_icarus"} < set(described["targets"])


@pytest.mark.long
def test_fusesoc_runs_all_targets(folder, tmp_path):
    from verilog_tools import environment
    where = folder("lif")
    for target, words in (("lint", "spikegate"), ("sim", "PASS"), ("sim_icarus", "PASS")):
        done = subprocess.run([Path(sys.prefix) / "bin" / "fusesoc", "--cores-root", where, "run", f"--target={target}", "::spikegate-lif"],
                              cwd=tmp_path, env=environment(tmp_path / "tools"), capture_output=True, text=True)
        assert done.returncode == 0 and words in done.stdout + done.stderr, done.stdout + done.stderr


def block(name: str, *given: str):
    parameters, _, make = catalogue.LEAVES[name]
    return make(read(name, parameters, given))


@pytest.mark.parametrize("name", catalogue.LEAVES)
def test_every_port_and_parameter_has_a_meaning(name):
    ports = block(name).ports()
    assert ports and [port.name for port in ports if not port.meaning or "params_shapes" in port.meaning] == []
    assert [key for key, each in catalogue.LEAVES[name][0].items() if not each.meaning] == []


@pytest.mark.parametrize("name", ["lif", "lfsr", "synapse", "dot_product"])
def test_the_timing_diagram_is_what_the_golden_model_has(name):
    made = block(name)
    rows = list(islice(made.rows(random.Random(1)), 40))
    wave = timing.simulated(made.make(), made.ports(), [given for given, _ in rows])
    compared = 0
    for port in (port for port in made.ports() if not port.input):
        for (_, wanted), seen in zip(rows, wave.values[port.name]):
            if wanted[port.name] is not None:
                assert int(wanted[port.name]) & (1 << port.width) - 1 == seen
                compared += 1
    assert compared > 30


def test_a_datasheet_says_where_the_bits_are(folder):
    """As the layout has it, and for another format other bits."""
    text = (folder("lif") / "datasheet.md").read_text()
    for name, field in state_layout(QFormat(16, 8)):
        low, high = field.offset, field.offset + field.width - 1
        assert f"| `i_state` | [{f'{high}:{low}' if high > low else low}] | `i_state_{name}` |" in text
    assert "| `threshold` | in | 16 | signed |" in text
    assert next(port.width for port in block("lif", "format=q4.12", "leak_fraction=14").ports() if port.name == "leak") == 15


def test_a_datasheet_of_a_core_has_its_address_map_and_cycles(folder):
    text = (folder("core") / "datasheet.md").read_text()
    assert "| 1 | `ROW` | 0..99 | – | 100 |" in text and "| 5 | `STATE` | 0..4 | 0..3 | 20 |" in text
    assert "| 1 | `THRESHOLD` | 16 | signed | 5120 |" in text
    assert "A step takes 18 cycles" in text and "A spike that is due takes 5 cycles" in text


BAD = {
    "an unknown module": (["liff"], ["'liff'", "one of lif, ", "did you mean lif?"]),
    "an unknown parameter": (["lif", "--parameters", "formt=q8.8"], ["formt", "format, rounding", "did you mean format?"]),
    "a parameter of the wrong kind": (["lif", "--parameters", "gain=1"], ["gain", "true or false", "'1'", "gain=false"]),
    "a parameter without a value": (["lif", "--parameters", "format"], ["NAME=VALUE", "'format'"]),
    "a parameter twice": (["lif", "--parameters", "gain=true", "gain=false"], ["gain", "twice", "one value"]),
    "a format that there is not": (["lif", "--parameters", "format=q20.20"], ["width", "2..32", "40"]),
    "a value outside its limits": (["lif", "--parameters", "leak_fraction=40"], ["leak_fraction", "8..28", "40"]),
    "too many lanes": (["core", *NETWORK, "--parameters", "lanes=21"], ["Lanes", "1..N=20", "21", "fewer"]),
    "a network of a neuron": (["lif", "--preset", "ai"], ["--preset", "core", "--parameters"]),
    "streams": (["core", *NETWORK, "--variant", "v14", "--set", "weight_exc=2"], ["streams", "--variant"]),
    "a link for point neurons": (["host_link", *POINTS], ["point neurons", "core alone"]),
    "a bus for point neurons": (["axi_core", *POINTS], ["point neurons", "core alone"]),
    "a divisor that is too small": (["host_link", *NETWORK, "--parameters", "divisor=2"], ["divisor", "3 or more", "2"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(case, tmp_path, capsys):
    words, said = BAD[case]
    assert main(["verilog", *words, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and all(part in error for part in said), error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option, value", [
    ("--network", "net"), ("--preset", "ai"), ("--format", "q8.8"), ("--leak-fraction", "12"), ("--rounding", "floor"), ("--overflow", "wrap"),
    ("--variant", "v4"), ("--length", "64"), ("--ms", "5"), ("--seed", "2"), ("--set", "n_exc=16")])
def test_every_option_of_a_network_is_refused_beside_a_leaf(option, value, tmp_path, capsys):
    assert main(["verilog", "lif", option, value, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith(f"spikegate: {option} must be left out for lif, as a network is for core, ")


def test_a_folder_that_is_not_empty_stays_as_it_is(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("kept")
    assert main(["verilog", "bernoulli", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and str(tmp_path) in error and "empty folder" in error and "choose another" in error
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    assert main(["verilog", "bernoulli", "--out", str(tmp_path / "mine.txt")]) == 2


def test_a_fit_is_asked_of_a_leaf_and_of_a_core_and_of_the_tools_that_it_needs(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("spikegate.doctor.require", asked.append)
    for name in ("leaf", "with_network"):
        monkeypatch.setattr(f"spikegate.cosim.ip.catalogue.{name}", lambda *args, name=name, **options: asked.append((
            name, args[0], args[-1], options)) or {"a.v": "text"})
    for k, words in enumerate((["lfsr", "--parameters", "a=1", "b=2", "--fit"], ["core", *NETWORK, "--parameters", "lanes=2", "--fit"], ["lif"])):
        assert main(["verilog", *words, "--out", str(tmp_path / str(k))]) == 0
        assert (tmp_path / str(k) / "a.v").read_text() == "text"
    assert asked == ["verilog", "bitstream", ("leaf", "lfsr", ["a=1", "b=2"], {"fit": True}),
                     "verilog", "bitstream", ("with_network", "core", ["lanes=2"], {"fit": True}), "verilog", ("leaf", "lif", [], {"fit": False})]


@pytest.mark.long
def test_size_and_frequency_are_those_of_the_build(tmp_path):
    """The datasheet's figures and those of docs/fpga.md, of the same component."""
    import json
    assert main(["verilog", "lfsr", "--fit", "--out", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "datasheet.md").read_text()
    known = json.loads((Path(__file__).parents[2] / "docs" / "leaf_sizes.json").read_text())["leaves"]["LFSR, 64 bits, 32 a clock"]
    for family, name in (("ice40", "iCE40"), ("ecp5", "ECP5")):
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} ("))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        each = known[family]
        assert cells[1:4] == [str(each[key]) for key in ("luts", "carries", "flip_flops")] and cells[-1] == f"{max(each['fmax_mhz']):g}"
