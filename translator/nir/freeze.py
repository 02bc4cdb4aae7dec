"""A NIR graph frozen: populations, synapses and recorded spikes in integers, and what became of each node."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.builder import Builder
from spikegate.models.network.projection import MAX_DELAY
from spikegate.models.neuron.lif import REFRACTORY_BITS
from spikegate.translator.importer.float_network import Refusals
from spikegate.translator.importer.relays import relay
from spikegate.translator.nir.cells import Cell, Discretisation, cell, memoryless
from spikegate.translator.nir.formats import Formats, Structure, noted, structure
from spikegate.translator.nir.forms import ONE, Form, Forms, Term
from spikegate.translator.nir.imported import Imported, Readout
from spikegate.translator.nir.levels import Edge, Unplaced, levels, looping
from spikegate.translator.nir.reading import ANALOG, SPIKING, Flat, flattened, kind_of, where
from spikegate.translator.nir.spikes import events
from spikegate.translator.nir.verdicts import Realised, verdicts

__all__ = ["from_nir"]


@dataclass
class _Plan:
    """What is known of each population before anything is frozen; inputs have a name and nothing else."""

    names: dict[str, str] = field(default_factory=dict)  #: of a node in the network
    sizes: dict[str, int] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    readouts: dict[str, Readout] = field(default_factory=dict)
    level: dict[str, int] = field(default_factory=dict)
    late: set[Edge] = field(default_factory=set)
    made: dict[str, Structure] = field(default_factory=dict)

    def constant(self, node: str, key: tuple[str, int]) -> bool:
        """Whether a term is a bias of the membranes, and no synapse."""
        return key == (ONE, 0) and self.cells[node].coupling is None


def _name(plan: _Plan, node: str) -> str:
    """A name for the network that no other node has."""
    plain = re.sub(r"\W", "_", node, flags=re.ASCII) or "node"
    plain = plain if plain.isidentifier() else f"n{plain}"
    name, k = plain, 1
    while name in plan.names.values():
        name, k = f"{plain}_{k}", k + 1
    plan.names[node] = name
    return name


def _planned(flat: Flat, forms: Forms, how: Discretisation, refusals: Refusals) -> _Plan:
    """Cells and forms of everything that is a population."""
    plan = _Plan()
    for node in flat.named("Input", *SPIKING, *ANALOG):
        _name(plan, node)
        plan.sizes[node] = forms.size(node)
        if kind_of(flat.nodes[node]) == "Input":
            forms.given(node)
        elif plan.sizes[node] and (made := cell(node, flat.nodes[node], plan.sizes[node], how, refusals)) is not None:
            plan.cells[node] = made
            if (got := forms.got(node)) is not None:
                if got.size not in (plan.sizes[node], 0):
                    forms.refuse(node, f"gets {got.size} values for {plan.sizes[node]} neurons", "as many would run")
                plan.forms[node] = got
    for node in flat.named("Output"):
        _output(flat, forms, plan, node)
    return plan


def _output(flat: Flat, forms: Forms, plan: _Plan, node: str) -> None:
    """Whose spikes or membranes an output is; neurons of its own where it is a sum."""
    before, shape = flat.before(node), forms.shape(node)
    while len(before) == 1 and (before[0] in flat.inner or kind_of(flat.nodes[before[0]]) == "Flatten"):
        before = flat.before(before[0])
    if len(before) == 1 and (kind := kind_of(flat.nodes[before[0]])) in (*SPIKING, *ANALOG):
        if before[0] in plan.cells:
            plan.readouts[node] = Readout(node, before[0], kind in SPIKING, shape or (plan.sizes[before[0]],))
        return
    if not before:
        forms.refuse(node, "gets nothing", "an edge to it would run")
    elif (got := forms.got(node)) is not None and got.size:
        _name(plan, node)
        plan.sizes[node], plan.forms[node] = got.size, got
        plan.cells[node] = memoryless("Output", got.size)
        plan.readouts[node] = Readout(node, node, False, shape or (got.size,))


def _place(flat: Flat, plan: _Plan, refusals: Refusals) -> None:
    """Levels, and the edges of loops that take a step where the graph says none."""
    edges = [(source, node, delay) for node, form in plan.forms.items() for source, delay in form.terms
             if not plan.constant(node, (source, delay)) and len(form.terms[source, delay].matrix.row)]
    plan.late = looping(edges)
    try:
        plan.level = levels([*plan.names, ONE], [(*each[:2], each[2] + (each in plan.late)) for each in edges])
    except Unplaced as error:
        refusals.add(f"Loop through {error}", "", "has delays that are shorter than its synapses, each of which takes a step",
                     "a Delay of a step a synapse, or more, would run")
        return
    if (most := max(plan.level.values())) >= 1 << REFRACTORY_BITS:
        refusals.add(f"Graph of {most} layers", "", "is too deep", f"{(1 << REFRACTORY_BITS) - 1} layers of neurons would run")


def _bias(plan: _Plan, node: str) -> np.ndarray:
    """What is added to each membrane in a step."""
    found, term = np.zeros(plan.sizes[node]), plan.forms[node].terms.get((ONE, 0))
    if term is not None and plan.constant(node, (ONE, 0)):
        found[term.matrix.row] = term.matrix.value
    scaled: np.ndarray = found * plan.cells[node].gain
    return scaled


def _scaled(plan: _Plan, node: str, term: Term) -> np.ndarray:
    """Weights of a term as they reach a node's neurons."""
    found: np.ndarray = term.matrix.value * plan.cells[node].gain[term.matrix.row]
    return found


