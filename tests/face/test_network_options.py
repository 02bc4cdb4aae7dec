"""The options that make a network: each at a value that is not its default, and every refusal in full."""

import pytest
from command import run

from spikegate import networks
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.numeric.fixed import Overflow, Rounding
from spikegate.translator.brunel import BrunelParams, preset, translate
from spikegate.translator.hybrid import hybrid

TINY = ["--set", "n_exc=16", "--set", "n_inh=4", "--set", "conn_prob=0.5"]
BRUNEL = "n_exc, n_inh, conn_prob, weight_exc, g_inh, v_threshold, v_reset, v_rest, tau_mem, dt, eta, delay, refractory, v_spread, seed"
EVERY = ["--format", "q8.8", "--leak-fraction", "9", "--rounding", "floor", "--overflow", "wrap", "--variant", "v4", "--length", "64"]


def make(capsys, path, *options):
    code, out, err = run(capsys, "network", "make", *options, path)
    assert code == 0 and err == [], err
    network = (PointNetwork if "cuba" in options else Network).load(path)
    assert out == f"{path}: {network.hash}\n"
    return network


def test_without_options_it_is_ai_of_a_second(capsys, tmp_path):
    assert make(capsys, tmp_path / "net").hash == translate(preset("ai"), name="ai", ms=1000.0).hash


def test_each_option_reaches_the_network(capsys, tmp_path):
    small = dict(n_exc=16, n_inh=4, conn_prob=0.5)
    net = make(capsys, tmp_path / "net", *TINY, "--preset", "tutorial", "--format", "q10.10", "--leak-fraction", "12", "--rounding", "FLOOR",
               "--overflow", "Wrap", "--ms", "2.5", "--seed", "7", "--set", "v_spread=True", "--set", "eta=3.5")
    bp = preset("tutorial", **small, v_spread=True, eta=3.5, seed=7)
    assert net.hash == translate(bp, net.lif.format, name="tutorial, changed", ms=2.5, rounding=Rounding.FLOOR, overflow=Overflow.WRAP,
                                 leak_fraction=12).hash
    assert (str(net.lif.format), net.lif.leak_fraction, net.steps, net.name) == ("q10.10", 12, 25, "tutorial, changed")
    seeded = make(capsys, tmp_path / "net", "--seed", "3", "--ms", "1", "--set", "seed=3")
    assert (seeded.name, seeded.source["seed"], seeded.steps) == ("ai", 3, 10)
    plain = preset("ai", **small)
    assert make(capsys, tmp_path / "net", *TINY, "--ms", "1", "--leak-fraction", "fine").lif.leak_fraction == 15
    made = translate(plain, name="ai, changed", ms=1.0)
    for variant, options, length in (("v4", [], 256), ("v14", ["--length", "128"], 128)):
        assert make(capsys, tmp_path / "net", *TINY, "--ms", "1", "--variant", variant, *options).hash == hybrid(made, variant, length=length).hash


def test_events_are_those_of_the_drive(capsys, tmp_path):
    from spikegate.models.core.engine import external_events
    net = make(capsys, tmp_path / "net", *TINY, "--ms", "1", "--events")
    assert net.external.tolist() == external_events(translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), ms=1)).tolist()
    assert run(capsys, "network", "verify", tmp_path / "net")[1] == f"{tmp_path / 'net'}: ok, ai, changed, N=20, 10 steps, {net.hash}\n"


def test_cuba_takes_a_format_a_time_a_seed_and_its_own_parameters(capsys, tmp_path):
    from spikegate.translator.cuba import FORMAT, CubaParams, cuba
    options = ["--preset", "cuba", "--set", "n=40", "--set", "probability=0.5", "--ms"]
    assert make(capsys, tmp_path / "net", *options, "3").hash == cuba(CubaParams(n=40, probability=0.5), 3.0, FORMAT).hash
    wide = type(FORMAT)(32, 16)
    assert make(capsys, tmp_path / "net", *options, "2", "--format", "q16.16", "--seed", "4").hash == cuba(
        CubaParams(n=40, probability=0.5, seed=4), 2.0, wide).hash


