"""How many bits a network needs, at the command line: known values, what is recommended, and what is not sure."""

import itertools
import json
from types import SimpleNamespace

import pytest
from command import run
from matplotlib.backends.backend_agg import FigureCanvasAgg
from scipy import stats

from spikegate import explore
from spikegate.cosim.results.explore_figure import explore_figure
from spikegate.models.errors import InputError
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import QFormat

SMALL = ["--set", "n_exc=80", "--set", "n_inh=20", "--set", "weight_exc=1", "--ms", "200", "--workers", "1"]


def rows(*rates, cv=1.0, correlation=0.5):
    return [{"rate_hz": rate, "cv_isi": cv, "correlation": correlation} for rate in rates]


def test_means_are_compared_with_their_interval():
    found = explore.compare(rows(11.0, 12.0, 13.0, cv=0.9), rows(9.0, 10.0, 11.0, correlation=0.25))
    half = stats.t.ppf(0.975, 4) * (1 / 3 + 1 / 3) ** 0.5
    assert found["rate_hz"] == 12.0 and found["rate_hz_off"] == pytest.approx(20.0) and found["rate_hz_within"] == pytest.approx(half * 10, rel=1e-4)
    assert found["cv_isi_off"] == pytest.approx(-10.0) and found["cv_isi_within"] == 0.0 and found["correlation_off"] == 0.25


def test_runs_without_chance_are_compared_seed_by_seed():
    ours, theirs = ([{**each, "draws": False} for each in side] for side in (rows(11.0, 21.0, 31.0), rows(10.0, 20.0, 30.0)))
    found = explore.compare(ours, theirs)
    assert found["rate_hz_off"] == pytest.approx(5.0) and found["rate_hz_within"] == 0.0
    assert explore.compare(rows(11.0, 21.0, 31.0), rows(10.0, 20.0, 30.0))["rate_hz_within"] > 50


def test_too_few_spikes_tell_nothing():
    found = explore.compare(rows(1.0, 2.0, cv=None), rows(1.0, 2.0))
    assert (found["cv_isi"], found["cv_isi_off"], found["cv_isi_within"]) == (None, None, None) and found["rate_hz_off"] == 0.0


def row(luts, off, *, cv=0.0, saturated=0, bits=16):
    return {"luts": luts, "rate_hz_off": off, "cv_isi_off": cv, "saturated": saturated, "bits": bits}


def test_what_no_other_beats_is_the_front():
    tried = [row(10, -5.0), row(20, 1.0), row(20, 2.0), row(30, 3.0), row(40, -0.5), {"refused": "x"}]
    assert explore.pareto(tried) == [0, 1, 4]


def misplaced(axes):
    """Labels that leave the axes, and pairs of them that lie over each other."""
    axes.figure.draw_without_rendering()
    inside, names = axes.get_window_extent(), [text for text in axes.texts if text.get_text()]
    place = {text: text.get_window_extent() for text in names}
    return ([text.get_text() for text in names if not all(inside.contains(*corner) for corner in place[text].corners())],
            [(a.get_text(), b.get_text()) for a, b in itertools.combinations(names, 2) if place[a].overlaps(place[b])])


def test_labels_of_the_picture_lie_within_the_axes_and_beside_each_other(tmp_path, monkeypatch):
    figures, own = [], FigureCanvasAgg.print_png
    monkeypatch.setattr(FigureCanvasAgg, "print_png", lambda canvas, *given, **named: figures.append(canvas.figure) or own(canvas, *given, **named))
    found = [{**row(luts, off), "rate_hz_within": 3.0, "format": "q8.12", "leak_bits": leak, "rounding": rounding}
             for luts, off in ((2100, 1.2), (2200, 54.4), (2480, 0.8), (2490, 1.0), (2820, 0.7))
             for leak, rounding in ((12, "nearest"), (15, "stochastic"))]
    assert explore_figure(found, [0, 8], found[0], tmp_path / "explore.png")
    (axes,) = figures[-1].axes
    assert sorted(text.get_text() for text in axes.texts if text.get_text()) == ["q8.12, leak 12"] * 5 + ["q8.12, leak 15, stochastic"] * 5
    assert misplaced(axes) == ([], [])
    for _ in range(2):
        axes.annotate("out", (2820, 1), (40, 0), textcoords="offset points")
    assert misplaced(axes) == (["out", "out"], [("out", "out")])