def _structures(flat: Flat, plan: _Plan, asked: Mapping[str, Formats], refusals: Refusals) -> None:
    for node, each in plan.cells.items():
        form = plan.forms.get(node, Form(each.size))
        plan.forms[node] = form
        terms = [term for key, term in form.terms.items() if not plan.constant(node, key)]
        weights = np.concatenate([np.empty(0), *(_scaled(plan, node, term) for term in terms)])
        rows = np.concatenate([np.empty(0, np.int64), *(term.matrix.row for term in terms)])
        sums = np.bincount(rows, np.abs(weights), each.size)
        try:
            plan.made[node] = structure(each, weights, sums, _bias(plan, node), asked.get(node, asked.get("") or noted(flat.nodes[node])))
        except InputError as error:
            refusals.lines += [f"{where(node, flat.nodes[node])}: {line}" for line in str(error).splitlines()]


def _connected(builder: Builder, plan: _Plan) -> dict[tuple[str, str, int], Realised]:
    """Every term as synapses; what became of its weights."""
    found, relays = {}, set[str]()
    for node, form in plan.forms.items():
        made = plan.made[node]
        q, port = made.input_format, made.port
        for (source, delay), term in form.terms.items():
            asked = _scaled(plan, node, term)
            raw = np.rint(asked * q.one).astype(np.int64)
            found[node, source, delay] = Realised(asked, raw / q.one, term.through)
            if plan.constant(node, (source, delay)) or not np.any(raw):
                continue
            steps = delay + ((source, node, delay) in plan.late) + plan.level[node] - plan.level[source]
            hops = (steps - 1) // MAX_DELAY
            now = relay(builder, relays, plan.names[source], plan.sizes[source], hops)
            kept = np.flatnonzero(raw)
            builder.connect(now, plan.names[node], weights=raw[kept], delays=steps - hops * MAX_DELAY, port=port,
                            pairs=(term.matrix.column[kept], term.matrix.row[kept]))
    return found


