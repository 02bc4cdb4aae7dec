"""The same NIR graphs run by snnTorch, which this project did not write: it reads them by its own importer, and every spike is equal."""

import contextlib
import io
import warnings

import nir
import numpy as np
import pytest
import snntorch
import torch
from snntorch.export_nir import export_to_nir
from snntorch.import_nir import import_from_nir

from spikegate import from_nir, point_golden

STEPS = 120


def weights(rng, *shape):
    return (rng.integers(-8, 12, shape) / 16).astype(np.float32)


def lif(size, threshold=1.0):
    """As snnTorch has them: an input of 1 adds 1."""
    return nir.LIF(tau=np.full(size, 8e-4), r=np.full(size, 8.0), v_leak=np.zeros(size), v_threshold=np.full(size, threshold), v_reset=np.zeros(size))


def cuba(size):
    return nir.CubaLIF(tau_syn=np.full(size, 4e-4), tau_mem=np.full(size, 8e-4), r=np.full(size, 8.0), v_leak=np.zeros(size), w_in=np.full(size, 4.0),
                       v_threshold=np.full(size, 2.0), v_reset=np.zeros(size))


def chain(shape, *nodes, out):
    named = {"input": nir.Input(input_type={"input": np.array(shape)}), **{f"n{k}": each for k, each in enumerate(nodes)},
             "output": nir.Output(output_type={"output": np.array([out])})}
    return nir.NIRGraph(nodes=named, edges=list(zip([*named], [*named][1:])))


def theirs(graph, x):
    """Spikes of snnTorch's own network."""
    with contextlib.redirect_stdout(io.StringIO()):
        network = import_from_nir(graph)
    state, found = None, []
    for step in x:
        out, state = network(torch.tensor(step[None], dtype=torch.float32), state)
        found.append(out.detach().numpy().ravel() > 0)
    return np.stack(found)


RNG = np.random.default_rng(8)
GRAPHS = {
    "LIF": chain([6], nir.Linear(weight=weights(RNG, 5, 6)), lif(5), out=5),
    "LIF, LIF": chain([6], nir.Affine(weight=weights(RNG, 8, 6), bias=weights(RNG, 8)), lif(8),
                      nir.Linear(weight=weights(RNG, 4, 8)), lif(4, 0.75), out=4),
    "CubaLIF": chain([6], nir.Affine(weight=weights(RNG, 5, 6), bias=weights(RNG, 5)), cuba(5), out=5)}


@pytest.mark.parametrize("name", GRAPHS)
def test_every_spike_is_that_of_snntorch(name):
    graph = GRAPHS[name]
    x = np.random.default_rng(9).random((STEPS, 6)) < 0.3
    found = from_nir(graph, inputs=x)
    spikes, wanted = found.spikes(point_golden.run(found.network)), theirs(graph, x)
    assert np.array_equal(spikes, wanted) and 20 < wanted.sum() < wanted.size
    wrong = from_nir(graph, inputs=x, reset="subtract")
    assert not np.array_equal(wrong.spikes(point_golden.run(wrong.network)), wanted)


def test_a_recurrent_layer_of_snntorch_comes_in_by_its_own_exporter():
    torch.manual_seed(5)
    layer = snntorch.RLeaky(beta=0.875, threshold=1.0, linear_features=5, reset_mechanism="zero", reset_delay=False, init_hidden=True)
    layer.recurrent.weight.data = torch.tensor(weights(RNG, 5, 5))
    layer.recurrent.bias.data = torch.zeros(5)
    first = torch.nn.Linear(6, 5, bias=False)
    first.weight.data = torch.tensor(weights(RNG, 5, 6))
    with warnings.catch_warnings():  # of a function of nirtorch that snnTorch calls
        warnings.simplefilter("ignore", DeprecationWarning)
        graph = export_to_nir(torch.nn.Sequential(first, layer), torch.zeros(6))
    x = np.random.default_rng(10).random((STEPS, 6)) < 0.3
    found = from_nir(graph, inputs=x)
    layer.reset_mem()
    wanted = np.stack([layer(first(torch.tensor(step, dtype=torch.float32))).detach().numpy() > 0 for step in x])
    assert np.array_equal(found.spikes(point_golden.run(found.network)), wanted) and wanted.sum() > 20
    assert any("takes a step" in each.said for each in found.nodes)