@pytest.mark.parametrize("tried, best", [
    ([row(10, 6.0), row(30, 1.0, bits=14), row(20, -4.9, bits=18)], 2),
    ([row(10, 1.0, cv=5.1), row(20, 1.0)], 1), ([row(10, 1.0, saturated=1), row(20, 1.0)], 1),
    ([row(None, 1.0, bits=18), row(None, 4.0, bits=14)], 1), ([row(10, 5.1)], None), ([{"refused": "x"}], None)])
def test_the_smallest_that_is_close_enough_is_recommended(tried, best):
    assert explore._recommended(tried, 5.0) == (None if best is None else tried[best])


def test_a_coarse_leak_is_seen_and_a_finer_one_recommended(tmp_path, capsys):
    options = ["--set", "eta=0.9", "--format", "q8.6,q8.8", "--seeds", "3", "--no-cells", "--tolerance", "30", "--out", tmp_path]
    code, out, err = run(capsys, "explore", *SMALL, *options)
    found = json.loads((tmp_path / "explore.json").read_text())
    assert code == 0 and found["reference"]["rate_hz"] > 1 and err[-1] == f"spikegate: table {tmp_path}/explore.json"
    by = {(each["format"], each["leak_fraction"]): each for each in found["rows"]}
    assert "Leak dt/tau = 0.005 rounds to 0 in q8.6" in by["q8.6", "own"]["refused"] and "q8.6, leak own: Leak dt/tau" in out
    assert by["q8.8", "own"]["leak_bits"] == 8 and by["q8.8", "own"]["rate_hz_off"] > 30
    assert by["q8.8", "fine"]["leak_bits"] > 12 and abs(by["q8.8", "fine"]["rate_hz_off"]) < by["q8.8", "own"]["rate_hz_off"] / 2
    assert found["recommended"] == by["q8.6", "fine"] and any("recommended: --format q8.6 --leak-fraction " in line for line in err)
    again, _, err = run(capsys, "explore", *SMALL, *options)
    assert again == 0 and err[0].startswith("spikegate: 12 of 12 points") and json.loads((tmp_path / "explore.json").read_text()) == found
    _, _, err = run(capsys, "explore", *SMALL, *options[:-4], "--tolerance", "0.001", "--out", tmp_path)
    assert "no arithmetic that was tried is within 0.001 %" in err[-3] and "not sure: chance alone is as large as the 0.001 %" in err[-2]
    assert json.loads((tmp_path / "explore.json").read_text())["recommended"] is None


@pytest.mark.parametrize("script, luts, leak, rounding, said", [
    (False, 500, "own", "nearest", "--format q8.6, the smallest core"),
    (False, None, "12", "floor", "--format q8.6 --leak-fraction 12 --rounding floor, the fewest bits"),
    (False, 500, "fine", "nearest", "--format q8.6 --leak-fraction 12, the smallest core"),
    (True, None, "own", "nearest", "set_device(\"spikegate\", format='q8.6'), the fewest bits"),
    (True, 500, "12", "floor", "set_device(\"spikegate\", format='q8.6', leak_fraction=12, rounding='floor'), the smallest core")])
def test_a_recommendation_has_all_that_is_to_be_given(script, luts, leak, rounding, said, tmp_path, capsys, monkeypatch):
    sure = {f"{name}_{part}": 0.0 for name in explore.SHOWN for part in ("off", "within")}
    best = {**sure, "format": "q8.6", "leak_fraction": leak, "leak_bits": 12, "rounding": rounding, "bits": 14, "luts": luts, "saturated": 0,
            "refused": None, "neurons_hz": 0.5, "distance": None}
    monkeypatch.setattr(explore, "_rows", lambda args, folder: ([best], rows(9.0, 9.0)))
    code, _, err = run(capsys, "explore", *(["own.py"] if script else []), "--tolerance", "3", "--out", tmp_path)
    assert (code, err[0]) == (0, f"spikegate: recommended: {said} of those within 3 % of the float's rate and CV")
    assert len(err) == 2 and json.loads((tmp_path / "explore.json").read_text())["recommended"] == best


