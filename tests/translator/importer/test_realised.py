"""Brian2's floats as the integers realise them, as an engine of the device, and how far rounding alone takes the hardware from them."""

import brian2 as b
import numpy as np
import pytest
from brian_scripts import on, pairs

import spikegate.brian2
from spikegate.models.network.builder import Builder
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Q8_8, QFormat, Rounding
from spikegate.translator.importer.formats import Scaled
from spikegate.translator.importer.realised import Realised
from spikegate.translator.importer.rounding import bounds


def script():
    """Currents, refractoriness, a drive and noise in two runs, and all that is remembered."""
    cells = b.NeuronGroup(6, """dv/dt = (1.9 - v + x) / (8*ms) : 1 (unless refractory)
                                dx/dt = -x / (4*ms) : 1""", threshold="v > 1", reset="v = 0.1", refractory="(1 + i) * 0.4 * ms", method="exact")
    cells.v = "0.15 * i"
    made, drive = b.Synapses(cells, cells, on_pre="x += 0.2", delay=0.7 * b.ms), b.PoissonInput(cells, "x", 20, 40 * b.Hz, 0.05)
    made.connect("i != j")
    spikes, states = b.SpikeMonitor(cells), b.StateMonitor(cells, ["v", "x"], record=True)
    network = b.Network(cells, made, drive, spikes, states)
    network.run(15 * b.ms, namespace={})
    network.run(9 * b.ms, namespace={})
    result = spikegate.brian2.result()
    piece, = result.quantised.pieces
    return pairs(spikes), np.array(states.v), np.array(states.x), bounds(result.network.populations[0], piece.scaled, 240)


@pytest.mark.parametrize("rounding", ["nearest", "floor"])
def test_the_hardware_is_as_far_from_its_floats_as_rounding_adds_up_to(rounding):
    options = {"format": "q8.16", "current_format": "q16.12", "rounding": rounding}
    spikes, v, x, limit = on("spikegate", script, engine=Realised(), **options)
    ours, our_v, our_x, same = on("spikegate", script, **options)
    assert len(spikes) > 25 and limit == same
    np.testing.assert_array_equal(spikes, ours)  # the drive's events are those of the hardware
    for name, theirs, mine in (("v", v, our_v), ("x", x, our_x)):
        apart = np.abs(theirs - mine).max()
        assert 0 < apart <= 2 * limit[name] + 2**-16  # a run that goes on begins with whole raw steps
    assert limit["v"] < 0.02 and (rounding == "nearest" or np.mean(our_v - v) < 0)


def test_what_rounding_adds_up_to_by_hand():
    net = Builder("cells", steps=10)
    net.population("a", 1, LinearNeuron(Q8_8, 8, currents=("g",), decay_fraction=4, coupling_shift=2), leak=64, threshold=256,
                   decay_g=4, coupling_g=2)
    net.population("b", 1, LinearNeuron(Q8_8, 8), leak=0, threshold=256, bias=3)
    net.population("c", 1, LinearNeuron(Q8_8, 8, rounding=Rounding.FLOOR), leak=1, threshold=256)
    net.population("d", 1, AdaptiveLinearNeuron(Q8_8, 8, w_format=QFormat(16, 8), w_fraction=3, coupling_shift=1), leak=128, threshold=256, decay_w=2,
                   coupling_w=1, jump_w=5)
    network = net.freeze()

    def limit(k, steps, **per):
        names = {name: name for name in per}
        return bounds(network.populations[k], Scaled(network.populations[k].neuron, per, names, {}, {}, {}), steps)

    g = 0.5 / (4 / 16)  # half a step, a quarter of which leaves
    assert limit(0, 1000, v=1, g=-3) == {"v": pytest.approx((0.5 + 0.5 + g * 2 / 4) / 0.25), "g": pytest.approx(3 * g)}
    assert limit(0, 2, v=1, g=1) == {"v": pytest.approx(2 * (0.5 + 0.5 + 1 * 2 / 4)), "g": 1}
    assert limit(1, 1000, v=1) == {"v": 0} and limit(2, 50, v=2) == {"v": 100} and limit(2, 1000, v=1) == {"v": 256}
    assert limit(3, 1000, v=1, w=1) == {"v": pytest.approx((0.5 + 0.5 + 2 * 1 / 2) / 0.5), "w": pytest.approx(0.5 / 0.25)}
    sloping = AdaptiveLinearNeuron(Q8_8, 8, w_format=QFormat(16, 8), slope=True)
    quadratic = IzhikevichNeuron(QFormat(20, 10), QFormat(24, 12))
    for neuron in (sloping, quadratic):
        population = type("Population", (), {"neuron": neuron, "table": {}})()
        assert bounds(population, Scaled(neuron, {"v": 1.0}, {"v": "v"}, {}, {}, {}), 10) == {}
