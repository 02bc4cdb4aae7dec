"""What Brian2's device and `spikegate check` make of their options, and what the checked hardware says of a difference; nothing of Brian2 runs."""

from argparse import ArgumentParser, Namespace
from dataclasses import FrozenInstanceError, replace
from types import SimpleNamespace

import numpy as np
import pytest

from spikegate import brian2, scripts
from spikegate.beside import Beside
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.results.compare import Check
from spikegate.models.core.point_golden import PointGolden
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.network.builder import Builder
from spikegate.models.network.engine import Agreement
from spikegate.models.network.provenance import Quantity
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding


def network(steps=60, **options):
    net = Builder("cells", steps=steps, seed=3)
    net.input("kick", 2, steps=[2, 5, 9], channels=[0, 1, 0])
    net.population("cells", 6, LinearNeuron(Q8_8, 12, **options), leak=20, threshold=10 << 8)
    net.connect("kick", "cells", weights=np.full((2, 6), 11 << 8))
    return net.freeze()


NET = network()


def test_every_option_is_read_and_has_its_default():
    engine, choice = brian2._make({})
    assert engine == PointGolden() and (choice.format, choice.current_format, choice.leak_fraction, choice.decay_fraction) == (None,) * 4
    assert (choice.rounding, choice.overflow) == (Rounding.NEAREST, Overflow.SATURATE)
    engine, choice = brian2._make(dict(engine="rtl", lanes=3, format="q10.6", current_format=QFormat(20, 8), leak_fraction=14, decay_fraction=15,
                                       rounding="floor", overflow="Wrap"))
    assert engine == brian2.CheckedRtl(3) and (choice.format, choice.current_format) == (QFormat(16, 6), QFormat(20, 8))
    assert (choice.leak_fraction, choice.decay_fraction, choice.rounding, choice.overflow) == (14, 15, Rounding.FLOOR, Overflow.WRAP)
    mine = PointRtl(2)
    assert brian2._make(dict(engine=mine, rounding=Rounding.STOCHASTIC, format=None, current_format="auto"))[0] is mine
    assert brian2._make(dict(engine="rtl"))[0] == brian2.CheckedRtl() == brian2.CheckedRtl(8)


@pytest.mark.parametrize("options, words", [
    (dict(lane=3), "Option 'lane' of the device spikegate is none; there are engine, lanes, format, current_format, leak_fraction, decay_fraction, "
     "rounding, overflow"),
    *((dict(lanes=lanes), f"lanes must be a whole number of 1 or more, not {lanes!r}") for lanes in (0, -1, True, 2.0, "3")),
    (dict(engine="board"), "engine must be golden or rtl, not 'board'; networks of point neurons do not run on boards yet"),
    (dict(rounding="up"), "rounding must be floor or nearest or stochastic, not 'up'"),
    (dict(overflow=3), "overflow must be saturate or wrap, not 3")])
def test_an_option_that_there_is_not_is_refused_in_full(options, words):
    with pytest.raises(InputError) as caught:
        brian2._make(options)
    assert str(caught.value) == words


