"""The command line's own part: what each command passes on, the defaults of every option, and what each way to end is called."""

from types import SimpleNamespace

import pytest
from command import run

from spikegate import cli, doctor, networks
from spikegate.models.errors import InputError, Mismatch, SpikegateError, ToolMissing


@pytest.fixture
def passed(monkeypatch):
    """What the commands call, and with what."""
    calls = []
    monkeypatch.setattr(doctor, "require", lambda command: calls.append(("require", command)))
    monkeypatch.setattr(networks, "given", lambda args: calls.append(("given", args)) or "a network")
    monkeypatch.setattr(cli, "engines_for", lambda network, args: (["engines"], {"of": network}))
    monkeypatch.setattr("spikegate.simulate.simulate", lambda *args, **options: calls.append((args, options)))
    monkeypatch.setattr("spikegate.boards.bitstream", lambda *args, **options: calls.append((args, options)))
    monkeypatch.setattr("spikegate.boards.program", lambda *args, **options: calls.append((args, options)))
    return calls


def test_sim_passes_on_the_network_its_engines_and_every_option(passed, capsys):
    assert run(capsys, "sim") == (0, "", [])
    assert run(capsys, "sim", "--out", "x", "--markdown", "--seeds", "7") == run(capsys, "sim", "--json") == (0, "", [])
    assert [call for call in passed if isinstance(call[0], tuple)] == [
        (("a network", ["engines"], "build/sim"), {"form": "tables", "seeds": 1, "picture": None, "command": "spikegate sim", "of": "a network"}),
        (("a network", ["engines"], "x"), {"form": "markdown", "seeds": 7, "picture": None, "command": "spikegate sim --out x --markdown --seeds 7",
                                           "of": "a network"}),
        (("a network", ["engines"], "build/sim"), {"form": "json", "seeds": 1, "picture": None, "command": "spikegate sim --json",
                                                     "of": "a network"})]
    assert passed[0] == ("require", "sim") and [call[0] for call in passed[:3]] == ["require", "given", ("a network", ["engines"], "build/sim")]


#: Not options: what runs, and the line as it was given.
LINE = ("command", "said")
NETWORK = dict(preset=None, format=None, leak_fraction=None, rounding=None, overflow=None, variant=None, length=None, ms=None, seed=None, changes=[])
SIM = dict(network=None, lanes=None, out="build/sim", json=False, markdown=False, seeds=1, sabotage=None, faults=None, fault_seed=None,
           through_host_link=False, port=None, baud=None, board=None, rows=None, figure=None, engine=None, stall=0.0)
#: Every option at a value that is not its default, and what it is read as.
GIVEN = {"preset": ("ai", "ai"), "format": ("q10.10", "q10.10"), "leak_fraction": ("12", "12"), "rounding": ("floor", "floor"),
         "overflow": ("wrap", "wrap"), "variant": ("v4", "v4"), "length": ("64", 64), "ms": ("2.5", 2.5), "seed": ("7", 7), "network": ("n", "n"),
         "lanes": ("3", 3), "out": ("o", "o"), "seeds": ("4", 4), "sabotage": ("leak", "leak"), "faults": ("0.5", 0.5), "fault_seed": ("9", 9),
         "port": ("p", "p"), "baud": ("9600", 9600), "board": ("icebreaker", "icebreaker"), "rows": ("csr", "csr"), "figure": ("f.pdf", "f.pdf"),
         "engine": ("cocotb", "cocotb"), "stall": ("0.25", 0.25)}


def test_every_option_of_sim_has_its_default_and_takes_its_value(passed, capsys):
    run(capsys, "sim")
    found = vars(passed[1][1])
    assert {name: value for name, value in found.items() if name not in LINE} == {**NETWORK, **SIM}
    words = [word for name, (text, _) in GIVEN.items() for word in (f"--{name.replace('_', '-')}", text)]
    del passed[:]
    assert run(capsys, "sim", *words, "--json", "--through-host-link", "--set", "eta=1", "--set", "dt=2") == (0, "", [])
    found = vars(passed[1][1])
    expected = {**{name: value for name, (_, value) in GIVEN.items()}, "json": True, "markdown": False, "through_host_link": True,
                "changes": ["eta=1", "dt=2"]}
    assert {name: value for name, value in found.items() if name not in LINE} == expected


