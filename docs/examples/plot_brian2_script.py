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

# %%
# The same function on the hardware. By default the formats are chosen from the script's own
# numbers. Then membranes, currents and the constants of their decays get nearly as many bits as
# they may have.

wide = dict(format="q10.22", current_format="q10.22", leak_fraction=28, decay_fraction=28)
recorded = {}
for name, options in (("default format", {}), ("widest format", wide)):
    b.set_device("spikegate", **options)
    hard_times, hard_cells, _, integers = model()
    recorded[name] = hard_times, hard_cells, integers
    result = spikegate.brian2.result()
    assert result.agreement == "spike-exact" and result.warnings == []
b.set_device("runtime")
b.prefs.codegen.target = "auto"

# %%
# *Spike-exact* means: Brian2 on the same integers gives the same spikes. Against Brian2's floats, a
# difference of a rounding step grows, as the network is chaotic.

hard_times, hard_cells, integers = recorded["widest format"]
assert len(times) > 200 and np.array_equal(cells, hard_cells) and np.allclose(times, hard_times)

figure, (above, below) = plt.subplots(2, figsize=(7, 5), layout="constrained", sharex=True)
above.plot(clock, floats[0], color="0.7", linewidth=4, label="Brian2's floats")
for name, colour in (("default format", "C1"), ("widest format", "C0")):
    membrane = recorded[name][2]
    above.plot(clock, membrane[0], color=colour, linewidth=1, label=f"hardware, {name}")
    error = np.abs(membrane - floats).max(axis=0)
    below.semilogy(clock, np.maximum(error, 1e-9), color=colour)
above.set(ylabel="membrane 0 in mV", ylim=(-61, -46))
above.legend(loc="upper left", fontsize="small", ncols=3)
below.set(xlabel="time in ms", ylabel="larger difference\nof both membranes in mV", xlim=(0, 200))
plt.show()

# %%
# With the widest format no spike moves. With the default one, which is cheaper, the first spikes
# are a step early or late after twenty milliseconds, and after a hundred the tracks part. The
# number of spikes stays the same within a few.

assert np.abs(integers - floats).max() < 0.001
default_times, *_ = recorded["default format"]
assert not np.array_equal(default_times, times)
assert abs(len(default_times) / len(times) - 1) < 0.05
