"""
An AND gate that multiplies
===========================

In a stochastic synapse a number between 0 and 1 is a stream of bits: the fraction of ones. An AND
gate multiplies two such streams, one of the spikes and one of the weight, if they are independent.
How exact is that, and how much does it depend on where the bits come from?
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import BitstreamSynapse, bitstream, unpack

numbers = np.linspace(0.03, 0.97, 15)
lengths = 2 ** np.arange(6, 13)

# %%
# One product first: 256 bits of 0.75 and of 0.5.

synapse = BitstreamSynapse(w=0.5, length=256)
spikes = bitstream(0.75, 256)
ones = int(unpack(synapse.apply(spikes)).sum())
assert abs(ones - 96) < 3 * np.sqrt(256 * 0.375 * 0.625)  # three standard deviations
print(ones, "ones of 256; exactly it would be", 0.75 * 0.5 * 256)

# %%
# Now all products of fifteen numbers with each other, from three sources. A linear-feedback shift
# register (LFSR) is a random generator of a few gates. A Sobol sequence spreads its numbers evenly.
# The third pair uses one generator for both streams, which is a mistake: the two are not
# independent.


def rms(length, source, seeds):
    """Root of the mean squared error of all products; seeds of spikes and weights in pairs."""
    errors = []
    for spike_seed, weight_seed in seeds:
        for weight in numbers:
            synapse = BitstreamSynapse(w=weight, length=length, source=source, seed=weight_seed)
            for p in numbers:
                product = synapse.apply(bitstream(p, length, source, spike_seed))
                errors.append(unpack(product).mean() - p * weight)
    return np.sqrt(np.mean(np.square(errors)))


pairs = [(2 * k, 2 * k + 1) for k in range(8)]
error = {"LFSR": [rms(length, "lfsr", pairs) for length in lengths.tolist()],
         "Sobol": [rms(length, "sobol", [(0, 1)]) for length in lengths.tolist()],
         "LFSR, one for both": [rms(length, "lfsr", [(0, 0)]) for length in lengths.tolist()]}

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
for (name, values), marker in zip(error.items(), "os^", strict=True):
    axis.loglog(lengths, values, marker + "-", label=name)
spread = np.sqrt(np.mean([p * w * (1 - p * w) for p in numbers for w in numbers]))
axis.loglog(lengths, spread / np.sqrt(lengths), "k:", label="chance")
axis.set(xlabel="length of a stream in bits", ylabel="error of a product (root mean square)")
axis.set_xticks(lengths, lengths)
axis.minorticks_off()
axis.legend()
plt.show()

# %%
# Four times as many bits from an LFSR halve the error, as chance has it. Sobol streams gain nearly
# a factor of four. Streams that are not independent gain nothing, as the gate then gives the
# smaller of the two numbers.

assert np.allclose(np.array(error["LFSR"]) / (spread / np.sqrt(lengths)), 1, atol=0.5)
long = lengths >= 256
assert (np.array(error["Sobol"])[long] < np.array(error["LFSR"])[long] / 4).all()
assert error["Sobol"][0] > 40 * error["Sobol"][-1]  # from 64 to 4096 bits
assert min(error["LFSR, one for both"]) > 0.05
