"""NIR's equations in floats, node by node and step by step, written apart from the importer: loops over pixels and no matrices of a graph."""

import itertools

import numpy as np


def conv(x, node):
    """A convolution of one image, as PyTorch's documentation defines it."""
    weight = np.asarray(node.weight, float)
    dims = weight.ndim - 2
    stride, dilation = (np.broadcast_to(np.asarray(each, int), (dims,)) for each in (node.stride, node.dilation))
    kernel = weight.shape[2:]
    if isinstance(node.padding, str):
        total = [d * (k - 1) * (node.padding == "same") for d, k in zip(dilation, kernel)]
        pad = [(each // 2, each - each // 2) for each in total]
    else:
        pad = [(int(each),) * 2 for each in np.broadcast_to(np.asarray(node.padding, int), (dims,))]
    padded = np.pad(x, [(0, 0), *pad])
    places = [(padded.shape[k + 1] - dilation[k] * (kernel[k] - 1) - 1) // stride[k] + 1 for k in range(dims)]
    out, per = np.zeros((len(weight), *places)), len(weight) // node.groups
    for o in range(len(weight)):
        for at in itertools.product(*map(range, places)):
            for c in range(weight.shape[1]):
                for e in itertools.product(*map(range, kernel)):
                    pixel = tuple(at[k] * stride[k] + e[k] * dilation[k] for k in range(dims))
                    out[(o, *at)] += weight[(o, c, *e)] * padded[(o // per * weight.shape[1] + c, *pixel)]
        out[o] += np.asarray(node.bias, float)[o]
    return out


def pool(x, node):
    """The sums of windows."""
    (h, w), (sh, sw), (ph, pw) = node.kernel_size, node.stride, node.padding
    padded = np.pad(x, [(0, 0), (ph, ph), (pw, pw)])
    rows, columns = (padded.shape[1] - h) // sh + 1, (padded.shape[2] - w) // sw + 1
    return np.stack([np.stack([padded[:, r * sh:r * sh + h, c * sw:c * sw + w].sum((1, 2)) for c in range(columns)], -1) for r in range(rows)], -2)


class Neuron:
    """A node with a state."""

    def __init__(self, node, dt, subtract):
        self.node, self.dt, self.subtract, self.kind = node, dt, subtract, type(node).__name__
        self.v = np.zeros(np.shape(node.threshold if self.kind == "Threshold" else node.r)) + getattr(node, "v_leak", 0.0)
        self.i, self.past = np.zeros_like(self.v), []

    def step(self, x):
        n, dt = self.node, self.dt
        if self.kind in ("LIF", "LI"):
            self.v = self.v + dt / n.tau * (n.v_leak - self.v + n.r * x)
        elif self.kind in ("IF", "I"):
            self.v = self.v + n.r * x
        elif self.kind == "Threshold":
            return (x > n.threshold).astype(float)
        else:
            self.i = self.i + dt / n.tau_syn * (n.w_in * x - self.i)
            self.v = self.v + dt / n.tau_mem * (n.v_leak - self.v + n.r * self.i)
        if self.kind in ("LI", "I", "CubaLI"):
            return self.v
        spike = self.v > n.v_threshold
        self.v = np.where(spike, self.v - (n.v_threshold - n.v_reset) if self.subtract else n.v_reset, self.v)
        return spike.astype(float)


def run(graph, inputs, dt=1e-4, subtract=False):
    """What each Output gives in each step: a spike passes all nodes in its step, but for those that stand before their source in the graph's order.

    Nodes are in an order in which each but those of loops stands behind what it gets; what a loop brings is that of the step before.
    """
    names, given, steps = list(graph.nodes), {}, len(next(iter(inputs.values())))
    neurons = {name: Neuron(node, dt, subtract) for name, node in graph.nodes.items() if hasattr(node, "r") or type(node).__name__ == "Threshold"}
    past = {name: [] for name in names}
    found = {name: [] for name in names if type(graph.nodes[name]).__name__ == "Output"}
    for step in range(steps):
        for name in names:
            node, kind = graph.nodes[name], type(graph.nodes[name]).__name__
            x = inputs[name][step].astype(float) if kind == "Input" else 0.0
            for pre, post in graph.edges:
                if post == name:
                    x = x + given.get(pre, 0.0)
            if name in neurons:
                x = neurons[name].step(np.zeros_like(neurons[name].v) + x)
            elif kind in ("Linear", "Affine"):
                x = np.asarray(node.weight) @ np.ravel(x) if np.ndim(x) else np.zeros(len(node.weight))
                x = x + (node.bias if kind == "Affine" else 0)
            elif kind.startswith("Conv"):
                x = conv(x, node)
            elif kind == "SumPool2d":
                x = pool(x, node)
            elif kind == "AvgPool2d":
                x = pool(x, node) / np.prod(node.kernel_size)
            elif kind == "Flatten":
                x = np.ravel(x)
            elif kind == "Scale":
                x = x * node.scale
            elif kind == "Delay":
                past[name].append(np.ravel(x))
                late = np.broadcast_to(np.rint(np.asarray(node.delay) / dt).astype(int), past[name][-1].shape)
                x = np.array([past[name][step - d][k] if step >= d else 0.0 for k, d in enumerate(late)])
            given[name] = x
            if name in found:
                found[name].append(np.array(x))
    return {name: np.stack(values) for name, values in found.items()}
