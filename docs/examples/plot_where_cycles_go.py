"""
Where the cycles go
===================

The core updates as many neurons at once as it has lanes: one sweep over all of them is a fraction
of a step, and handing out the spikes is another. The model predicts each part, and the hardware
counts what it took.
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import preset, translate
from spikegate.cosim.engines.hardware import Rtl
from spikegate.models.core.cycles import CYCLES_PER_STEP
from spikegate.models.core.golden import Golden

network = translate(preset("ai", n_exc=80, n_inh=20, conn_prob=0.4), ms=100)
recording = Golden().run(network)

# %%
# A step of a core has a sweep, one cycle for each word of as many neurons as there are lanes; a
# fixed number of cycles that fill and empty its pipeline, with a stage for each level of the search
# in the table of external events; and for each spike that is due one more pass over the words.

due = np.count_nonzero(recording.spikes[:, 0] + network.delay <= network.steps)
lanes, parts, counted = [2, 5, 10, 25], [], []
for number in lanes:
    words = -(-network.n // number)
    parts.append([words, CYCLES_PER_STEP + network.drive.depth, words * due / network.steps])
    hardware = Rtl(lanes=number)
    ran = hardware.run(network)
    assert np.array_equal(ran.spikes, recording.spikes) and len(ran.spikes) > 0
    assert ran.cycles == hardware.predicted_cycles(network, recording)
    assert ran.cycles == round(sum(parts[-1]) * network.steps)
    counted.append(ran.cycles / network.steps)

# %%
# Bars are predictions, and the black marks are what the hardware counted.

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
places, bottom = np.arange(len(lanes)), np.zeros(len(lanes))
names = ("sweep over all neurons", "pipeline and table of events", "delivery of spikes")
for name, cycles in zip(names, np.array(parts).T, strict=True):
    axis.bar(places, cycles, 0.6, bottom, label=f"{name}, predicted")
    bottom += cycles
axis.plot(places, counted, "k_", markersize=40, markeredgewidth=2, label="counted in the hardware")
for place, cycles in zip(places, counted, strict=True):
    axis.annotate(f"{cycles:.1f}", (place, cycles), (0, 5), textcoords="offset points", ha="center")
axis.set(xlabel="lanes", ylabel="clock cycles in a step of 0.1 ms", ylim=(0, 1.15 * max(counted)))
axis.set_xticks(places, lanes)
axis.legend(loc="upper right", markerscale=0.3)
plt.show()

# %%
# More lanes make sweep and delivery shorter, and what is left is the pipeline. Prediction and count
# are equal to the cycle.

assert counted == sorted(counted, reverse=True) and np.allclose(bottom, counted)
