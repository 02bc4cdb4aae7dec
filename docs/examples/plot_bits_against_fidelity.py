"""
Bits against fidelity
=====================

How many bits does a neuron need? In a step of 0.1 ms a membrane with a time constant of 20 ms loses
a two-hundredth, and a format that cannot hold that fraction realises another time constant. Here
the membrane keeps its 16 bits (Q8.8), and the constant of the leak alone gets finer.
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import find, golden, preset, quantisation, rate_hz, translate
from spikegate.translator.voltage_brian import run as run_brian2
from spikegate.translator.voltage_neuron import Rule

# %%
# The reference is Brian2 in floating point. The variant ``v9`` has Brian2's arithmetic and its
# order of a step, so that it gives Brian2's spikes, every one of them, and is faster. A short run
# shows that.

floats = find("v9")
short = translate(preset("ai"), ms=20)
ours, brian2 = floats.run(short), run_brian2(short, Rule(late=True), codegen="numpy")
assert len(brian2.spikes) > 0 and np.array_equal(ours.spikes, brian2.spikes)

# %%
# Six networks with connections and drive of their own run for half a second, in floats and with 8
# to 16 fraction bits of the leak. A network and its drive are the same for all.

bits, seeds = np.array([8, 9, 10, 12, 14, 16]), range(1, 7)
tau, rate, reference = np.empty(len(bits)), np.empty((len(bits), len(seeds))), np.empty(len(seeds))
for column, seed in enumerate(seeds):
    network = translate(preset("ai", seed=seed), ms=500)
    reference[column] = rate_hz(floats.run(network), network.dt_ns)
    for row, fraction in enumerate(bits.tolist()):
        finer = translate(preset("ai", seed=seed), ms=500, leak_fraction=fraction)
        rate[row, column] = rate_hz(golden.run(finer), finer.dt_ns)
        realised = {each["parameter"]: each["realised"] for each in quantisation(finer)}
        tau[row] = realised["tau_mem"]

# %%
# Bars are the standard error over the networks.

error = 100 * (rate / reference - 1)
figure, (above, below) = plt.subplots(2, 1, figsize=(7, 4.6), layout="constrained", sharex=True)
above.axhline(20, color="C1", label="asked for")
above.plot(bits, tau, "o-", label="realised by the integers")
above.set(ylabel="time constant in ms")
above.legend()
below.axhline(0, color="C1", label="Brian2 in floats")
scatter = error.std(axis=1, ddof=1) / np.sqrt(len(seeds))
below.errorbar(bits, error.mean(axis=1), scatter, marker="o", capsize=3, label="hardware's integers")
below.set(xlabel="fraction bits of the leak's constant", ylabel="difference\nof the rate in %")
below.set_xticks(bits)
below.legend()
plt.show()

# %%
# With 8 bits the time constant is 25.6 ms, and neurons fire more often. A few more bits of one
# constant bring both back, and no membrane got wider.

assert abs(tau[0] - 25.6) < 0.1 and abs(tau[-1] - 20) < 0.1
assert error[0].mean() > 4 and abs(error[bits >= 12].mean()) < error[0].mean() / 2
