"""
Where two engines part
======================

When hardware and model differ, the first difference is the one that counts: all others follow from
it. Here the model gets a defect on purpose, it compares with ``>`` instead of ``>=``, and the
comparison has to find the step and the neuron where that first shows.
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import compare, preset, translate
from spikegate.cosim.engines.hardware import Rtl
from spikegate.cosim.results.compare import describe
from spikegate.models.core.golden import Golden

network = translate(preset("ai", n_exc=80, n_inh=20, conn_prob=0.4), ms=100)
signals = ["spike", "v", "hold", "overflow", "events"]

# %%
# The sound model first: the hardware equals it, in every value that is compared.

hardware = Rtl(lanes=10).run(network, trace=True)
sound = compare("RTL = golden", "bit-true", hardware, Golden().run(network, trace=True), signals)
assert sound.ok and sound.compared > 400_000

# %%
# Then the one with the defect.

defective = Golden(defect="threshold").run(network, trace=True)
check = compare("RTL = golden, sabotaged", "bit-true", hardware, defective, signals)
print(describe(check))
first = check.first_divergence
assert not check.ok and first is not None and first["signal"] == "spike"
step, neuron = first["step"], first["neuron"]

# %%
# Both membranes around that place, and how many neurons differ from then on.

window = slice(max(0, step - 25), step + 46)
clock, one = 0.1 * np.arange(network.steps), network.lif.format.one
differ = (hardware.trace["v"] != defective.trace["v"]).sum(axis=1)
figure, (above, below) = plt.subplots(2, figsize=(7, 5), layout="constrained", height_ratios=[2, 1])
for recording, name, colour, width in ((hardware, "hardware", "0.7", 4), (defective, "model with the defect", "C3", 1.2)):
    v = recording.trace["v"][window, neuron] / one
    above.step(clock[window], v, where="post", color=colour, linewidth=width, label=name)
above.axhline(network.lif.threshold / one, linestyle=":", color="k", label="threshold")
above.axvline(clock[step], color="C0", linewidth=1)
above.set(xlabel="time in ms", ylabel=f"membrane {neuron} in mV")
above.set_title(f"first divergence: step {step}, neuron {neuron}")
above.legend(loc="lower left")
below.plot(clock, differ, color="C3")
below.axvline(clock[step], color="C0", linewidth=1)
below.set(xlabel="time in ms", ylabel="membranes\nthat differ", xlim=(0, clock[-1]))
plt.show()

# %%
# Before the blue line nothing differs. There the membrane lands exactly on the threshold: the
# hardware fires and the defective model does not. Soon after, the whole network is another one.

assert differ[:step].max(initial=0) == 0 < differ[step] and differ[-1] > network.n / 2
assert defective.trace["v"][step, neuron] == network.lif.threshold
