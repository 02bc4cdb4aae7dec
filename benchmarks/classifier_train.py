"""Trains the digits classifier of docs/classifier.md with snnTorch and writes it as a NIR graph: 64 inputs, 32 hidden and 10 output neurons.

Neurons are those of NIR: v = beta v + input, a spike above 1, and then v = 0. Their step is not differentiable; backwards, snnTorch puts a smooth
slope in its place (a surrogate gradient). The loss is the cross-entropy of how often each output neuron spikes. The graph is written by
snnTorch's own exporter, so that neither the weights nor the file are made by what reads them.
"""

import argparse
from pathlib import Path

import numpy as np

from studies.digits import digits

HIDDEN, BETA = 32, 0.875
OUT = Path(__file__).parents[1] / "docs" / "examples" / "digits.nir"


def trained(epochs: int, seed: int) -> tuple[object, float]:
    """The layers, and the accuracy on the images held out."""
    import snntorch
    import torch
    from snntorch import surrogate

    torch.manual_seed(seed)
    torch.set_num_threads(1)

    def leaky(size: int) -> torch.nn.Module:
        return snntorch.Leaky(beta=torch.full((size,), BETA), threshold=torch.ones(size), reset_mechanism="zero", reset_delay=False,
                              spike_grad=surrogate.fast_sigmoid(slope=10))

    layers = torch.nn.Sequential(torch.nn.Linear(64, HIDDEN), leaky(HIDDEN), torch.nn.Linear(HIDDEN, 10), leaky(10))

    def counts(spikes: torch.Tensor) -> torch.Tensor:
        states, total = [layers[1].init_leaky(), layers[3].init_leaky()], torch.zeros(len(spikes), 10)
        for step in range(spikes.shape[1]):
            hidden, states[0] = layers[1](layers[0](spikes[:, step]), states[0])
            out, states[1] = layers[3](layers[2](hidden), states[1])
            total = total + out
        return total

    data = digits()
    spikes, labels = torch.tensor(data.spikes, dtype=torch.float32), torch.tensor(data.labels)
    train = np.flatnonzero(~data.held_out)
    adam = torch.optim.Adam(layers.parameters(), lr=5e-3)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs)
    for epoch in range(epochs):
        order = torch.tensor(np.random.default_rng(seed + epoch).permutation(train))
        for batch in order.split(64):
            adam.zero_grad()
            loss = torch.nn.functional.cross_entropy(counts(spikes[batch]), labels[batch])
            loss.backward()
            adam.step()
        rate.step()
        print(f"epoch {epoch + 1}: loss {float(loss):.3f}", flush=True)
    with torch.no_grad():
        right = (counts(spikes).argmax(1) == labels).numpy()
    print(f"training {right[train].mean():.4f}, held out {right[data.held_out].mean():.4f}")
    return layers, float(right[data.held_out].mean())


def main() -> None:
    """Train, export and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default=str(OUT), help="NIR file (default %(default)s)")
    args = parser.parse_args()
    import nir
    import torch
    from snntorch.export_nir import export_to_nir

    layers, _ = trained(args.epochs, args.seed)
    for layer in layers:
        if hasattr(layer, "init_hidden"):
            layer.init_hidden, layer.output = True, False
    graph = export_to_nir(layers, torch.zeros(64))
    nir.write(args.out, graph, compression=None)  # smaller, for so little
    print({name: type(node).__name__ for name, node in graph.nodes.items()}, graph.edges)


if __name__ == "__main__":
    main()
