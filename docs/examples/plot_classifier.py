"""
A trained classifier
====================

A small spiking network was trained with snnTorch to read handwritten digits, and written as a
NIR graph, the format that simulators of spiking networks share. Here it becomes a network of
integers in 8 bits, and reads images.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import nir
import numpy as np
from sklearn.datasets import load_digits

from spikegate import Formats, QFormat, from_nir, point_golden
from spikegate.translator.nir.spikes import spread

folder = Path(__file__).parent if "__file__" in globals() else Path()
graph, digits = nir.read(folder / "digits.nir"), load_digits()

# %%
# A pixel of 0 to 16 becomes as many spikes in 16 steps. Each node of the graph says what became
# of it: which numbers the format holds exactly, and how far the others are off.

images, labels = digits.data[:40], digits.target[:40]
spikes = [spread(image, 16) for image in images]
found = from_nir(graph, inputs=spikes[0], formats=Formats(QFormat.parse("q2.6")))
for node in found.nodes:
    print(f"{node.node:8}{node.kind:8}{node.said}")

# %%
# The golden model equals the hardware in every bit. The network runs once an image, each time
# from the same first state. The output neuron that spikes most is the answer.

counts = np.array([found.spikes(point_golden.run(found.with_inputs(each))).sum(axis=0) for each in spikes])
answers = counts.argmax(axis=1)
right = answers == labels
print(f"{right.sum()} of {len(labels)} are right")
assert right.mean() > 0.9

# %%
# One image, its spikes, those of the hidden neurons and the outputs, and how often each output
# neuron spiked. The outputs are two steps behind the pixels: a synapse takes a step.

chosen = int(np.argmax(right))
run = point_golden.run(found.with_inputs(spikes[chosen]))
figure, axes = plt.subplots(1, 4, figsize=(10, 3), layout="constrained", width_ratios=[1, 1.3, 1.3, 1])
axes[0].imshow(images[chosen].reshape(8, 8), cmap="gray_r")
axes[0].set(title=f"a {labels[chosen]}", xticks=[], yticks=[])
axes[1].plot(*np.nonzero(spikes[chosen]), ".", color="k", markersize=3)
axes[1].set(title="pixels", xlabel="step", ylabel="input")
axes[2].plot(*run.spikes.T, ".", color="C0", markersize=4)
axes[2].axhline(31.5, color="0.6", linewidth=0.8)
axes[2].set(title="hidden below, outputs above", xlabel="step", ylabel="neuron")
axes[3].bar(range(10), counts[chosen], color=["C3" if k == answers[chosen] else "0.7" for k in range(10)])
axes[3].set(title="spikes of outputs", xlabel="digit", ylabel="spikes", xticks=range(10))
plt.show()