def test_the_checked_hardware_gives_its_own_recording_if_every_spike_and_last_state_is_the_golden_models(monkeypatch):
    golden, asked = PointGolden().run(NET, trace=True), []
    found = replace(golden, engine="rtl")

    def run(self, network, *, trace, progress):
        asked.append((self.lanes, network, trace, progress))
        return found
    monkeypatch.setattr(PointRtl, "run", run)
    traced, plain = brian2.CheckedRtl(3).run(NET, trace=True, progress=print), brian2.CheckedRtl().run(NET)
    assert len(golden.spikes) > 6 and traced.trace is found.trace and all(np.array_equal(each.spikes, golden.spikes) for each in (traced, plain))
    last = sum(each.size for each in golden.final.values())
    assert plain.provenance["held"] == {"spikes": len(golden.spikes), "values": last} and last >= 6 * len(NET.states)
    assert traced.provenance["held"] == {"spikes": len(golden.spikes), "values": last + 60 * 6 * len(golden.trace)}
    assert asked == [(3, NET, True, print), (6, NET, False, None)]  # no more lanes than neurons
    for name in NET.states:
        other = golden.final[name].copy()
        other[4] += 1
        found = replace(golden, final={**golden.final, name: other})
        with pytest.raises(Mismatch) as caught:
            brian2.CheckedRtl(3).run(NET)
        assert str(caught.value) == f"RTL differs from the golden model in {name}; save it, and run spikegate sim --network"
    for trace in ({**golden.trace, "v": golden.trace["v"] + (np.arange(60) == 7)[:, None]}, {}):
        found = replace(golden, trace=trace)
        with pytest.raises(Mismatch, match="^RTL differs from the golden model in v of a step"):
            brian2.CheckedRtl(3).run(NET, trace=True)
    found = replace(golden, spikes=golden.spikes[:-1])
    with pytest.raises(Mismatch, match="^RTL differs from the golden model in spikes; save it"):
        brian2.CheckedRtl(3).run(NET)


def test_what_the_checked_hardware_is():
    engine = brian2.CheckedRtl(4)
    assert (engine.name, engine.title, engine.agreement) == ("rtl", "RTL", Agreement.BIT_TRUE) and engine.unsupported(NET) == []
    with pytest.raises(FrozenInstanceError):
        engine.lanes = 2


def test_rows_that_are_too_large_for_the_chip_are_in_a_memory_outside(monkeypatch):
    assert brian2.CheckedRtl(4)._rtl(NET).rows.name == "csr"
    monkeypatch.setattr(PointRtl, "unsupported", lambda self, network: ["too large"] * (self.rows.name == "csr"))
    assert brian2.CheckedRtl(4)._rtl(NET).rows.name == "external" and brian2.CheckedRtl(4).unsupported(NET) == []
    monkeypatch.setattr(PointRtl, "unsupported", lambda self, network: [f"{self.rows.name} too large"])
    assert brian2.CheckedRtl(4).unsupported(NET) == ["csr too large"]


def test_nothing_has_run_yet_and_then_it_has(monkeypatch):
    monkeypatch.setattr(brian2.DEVICE, "result", None)
    with pytest.raises(InputError) as caught:
        brian2.result()
    assert str(caught.value) == ('Nothing has run on the device spikegate yet; call set_device("spikegate") before the network is made, and run it')
    monkeypatch.setattr(brian2.DEVICE, "result", "the last")
    assert brian2.result() == "the last"


def test_an_error_of_ours_that_nobody_caught_is_one_line_and_others_are_as_before(capsys):
    seen = []
    hook = brian2._plain(lambda *args: seen.append(args))
    hook(Mismatch, Mismatch("one line"), None)
    assert capsys.readouterr().err == "spikegate: one line\n" and seen == []
    hook(KeyError, error := KeyError("x"), "trace")
    assert seen == [(KeyError, error, "trace")] and capsys.readouterr().err == ""


def test_the_cause_of_an_error_is_its_first():
    first, second = ValueError("deep\nmore"), RuntimeError("outer")
    second.__cause__ = first
    assert brian2._cause(second) == "ValueError: deep" and brian2._cause(KeyError()) == "KeyError: "


def checked(monkeypatch, capsys, quantised, script="mine.py", save=None, format="auto", current_format="auto"):
    """Exit code, output, and what was called."""
    calls = []
    monkeypatch.setattr("spikegate.doctor.require", lambda command: calls.append(command))
    monkeypatch.setattr(brian2, "check", lambda *args, **options: calls.append((args, options)) or quantised)
    code = scripts.check(Namespace(script=script, save=save, seeds=1, beside=False, format=format, current_format=current_format))
    return code, capsys.readouterr().out, calls


def quantised(net, warnings=()):
    rows = [Quantity("cells.tau_mem", 0.02, 0.0201, 0.005), Quantity("cells.rest", 0.0, 0.125, None)]
    return SimpleNamespace(network=net, quantities=rows, warnings=list(warnings))