@pytest.mark.parametrize("given, baud", [(["--board", "hx8k_evn"], 3_000_000), (["--board", "hx8k_evn", "--baud", "9600"], 9600), ([], None)])
def test_the_rate_of_a_named_board_is_its_own_unless_another_is_given(passed, capsys, given, baud):
    run(capsys, "sim", "--port", "x", *given)
    assert passed[1][1].baud == baud


@pytest.mark.parametrize("words, line", [
    (["--json", "--markdown"], "--json and --markdown both print on standard output; give one of them"),
    (["--baud", "9600"], "--baud 9600 is that of a board on a port; give --port with it"),
    (["--board", "x"], "--board x is that of a board on a port; give --port with it"),
    (["--lanes", "x"], "argument --lanes: invalid int value: 'x'; see `spikegate sim --help`"),
    (["--see", "3"], "unrecognized arguments: --see 3; see `spikegate sim --help`")])
def test_what_sim_refuses_it_refuses_before_the_network_is_made(passed, capsys, words, line):
    assert run(capsys, "sim", *words) == (2, "", [f"spikegate: {line}"]) and passed in ([], [("require", "sim")])


def test_bitstream_and_program_pass_on_every_option_and_its_default(passed, capsys):
    assert run(capsys, "bitstream") == run(capsys, "program") == (0, "", [])
    assert run(capsys, "bitstream", "--board", "hx8k_evn", "--out", "o", "--n", "20", "--lanes", "2", "--format", "q4.4", "--network", "f", "--seed",
               "5", "--json", "--overlap", "--counts") == run(capsys, "program", "--board", "x", "--out", "o") == (0, "", [])
    assert passed == [
        ("require", "bitstream"), (("icebreaker", "build"), dict(
            n=None, lanes=None, format=None, network=None, overlap=None, counts=None, seed=1, as_json=False)),
        (("icebreaker", "build"), {}),
        ("require", "bitstream"), (("hx8k_evn", "o"), dict(
            n=20, lanes=2, format="q4.4", network="f", overlap=True, counts=True, seed=5, as_json=True)),
        (("x", "o"), {})]
    assert run(capsys, "bitstream", "--no-overlap") == (0, "", []) and passed[-1][1]["overlap"] is False


def test_network_and_check_and_doctor_pass_on_what_they_are_given(monkeypatch, capsys):
    calls = []
    for name in ("make", "show", "verify"):
        monkeypatch.setattr(networks, name, lambda args, name=name: calls.append((name, vars(args))) or 7)
    monkeypatch.setattr(cli.scripts, "check", lambda args: calls.append(("check", vars(args))) or 5)
    monkeypatch.setattr(doctor, "examine", lambda: ["found"])
    monkeypatch.setattr(doctor, "tried", lambda found: [*found, "tried"])
    monkeypatch.setattr(doctor, "show", lambda found: calls.append(("doctor", found)) or 3)
    for words, code in ((["network", "make", "f"], 7), (["network", "make", "--events", "f"], 7), (["network", "show", "g"], 7),
                        (["network", "verify", "h"], 7), (["check", "s"], 5),
                        (["check", "s", "--save", "t", "--format", "q4.4", "--current-format", "q5.5", "--beside", "--seeds", "4", "--dt", "0.5",
                          "--reset", "subtract", "--method", "exact", "--integrators", "seconds"], 5), (["doctor"], 3)):
        assert cli.main(words) == code
    said = [(name, {key: value for key, value in given.items() if key not in (*LINE, *NETWORK)} if isinstance(given, dict) else given)
            for name, given in calls if name != "check"]
    assert said == [("make", {"events": False, "file": "f"}), ("make", {"events": True, "file": "f"}), ("show", {"file": "g"}),
                    ("verify", {"file": "h"}), ("doctor", ["found", "tried"])]
    assert [{key: value for key, value in given.items() if key not in LINE} for name, given in calls if name == "check"] == [
        {"script": "s", "save": None, "beside": False, "seeds": 1, "format": "auto", "current_format": "auto", "dt": 1e-4, "reset": "value",
         "method": "euler", "integrators": "step"},
        {"script": "s", "save": "t", "beside": True, "seeds": 4, "format": "q4.4", "current_format": "q5.5", "dt": 0.5, "reset": "subtract",
         "method": "exact", "integrators": "seconds"}]
    capsys.readouterr()


