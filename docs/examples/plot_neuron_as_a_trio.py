"""
A neuron as a trio
==================

Each idea of the hardware is written three times under one name: a model in Python
(``models/neuron/lif.py``), a component in Amaranth (``gateware/neuron/lif.py``) and a bench that
holds the one against the other (``cosim/benches/lif.py``). Whoever adds a neuron writes the same
three.
"""

from dataclasses import replace

import matplotlib.pyplot as plt

from spikegate import Q8_8, FixedPointLIFNeuron, LifParams, Mismatch
from spikegate.cosim.benches.lif import check

# %%
# The model first, with a stimulus by hand: 2.0 a step for a while, a pause, a strong push, and one
# below rest. Raw integers: in Q8.8 1.0 is 256.

params = LifParams(Q8_8, threshold=20 << 8, reset=10 << 8, leak=10, refractory=10)
neuron = FixedPointLIFNeuron(data_width=16, fraction=8, v_threshold=params.threshold,
                             v_reset=params.reset, refractory_period=params.refractory)
stimulus = [512] * 40 + [0] * 40 + [2560] * 5 + [0] * 25 + [-1280] * 4 + [0] * 36
steps = [neuron.step(leak_k=params.leak, gain_k=params.gain, I_t=current) for current in stimulus]
spikes = [step for step, (spike, _) in enumerate(steps) if spike]
assert spikes

# %%
# The bench drives the component, compiled by Verilator, with corners and random values, and
# compares spike, membrane, refractory steps and overflow of every step. It says how much it
# compared, as a check that compared nothing must not pass.

compared = check(params, count=300, seed=1)
print(f"{compared} values compared, all equal")
assert compared == 4 * 300

# %%
# A check has to be able to fail. A model whose threshold is one raw step too high is rejected, with
# the place where it first shows.

message = ""
try:
    check(params, count=300, seed=1, model=replace(params, threshold=params.threshold + 1))
except Mismatch as error:
    message = str(error)
assert "first divergence" in message
print(message)

# %%
# The stimulus, and what the membrane makes of it.

figure, (above, below) = plt.subplots(2, figsize=(7, 4.4), layout="constrained", sharex=True, height_ratios=[1, 2])
above.step(range(len(stimulus)), [current / 256 for current in stimulus], where="post", color="C2")
above.set(ylabel="input a step\nin mV")
below.plot([v / 256 for _, v in steps], color="C0", label="membrane of the model")
below.axhline(20, linestyle=":", color="k", label="threshold")
below.plot(spikes, [20] * len(spikes), "v", color="C3", label="spike")
below.set(xlabel="step", ylabel="membrane in mV", xlim=(0, len(stimulus)))
below.legend(loc="lower left")
plt.show()

# %%
# The membrane climbs to the threshold and is held at the reset for ten steps, in which input is
# lost: of the strong push only the first two steps count. The component does the same in every bit.
