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

from spikegate import compare, point_golden, rate_hz
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.translator.cuba import FORMAT, CubaParams, cuba

params = CubaParams(n=800, probability=0.1)
network = cuba(params, ms=200)

# %%
# The golden model is the Python model that equals the hardware in every bit. It keeps every
# membrane and current of every step. The hardware runs the same file and is held against it.

model = point_golden.run(network, trace=True)
hardware = PointRtl(lanes=8).run(network)
signals = ["spike", "final.v", "final.exc", "final.inh"]
check = compare("RTL = golden", "bit-true", hardware, model, signals)
print(check.detail)
assert check.ok and check.compared > 3 * network.n
rate = rate_hz(model, network.dt_ns)
assert len(model.spikes) > 500

# %%
# Above are all spikes, below the membrane and both currents of one neuron. A current is in mV: held
# for long, it would move the membrane by that much.

times, neurons = model.times_ms(), model.spikes[:, 1]
clock, one = 0.1 * np.arange(network.steps), FORMAT.one
chosen = int(np.abs(model.trace["inh"]).mean(axis=0).argsort()[network.n // 2])  # inhibited as half of them
figure, axes = plt.subplots(3, figsize=(7, 5.6), layout="constrained", sharex=True, height_ratios=[2, 1, 1])
for name, inhibits, colour in (("excitatory", False, "C0"), ("inhibitory", True, "C3")):
    shown = (neurons >= params.n_exc) == inhibits
    axes[0].plot(times[shown], neurons[shown], ".", color=colour, markersize=2, label=name)
axes[0].set(ylabel="neuron", ylim=(-10, 1000), yticks=range(0, 801, 200))
axes[0].legend(loc="upper right", markerscale=4, ncols=2)
axes[1].plot(clock, model.trace["v"][:, chosen] / one, color="k", linewidth=1)
axes[1].axhline(params.v_threshold, linestyle=":", color="0.5")
axes[1].set(ylabel=f"membrane {chosen}\nin mV")
axes[2].plot(clock, model.trace["exc"][:, chosen] / one, color="C0", label="excitatory")
axes[2].plot(clock, model.trace["inh"][:, chosen] / one, color="C3", label="inhibitory")
axes[2].set(xlabel="time in ms", ylabel="currents\nin mV", xlim=(0, clock[-1]))
axes[2].legend(loc="lower right", ncols=2, fontsize="small")
plt.show()

# %%
# Nothing comes from outside: at rest a membrane lies above the threshold. Alone, a neuron would
# need 48 ms from the reset to the threshold, and rest for 5 ms, which is 19 spikes a second.
# Inhibition is stronger than excitation on average, and holds the network to a third of that.

climb = np.log((params.v_rest - params.v_reset) / (params.v_rest - params.v_threshold))
alone = 1000 / (params.tau_m * climb + params.refractory)
print(f"{rate:.1f} Hz, and {alone:.1f} Hz alone")
assert 0.2 * alone < rate < 0.5 * alone
assert (model.trace["exc"].mean() + model.trace["inh"].mean()) / one < -0.5
