"""The commands of boards without a tool: the network of a board, every row of its fit, every word that is said, and how a loader is called."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from rich.console import Console

from spikegate import boards
from spikegate.cosim.toolchain import board as flow
from spikegate.cosim.toolchain import board_fit as fits
from spikegate.models.errors import InputError, Mismatch, SpikegateError, ToolMissing
from spikegate.models.link.board import board
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8, QFormat
from spikegate.translator.brunel import preset, translate

REPORT = {
    "board": "icebreaker", "part": "iCE40UP5K", "n": 1234, "lanes": 2, "format": "q10.6", "clock_hz": 18_500_000, "fmax_hz": 19_960_000.0,
    "clock_met": True, "multiplier_path_ns": 40.0, "cycles_per_step": 1234.56, "steps_per_s": 23_456.7, "real_time_factor": 2.345,
    "real_time_factor_read": 0.456, "real_time_factor_counted": 1.789, "baud": 3_000_000, "network": {"name": "mine"}, "bitstream": "top.bin",
    "overlap": False, "counts": False,
    "utilisation": {"lut": {"used": 4001, "available": 5280}, "ff": {"used": 20, "available": 2000}, "bram": {"used": 30, "available": 30},
                    "spram": {"used": 0, "available": 4}, "dsp": {"used": 0, "available": 0}}}


def rows(report):
    screen = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    screen.print(boards.table(report))
    return [" ".join(line.split()) for line in screen.export_text().splitlines() if line.strip()]


def test_every_row_of_the_fit():
    found = rows(REPORT)
    assert found[:2] == ["iCE40UP5K, N = 1234, 2 lanes, q10.6", "what used of %"]
    assert found[3:] == ["logic cells 4,001 5,280 76", "flip-flops 20 2,000 1", "block RAMs 30 30 100", "single-port RAMs 0 4 0", "multipliers 0 0 0",
                         "clock, MHz asked / met 18.5 20.0", "through a multiplier, MHz 25.0", "cycles a step of mine 1234.6",
                         "steps a second 23,457", "real-time factor, nobody reading 2.35", "real-time factor, all spikes sent 0.46",
                         "real-time factor, counts read 1.79", "baud of the serial line 3,000,000"]
    assert rows({**REPORT, "overlap": True})[0] == "iCE40UP5K, N = 1234, 2 lanes, q10.6, overlap"
    assert rows({**REPORT, "counts": True})[0] == "iCE40UP5K, N = 1234, 2 lanes, q10.6, counts"
    without = rows({**REPORT, "multiplier_path_ns": None})
    assert [line for line in found if line not in without] == ["through a multiplier, MHz 25.0"]
    without = rows({**REPORT, "real_time_factor_counted": None})
    assert [line for line in found if line not in without] == ["real-time factor, counts read 1.79"]


def test_the_network_of_a_board_is_ai_with_as_many_neurons_for_a_second():
    spec = board("icebreaker").of(QFormat(16, 9), 14, 1)
    made = boards.network_for(spec, "q7.9")
    assert made.hash == translate(preset("ai", n_exc=12, n_inh=2), QFormat(16, 9), ms=1000.0, name="ai").hash and made.steps == 10_000
    assert boards.network_for(board("icebreaker").of(QFormat(16, 8), 10, 1)).lif.format == Q8_8
    with pytest.raises(InputError) as caught:
        boards.network_for(SimpleNamespace(n=9))
    assert str(caught.value) == "N of a board's core must be at least 10, not 9; give another --n, or --network FILE"


@pytest.fixture
def built(monkeypatch):
    """The flow without its tools, and what it was asked."""
    asked, report = [], dict(REPORT)

    def build(spec, g, folder, **options):
        options.pop("say")("placing")
        folder.mkdir(parents=True)
        asked.append(("build", spec, g, folder, options))
        return {"synthesis": 1.5}

    monkeypatch.setattr(flow, "geometry", lambda spec, network: ("geometry", spec, network.hash))
    monkeypatch.setattr(flow, "build", build)
    monkeypatch.setattr(fits, "fit", lambda *args, **options: asked.append(("fit", *args, options)) or report)
    return SimpleNamespace(asked=asked, report=report)


def test_a_bitstream_is_built_and_fitted_with_what_is_asked_and_said(built, tmp_path, capsys):
    boards.bitstream("hx8k_evn", str(tmp_path / "o"), n=20, lanes=1, format="q7.9", seed=6)
    spec, folder = board("hx8k_evn").of(QFormat(16, 9), 20, 1), tmp_path / "o" / "hx8k_evn"
    network = boards.network_for(spec, "q7.9")
    (kind, *made), (what, fitted, of, where, seconds, options) = built.asked
    assert (kind, made) == ("build", [spec, ("geometry", spec, network.hash), folder, {"seed": 6}])
    assert (what, fitted, of.hash, where, seconds, options) == ("fit", spec, network.hash, folder, {"synthesis": 1.5}, {"seed": 6})
    assert (folder / "report.json").read_text() == json.dumps(REPORT, indent=2) + "\n"
    said = capsys.readouterr()
    places = f"bitstream {folder / 'top.bin'}, report {folder / 'report.json'}"
    assert said.err.splitlines() == ["spikegate: hx8k_evn: placing", f"spikegate: {places}; the board's line has 3,000,000 baud"]
    assert "logic cells" in said.out
    boards.bitstream("hx8k_evn", str(tmp_path / "p"), as_json=True)
    assert capsys.readouterr().out == json.dumps(REPORT, indent=2) + "\n"
    assert built.asked[2][1] == board("hx8k_evn").of(Q8_8) and built.asked[2][4] == {"seed": 1}


def test_a_clock_that_is_not_met_is_an_error_after_all_is_written(built, tmp_path):
    built.report["clock_met"] = False
    with pytest.raises(Mismatch) as caught:
        boards.bitstream("icebreaker", str(tmp_path), n=10, lanes=1)
    assert str(caught.value) == f"{board('icebreaker').title}: 18.5 MHz asked and 20.0 MHz met; try another --seed"
    assert (tmp_path / "icebreaker" / "report.json").exists()


def test_a_network_of_ones_own_gives_its_format_and_size_unless_that_is_given(built, tmp_path):
    network, path = translate(preset("ai", n_exc=16, n_inh=4), QFormat(20, 9), ms=3.0, name="mine"), str(tmp_path / "net")
    network.save(path)
    boards.bitstream("ulx3s_85f", str(tmp_path / "a"), network=path)
    boards.bitstream("ulx3s_85f", str(tmp_path / "b"), network=path, n=30, lanes=2)
    (_, one, g, *_), _, (_, two, *_), _ = built.asked
    assert one == board("ulx3s_85f").of(QFormat(20, 9), 20, None) and two == board("ulx3s_85f").of(QFormat(20, 9), 30, 2) and g[2] == network.hash
    with pytest.raises(InputError) as caught:
        boards.bitstream("ulx3s_85f", str(tmp_path / "c"), network=path, format="q8.8")
    assert str(caught.value) == f"--network {path} has a format of its own, so that --format q8.8 cannot be given with it; leave out either"
    points = Builder("points", steps=3)
    points.population("cells", 4, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
    points.freeze().save(path)
    boards.bitstream("ulx3s_85f", str(tmp_path / "c"), network=path)
    (_, three, g, *_), _ = built.asked[4:]
    assert three == board("ulx3s_85f").of_points(4) and (three.lanes, three.store, three.banks) == (4, None, 1) and g[2] == points.freeze().hash


def test_a_core_overlaps_where_the_board_the_network_and_its_size_let_it_or_as_is_said(built, tmp_path, capsys):
    paths = {}
    for delay in (0.1, 0.2):
        made = translate(preset("ai", n_exc=400, n_inh=100, delay=delay), ms=1.0)
        made.save(paths.setdefault(delay, str(tmp_path / str(delay))))

    def overlaps(name, **options):
        boards.bitstream(name, str(tmp_path / f"out{len(built.asked)}"), **options)
        kind, spec, *_ = built.asked[-2]
        return kind == "build" and spec.overlap

    assert overlaps("icebreaker") and overlaps("icebreaker", network=paths[0.2])
    assert not overlaps("icebreaker", network=paths[0.1])  # spikes would be needed in the sweep that makes them
    assert not overlaps("icebreaker", n=60) and not overlaps("icebreaker", overlap=False)  # too few words for a turn; as is said
    assert overlaps("icebreaker", overlap=True, network=paths[0.1])  # the core's geometry refuses it
    for options, said in ((dict(n=60), "Overlap with a store needs more than 32 words a sweep, not 30"),
                          (dict(network=str(tmp_path / "points")), "--overlap is for networks of one weight a source")):
        points = Builder("points", steps=3)
        points.population("cells", 4, LinearNeuron(Q8_8, 12), leak=20, threshold=10 << 8)
        points.freeze().save(str(tmp_path / "points"))
        with pytest.raises(InputError, match=said):
            boards.bitstream("icebreaker", str(tmp_path / "out"), overlap=True, **options)
    with pytest.raises(InputError, match="--counts is for networks of one weight a source"):
        boards.bitstream("ulx3s_85f", str(tmp_path / "out"), counts=True, network=str(tmp_path / "points"))


@pytest.mark.parametrize("counts", [None, True, False])
def test_spikes_are_counted_where_the_board_does_or_as_is_said(built, tmp_path, counts):
    boards.bitstream("ulx3s_85f", str(tmp_path), counts=counts)
    kind, spec, *_ = built.asked[-2]
    assert kind == "build" and spec.counts == bool(counts) and not board("ulx3s_85f").counts
    with pytest.raises(InputError, match="--counts needs memories in look-up tables, which the iCEBreaker has not"):
        boards.bitstream("icebreaker", str(tmp_path), counts=True)


@pytest.mark.parametrize("name, bits", [("icebreaker", "top.bin"), ("ulx3s_85f", "top.bit")])
def test_a_board_is_loaded_with_its_bits_by_its_name_in_a_clean_environment(monkeypatch, tmp_path, capsys, name, bits):
    asked, done = [], SimpleNamespace(returncode=0, stderr="", stdout="")
    monkeypatch.setattr(boards.shutil, "which", lambda program: f"/bin/{program}")
    monkeypatch.setattr(boards, "child_environment", lambda: {"CLEAN": "1"})
    monkeypatch.setattr(subprocess, "run", lambda command, **options: asked.append((command, options)) or done)
    with pytest.raises(SpikegateError) as caught:
        boards.program(name, str(tmp_path))
    assert str(caught.value) == f"No bitstream in {tmp_path / name}; make it with: make bitstream BOARD={name}" and caught.value.exit_code == 1
    (tmp_path / name).mkdir()
    (tmp_path / name / "top.bix").touch()
    (tmp_path / name / bits).touch()
    boards.program(name, str(tmp_path))
    title, path = board(name).title, str(tmp_path / name / bits)
    assert asked == [(["/bin/openFPGALoader", "--board", board(name).loader, path], dict(capture_output=True, text=True, env={"CLEAN": "1"}))]
    assert capsys.readouterr().err == f"spikegate: {title} runs {path}\n"
    for out, err, said in (("a\nb\n", "", "b"), ("a", "x\ny\n", "y"), ("", " ", "it said nothing")):
        done.returncode, done.stdout, done.stderr = 1, out, err
        with pytest.raises(SpikegateError) as caught:
            boards.program(name, str(tmp_path))
        assert str(caught.value) == f"{title} did not take the bitstream ({said}); is it connected, and may this user open its USB device?"
    monkeypatch.setattr(boards.shutil, "which", lambda program: None)
    with pytest.raises(ToolMissing, match="^openFPGALoader is not installed; .*openfpgaloader"):
        boards.program(name, str(tmp_path))