@pytest.mark.parametrize("words, said", [
    (["--seeds", "1"], "--seeds must be in 2..1000, not 1"), (["--seed", "4"], "--seed cannot be explored; use --seeds"),
    (["--preset", "cuba"], "--preset cuba cannot be explored"), (["--tolerance", "0"], "--tolerance must be above 0 %, not 0"),
    (["--set", "nothing=1"], "--set knows no parameter 'nothing'"), (["--format", "q8.8,q8.8"], "--format must have different values")])
def test_what_cannot_be_explored_is_one_line(words, said, tmp_path, capsys):
    code, out, err = run(capsys, "explore", *SMALL, *words, "--out", tmp_path / "out")
    assert code == 2 and out == "" and len(err) == 1 and said in err[0]


OWN = """
from brian2 import *
prefs.codegen.target = "numpy"
seed(3)
cells = NeuronGroup(20, "dv/dt = (g - v) / (10*ms) : volt\\ndg/dt = -g / (5*ms) : volt", threshold="v > 10*mV", reset="v = 0*mV", method="euler")
cells.v = "rand() * 10*mV"
given = SpikeGeneratorGroup(10, np.random.randint(0, 10, 400), np.arange(400) * 0.25*ms)
synapses = Synapses(given, cells, on_pre="g += 8*mV")
synapses.connect(p=0.5)
monitor = SpikeMonitor(cells)
run(100*ms)
"""


#: A membrane of a few bits beside a random source.
POURED = """
from brian2 import *
prefs.codegen.target = "numpy"
cells = NeuronGroup(2, "dv/dt = -v / (10*ms) : 1", threshold="v > 1", reset="v = 0", method="euler")
noise = PoissonGroup(2, 20*Hz)
synapses = Synapses(noise, cells, on_pre="v += 0.5")
synapses.connect(j="i")
run(1*ms)
"""


def test_a_script_of_ones_own_is_explored_spike_train_by_spike_train(tmp_path, capsys):
    (tmp_path / "own.py").write_text(OWN)
    options = [tmp_path / "own.py", "--no-cells", "--seeds", "2", "--workers", "1", "--format", "q7.2,q7.14", "--out", tmp_path / "out"]
    code, out, err = run(capsys, "explore", *options)
    coarse, fine = json.loads((tmp_path / "out" / "explore.json").read_text())["rows"]
    assert code == 0 and "distance" in out and any("recommended: set_device(\"spikegate\", format='q7." in line for line in err)
    assert (coarse["bits"], fine["bits"]) == (9, 21) and coarse["leak_bits"] == fine["leak_bits"] > 8
    assert 0 <= fine["distance"] < 0.01 < coarse["distance"] < 1 and fine["neurons_hz"] < 3 and abs(fine["rate_hz_off"]) < 0.5


@pytest.mark.parametrize("change, words, said", [
    (("", ""), ["--preset", "ai"], "--preset is for Brunel's networks"), (("", ""), ["--set", "g_inh=4"], "--set g_inh=4 is for Brunel's networks"),
    (("run(100*ms)", "1/0"), [], "ends before it runs a network (ZeroDivisionError"), (("(g - v)", "(g - v**3/volt**2)"), [], "is not linear in v"),
    (("monitor = SpikeMonitor(cells)", ""), [], "has no SpikeMonitor that keeps spikes; add one")])
def test_what_cannot_be_explored_of_a_script_is_said(change, words, said, tmp_path, capsys):
    (tmp_path / "own.py").write_text(OWN.replace(*change) + f"open({str(tmp_path / 'ran')!r}, 'a').write('x')\n")
    code, out, err = run(capsys, "explore", tmp_path / "own.py", "--no-cells", "--seeds", "2", "--workers", "1", *words, "--out", tmp_path / "out")
    assert code == 2 and out == "" and any(said in line for line in err) and "Traceback" not in "".join(err)
    runs = len((tmp_path / "ran").read_text()) if (tmp_path / "ran").exists() else 0
    assert runs <= 2 and (runs > 0) == said.startswith("has no SpikeMonitor")  # without the twelve that would have followed


