"""
Stuck lines in stochastic synapses
==================================

Arithmetic on streams of bits is said to degrade gracefully: one wrong bit of 256 changes a number
by one 256th. Here a small network with such synapses (variant V4) gets lines that are stuck at 0 or
at 1, in the golden model, the Python model that equals the hardware in every bit. Its rate says how
graceful that is.
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import StreamFaults, hybrid, preset, rate_hz, translate
from spikegate.models.core.golden import Golden

network = hybrid(translate(preset("ai", n_exc=160, n_inh=40, conn_prob=0.4), ms=100), "v4")

# %%
# A fraction of all lines of the stream path is stuck, drawn anew for each of six seeds: the bits of
# the streams of spikes and weights, and those of the counter of ones. What is stuck at a small
# fraction is stuck at every larger one.

fractions, seeds = [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05], range(1, 7)
rate = np.empty((len(fractions), len(seeds)))
for row, fraction in enumerate(fractions):
    for column, seed in enumerate(seeds):
        faults = StreamFaults.stuck_at_random(network.streams, fraction, seed)
        rate[row, column] = rate_hz(Golden(faults=faults).run(network), network.dt_ns)
sound = rate_hz(Golden().run(network), network.dt_ns)

# %%
# Each grey line is one set of faults.

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
places = np.arange(len(fractions))
axis.plot(places, rate, color="0.75", marker=".", linewidth=1)
axis.plot([], [], color="0.75", marker=".", label="one set of faults")
axis.plot(places, np.median(rate, axis=1), "o-", color="C3", label="median of six")
axis.axhline(sound, color="k", linestyle=":", label="no faults")
axis.set(xlabel="stuck lines in % of all", ylabel="mean rate in Hz", ylim=(0, None))
axis.set_xticks(places, [f"{100 * fraction:g}" for fraction in fractions])
axis.legend()
plt.show()

# %%
# One line in a thousand mostly does nothing. One in twenty does not leave a somewhat worse network
# but another one: a line stuck at 1 adds the same kick to each spike, weak or strong.

assert (rate[0] == sound).all() and sound > 5
assert abs(np.median(rate[1]) / sound - 1) < 0.1 and abs(np.median(rate[-1]) / sound - 1) > 0.25
