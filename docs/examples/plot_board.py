"""
A board behind a serial port
============================

On an FPGA the core is loaded, started and read over a serial line. Here the board is its hardware
in Verilator, with UART, link and core, behind a pseudo-terminal: the client opens a port as it
would that of a real board and sends it the same bytes.
"""

import matplotlib.pyplot as plt

from spikegate import compare, preset, translate
from spikegate.linked import Linked
from spikegate.models.core.golden import Golden

network = translate(preset("ai", n_exc=80, n_inh=20, conn_prob=0.4), ms=100)

# %%
# `Linked` makes the board, finds it on its port, loads the network and runs it. With
# ``port="/dev/ttyUSB1"`` it would be a real one.

board = Linked(lanes=10)
assert board.unsupported(network) == []
read = board.run(network)
said = read.provenance
print(f"board on {said['port']}: {said['n']} neurons in {said['lanes']} lanes, "
      f"{read.cycles:,} cycles of the core, loaded in {said['load_s']:.2f} s, run in {said['run_s']:.2f} s")

# %%
# The golden model, the Python model that equals the hardware in every bit, runs the same network
# without any board. Spikes and last states have to be equal, and the board has to have taken the
# predicted cycles.

model = Golden().run(network)
signals = ["spike", "final.v", "final.hold", "final.overflow"]
check = compare("board = golden", "bit-true", read, model, signals)
assert check.ok and len(read.spikes) > 50
assert read.cycles == board.predicted_cycles(network, read)

figure, (raster, last) = plt.subplots(2, figsize=(7, 4.8), layout="constrained", height_ratios=[2, 1])
ring = dict(marker="o", markerfacecolor="none", color="C3", markersize=6, linestyle="none")
dot = dict(marker=".", color="k", markersize=3, linestyle="none")
raster.plot(model.times_ms(0.1), model.spikes[:, 1], label="golden model", **ring)
raster.plot(read.times_ms(0.1), read.spikes[:, 1], label="read from the board", **dot)
raster.set(xlabel="time in ms", ylabel="neuron", xlim=(0, 100), ylim=(-3, 122))
raster.set_yticks(range(0, 101, 20))
raster.legend(loc="upper right", ncols=2)
one = network.lif.format.one
last.plot(model.final["v"] / one, **ring)
last.plot(read.final["v"] / one, **dot)
last.set(xlabel="neuron", ylabel="last membrane\nin mV")
plt.show()

# %%
# Every spike and every last membrane that came over the line, a dot, lies in the ring of the golden
# model.