def test_bits_of_a_scripts_leak_that_are_no_number_are_said_in_their_row():
    point = explore.ScriptPoint.of(__file__, "hardware", 1, (("format", "q8.8"), ("leak_fraction", "fine")))
    with pytest.raises(InputError, match="--leak-fraction of a script must be own or whole numbers, not 'fine'"):
        explore._bits(point)
    assert point._replace(options=(("leak_fraction", "12"),)).given == {"leak_fraction": 12}


def test_a_result_is_kept_for_the_same_script_side_seed_and_options_alone(tmp_path):
    def key(text="x = 1", side="hardware", seed=1, name="own.py", **options):
        (tmp_path / name).write_text(text)
        return explore.ScriptPoint.of(str(tmp_path / name), side, seed, tuple(options.items())).key
    other = [key("x = 2"), key(side="asked"), key(seed=2), key(format="q8.8"), key(format="q8.9")]
    assert key() == key(name="copy.py") and len({key(), *other}) == 6


def test_bits_of_a_script_are_those_of_its_widest_membrane_and_finest_leak(monkeypatch):
    linear = [LinearNeuron(QFormat(width, fraction), leak) for width, fraction, leak in ((12, 8, 14), (20, 6, 9), (16, 10, 11))]
    pieces = [SimpleNamespace(scaled=each and SimpleNamespace(neuron=each)) for each in (*linear, None)]  # the last is a source without a membrane
    monkeypatch.setattr("spikegate.brian2.check", lambda script, **options: given.append(options) or SimpleNamespace(pieces=pieces))
    given, point = [], explore.ScriptPoint.of(__file__, "hardware", 1, (("format", "q8.8"), ("leak_fraction", "12")))
    assert explore._bits(point) == (20, 14) and given == [{"format": "q8.8", "leak_fraction": 12}]
    assert explore.formats("own.py") == "q14.10,q14.8,q14.6,q14.4,q14.2"  # 14 bits before the point of the one, 10 behind it of the other
    del pieces[:3]
    with pytest.raises(InputError, match="has no membranes whose bits could be chosen; add a NeuronGroup"):
        explore.formats("own.py")


def test_a_source_without_a_membrane_asks_for_no_bits(tmp_path):
    (tmp_path / "own.py").write_text(POURED)
    assert explore.formats(str(tmp_path / "own.py")).startswith("q5.")
    assert explore._bits(explore.ScriptPoint.of(str(tmp_path / "own.py"), "hardware", 1, (("format", "q4.6"),)))[0] == 10


def test_a_script_that_is_not_there_is_said(tmp_path, capsys):
    code, out, err = run(capsys, "explore", tmp_path / "none.py", "--format", "q8.8", "--out", tmp_path / "out")
    assert (code, out, err) == (2, "", [f"spikegate: Script {tmp_path}/none.py cannot be read (No such file or directory); give a file in Python"])


@pytest.mark.long
def test_the_core_of_a_script_has_a_size(tmp_path, capsys):
    (tmp_path / "own.py").write_text(OWN)
    code, _, _ = run(capsys, "explore", tmp_path / "own.py", "--seeds", "2", "--format", "q7.4,q7.14", "--out", tmp_path)
    small, large = json.loads((tmp_path / "explore.json").read_text())["rows"]
    assert code == 0 and large["luts"] > small["luts"] + 100 and large["flip_flops"] > small["flip_flops"] > 0


@pytest.mark.long
def test_a_core_of_more_bits_is_larger(tmp_path, capsys):
    code, _, err = run(capsys, "explore", *SMALL, "--format", "q8.8,q16.12", "--leak-fraction", "own", "--seeds", "2", "--out", tmp_path)
    small, large = json.loads((tmp_path / "explore.json").read_text())["rows"]
    assert code == 0 and large["luts"] > small["luts"] + 200 and large["block_rams"] >= small["block_rams"] > 0 < small["multipliers"]
    assert err[-1].endswith(f"picture {tmp_path}/explore.png") and (tmp_path / "explore.png").stat().st_size > 10_000
