"""A frozen network as a NIR graph: the same integers as real numbers, and everything that NIR cannot hold named before anything is written."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation
from spikegate.models.network.projection import Projection
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Rounding
from spikegate.translator.importer.float_network import Refusals
from spikegate.translator.nir.cells import RESET_KEY
from spikegate.translator.nir.formats import noted_formats
from spikegate.translator.nir.reading import library

__all__ = ["OMITTED", "to_nir"]

#: What may be left out by name, and what NIR then says in its place.
OMITTED = {"drive": "external events that hardware draws", "noise": "noise", "refractory": "refractory steps",
           "sources": "random sources, which become an Input", "order": "Brian2's order of a step", "rounding": "rounding at random",
           "initial": "states before the first step"}


def _level(each: PointPopulation) -> int | None:
    """How late its first step is, if that is all that its first state says."""
    hold = each.initial["hold"]
    start = each.neuron.start(each.table)
    plain = all(np.array_equal(values, start[name][each.index] if name in start else np.zeros(each.size)) for name, values in each.initial.items()
                if name != "hold")
    return int(hold[0]) if plain and np.all(hold == hold[0]) else None


def _in_the_way(network: PointNetwork, without: Collection[str]) -> Refusals:
    refusals = Refusals()
    for each in network.populations:
        neuron, found = each.neuron, {}
        if neuron.kind == "bernoulli":
            found["sources"] = "spikes at random"
        elif type(neuron) is not LinearNeuron or len(neuron.currents) > 1 or neuron.kicks:
            refusals.add(f"Population {each.name!r}", "", f"is a {neuron.kind}, for which NIR has no primitive",
                         "a lif, or a cuba_lif with one current, could be written")
            continue
        else:
            table = each.table
            found |= {"refractory": "is refractory after a spike"} if np.any(table["refractory"]) else {}
            found |= {"order": "takes its input after it is compared, and NIR before"} if neuron.order != Order.PUBLISHED else {}
            found |= {"rounding": "rounds at random"} if neuron.rounding == Rounding.STOCHASTIC else {}
            found |= {"noise": "has noise"} if each.noise is not None else {}
            found |= {"initial": "does not begin at rest"} if _level(each) is None else {}
            if np.any(table["leak"] == 0) and (np.any(table["leak"]) or neuron.currents):
                refusals.add(f"Population {each.name!r}", "", "has neurons without leak beside others, or with a current",
                             "a population for each could be written")
        found |= {"drive": "is driven by events that hardware draws"} if each.drive is not None else {}
        for name, what in found.items():
            if name not in without:
                refusals.add(f"Population {each.name!r}", "", f"{what}, which NIR cannot hold", f'without=["{name}"] leaves it out')
    return refusals


def _node(nir: Any, each: PointPopulation, dt: float) -> Any:
    """The neurons of a population."""
    neuron, column = each.neuron, {name: values[each.index].astype(np.float64) for name, values in each.table.items()}
    assert isinstance(neuron, LinearNeuron)
    one, leak = neuron.format.one, column["leak"] / (1 << neuron.leak_fraction)
    never = bool(np.all(column["threshold"] == neuron.format.max) and np.all(column["reset"] == neuron.format.max - 1))
    threshold = (column["threshold"] - 1) / one
    reset = threshold - column["reset"] / one if neuron.reset == Reset.SUBTRACT else column["reset"] / one
    notes = noted_formats(neuron) | ({RESET_KEY: "subtract"} if neuron.reset == Reset.SUBTRACT else {})
    spiking = {} if never else {"v_threshold": threshold, "v_reset": reset}
    if not np.any(leak):
        return (nir.I if never else nir.IF)(r=np.ones(each.size), **spiking, metadata=notes)
    membrane: dict[str, Any] = {"v_leak": column["rest"] / one, **spiking, "metadata": notes}
    if not neuron.currents:
        return (nir.LI if never else nir.LIF)(tau=dt / leak, r=1 / leak, **membrane)
    name = neuron.currents[0]
    decay = column[f"decay_{name}"] / (1 << neuron.decay_fraction)
    coupling = column[f"coupling_{name}"] / (1 << neuron.coupling_shift) * neuron.current_format.one / one
    return (nir.CubaLI if never else nir.CubaLIF)(tau_syn=dt / decay, tau_mem=dt / leak, r=coupling / leak, w_in=1 / decay, **membrane)


def _bias(each: PointPopulation) -> np.ndarray:
    found: np.ndarray = each.table["bias"][each.index] / each.neuron.format.one  # it is linear
    return found


def _synapses(nir: Any, graph: tuple[dict[str, Any], list[tuple[str, str]]], projection: Projection, sizes: tuple[int, int],
              said: tuple[float, int, float]) -> None:
    """The nodes of a projection: a matrix for each delay; ``said`` is the value of a raw step, the difference of levels and dt."""
    (nodes, edges), (step, levels, dt) = graph, said
    row = np.repeat(np.arange(sizes[0]), np.diff(projection.indptr.astype(np.int64)))
    for delay in np.unique(projection.delays):
        here = projection.delays == delay
        weight = np.zeros((sizes[1], sizes[0]))
        np.add.at(weight, (projection.indices[here].astype(np.int64), row[here]), projection.weights[here] * step)
        name = f"{projection.source}_to_{projection.target}"
        while name in nodes:
            name += "_more"
        nodes[name] = nir.Linear(weight=weight)
        edges.append((projection.source, name))
        if steps := int(delay) - levels:
            nodes[f"{name}_later"] = nir.Delay(delay=np.full(sizes[1], steps * dt))
            edges.append((name, f"{name}_later"))
            name = f"{name}_later"
        edges.append((name, projection.target))


def to_nir(network: PointNetwork | Network, *, without: Sequence[str] = (), outputs: Sequence[str] | None = None) -> Any:
    """A frozen network as a NIR graph, whose every number is exactly what the integers hold.

    `from_nir` with the same ``dt`` makes the same integers of it again. Delays are those of the graph's own time, in which a population that begins
    some steps late is that much earlier; recorded spikes are no part of a graph.

    Parameters
    ----------
    network : PointNetwork or Network
    without : sequence of str
        What to leave out although NIR cannot hold it: of `OMITTED`.
    outputs : sequence of str, optional
        Populations with an Output; by default those that reach no other, or all.

    Returns
    -------
    nir.NIRGraph

    Raises
    ------
    InputError
        With a line for everything that NIR cannot hold.
    ToolMissing
        If the package `nir` is not installed.
    """
    nir = library()
    if strange := sorted({*without} - {*OMITTED}):
        raise InputError(f"without must name some of {', '.join(OMITTED)}, not {strange[0]!r}")
    found = PointNetwork.of(network) if isinstance(network, Network) else network
    if not isinstance(found, PointNetwork):
        raise InputError(f"Network must be a PointNetwork, not {type(network).__name__}")
    refusals, dt, names = _in_the_way(found, without), found.dt_ns / 1e9, [each.name for each in found.populations]
    level = {each.name: _level(each) or 0 if isinstance(each.neuron, LinearNeuron) else 0 for each in found.populations}
    level |= {each.name: 0 for each in found.inputs}
    for each in found.listed:
        if len(each.delays) and int(each.delays.min()) < level[each.target] - level[each.source]:
            refusals.add(f"Projection {each.title}", "", "is quicker than its target begins late", "populations that begin at once could be written")
    if outputs is not None and (strange := sorted({*outputs} - {*names})):
        refusals.add(f"Output {strange[0]!r}", "", "is no population", f"{', '.join(names)} could be written")
    refusals.raise_any()
    linear = {each.name: each for each in found.populations if isinstance(each.neuron, LinearNeuron)}
    nodes: dict[str, Any] = {each.name: nir.Input(input_type={"input": np.array([each.size])}) for each in found.inputs}
    nodes |= {each.name: _node(nir, each, dt) if each.name in linear else nir.Input(input_type={"input": np.array([each.size])})
              for each in found.populations}
    edges: list[tuple[str, str]] = []
    for projection in found.listed:
        place, neuron = found.place(projection), linear[projection.target].neuron
        said = 1 / neuron.port_format(projection.port).one, level[projection.target] - level[projection.source], dt  # type: ignore[union-attr]
        _synapses(nir, (nodes, edges), projection, (place.sources, place.targets), said)
    for name, population in linear.items():
        if np.any(bias := _bias(population)):  # of a matrix without weights, behind the population itself
            nodes[f"{name}_bias"] = nir.Affine(weight=np.zeros((population.size, population.size)), bias=bias)
            edges += [(name, f"{name}_bias"), (f"{name}_bias", name)]
    sources = {each.source for each in found.projections}
    for name in outputs if outputs is not None else [each for each in linear if each not in sources] or list(linear):
        nodes[f"{name}_output"] = nir.Output(output_type={"output": np.array([found.populations[names.index(name)].size])})
        edges.append((name, f"{name}_output"))
    return nir.NIRGraph(nodes=nodes, edges=edges, type_check=False)
