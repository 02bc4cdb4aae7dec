"""`simulate` step by step, its engines called within this process: which jobs run on what, what is said, and what is left."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from spikegate import simulate as face
from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results.compare import Check
from spikegate.models.errors import InputError, Mismatch, ToolMissing
from spikegate.models.network.engine import Agreement, Engine, Hardware
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate

#: Made once, however many processes are forked from this one.
NETWORK = translate(preset("ai", n_exc=16, n_inh=4, conn_prob=0.5), name="small", ms=4.0)
HASH = NETWORK.hash


@pytest.fixture
def network():
    return NETWORK


class Pretended(Engine):
    """Gives a recording that knows its engine; ``reasons`` is why it cannot run."""

    def __init__(self, name, agreement, reasons=(), traces=True):
        self.name, self.title, self.agreement, self.reasons, self.traces = name, name.upper(), agreement, list(reasons), traces

    def unsupported(self, network):
        return self.reasons

    def run(self, network, *, trace=False, progress=None):
        return Recording(self.name, network.n, network.steps, [(1, 2)], provenance={"network": network.hash})


class Trial(Pretended, Hardware):
    """Hardware whose waveform is a line of text."""

    failure = None

    def predicted_phases(self, network, recording):
        return {"all": 1}

    def waveform(self, network, *, first, last, path, progress=None):
        if self.failure:
            raise self.failure
        with open(path, "w") as file:
            file.write(f"{first} {last}")


EXACT, CLOSE = Agreement.BIT_TRUE, Agreement.STATISTICAL


def engines(**reasons):
    kinds = {"rtl": Trial, "golden": Pretended, "witness": Pretended, "float": Pretended}
    agree = {"rtl": EXACT, "golden": EXACT, "witness": Agreement.SPIKE_EXACT, "float": CLOSE}
    return [kinds[name](name, agree[name], reasons.get(name, ())) for name in kinds]


OK = Check("RTL = golden", EXACT, 5, 0, None, True)
BAD = Check("RTL = golden", EXACT, 5, 1, {"step": 20, "neuron": 3, "signal": "v", "engines": ["rtl", "golden"], "values": [1, 2]}, False)


@pytest.fixture
def ran(monkeypatch, tmp_path, capsys):
    """Runs `simulate`, and what it did: jobs, the run that was judged, what was drawn, and what was printed."""
    seen = SimpleNamespace(jobs=[], judged=[], built=[], drawn=[], pages=[], out=tmp_path / "out", checks=[OK], ok=True, warned=[])

    def isolated(jobs, tell=lambda name, fraction: None, **options):
        seen.jobs += [(job.name, job.work.__func__.__name__, job.network, dict(job.options), options) for job in jobs]
        found = {}
        for job in jobs:
            for fraction in (0.0, 0.05, 0.39, 0.31, 0.999, 1.0):
                tell(job.name, fraction)
            found[job.name] = Result(job.work(job.network, **job.options), 1.0, 2.0)
        return found

    def build(run, checks, **said):
        seen.built.append((run, checks, said))
        return {"ok": seen.ok, "warnings": seen.warned, "a": 1}

    monkeypatch.setattr(face.run, "run_isolated", isolated)
    monkeypatch.setattr(face.report, "judge", lambda run: seen.judged.append(run) or seen.checks)
    monkeypatch.setattr(face.report, "build", build)
    monkeypatch.setattr(face, "markdown", lambda whole: f"in Markdown, {whole['a']}")
    monkeypatch.setattr(face, "print_tables", lambda whole, console: console.print(f"as tables, {whole['a']}, {console._highlight}"))
    monkeypatch.setattr("spikegate.cosim.results.figure.figure", lambda *args: seen.drawn.append(args))
    monkeypatch.setattr("spikegate.cosim.results.page.write_page", lambda *args: seen.pages.append(args))

    def go(network, which=None, **options):
        face.simulate(network, which or engines(), str(seen.out), **options)
        return capsys.readouterr()

    seen.go, seen.said = go, lambda: capsys.readouterr()
    return seen


LAST = ["spikegate: report {out}/report.json, page {out}/report.html, picture {out}/sim.png", "spikegate: ok; judged: RTL = golden"]


def test_every_engine_runs_once_with_every_step_recorded_and_all_is_left(ran, network):
    made = engines()
    said = ran.go(network, made, sabotage="leak")
    assert [job[:4] for job in ran.jobs] == [(name, "run", network, {"trace": True}) for name in ("rtl", "golden", "witness", "float")]
    assert all(job[4] == {"logs": ran.out} for job in ran.jobs)
    (run, checks, more), = ran.built
    assert [run] == ran.judged and checks == [OK] and more == {"sabotage": "leak"}
    assert (run.network, run.engines, run.absent, run.traced, run.more) == (network, made, {}, True, [])
    assert {name: held.recording.engine for name, held in run.results.items()} == {name: name for name in ("rtl", "golden", "witness", "float")}
    assert ran.pages == [(ran.out / "report.html", run, checks, {"ok": True, "warnings": [], "a": 1}, None)]
    (recordings, drawn, path, dpi, hardware), = ran.drawn
    assert recordings == {name: held.recording for name, held in run.results.items()}
    assert (drawn, path, dpi, hardware) == (network, ran.out / "sim.png", face.SCREEN, "RTL")
    assert json.loads((ran.out / "report.json").read_text()) == {"ok": True, "warnings": [], "a": 1}
    assert type(network).load(ran.out / "network.spikegate").hash == network.hash and not (ran.out / "mismatch.vcd").exists()
    told = [f"spikegate: {name} {word}" for name in ("rtl", "golden", "witness", "float") for word in ("started", "30 %", "90 %", "finished")]
    assert said.err.splitlines() == [*told, *(line.format(out=ran.out) for line in LAST)] and said.out == "as tables, 1, False\n"


@pytest.mark.parametrize("form, printed", [("json", '{\n  "ok": true,\n  "warnings": [],\n  "a": 1\n}\n'), ("markdown", "in Markdown, 1\n"),
                                           ("tables", "as tables, 1, False\n")])
def test_standard_output_has_the_form_that_was_asked_for(ran, network, form, printed):
    assert ran.go(network, form=form).out == printed


def test_more_seeds_run_the_hardware_and_what_agrees_statistically_on_networks_of_other_random_numbers(ran, network):
    ran.go(network, seeds=3)
    assert [job[0] for job in ran.jobs] == ["rtl", "golden", "witness", "float", *(f"{name}, seed {seed}" for seed in (2, 3) for name in (
        "rtl", "float"))]
    for number, other in ((1, ran.jobs[4:6]), (2, ran.jobs[6:])):
        assert [job[2].hash for job in other] == [network.reseeded(number).hash] * 2 and all(job[3] == {} for job in other)
    run, = ran.judged
    assert [{name: one.provenance["network"] for name, one in more.items()} for more in run.more] == [
        dict.fromkeys(("rtl", "float"), network.reseeded(number).hash) for number in (1, 2)]
    assert list(run.results) == ["rtl", "golden", "witness", "float"]


@pytest.mark.parametrize("seeds", [0, 2, -1, 1001])
def test_seeds_that_tell_nothing_are_refused_before_any_work(ran, network, seeds):
    with pytest.raises(InputError) as caught:
        ran.go(network, seeds=seeds)
    assert str(caught.value) == f"--seeds must be 1 or in 3..1000, not {seeds}; two runs do not tell how far chance goes"
    assert not ran.jobs and not ran.out.exists()


def test_as_many_seeds_as_may_be_are_taken(ran, network, monkeypatch):
    assert face.MAX_SEEDS == 1000
    monkeypatch.setattr(face, "MAX_SEEDS", 4)
    ran.go(network, seeds=4)
    assert len(ran.jobs) == 4 + 3 * 2
    with pytest.raises(InputError, match="must be 1 or in 3..4, not 5"):
        ran.go(network, seeds=5)


def test_a_network_without_random_numbers_is_not_repeated(ran, network, monkeypatch):
    monkeypatch.setattr(type(network), "draws", False)
    ran.go(network)
    with pytest.raises(InputError) as caught:
        ran.go(network, seeds=3)
    assert str(caught.value) == "--seeds 3 repeats a run with other random numbers, and 'small' draws none; leave it out, or run for longer"


def test_an_engine_that_is_needed_has_to_run_and_another_is_left_out_with_its_reasons(ran, network):
    said = ran.go(network, engines(witness=["no a", "no b"], float=["no c"]))
    assert said.err.splitlines()[:2] == ["spikegate: witness is not run: no a; no b", "spikegate: float is not run: no c"]
    assert [job[0] for job in ran.jobs] == ["rtl", "golden"] and ran.judged[0].absent == {"witness": "no a; no b", "float": "no c"}
    for reasons, words in (({"rtl": ["no a", "no b"], "golden": ["no b", "no d"], "float": ["no c"]}, "no a\nno b\nno d"), ({"golden": ["x"]}, "x")):
        with pytest.raises(InputError) as caught:
            ran.go(network, engines(**reasons))
        assert str(caught.value) == words and len(ran.judged) == 1


def test_above_forty_million_values_or_with_an_engine_that_cannot_steps_are_not_recorded(ran, network, monkeypatch):
    assert face.TRACE_LIMIT == 40_000_000
    monkeypatch.setattr(face, "TRACE_LIMIT", 800)
    ran.go(network)
    monkeypatch.setattr(face, "TRACE_LIMIT", 799)
    said = ran.go(network)
    assert said.err.splitlines()[0] == ("spikegate: 20 neurons over 40 steps are above 799 values: membranes at every step are left out, spikes and "
                                        "final states are compared")
    monkeypatch.setattr(face, "TRACE_LIMIT", 800)
    slow = engines()
    slow[0].traces = False
    said = ran.go(network, slow)
    assert said.err.splitlines()[0] == "spikegate: RTL is too slow for membranes at every step: spikes and final states are compared"
    assert [run.traced for run in ran.judged] == [True, False, False] and [job[3] for job in ran.jobs[::4]] == [{"trace": run} for run in (
        True, False, False)]


@pytest.mark.parametrize("step, first, last", [(20, 17, 23), (3, 0, 6), (2, 0, 5), (0, 0, 3), (36, 33, 39), (37, 34, 39), (39, 36, 39)])
def test_a_difference_leaves_the_waveform_of_three_steps_around_it(ran, network, step, first, last):
    ran.ok, ran.checks = False, [replace(BAD, first_divergence={**BAD.first_divergence, "step": step}), BAD, OK]
    ran.out.mkdir()
    (ran.out / "mismatch.vcd").write_text("old")
    with pytest.raises(Mismatch) as caught:
        ran.go(network)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith(f"; waveform of steps {first}..{last} in {ran.out / 'mismatch.vcd'}") and "waveform" not in lines[1]
    assert lines[2] == "FAILED; judged: RTL = golden" and len(lines) == 3
    assert (ran.out / "mismatch.vcd").read_text() == f"{first} {last}" and [job[0] for job in ran.jobs[4:]] == ["waveform"]
    assert f"spikegate: writing the waveform of steps {first}..{last}" in ran.said().err.splitlines()
    assert ran.jobs[4][4] == {"logs": ran.out} and (ran.out / "report.json").exists() and ran.drawn


@pytest.mark.parametrize("changes, kept", [({"first_divergence": None}, []), ({"first_divergence": {**BAD.first_divergence, "step": None}}, []),
                                           ({"ok": None}, []), ({"warns": True}, [])])
def test_without_a_step_of_a_difference_there_is_no_waveform_and_the_one_of_before_is_gone(ran, network, changes, kept):
    ran.ok, ran.checks = False, [replace(BAD, **changes)]
    ran.out.mkdir()
    (ran.out / "mismatch.vcd").write_text("old")
    with pytest.raises(Mismatch):
        ran.go(network)
    assert not (ran.out / "mismatch.vcd").exists() and len(ran.jobs) == 4


@pytest.mark.parametrize("failure", [ToolMissing("no tool"), OSError("no room")])
def test_a_waveform_that_cannot_be_written_is_said_beside_the_difference(ran, network, failure):
    ran.ok, ran.checks, made = False, [BAD], engines()
    made[0].failure = failure
    with pytest.raises(Mismatch) as caught:
        ran.go(network, made)
    assert str(caught.value).splitlines()[0].endswith(f"; no waveform ({failure})") and not (ran.out / "mismatch.vcd").exists()


def test_warnings_are_said_one_a_line(ran, network):
    ran.warned = ["tau is off", "order"]
    assert ran.go(network).err.splitlines()[-4:] == ["spikegate: WARNING: tau is off", "spikegate: WARNING: order", *(
        line.format(out=ran.out) for line in LAST)]


def test_a_source_that_contradicts_the_integers_is_refused_before_any_work(ran, network):
    with pytest.raises(InputError):
        ran.go(network.replace(source={**network.source, "n_exc": 17}))
    assert not ran.jobs and not ran.out.exists()
