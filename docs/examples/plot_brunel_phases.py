"""
The phases of Brunel's network
==============================

Brunel's network has excitatory and inhibitory neurons and a Poisson drive. Two numbers decide what
it does: ``g``, how much stronger inhibition is than excitation, and ``eta``, the drive as a
multiple of what holds the mean membrane at the threshold. Here 500 neurons run in fixed point
(Q8.8), in the golden model: the Python model that equals the hardware in every bit.
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import cv_isi, golden, preset, rate_hz, translate

g = np.array([2, 3, 4, 5, 6, 7, 8])
eta = np.array([0.5, 0.75, 1, 1.5, 2, 3, 4])

# %%
# The preset ``ai`` has 1000 neurons. Half of them, connected twice as densely, keep the number of
# inputs to a neuron. Each point of the plane is a network of its own and runs for 200 ms.

rate, cv = np.empty((len(eta), len(g))), np.empty((len(eta), len(g)))
for row, column in np.ndindex(rate.shape):
    asked = preset("ai", n_exc=400, n_inh=100, conn_prob=0.2, g_inh=g[column], eta=eta[row])
    network = translate(asked, ms=200)
    spikes = golden.run(network)
    rate[row, column] = rate_hz(spikes, network.dt_ns)
    cv[row, column] = np.nan if (found := cv_isi(spikes)) is None else found

# %%
# The coefficient of variation (CV) of the intervals between spikes is 0 for a clock and 1 for a
# Poisson process. It is left white where no neuron spiked three times.

figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained", sharey=True)
shown = ((rate, "Rate in Hz", "log"), (cv, "CV of intervals", "linear"))
for axis, (values, title, scale) in zip(axes, shown, strict=True):
    image = axis.pcolormesh(range(len(g)), range(len(eta)), values, norm=scale, edgecolors="white")
    figure.colorbar(image, ax=axis)
    axis.set(title=title, xlabel="g, inhibition / excitation", xticks=range(len(g)), xticklabels=g)
axes[0].set(ylabel="eta, drive / threshold", yticks=range(len(eta)), yticklabels=eta)
plt.show()

# %%
# Left of g = 4 excitation wins: neurons fire as fast as they can, like clocks. Right of it
# inhibition wins: they fire more slowly and irregularly, the more so the stronger the drive. With a
# drive of half the threshold every network is nearly silent.

strong = eta >= 1.5
assert (rate[strong][:, g <= 3].min(axis=1) > 2 * rate[strong][:, g >= 6].max(axis=1)).all()
assert cv[strong][:, g <= 3].max() < 0.3 < 0.5 < cv[strong][:, g >= 6].min()
assert rate[eta == 0.5].max() < 1
