"""
A network of your own
=====================

Two populations, a matrix of weights and a delay for each synapse are frozen into integers. The same
network then runs as a Python model and as hardware in Verilator, and both have to agree in
everything.
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import Q8_8, Builder, LinearNeuron, compare, point_golden
from spikegate.cosim.engines.point_rtl import PointRtl

# %%
# All numbers are raw integers: in Q8.8 1.0 is 256, here 1 mV. A leak of 20 with 12 fraction bits is
# a time constant of 4096 / 20 steps of 0.1 ms, which is 20.5 ms. Weights are drawn from a normal
# distribution, delays from 1 to 5 ms.

rng = np.random.default_rng(1)
net, lif = Builder("mine", steps=2000, dt_ms=0.1, seed=1), LinearNeuron(Q8_8, leak_fraction=12)
levels = dict(threshold=20 << 8, reset=10 << 8)
exc = net.population("excitatory", 80, lif, leak=20, refractory=20, **levels)
inh = net.population("inhibitory", 20, lif, leak=40, refractory=10, **levels)
for source, size, mean in ((exc, 80, 0.4), (inh, 20, -2.0)):
    for target, targets in ((exc, 80), (inh, 20)):
        weights = np.rint(256 * rng.normal(mean, abs(mean) / 4, (size, targets))).astype(int)
        there = rng.random(weights.shape) < 0.2  # a weight of 0 is no synapse
        net.connect(source, target, weights=weights * there, delays=rng.integers(10, 51, weights.shape))
for target in (exc, inh):
    net.drive(target, 128, trials=100, probability=0.003)
network = net.freeze()

# %%
# ``point_golden`` is the model, `PointRtl` the hardware, with four neuron units side by side.

model = point_golden.run(network, trace=True)
hardware = PointRtl(lanes=4).run(network, trace=True)
signals = ["spike", "v", "hold", "overflow", "events"]
check = compare("RTL = golden", "bit-true", hardware, model, signals)
print(check.detail)
assert check.ok and check.compared > 500_000 and len(model.spikes) > 500

# %%
# All spikes, and the membrane of one neuron below them.

times, neurons = model.times_ms(), model.spikes[:, 1]
figure, (raster, membrane) = plt.subplots(2, figsize=(7, 4.8), layout="constrained", sharex=True, height_ratios=[2, 1])
for name, first, last, colour in (("excitatory", 0, 80, "C0"), ("inhibitory", 80, 100, "C3")):
    mine = (neurons >= first) & (neurons < last)
    raster.plot(times[mine], neurons[mine], "|", color=colour, markersize=4, label=name)
raster.set(ylabel="neuron", ylim=(-1, 120), yticks=range(0, 101, 20))
raster.legend(loc="upper right", ncols=2, markerscale=2)
clock = 0.1 * np.arange(network.steps)
membrane.plot(clock, hardware.trace["v"][:, 0] / 256, label="hardware", linewidth=3, color="0.7")
membrane.plot(clock, model.trace["v"][:, 0] / 256, label="model", linewidth=1)
membrane.axhline(20, linestyle=":", color="k", label="threshold")
membrane.set(xlabel="time in ms", ylabel="membrane 0 in mV", xlim=(0, clock[-1]))
membrane.legend(loc="lower right", ncols=3, fontsize="small")
plt.show()

# %%
# The model's membrane lies on the hardware's, and so do all the others: half a million values were
# compared, and none differs.