def test_check_prints_each_group_with_its_formats_and_each_parameter(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COLUMNS", "140")
    code, out, calls = checked(monkeypatch, capsys, quantised(NET, ["tau is off"]))
    assert code == 0 and calls == ["sim", (("mine.py",), dict(format="auto", current_format="auto"))]
    lines = [" ".join(line.split()) for line in out.splitlines() if line.strip()]
    assert lines[0].startswith("mine.py: 6 neurons, 12 synapses, 60 steps of 0.1 ms would run, in Brian2's order of a step; spike-exact")
    joined = " ".join(lines)
    assert "group size kind format parameter sets drive" in joined and "cells 6" in joined and "q8.8 1 no" in joined
    assert "kick 2 recorded spikes – – 3 spikes" in joined and "parameter, SI asked realised relative error" in joined
    assert "cells.tau_mem 0.02 0.0201 +0.5 %" in joined and "cells.rest 0 0.125 –" in joined and "warning: tau is off" in joined
    path = tmp_path / "net"
    code, out, calls = checked(monkeypatch, capsys, quantised(NET), script="s.py", save=str(path), format="q4.4", current_format="q5.5")
    assert calls[1] == (("s.py",), dict(format="q4.4", current_format="q5.5")) and NET.hash in "".join(out.split())
    assert type(NET).load(path).hash == NET.hash and "warning" not in out


def test_currents_and_drives_are_in_their_columns():
    net = Builder("more", steps=9)
    neuron = LinearNeuron(Q8_8, 12, currents=("x",), current_format=QFormat(20, 10))
    net.population("a", 1200, neuron, leak=[20] * 600 + [21] * 600, threshold=10 << 8, decay_x=5, coupling_x=6)
    net.poisson("noise", 3, 200.0)
    rows = scripts._groups(SimpleNamespace(network=net.freeze()))
    assert rows[0][0::3] == ("a", "q8.8, currents q10.10") and rows[0][1] == "1,200" and rows[0][4:] == ("2", "no")
    assert rows[1][:2] == ("noise", "3") and rows[1][3] == "–"
    net.drive("a", 100, trials=10, probability=0.02, port="x")
    assert scripts._groups(SimpleNamespace(network=net.freeze()))[0][5] == "yes"


@pytest.mark.parametrize("failed", [False, True])
def test_check_beside_judges_with_the_formats_that_it_froze_and_a_failure_is_its_exit_code(monkeypatch, capsys, failed):
    calls, words = [], ["s.py", "--beside", "--seeds", "4", "--format", "q4.4", "--current-format", "q5.5"]
    monkeypatch.setattr("spikegate.doctor.require", calls.append)
    monkeypatch.setattr(brian2, "check", lambda *args, **options: calls.append((args, options)) or quantised(NET))
    one = Check("m: rate", Agreement.STATISTICAL, 7, int(failed), None, not failed, "1 against 2")
    monkeypatch.setattr("spikegate.beside.beside", lambda *args, **options: calls.append((args, options)) or Beside([one], False, []))
    parser = ArgumentParser()
    scripts.add_options(parser)
    assert scripts.check(parser.parse_args(words)) == int(failed)
    formats = dict(format="q4.4", current_format="q5.5")
    assert calls == ["sim", (("s.py",), formats), (("s.py",), dict(seeds=4, **formats))]
    assert capsys.readouterr().out.splitlines()[-2:] == [f"m: rate: 1 against 2: {'FAILED' if failed else 'ok'}", (
        f"judged: m 1 (7 compared), {int(failed)} failed, 0 warned: {'FAILED' if failed else 'ok'}")]


def test_the_options_of_check_are_these():
    parser = ArgumentParser()
    scripts.add_options(parser)
    assert vars(parser.parse_args(["s"])) == dict(script="s", save=None, beside=False, seeds=1, format="auto", current_format="auto", dt=1e-4,
                                                  integrators="step", method="euler", reset="value")
