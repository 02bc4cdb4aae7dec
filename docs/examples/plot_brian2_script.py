"""
Your Brian2 script on hardware
==============================

A script for Brian2 needs two more lines, an import and ``set_device("spikegate")``, to get the
hardware's spikes in its monitors. Here one model runs both ways: in Brian2's floating point, and on
the integers of the hardware.
"""

import brian2 as b
import matplotlib.pyplot as plt
import numpy as np

import spikegate.brian2

b.prefs.codegen.target = "numpy"  # no compiler for runs this short

# %%
# Sixty neurons with an exponential current: forty excite, twenty inhibit. A quarter of all pairs
# are connected, and everything that is random comes from the seed.


def model():
    """The network and its two monitors, on the device that is set."""
    b.start_scope()
    b.seed(2)
    cells = b.NeuronGroup(60, """dv/dt = (g - (v + 49*mV)) / (20*ms) : volt (unless refractory)
                                 dg/dt = -g / (5*ms) : volt""",
                          threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms,
                          method="exact")
    cells.v = "(-60 + 10*rand())*mV"
    excite = b.Synapses(cells[:40], cells, on_pre="g += 2*mV")
    inhibit = b.Synapses(cells[40:], cells, on_pre="g -= 3*mV")
    excite.connect(p=0.25)
    inhibit.connect(p=0.25)
    spikes, membranes = b.SpikeMonitor(cells), b.StateMonitor(cells, "v", record=[0, 1])
    b.Network(cells, excite, inhibit, spikes, membranes).run(200 * b.ms)
    return [np.array(each) for each in (spikes.t / b.ms, spikes.i, membranes.t / b.ms, membranes.v / b.mV)]


times, cells, clock, floats = model()

b.set_device("spikegate")
hard_times, hard_cells, _, integers = model()
result = spikegate.brian2.result()
b.set_device("runtime")
b.prefs.codegen.target = "auto"

# %%
# The format was chosen from the script's own numbers.

assert result.agreement == "spike-exact" and result.warnings == []
assert len(times) > 50 and np.array_equal(cells, hard_cells) and np.allclose(times, hard_times)
difference = 1000 * (integers - floats)
print(f"{len(times)} spikes in both; membranes differ by at most {np.abs(difference).max():.2f} microvolts")
assert np.abs(difference).max() < 50

figure, (above, below) = plt.subplots(2, figsize=(7, 4.8), layout="constrained", sharex=True, height_ratios=[2, 1])
for neuron in (0, 1):
    line, name = dict(color=f"C{neuron}"), f"neuron {neuron}"
    above.plot(clock, floats[neuron], linewidth=4, alpha=0.35, label=f"{name}, Brian2's floats", **line)
    above.plot(clock, integers[neuron], linewidth=1, label=f"{name}, hardware", **line)
    below.plot(clock, difference[neuron], linewidth=1, **line)
above.set(ylabel="membrane in mV")
above.legend(loc="lower right", fontsize="small", ncols=2)
below.set(xlabel="time in ms", ylabel="difference in µV", xlim=(0, 200))
plt.show()

# %%
# The thin lines of the hardware lie inside the wide ones of Brian2. What differs is rounding, and
# no spike moves.