REFUSED = [
    (["--preset", "zzz"], "--preset must be one of tutorial, ai, brunel2000, cuba, microcircuit, izhikevich, not 'zzz'"),
    (["--preset", "TUTORAIL"], "--preset must be one of tutorial, ai, brunel2000, cuba, microcircuit, "
     "izhikevich, not 'TUTORAIL'; did you mean tutorial?"),
    (["--variant", "zzz"], "--variant must be one of v3, v4, v13, v14, not 'zzz'"),
    (["--rounding", "up"], "--rounding must be one of floor, nearest, stochastic, not 'up'"),
    (["--overflow", "sat"], "--overflow must be one of saturate, wrap, not 'sat'; did you mean saturate?"),
    (["--seed", "2", "--set", "seed=3"], "--seed 2 and --set seed=3 disagree; give one of them"),
    (["--set", "eta"], "--set must be NAME=VALUE, not 'eta'; write for example --set v_threshold=18"),
    (["--set", "foo=1"], f"--set knows no parameter 'foo'; All: {BRUNEL}"),
    (["--set", "v_treshold=1"], f"--set knows no parameter 'v_treshold'; did you mean v_threshold? All: {BRUNEL}"),
    (["--set", "n_exc=ten"], "--set n_exc must be a whole number, not 'ten'"), (["--set", "eta=inf"], "--set eta must be a finite number, not 'inf'"),
    (["--set", "eta="], "--set eta must be a finite number, not ''"), (["--set", "v_spread=1"], "--set v_spread must be true or false, not '1'"),
    (["--length", "64"], "--length 64 is for streams, which v3 does not have; give --variant v4, v13, v14 with it"),
    (["--leak-fraction", "x"], "--leak-fraction must be a whole number or 'fine', not 'x'"),
    (["--ms", "inf"], "argument --ms: must be a finite number, not inf; see `spikegate network make --help`"),
    (["--preset", "cuba", *EVERY[2:]], "--preset cuba has arithmetic of its own, so that --leak-fraction, --rounding, --overflow, --variant, "
     "--length cannot be given with it; leave out either"),
    (["--preset", "microcircuit", *EVERY], "--preset microcircuit has arithmetic of its own, so that --leak-fraction, --rounding, --overflow, "
     "--variant, --length, --format cannot be given with it; leave out either"),
    (["--preset", "cuba", "--seed", "3", "--set", "seed=4"], "--seed 3 and --set seed=4 disagree; give one of them"),
    (["--preset", "cuba", "--set", "n=40", "--set", "probability=0.5", "--ms", "1", "--events"],
     "--events stores what the drive of Brunel's networks gives, and 'cuba' has none; leave it out")]


@pytest.mark.parametrize("options, line", REFUSED)
def test_each_refusal_is_one_line(options, line, capsys, tmp_path):
    assert run(capsys, "network", "make", *options, tmp_path / "net") == (2, "", [f"spikegate: {line}"]) and not (tmp_path / "net").exists()


def test_a_network_file_takes_none_of_them(capsys, no_work, tmp_path):
    given = ["--preset", "ai", *EVERY, "--ms", "5", "--seed", "4", "--set", "eta=1"]
    assert run(capsys, "sim", "--network", "x", *given, "--out", tmp_path / "out") == (2, "", [
        "spikegate: --network x already fixes the whole run, so that --preset, --format, --leak-fraction, --rounding, --overflow, --variant, "
        "--length, --ms, --seed, --set cannot be given with it; leave out either"])


def test_truth_and_numbers_are_read():
    bp = BrunelParams
    for text, pair in (("v_spread=TRUE", ("v_spread", True)), ("v_spread=false", ("v_spread", False)), ("n_exc=-5", ("n_exc", -5)),
                       ("eta=1e2", ("eta", 100.0)), ("seed=3", ("seed", 3))):
        assert networks._change(text, bp) == pair and type(networks._change(text, bp)[1]) is type(pair[1])


def test_help_has_the_names_of_presets_variants_boards_and_defects(capsys):
    from spikegate import cli
    said = {}
    for command in (("sim",), ("network", "make"), ("bitstream",)):
        with pytest.raises(SystemExit, match="0"):
            cli.main([*command, "--help"])
        said[command[0]] = " ".join(capsys.readouterr().out.split())
    for name in ("sim", "network"):
        assert ("tutorial, ai, brunel2000, cuba (Vogels and Abbott's network with exponential currents), microcircuit (Potjans and Diesmann's of the "
                "cortex, a fiftieth of it), izhikevich (Izhikevich") in said[name]
        assert "synapses: v3 fixed-point weights (default), v4 " in said[name] and ", v14 " in said[name]
    from spikegate.models.core.golden import DEFECTS
    from spikegate.models.link.board import BOARDS
    assert ", ".join(f"{name} ({what})" for name, what in DEFECTS.items()) in said["sim"]
    assert f"{', '.join(BOARDS)} (default icebreaker)" in said["bitstream"]
