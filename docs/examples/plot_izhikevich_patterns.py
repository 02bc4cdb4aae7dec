"""
Firing patterns of Izhikevich's neuron
======================================

Izhikevich's neuron has two variables and four parameters, ``a``, ``b``, ``c`` and ``d``, and fires
like many kinds of cortical neurons. Here four of them run on integers: a membrane of 17 bits and a
recovery variable of 24.
"""

import matplotlib.pyplot as plt
import numpy as np

from spikegate import Builder, compare, point_golden
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.translator.izhikevich_network import NEURON, izhikevich_set

# %%
# The parameters are those of the paper (IEEE Trans. Neural Networks 14, 2003). ``izhikevich_set``
# turns them into the integers of a step of 0.25 ms. Each neuron gets a constant current of 10 from
# the beginning, and starts at rest.

patterns = {
    "regular spiking": dict(a=0.02, b=0.2, c=-65, d=8),
    "intrinsically bursting": dict(a=0.02, b=0.2, c=-55, d=4),
    "chattering": dict(a=0.02, b=0.2, c=-50, d=2),
    "fast spiking": dict(a=0.1, b=0.2, c=-65, d=2),
}
dt, ms = 0.25, 300
given = {name: np.array([each[name] for each in patterns.values()], float) for name in "abcd"}
raw = izhikevich_set(NEURON, dt, current=10.0, **given)
net = Builder("patterns", steps=round(ms / dt), dt_ms=dt)
u = np.rint(-65 * given["b"] * dt * NEURON.u_format.one).astype(int)
rest = {"v": -65 * NEURON.format.one, "u": u}
net.population("neurons", len(patterns), NEURON, initial=rest, **raw)
network = net.freeze()

# %%
# The hardware runs the same network: spikes, membranes and recovery variables agree in every step.

model, hardware = point_golden.run(network, trace=True), PointRtl(lanes=1).run(network, trace=True)
check = compare("RTL = golden", "bit-true", hardware, model, ["spike", "v", "u", "overflow"])
assert check.ok and check.compared > 4 * 3 * 1000

figure, axes = plt.subplots(4, 1, figsize=(7, 6), layout="constrained", sharex=True, sharey=True)
clock, intervals = dt * np.arange(network.steps), {}
for neuron, (name, axis) in enumerate(zip(patterns, axes, strict=True)):
    fired = model.spikes[model.spikes[:, 1] == neuron, 0]
    v = model.trace["v"][:, neuron] / NEURON.format.one
    v[fired] = 30  # the trace holds what the reset left
    axis.plot(clock, v, linewidth=1, color=f"C{neuron}")
    axis.set(title=name, ylabel="mV", yticks=[-80, -30, 30])
    intervals[name] = dt * np.diff(fired)
axes[-1].set(xlabel="time in ms", xlim=(0, ms))
plt.show()

# %%
# Regular spiking slows down, bursting begins with a burst and goes on with single spikes,
# chattering repeats bursts, and fast spiking neither slows down nor bursts.

regular, bursting, chattering, fast = intervals.values()
assert regular[-1] > 1.5 * regular[0] and bursting[0] < bursting[-1] / 3
assert chattering.min() < chattering.max() / 5 and (chattering > 3 * chattering.min()).sum() >= 3
assert len(fast) > 2 * len(regular) and fast[2:].max() < 1.3 * fast[2:].min()