@pytest.mark.parametrize("error, code, lines", [
    (InputError("one\ntwo"), 2, ["one", "two"]), (Mismatch("differs"), 1, ["differs"]), (ToolMissing("no g++"), 3, ["no g++"]),
    (SpikegateError(), 1, ["SpikegateError"]), (KeyboardInterrupt(), 130, ["interrupted; no report was written"]),
    (MemoryError(), 1, ["out of memory; use a smaller network or a shorter run"]),
    (OSError(28, "No space left", "a file"), 2, ["a file cannot be used (No space left); free space or choose another folder"]),
    (OSError(28, "No space left"), 2, ["output cannot be used (No space left); free space or choose another folder"])])
def test_each_way_to_end_has_its_code_and_its_line(monkeypatch, capsys, error, code, lines):
    def fail(args):
        raise error
    monkeypatch.setattr(networks, "show", fail)
    assert run(capsys, "network", "show", "x") == (code, "", [f"spikegate: {line}" for line in lines])


def test_a_fault_of_ours_is_none_of_them(monkeypatch):
    def fail(args):
        raise ZeroDivisionError
    monkeypatch.setattr(networks, "show", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["network", "show", "x"])


def test_the_surroundings_are_settled_first(monkeypatch, capsys):
    monkeypatch.setattr(cli, "settle", lambda: (_ for _ in ()).throw(InputError("no folder")))
    assert run(capsys, "doctor") == (2, "", ["spikegate: no folder"])


@pytest.mark.parametrize("words", [[], ["network"], ["simulate"], ["--unknown"]])
def test_without_a_command_that_there_is_the_line_says_where_help_is(words, capsys):
    code, out, err = run(capsys, *words)
    assert (code, out, len(err)) == (2, "", 1) and err[0].startswith("spikegate: ") and err[0].endswith("--help`")


def test_help_is_that_of_each_command(capsys):
    for words, text in (([], "Spiking neural networks in digital hardware"), (["sim"], "--through-host-link"),
                        (["network"], "make|from-nir|show|verify|run|count"),
                        (["bitstream"], "of placing; the same seed gives the same bits (default 1)"),
                        (["bitstream"], "icebreaker, hx8k_evn"), (["sim"], "tutorial, ai, brunel2000"), (["network", "make"], "tutorial, ai, brunel"),
                        (["sim"], f"(default {cli.LANES}, of point neurons {cli.POINT_LANES}, or N if less; of a netlist 1)")):
        with pytest.raises(SystemExit, match="0"):
            cli.main([*words, "--help"])
        assert text in " ".join(capsys.readouterr().out.split())
    assert (cli.LANES, cli.POINT_LANES) == (40, 8)


@pytest.mark.parametrize("words", [[], ["sim"], ["network"], ["network", "make"], ["network", "show"], ["network", "verify"], ["check"],
                                   ["bitstream"], ["program"], ["doctor"]])
def test_no_command_takes_a_part_of_an_options_name(words, capsys):
    for option in ("--hel", "--he"):
        code, out, err = run(capsys, *words, option)
        assert (code, out, len(err)) == (2, "", 1)


def test_the_version_is_said(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"spikegate {cli.__version__}\n"


def test_a_network_is_made_with_the_options_of_a_network(monkeypatch):
    seen = []
    monkeypatch.setattr(networks, "make", lambda args: seen.append(vars(args)) or 0)
    options = [word for name in NETWORK if name in GIVEN for word in (f"--{name.replace('_', '-')}", GIVEN[name][0])]
    assert cli.main(["network", "make", *options, "--set", "a=1", "f"]) == 0
    assert {name: value for name, value in seen[0].items() if name not in LINE} == {
        **{name: GIVEN[name][1] for name in NETWORK if name in GIVEN}, "changes": ["a=1"], "events": False, "file": "f"}


def stream(told, failure=None):
    """A stream that writes down what it is told, and cannot be flushed."""
    def flush():
        told.append("flush")
        if failure:
            raise failure
    return SimpleNamespace(write=lambda text: told.append(text) or len(text), flush=flush, encoding="utf-8", fileno=lambda: -1, isatty=lambda: False)


def test_a_full_disk_is_said_and_an_error_is_there_at_once(monkeypatch):
    monkeypatch.setattr(networks, "show", lambda args: 0)
    told = []
    monkeypatch.setattr(cli.sys, "stdout", stream([], OSError(28, "No space left")))
    monkeypatch.setattr(cli.sys, "stderr", stream(told))
    assert cli.main(["network", "show", "x"]) == 2
    assert told[:3] == ["spikegate: output cannot be used (No space left); free space or choose another folder", "\n", "flush"] and len(told) == 4
