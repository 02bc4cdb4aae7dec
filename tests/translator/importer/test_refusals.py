"""What hardware does not have is refused before anything runs: the user's object, his own line, the reason, and what would run."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import device

import spikegate.brian2
from spikegate.models.errors import InputError
from spikegate.translator.importer import sources

LIF = "dv/dt = -v / (10*ms) : volt (unless refractory)"


def group(model=LIF, threshold="v > 10*mV", reset="v = 0*mV", n=4, **more):
    return b.NeuronGroup(n, model, threshold=threshold, reset=reset, method=more.pop("method", "euler"), **more)


def synapses(model="w : volt", code="v_post += w", cells=None, **more):
    cells = cells or group()
    made = b.Synapses(cells, cells, model, on_pre=code, **more)
    made.connect()
    return cells, made


def several(*objects):
    return objects


def operated():
    return group(), b.NetworkOperation(lambda: None)


def regularly():
    cells = group()
    cells.run_regularly("v += 1*mV")
    return (cells,)


def seldom():
    cells = group(model=LIF + "\nx : volt")
    cells.run_regularly("x = randn() * mV", dt=1 * b.ms)
    return (cells,)


def summed():
    cells = group(model=LIF + "\ns : volt")
    made = b.Synapses(cells, cells, "s_post = v_pre : volt (summed)")
    made.connect()
    return cells, made


def watched(name="v", refractory=False, **more):
    cells = group(model=LIF + "\nx = 2 * v : volt", refractory=refractory)
    return cells, b.StateMonitor(cells, name, record=True, **more)


def poured(*weights, **more):
    cells = group()
    return cells, *(b.PoissonInput(cells, "v", more.get("events", 10), 10 * b.Hz, weight) for weight in weights)


def fed(model, *names, **more):
    """Cells of which variables take events, so that no host can work them out before."""
    cells = group(model, **more)
    return cells, *(b.PoissonInput(cells, name, 10, 10 * b.Hz, 1 * b.mV) for name in names)


def kicked(model, name):
    cells = group(model)
    made = b.Synapses(cells, cells, on_pre=f"{name} += 1*mV")
    made.connect()
    return cells, made


def twice():
    cells, drive = fed("dv/dt = (x + c - v) / (10*ms) : volt\ndc/dt = (x - c) / (5*ms) : volt\nx : volt", "c")
    cells.run_regularly("x = randn() * mV")
    return cells, drive


def slow():
    cells = group()
    made = b.Synapses(cells, cells, on_pre="v += 1*mV", delay=1000 * b.second)
    made.connect()
    return cells, made


def late():
    cells, made = synapses()
    made.pre.when = "resets"
    return cells, made


def resting():
    cells = group()
    drive = b.PoissonInput(cells, "v", 10, 10 * b.Hz, 1 * b.mV)
    drive.active = False
    return cells, drive


def timed():
    cells = group(model="dv/dt = -rates(t) * v / (10*ms) : volt")
    cells.namespace["rates"] = b.TimedArray([1, 2], dt=1 * b.ms)
    return (cells,)


def linked():
    cells = group()
    others = group(model="dv/dt = (x - v) / (10*ms) : volt\nx : volt (linked)")
    others.x = b.linked_var(cells, "v")
    return cells, others


def custom():
    cells = b.NeuronGroup(3, LIF, threshold="v > 10*mV", reset="v = 0*mV", events={"low": "v < 1*mV"}, method="exact")
    return (cells,)


CASES = {
    "cubic": (lambda: several(group("dv/dt = v**3 / (10*ms*mV**2) : volt")),
              "'dv/dt = v**3 / (10*ms*mV**2) : V' is not linear in v; a membrane such as"),
    "quadratic and held": (lambda: several(group("dv/dt = v**2 / (10*ms*mV) : volt", refractory=2 * b.ms)), "holds a quadratic membrane"),
    "quadratic with subtraction": (lambda: several(group("dv/dt = v**2 / (10*ms*mV) : volt", reset="v -= 1*mV")), "is not a value for v"),
    "conductance": (lambda: several(group("dv/dt = (g * (10*mV - v) - v) / (10*ms) : volt\ndg/dt = -g / (5*ms) : 1")), "is not linear in v and g;"),
    "three currents": (lambda: fed("dv/dt = (a + c + d - v) / (10*ms) : volt" + "".join(f"\nd{x}/dt = -{x} / (5*ms) : volt" for x in "acd"), *"acd"),
                       "are 3 variables beside v; 2 currents would run"),
    "a chain that is driven": (lambda: fed("dv/dt = (x - v) / (10*ms) : volt\ndx/dt = (y - x) / (5*ms) : volt\ndy/dt = -y / (5*ms) : volt", "y"),
                               "'y' has a PoissonInput and feeds another current, or is fed by one; a PoissonGroup and synapses would run"),
    "two that only add up": (lambda: kicked("dv/dt = (x - v) / (10*ms) : volt\ndx/dt = y / (5*ms) : volt\ndy/dt = 0*mV/ms : volt", "y"),
                             "has x and y, of which neither decays"),
    "a circle": (lambda: fed("dv/dt = (x - v) / (10*ms) : volt\ndx/dt = (y - x) / (5*ms) : volt\ndy/dt = (x - 2 * y) / (5*ms) : volt", "y"),
                 "'dy/dt = (x - 2 * y) / (5*ms) : V' is fed by x"),
    "time": (lambda: several(group("dv/dt = -v * (2 + sin(t/ms)) / (10*ms) : volt")), "depends on the time (t)"),
    "timed array": (timed, "'dv/dt = -rates(t) * v / (10*ms) : V' depends on the time (t)"),
    "time in a current": (lambda: fed("dv/dt = (c - v) / (10*ms) : volt\ndc/dt = (sin(t/ms) * mV - c) / (5*ms) : volt", "c"),
                          "'dc/dt = (sin(t/ms) * mV - c) / (5*ms) : V' is fed by the time (t)"),
    "time beside currents": (lambda: fed("dv/dt = (sin(t/ms) * mV + c + d - v) / (10*ms) : volt\n"
                                         "dc/dt = -c / (5*ms) : volt\ndd/dt = -d / (5*ms) : volt", "c", "d"),
                             "depends on the time (t) and has 2 currents, of which 1 would run beside it"),
    "time of each": (lambda: several(group("dv/dt = (sin(t/ms + i) * mV - v) / (10*ms) : volt", n=100_001)),
                     "is another input for each of 100001 neurons"),
    "noise in both": (twice, "has the noise of v; noise of one of the two would run"),
    "much noise in a current": (lambda: fed("dv/dt = (c - v) / (10*ms) : volt\ndc/dt = -c / (5*ms) + mV * xi / sqrt(5*ms) : volt", "c", n=100_001),
                                "has noise of 100001 currents in 10 steps, above 1000000 numbers"),
    "noise that stands still": (lambda: fed("dv/dt = (c - v) / (10*ms) : volt (unless refractory)\ndc/dt = -c / (5*ms) + mV * xi / sqrt(5*ms) : volt "
                                            "(unless refractory)", "c", refractory=2 * b.ms), "has noise, and stands still while the neuron is refr"),
    "noise in what adapts": (lambda: several(group("dv/dt = (-v - w) / (9*ms) : volt\ndw/dt = -w / (9*ms) + mV * xi / sqrt(5*ms) : volt",
                                                   reset="v = 0*mV; w += 1*mV")), "has noise; noise of the membrane alone, or of a current that"),
    "a current that grows": (lambda: fed("dv/dt = (c - v) / (10*ms) : volt\ndc/dt = 1*mV / (5*ms) : volt", "c"), "has a c that grows without end"),
    "noise of each": (lambda: several(group("dv/dt = -v / (10*ms) + i * mV * xi / sqrt(10*ms) : volt", n=300)),
                      "has noise of more than 256 strengths"),
    "noise that grows": (lambda: several(group("dv/dt = -v / (10*ms) + v * xi / sqrt(10*ms) : volt", method="heun")), "linear in v and noise;"),
    "linked": (linked, "depends on x, which changes"),
    "held for a step": (lambda: several(group("dv/dt = (x - v) / (10*ms) : volt\nx = rand() * mV : volt (constant over dt)")),
                        "SubexpressionUpdater 'neurongroup"),
    "exponential": (lambda: several(group("dv/dt = (exp(v/mV) * mV - v) / (10*ms) : volt")), "is not linear in v"),
    "condition": (lambda: several(group("dv/dt = (int(v > 1*mV) * mV - v) / (10*ms) : volt")), "uses a function (int_)"),
    "growing": (lambda: several(group("dv/dt = v / (10*ms) : volt")), "v grows or overshoots by itself, 1.01 of it is left after a step; 0 to 1"),
    "moving threshold": (lambda: several(group(LIF + "\ndh/dt = -h / (9*ms) : volt", "v > 10*mV + 2*h")), "'v > 10*mV + 2*h' compares"),
    "threshold in the membrane": (lambda: several(group("dv/dt = (h - v) / (9*ms) : volt\ndh/dt = -h / (9*ms) : volt", "v > h")),
                                  "is its threshold"),
    "driven current": (lambda: several(group("dv/dt = (-v - w) / (10*ms) : volt\ndw/dt = (v - w) / (9*ms) : volt", reset="v = 0*mV; w += 1*mV")),
                       "'dw/dt = (v - w) / (9*ms) : V' is fed by v"),
    "two that adapt": (lambda: several(group("dv/dt = (-v - w - z) / (10*ms) : volt\ndw/dt = -w / (9*ms) : volt\ndz/dt = -z / (9*ms) : volt",
                                             reset="v = 0*mV; w += 1*mV; z += 1*mV")), "one that spikes of the neuron raise would run"),
    "two conditions": (lambda: several(group(threshold="v > 10*mV and i > 1")), "is not one comparison; a threshold such as v > v_th, or"),
    "downwards": (lambda: several(group(threshold="v < -10*mV")), "compares"),
    "random reset": (lambda: several(group(reset="v = rand() * mV")), "'v = rand() * mV' uses random numbers (rand); a reset such as v = v_r"),
    "product reset": (lambda: several(group(reset="v = 0.5 * v")), "is neither a value nor a difference"),
    "reset of another": (lambda: several(group(LIF + "\nfactor : 1", reset="v = 0*mV; factor *= 2")), "changes factor by more than a sum"),
    "no reset": (lambda: several(group(reset="")), "has no reset; a reset such as v = v_r or v -= v_th would run"),
    "reset above": (lambda: several(group(reset="v = 12*mV")), "must be below its threshold"),
    "refractory condition": (lambda: several(group(refractory="v > 2*mV")), "refractory"),
    "goes on": (lambda: several(group("dv/dt = (g - v) / (10*ms) : volt\ndg/dt = -g / (5*ms) : volt (unless refractory)", refractory=2 * b.ms)),
                "goes on while the neuron is refractory; (unless refractory) on v alone, on all variables or on none would run"),
    "too long refractory": (lambda: several(group(refractory=30 * b.ms)), "is 300 steps, and hardware counts 0..255; a longer dt would run"),
    "events": (custom, "'low, spike' are events of its own"),
    "two clocks": (lambda: several(group(), group(dt=0.2 * b.ms)), "Network: has several clocks: 0.1 ms (neurongroup"),
    "operation": (operated, "NetworkOperation 'networkoperation"),
    "regularly": (regularly, "_run_regularly': 'v += 1*mV' changes v, which is no parameter of the group; in every step a value with noise"),
    "seldom": (lambda: seldom(), "does not run at the start of every step"),
    "summed": (summed, "is summed over synapses in every step; synapses that add a weight"),
    "plastic": (lambda: synapses("w : volt\ndx/dt = -x / (10*ms) : 1 (event-driven)"),
                "'dx/dt = -x / (10*ms) : 1 (event-driven)' is a synapse with dynamics of its own"),
    "changes weight": (lambda: synapses(code="v_post += w; w += 1*mV"), "changes w, which is not the target's"),
    "state of the source": (lambda: synapses(code="v_post += 0.1 * v_pre"), "depends on v_pre, which changes"),
    "random weight": (lambda: synapses(code="v_post += w * rand()"), "uses random numbers (rand)"),
    "multiplies": (lambda: synapses(code="v_post *= 0.5"), "depends on v_post, which changes"),
    "after": (lambda: synapses(on_post="w += 1*mV"), "acts at a spike of the target"),
    "slow": (slow, "is 10000000 steps for 4 neurons, above 100000 relays of 255 steps; shorter delays, or a longer dt, would run"),
    "at rest": (resting, "is not active; leave it out of the network"),
    "late synapses": (late, "when='synapses' would run"),
    "two inputs": (lambda: poured(1 * b.mV, 2 * b.mV, events=10_000), "is another input of 4 neurons, above 20000 sources for all of them; one"),
    "rates": (lambda: several(group(), b.PoissonGroup(3, "10*Hz * (1 + rand())")), "uses random numbers (rand); rates that the time alone changes"),
    "fast at times": (lambda: several(group(), b.PoissonGroup(3, "10000*Hz * (1 + 3*t/ms)")), "spikes a step at some time; rates"),
    "fast rates": (lambda: several(group(), b.PoissonGroup(3, 20000 * b.Hz)), "is 2 spikes a step; at most one a step"),
    "period": (lambda: several(group(), b.SpikeGeneratorGroup(2000, np.arange(2000), np.zeros(2000) * b.ms, period=0.1 * b.ms)),
               "repeats 2000 spikes 11 times, above 10000 spikes; a longer period, or a shorter run, would run"),
    "worked out": (lambda: watched("x"), "StateMonitor 'statemonitor"),
    "refractoriness": (lambda: watched("not_refractory", refractory=1 * b.ms), "is neither a state of the hardware nor a fixed parameter"),
    "odd times": (lambda: watched(dt=0.15 * b.ms), "is no multiple of the network's; 0.1 ms would run"),
    "odd places": (lambda: watched(when="end"), "when='start' would run"),
    "silent": (lambda: several(b.PoissonGroup(3, 10 * b.Hz)), "has no NeuronGroup"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_hardware_has_not_is_refused_by_name(name, monkeypatch):
    make, words = CASES[name]
    monkeypatch.setattr(sources, "MAX_SPIKES", 10_000)
    with device("spikegate"):
        network = b.Network(*make())
        with pytest.raises(InputError) as refused:
            network.run(1 * b.ms, namespace={})
    assert words in str(refused.value)
    assert all("'" in line and ("; " in line or "must be" in line) for line in str(refused.value).splitlines() if not line.startswith("Network:"))


def test_all_that_is_in_the_way_is_said_at_once():
    with device("spikegate"):
        cells, made = synapses(code="v_post += w * rand()", cells=group("dv/dt = -v**3 / (10*ms*mV**2) : volt", reset="v = 2 * v"))
        with pytest.raises(InputError) as refused:
            b.Network(cells, made, b.NetworkOperation(lambda: None)).run(1 * b.ms, namespace={})
    for words in ("not linear in v", "random numbers", "NetworkOperation"):
        assert words in str(refused.value)


def test_storing_in_a_file_is_refused(tmp_path):
    with device("spikegate"):
        network = b.Network(group())
        with pytest.raises(InputError, match="Network.store to a file does not work on the device spikegate"):
            network.store(filename=tmp_path / "net")
        with pytest.raises(InputError, match="needs what store has stored there in memory, not 'first'"):
            network.restore("first")


def test_a_neighbour_of_each_refusal_runs():
    with device("spikegate"):
        cells, made = synapses(cells=group(refractory=25.5 * b.ms))
        made.delay = 25.4 * b.ms
        b.Network(cells, made, b.PoissonInput(cells[:2], "v", 10, 10 * b.Hz, 1 * b.mV), b.PoissonInput(cells[2:], "v", 10, 10 * b.Hz, 2 * b.mV),
                  b.PoissonGroup(3, 10000 * b.Hz), b.StateMonitor(cells, "v", record=True, dt=0.2 * b.ms)).run(1 * b.ms, namespace={})
        result = spikegate.brian2.result()
    assert [each.size for each in result.network.populations] == [2, 2, 3] and set(result.network.projections[0].delays.tolist()) == {255}