def from_nir(graph: Any, *, dt: float = 1e-4, steps: int | None = None, inputs: Any = None, method: str = "euler", integrators: str = "step",
             reset: str | Mapping[str, str] = "value", formats: Formats | Mapping[str, Formats] | None = None) -> Imported:
    """Freeze a NIR graph.

    Parameters
    ----------
    graph : nir.NIRGraph
    dt : float
        Seconds of a step, a whole number of nanoseconds.
    steps : int, optional
        Length of the run; as long as the inputs by default.
    inputs : array_like or Mapping of str to array_like, optional
        Spikes of each Input node, 0 or 1, (steps, ...) in its shape; of the only one without a name.
    method, integrators, reset
        As `spikegate.translator.nir.cells.Discretisation`.
    formats : Formats or Mapping of str to Formats, optional
        Of all nodes, or by node, ``""`` for the others; by default what `to_nir` noted, or else from their numbers.

    Returns
    -------
    Imported
        With the frozen ``network``, and what became of each node.

    Raises
    ------
    InputError
        With a line for everything that hardware cannot do, or the formats asked for cannot hold.
    """
    how, refusals = Discretisation(float(dt), method, integrators, reset), Refusals()
    if not (1 <= how.dt * 1e9 <= 1e9) or abs(how.dt * 1e9 - round(how.dt * 1e9)) > 1e-3:
        raise InputError(f"dt must be a whole number of nanoseconds, at most a second, not {dt!r} s")
    flat = flattened(graph, refusals)
    forms = Forms(flat, how.dt, refusals)
    plan = _planned(flat, forms, how, refusals)
    if not plan.cells and not refusals.lines:
        refusals.add("Graph", "", "has no neurons", "one with a LIF, or an Output behind a Linear, would run")
    refusals.raise_any()
    _place(flat, plan, refusals)
    refusals.raise_any()
    asked = formats if isinstance(formats, Mapping) else {} if formats is None else {"": formats}
    if strange := sorted({*asked} - {"", *plan.cells}):
        raise InputError(f"Formats name {strange[0]!r}, which is no node with neurons; there are {', '.join(plan.cells)}")
    _structures(flat, plan, asked, refusals)
    refusals.raise_any()
    return _frozen(plan, forms, how, (inputs, steps))


def _frozen(plan: _Plan, forms: Forms, how: Discretisation, given: tuple[Any, int | None]) -> Imported:
    """The network of a plan that is complete; ``given`` are the inputs, and the steps if they are asked for."""
    sizes = {node: plan.sizes[node] for node in plan.names if node not in plan.cells}
    spikes, length = events(*given, sizes)
    steps = length + max(plan.level.values())
    builder = Builder("NIR graph", steps=steps, dt_ms=round(how.dt * 1e9) / 1e6, source=_source(how))
    for node, each in plan.made.items():
        first: dict[str, Any] = {"hold": plan.level[node]} if plan.level[node] else {}
        builder.population(plan.names[node], plan.sizes[node], each.neuron, initial=first, **cast(dict[str, Any], each.columns))
    for node in sizes:
        builder.input(plan.names[node], plan.sizes[node], *spikes[node])
    if any(not plan.constant(node, key) for node, form in plan.forms.items() for key in form.terms if key[0] == ONE):
        plan.sizes[ONE] = 1
        builder.input(_name(plan, ONE), 1, np.arange(steps), np.zeros(steps, np.int64))
    realised = _connected(builder, plan)
    lags = {output: plan.level[each.node] for output, each in plan.readouts.items()}
    found = verdicts(forms.flat, forms, plan.made, plan.cells, realised, plan.late)
    return Imported(builder.freeze(), found, plan.readouts, lags, plan.names, sizes, length)


def _source(how: Discretisation) -> dict[str, Any]:
    """What the frozen network says of how it was made."""
    reset = how.reset if isinstance(how.reset, str) else ", ".join(f"{name}: {each}" for name, each in how.reset.items())
    return {"from": "NIR", "nir.method": how.method, "nir.integrators": how.integrators, "nir.reset": reset, "nir.dt_s": how.dt}
