"""
Vogels and Abbott's network
===========================

A spike of this network does not move a membrane at once: it raises a current that decays within
milliseconds (current-based synapses, CUBA). The published network has 4,000 neurons. Here a fifth
of them run with five times the connectivity, so that a neuron has as many inputs, and each input
keeps its strength.
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import compare, cv_isi, point_golden, rate_hz
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.translator.cuba import FORMAT, CubaParams, cuba

params = CubaParams(n=800, probability=0.1)
network = cuba(params, ms=200)

# %%
# The golden model keeps every membrane and current of every step. The hardware runs the same file
# and is held against it.

model = point_golden.run(network, trace=True)
hardware = PointRtl(lanes=8).run(network)
signals = ["spike", "final.v", "final.exc", "final.inh"]
check = compare("RTL = golden", "bit-true", hardware, model, signals)
print(check.detail)
assert check.ok and check.compared > 3 * network.n
assert len(model.spikes) > network.n and rate_hz(model, network.dt_ns) > 5

# %%
# Above are the spikes of every fourth neuron, below the membrane and both currents of one. A
# current is in mV, as it is what it would move the membrane by.

times, neurons = model.times_ms(), model.spikes[:, 1]
clock, one = 0.1 * np.arange(network.steps), FORMAT.one
busy = int(np.bincount(neurons, minlength=network.n).argmax())
figure, axes = plt.subplots(3, figsize=(7, 5.6), layout="constrained", sharex=True, height_ratios=[2, 1, 1])
for name, inhibits, colour in (("excitatory", False, "C0"), ("inhibitory", True, "C3")):
    shown = ((neurons >= params.n_exc) == inhibits) & (neurons % 4 == 0)
    axes[0].plot(times[shown], neurons[shown], ".", color=colour, markersize=2, label=name)
title = f"{rate_hz(model, network.dt_ns):.0f} Hz, CV of intervals {cv_isi(model):.2f}"
axes[0].set(ylabel="neuron", title=title)
axes[0].legend(loc="upper right", markerscale=4)
axes[1].plot(clock, model.trace["v"][:, busy] / one, color="k", linewidth=1)
axes[1].axhline(params.v_threshold, linestyle=":", color="0.5")
axes[1].set(ylabel=f"membrane {busy}\nin mV")
axes[2].plot(clock, model.trace["exc"][:, busy] / one, color="C0", label="excitatory")
axes[2].plot(clock, model.trace["inh"][:, busy] / one, color="C3", label="inhibitory")
axes[2].set(xlabel="time in ms", ylabel="currents\nin mV", xlim=(0, clock[-1]))
axes[2].legend(loc="upper right")
plt.show()

# %%
# The network keeps itself going without any input from outside: both currents of a neuron are far
# larger than their sum, which the membrane follows.
