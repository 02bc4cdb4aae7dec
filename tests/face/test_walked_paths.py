"""Every command that README, CONTRIBUTING, the docs and `--help` show is run as printed, but for its size, or is listed with what holds it."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
STARTS = ("make ", ".venv/bin/", "python docs/", "python tests/", "spikegate ", "apt install")
COMMAND = re.compile(r"^    ((?:make|\.venv/bin/\w+|apt install)\b[^#\n]*)|"
                     r"`((?:make|spikegate|\.venv/bin/\w+|python (?:docs|tests))\b[^`\n]*)`", re.MULTILINE)

#: What makes a run of `spikegate sim` small: another size of the same network, and where its files go.
SMALL = "--ms 20 --set n_exc=80 --set n_inh=20 --out {out}"
#: As printed -> options that make it small, and its exit code.
RUN: dict[str, tuple[str, int]] = {
    "make sim": (f"{SMALL} --lanes 10", 0),
    'make sim ARGS="--preset brunel2000"': (f"{SMALL} --lanes 10", 0),
    'make sim ARGS="--preset tutorial --format q16.12 --seed 3"': (f"{SMALL} --lanes 10", 0),
    'make sim ARGS="--variant v14"': (f"{SMALL} --lanes 10", 0),
    'make sim ARGS="--through-host-link"': (SMALL, 0),
    'make sim ARGS="--preset cuba --ms 200"': ("--ms 20 --set n=40 --set probability=0.5 --lanes 3 --out {out}", 0),
    'make sim ARGS="--preset izhikevich --ms 200"': ("--ms 50 --set n=40 --set weight_exc=6 --lanes 4 --out {out}", 0),
    'make sim ARGS="--preset microcircuit --ms 100"': ("--ms 5 --set scale=0.002 --lanes 3 --out {out}", 0),
    ".venv/bin/spikegate network make --preset ai net.spikegate": ("--ms 1", 0),
    ".venv/bin/spikegate explore --set eta=0.9": (
        "--set n_exc=40 --set n_inh=10 --set weight_exc=2 --ms 20 --seeds 2 --format q8.8 --leak-fraction own --no-cells --out {out}", 0),
    ".venv/bin/spikegate verilog lif": ("--out {out}", 0),
    ".venv/bin/spikegate network run --preset microcircuit --set scale=0.2 --ms 500 --threads 2": ("--set scale=0.004 --ms 5", 0),
    "make doctor": ("", 0),
    "python docs/architecture.py": ("--check", 0),
    # Those from here on are run by make test-wide (tests/wide.toml).
    ".venv/bin/spikegate sim --sabotage threshold": (f"{SMALL} --lanes 10", 1),
    ".venv/bin/spikegate sim --variant v4 --faults 0.01": (f"{SMALL} --lanes 10", 0),
    ".venv/bin/spikegate sim --lanes 8 --ms 200 --set v_threshold=18": ("--set n_exc=80 --set n_inh=20 --lanes 10 --out {out}", 0),
    ".venv/bin/spikegate sim --leak-fraction fine --rounding floor --seeds 5": (f"{SMALL} --lanes 10 --seeds 3", 0),
    'make sweep ARGS="--set g_inh=3:8 --set eta=0.75:2:0.25 --ms 500"': ("--set n_exc=40 --set n_inh=10 --ms 10 --out {out}", 0),
    ".venv/bin/spikegate sim --ms 200 --figure sim.pdf": ("--set n_exc=80 --set n_inh=20 --lanes 10 --out {out}", 0),
}
#: By name in running text: as one above, or as a part of one.
SAME = {"spikegate sim --rows", "spikegate sim --engine", "spikegate explore", "spikegate sweep", "spikegate sweep --help", "spikegate sim",
        "spikegate sim --preset brunel2000", "spikegate sim --variant v4", "spikegate sim | head -1", "spikegate doctor",
        "spikegate sim --leak-fraction 16 --rounding stochastic",
        "spikegate verilog", "spikegate network make", "spikegate network run", "spikegate network count",
        "spikegate network show", "spikegate network 1", "spikegate network 2"}
#: Not run here -> the test that runs it small at its own entry, or the reason why nothing can.
ELSEWHERE = {
    "apt install python3 python3-venv python3-dev g++ make perl git": "make newcomer runs it, as root, in a bare Debian",
    "make test": "this is it", "make test-wide": "further cases of these tests", "make test-long": "its tests are marked long",
    "make newcomer": "takes a quarter of an hour, as root",
    ".venv/bin/python -m pytest tests/neuron/test_lif.py": "a part of this run", "make lint": "run before the tests, by .ci/run",
    "make wheel": "tests/test_release.py", "make docs": "tests/test_site.py", "python tests/screenshots.py": "tests/test_site.py",
    ".venv/bin/spikegate sim --network mine.spikegate": "tests/face/test_point_sim.py",
    ".venv/bin/spikegate check mine.py --save mine.spikegate": "tests/face/test_script_check.py",
    ".venv/bin/spikegate check mine.py --beside": "tests/face/test_script_beside.py",
    **dict.fromkeys((".venv/bin/spikegate explore mine.py", "spikegate explore mine.py"), "tests/face/test_explore.py"),
    "spikegate check": "tests/face/test_script_check.py", "spikegate check SCRIPT": "tests/face/test_script_check.py",
    **{f".venv/bin/spikegate verilog {words}": "tests/face/test_verilog_command.py" for words in (
        "lif --parameters format=q4.12 gain=true --out build/my_lif", "core --preset ai --parameters lanes=8", "core --network mine.spikegate",
        "host_link --preset ai --parameters lanes=2 divisor=9")},
    "spikegate sim --engine netlist-ice40": "tests/face/test_row_sources.py",
    "spikegate network from-nir": "tests/face/test_nir_command.py", "spikegate sim --network": "tests/face/test_nir_command.py",
    ".venv/bin/spikegate check docs/examples/digits.nir": "tests/face/test_nir_command.py",
    ".venv/bin/spikegate network from-nir docs/examples/digits.nir --out digits.spikegate --steps 100": "tests/face/test_nir_command.py",
    ".venv/bin/python benchmarks/classifier_train.py": "minutes of training; what it wrote is what tests/benchmarks/test_classifier.py runs",
    ".venv/bin/python benchmarks/classifier.py --out docs --markdown": "tests/benchmarks/test_classifier.py",
    "make program": "a board; tests/face/test_board_in_use.py goes as far as the loader",
    "spikegate program": "a board; tests/face/test_board_in_use.py goes as far as the loader",
    "make verify": "tests/verification/test_verify.py", 'make verify ARGS="name"': "tests/verification/test_verify.py",
    'make mutation ARGS="name --update"': "tests/verification/test_mutation.py",
    'make mutation-models ARGS="models/neuron/name"': "tests/verification/test_model_mutation.py",
    "make mutation": "tests/verification/test_mutation.py", "make mutation ARGS=--update": "tests/verification/test_mutation.py",
    "make mutation-models": "tests/verification/test_model_mutation.py",
    'make mutation-models ARGS="..."': "tests/verification/test_model_mutation.py",
    'make mutation-models ARGS="--sample 90"': "tests/verification/test_model_mutation.py",
    "make bench": "tests/benchmarks/test_core_speed.py", "make compare": "tests/benchmarks/test_snn_comparison.py",
    'make compare ARGS="--ms 1000 --json build/results.json --markdown"': "tests/benchmarks/test_snn_comparison.py",
    "make brian2-bench": "tests/benchmarks/test_brian2_benchmark.py",
    'make brian2-bench ARGS="--scales 1000 10000 --repeats 3"': "tests/benchmarks/test_brian2_benchmark.py",
    ".venv/bin/python benchmarks/stream_accuracy.py --out docs --markdown": "tests/benchmarks/test_stream_accuracy.py",
    ".venv/bin/python benchmarks/stream_network.py --out docs --markdown": "tests/benchmarks/test_hybrid_study.py",
    ".venv/bin/python benchmarks/scale.py microcircuit --scale 1 --ms 5500": "tests/benchmarks/test_scale.py",
    "make bitstream": "tests/face/test_board_commands.py", "spikegate bitstream": "tests/face/test_board_commands.py",
    "spikegate bitstream --board NAME": "tests/face/test_board_commands.py",
    "spikegate bitstream --n --lanes --format": "tests/face/test_board_commands.py",
    "spikegate bitstream --network FILE": "tests/face/test_board_commands.py",
    "python tests/corpus/recordings.py": "tests/test_corpus.py", "make kit": "tests/conformance/test_kit.py",
    "make sign-off": "tests/benchmarks/test_sign_off.py", "make soak": "tests/verification/test_soak.py",
    'make soak ARGS="--minutes 10"': "tests/verification/test_soak.py", 'make verify ARGS="traffic"': "tests/verification/test_verify.py",
    "spikegate sim --network FILE --through-host-link": "tests/face/test_point_board.py",
    "spikegate sim --network mine.spikegate --port PATH": "tests/face/test_point_board.py runs the client against such a port",
}


def shown() -> set[str]:
    """Every command on the pages, without its comment."""
    found = {(one or other).strip() for page in PAGES for one, other in COMMAND.findall(page.read_text())}
    return {command for command in found if command.startswith(STARTS)}


def test_every_command_on_the_pages_is_run_or_listed_and_nothing_else_is():
    found = shown()
    assert len(found) > 35
    assert sorted(found - {*RUN, *SAME, *ELSEWHERE}) == [], "commands that nothing runs: add them to RUN, or to ELSEWHERE with what holds them"
    assert sorted({*RUN, *SAME, *ELSEWHERE} - found) == [], "an entry whose command no page shows"
    tests = {word.rstrip(";,") for reason in ELSEWHERE.values() for word in reason.split() if word.startswith("tests/")}
    assert [name for name in sorted(tests) if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("command", RUN)
def test_a_command_of_the_pages_ends_as_it_should(command, tmp_path):
    extra, code = RUN[command]
    extra = extra.format(out=tmp_path / "out")
    if command.startswith("make"):
        before, _, options = command.partition(" ARGS=")
        words = [*before.split(), "ARGS=" + " ".join([*shlex.split(options), extra]).strip()]
    else:
        words = [str(ROOT / word) if word.startswith((".venv/", "docs/")) else word for word in shlex.split(f"{command} {extra}")]
        words = [str(ROOT / ".venv" / "bin" / "python") if word == "python" else word for word in words]
    done = subprocess.run(words, cwd=ROOT if words[0] == "make" else tmp_path, capture_output=True, text=True)
    # make has an exit code of its own for a command that fails
    assert done.returncode == code, done.stdout[-1500:] + done.stderr[-1500:]
    assert "Traceback" not in done.stdout + done.stderr
    if " sim" in command:
        report = json.loads((tmp_path / "out" / "report.json").read_text())
        if "--seeds" in command:
            assert report["seeds"] == 3 and all(check["ok"] is not None and check["compared"] == 3 for check in report["checks"][3:6])
        if "--through-host-link" in command:  # without --lanes, forty
            assert report["provenance"]["link"]["port"].startswith("/dev/pts/") and report["network"]["lanes"] == 40
            assert report["checks"][0]["ok"] and report["checks"][0]["compared"] > 100
        assert (tmp_path / "out" / "report.json").stat().st_size > 1000 and (tmp_path / "out" / "sim.png").stat().st_size > 10_000
        assert "judged: RTL = golden" in done.stderr if code == 0 else "differ, first at step" in done.stderr


def test_every_command_of_the_help_is_on_the_pages(tmp_path):
    face = str(ROOT / ".venv" / "bin" / "spikegate")
    said = subprocess.run([face, "--help"], capture_output=True, text=True).stdout
    names = re.findall(r"^    (\w+)  ", said.partition("commands:")[2], re.MULTILINE)
    assert sorted(names) == ["bitstream", "check", "doctor", "explore", "network", "program", "sim", "sweep", "verilog"]
    assert all(any(f"spikegate {name}" in command for command in shown()) for name in names)
    net = tmp_path / "net"
    for words in (["network", "make", "--set", "n_exc=8", "--set", "n_inh=2", "--set", "weight_exc=2", "--ms", "1", net], ["network", "show", net],
                  ["network", "verify", net], ["--version"], *([name, "--help"] for name in names)):
        done = subprocess.run([face, *map(str, words)], capture_output=True, text=True)
        assert done.returncode == 0 and (done.stdout or words[1:2] == ["make"]), done.stderr
