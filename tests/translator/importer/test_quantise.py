"""What integers hold of a user's numbers: the parameter that is furthest off, warnings, signals of few bits; and what a long run reports."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import device, on

import spikegate.brian2
from spikegate.models.errors import InputError
from spikegate.models.network.provenance import Quantity
from spikegate.translator.importer.float_parts import Signal
from spikegate.translator.importer.parameters import worst
from spikegate.translator.importer.quantise import Quantised
from spikegate.translator.importer.signals import bits_of


@pytest.mark.parametrize("asked, realised, found", [
    ([100.0, 1.0, -2.0], [101.0, 1.1, -2.1], (1.0, 1.1)), ([100.0, 1.0, -2.0], [101.0, 1.01, -2.1], (-2.0, -2.1)),
    ([0.0, 2.0], [5.0, 2.1], (2.0, 2.1)), ([3.0, 4.0], [3.0, 4.0], (3.0, 3.0))])
def test_the_neuron_that_is_named_is_furthest_off_as_a_part_of_what_it_was_asked_for(asked, realised, found):
    assert worst("tau", np.array(asked), np.array(realised)) == [Quantity("tau", *found)]
    assert worst("tau", np.zeros(2), np.ones(2)) == worst("tau", np.empty(0), np.empty(0)) == []


def test_what_is_off_by_more_than_a_hundredth_is_warned_of_whether_too_large_or_too_small():
    asked = [Quantity(name, 2.0, realised) for name, realised in (("a", 2.021), ("b", 1.979), ("c", 2.019), ("d", 1.981))]
    assert Quantised(None, (), (*asked, Quantity("e", 0.0, 1.0), Quantity("f", -2.0, -1.5))).warnings == [  # type: ignore[arg-type]
        f"{text}: use more fraction bits" for text in (
            "a is 2.021 and not the 2 asked for (+1.05 %)", "b is 1.979 and not the 2 asked for (-1.05 %)",
            "f is -1.5 and not the -2 asked for (-25 %)")]


@pytest.mark.parametrize("width, most", [(8, 127), (24, (1 << 23) - 1), (30, (1 << 23) - 1)])
def test_a_signal_has_as_many_bits_as_its_current_and_24_at_most(width, most):
    raw, one = bits_of(Signal(np.array([[0.5, -2.0, 1.0]]), np.zeros(1, int), np.ones(1)), width)
    assert one == 2.0 / most and raw.tolist() == [[round(most / 4), -most, round(most / 2)]]


def test_a_narrow_format_of_currents_holds_an_input_by_the_time():
    def script():
        cells = b.NeuronGroup(2, "dv/dt = (1.5 + sin(t / ms) - v) / (5*ms) : 1", threshold="v > 1", reset="v = 0", method="euler")
        b.Network(cells).run(20 * b.ms, namespace={})

    on("spikegate", script, current_format="q4.4")
    (signal,), found = spikegate.brian2.result().network.projections, spikegate.brian2.result()
    assert signal.weights.min() == -128 and signal.weights.max() == 64 and found.overflows == 0


@pytest.mark.parametrize("report, where", [("text", "out"), ("stdout", "out"), ("stderr", "err")])
def test_progress_of_a_run_goes_where_the_script_says(report, where, capsys):
    with device("spikegate"):
        b.Network(b.NeuronGroup(2, "dv/dt = -v / (5*ms) : 1", method="exact")).run(1 * b.ms, report=report)
    said = capsys.readouterr()
    assert "Starting simulation at t=0. s for a duration of 1. ms" in getattr(said, where) and "(100%) simulated in" in getattr(said, where)
    assert said.out + said.err == getattr(said, where)


def test_progress_of_a_run_is_told_to_a_function_and_what_is_none_is_refused():
    told = []
    with device("spikegate"):
        network = b.Network(b.NeuronGroup(2, "dv/dt = -v / (5*ms) : 1", method="exact"))
        network.run(2 * b.ms)
        network.run(1 * b.ms, report=lambda elapsed, done, start, duration: told.append((float(elapsed) >= 0, done, float(start), float(duration))))
        with pytest.raises(InputError, match="^report must be 'text', 'stdout', 'stderr' or a function, not 'loud'$"):
            network.run(1 * b.ms, report="loud")
    assert told[0] == (True, 0.0, 0.002, 0.001) and told[-1] == (True, 1.0, 0.002, 0.001)
