"""Brian2 on the integers of a network of point neurons: the witness that this project did not write.

Everything runs in Brian2's default schedule. A delay of D steps is one of D - 1 there, as its synapses act after the thresholds of a step.
Recorded spikes and bernoulli neurons are a `SpikeGeneratorGroup`; the events of a drive arrive with the synapses. Doubles hold all of it exactly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement, Engine, Progress
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.linear import Held, LinearNeuron, Order
from spikegate.models.numeric.fixed import Rounding
from spikegate.translator.brian import EXACT
from spikegate.translator.brian_engines import codegen_for
from spikegate.translator.brian_parts import Stopwatch, device, load_brian2, spikes_of
from spikegate.translator.point_draws import draws
from spikegate.translator.point_izhikevich import izhikevich_parts, izhikevich_problems
from spikegate.translator.point_neurons import largest_product, linear_parts
from spikegate.translator.point_parts import NeuronPart, Part

__all__ = ["PointBrianInteger", "PointBrianOrdered", "point_problems", "run_point"]


def _parts(b: Any, network: PointNetwork, clock: Any, exact: bool) -> list[Part]:
    """The groups of all populations, ready to begin."""
    found: list[Part] = []
    generated = np.repeat([isinstance(each.neuron, BernoulliNeuron) for each in network.populations], [each.size for each in network.populations])
    drawn = [np.flatnonzero(row * generated) for row, _ in draws(network)] if generated.any() else []
    steps, neurons = np.repeat(np.arange(len(drawn)), [len(each) for each in drawn]), np.concatenate([np.empty(0, np.int64), *drawn])
    events, _ = next(draws(network))
    for each, first in zip(network.populations, network.firsts):
        if not isinstance(each.neuron, BernoulliNeuron):
            make: Any = linear_parts if isinstance(each.neuron, LinearNeuron) else izhikevich_parts
            for part in (parts := make(b, each, each.neuron, first, clock, exact)):
                part.begin(b, events[part.places])
            found += parts
        else:
            here = (neurons >= first) & (neurons < first + each.size)
            found.append(_generator(b, network, each.name, each.size, first, (steps[here], neurons[here] - first), clock))
    return found


def _generator(b: Any, network: PointNetwork, name: str, size: int, first: int, spikes: tuple[np.ndarray, np.ndarray], clock: Any) -> Part:
    group = b.SpikeGeneratorGroup(size, spikes[1].astype(np.int64), spikes[0] * (network.dt_ns * 1e-9) * b.second, clock=clock)
    return Part(name, group, first, np.arange(size))


def _synapses(b: Any, network: PointNetwork, parts: list[Part], clock: Any) -> list[Any]:
    """Synapses of all projections, from each part to each part."""
    found = []
    targets = [each for each in parts if isinstance(each, NeuronPart)]
    for projection in network.listed:
        indptr, target = projection.indptr.astype(np.int64), projection.indices.astype(np.int64)
        source = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        for pre in (each for each in parts if each.name == projection.source):
            for post in (each for each in targets if each.name == projection.target):
                mine = np.flatnonzero(np.isin(source, pre.members) & np.isin(target, post.members))
                if not len(mine):
                    continue
                synapses = b.Synapses(pre.group, post.group, "weight : 1", on_pre=f"{post.variable(projection.port)}_post += weight", clock=clock)
                synapses.connect(i=np.searchsorted(pre.members, source[mine]), j=np.searchsorted(post.members, target[mine]))
                synapses.weight = projection.weights[mine]
                synapses.delay = (projection.delays[mine].astype(float) - 1) * clock.dt
                found.append(synapses)
    return found


States = dict[str, np.ndarray]


def _recorders(b: Any, network: PointNetwork, parts: list[Part], trace: bool, clock: Any, kind: type) -> tuple[States, States, list[Any]]:
    """Final states, traces, and what fills them."""
    names = list(dict.fromkeys(name for each in network.populations for name in each.neuron.state))
    final: States = {name: np.zeros(network.n, kind) for name in names}
    traces: States = {name: np.zeros((network.steps, network.n), kind) for name in names if trace and name not in ("hold", "fired")}
    timestep = clock.variables["timestep"].get_value()

    def recorder(late: bool) -> Callable[[], None]:
        held = [(each.places, each.states(late)) for each in parts if isinstance(each, NeuronPart)]

        def record() -> None:
            step = int(timestep[0])
            for where, states in held:
                for name, values in states.items():
                    if name in traces:
                        traces[name][step, where] = values
                    if step == network.steps - 1:
                        final[name][where] = values

        return record

    return final, traces, [b.NetworkOperation(recorder(late), when="end" if late else "after_thresholds", clock=clock) for late in (False, True)]


def _replay(b: Any, network: PointNetwork, parts: list[Part], clock: Any) -> list[Any]:
    """What gives each group its noise of the step, and its external events of the step after, which arrive with the synapses."""
    made = [each for each in parts if isinstance(each, NeuronPart)]
    driven = [(each.group.variables["events"].get_value(), each.places) for each in made if each.population.drive is not None]
    noisy = [(each.group.variables["noise"].get_value(), each.places) for each in made if each.population.noise is not None]
    rows, noise = draws(network), draws(network)

    def replay() -> None:
        row, _ = next(rows, (None, None))
        for events, places in driven:
            events[:] = 0 if row is None else row[places]
        if noisy:
            _, row = next(noise)
            for values, places in noisy:
                values[:] = row[places]

    if not driven and not noisy:
        return []
    next(rows)
    return [b.NetworkOperation(replay, when="start", clock=clock)]


def point_problems(network: object, exact: bool = True) -> list[str]:
    """Why Brian2 cannot run the integers, or floats in their place; empty if it can."""
    if not isinstance(network, PointNetwork):
        return ["it runs networks of point neurons; make one of this with PointNetwork.of"]
    found = []
    for each in network.populations:
        neuron, here = each.neuron, f"of population {each.name!r}"
        if isinstance(neuron, BernoulliNeuron):
            continue
        if not isinstance(neuron, LinearNeuron):
            found += izhikevich_problems(each, neuron) if exact else []
            continue
        if exact and neuron.rounding == Rounding.STOCHASTIC:
            found.append(f"rounding {here} must be floor or nearest for Brian2, not stochastic: its random bits are the core's own")
        if exact and (worst := largest_product(each, neuron)) > EXACT:
            found.append(f"products {here} may reach {worst} raw, above the limit of {EXACT} that Brian2's doubles hold exactly; "
                         "use fewer fraction bits")
        if neuron.order == Order.PUBLISHED and neuron.held == Held.ALL:
            found.append(f"currents {here} stand still in the published order, which Brian2's do not; use its order")
        if neuron.order == Order.BRIAN2:
            loose = (each.initial["hold"] > 0) & (each.table["refractory"][each.index] == 0)
            if loose.any():
                found.append(f"neurons {here} begin held without a refractory period; begin with hold 0")
    return found


def run_point(network: PointNetwork, *, trace: bool = False, progress: Progress | None = None, codegen: str = "cython",
              exact: bool = True) -> Recording:
    """Run a network of point neurons in Brian2, with the external events and the bernoulli spikes of the golden model.

    Spikes, membranes, currents and flags equal those of `spikegate.models.core.point_engine.run`.

    Parameters
    ----------
    network : PointNetwork
    trace : bool
        Record membranes, currents and flags, raw, (steps, n), at every step.
    progress : callable, optional
        Called with the finished fraction, 0..1.
    codegen : str
        ``cython`` (compiles for half a minute the first time) or ``numpy``.
    exact : bool
        Or else nothing is rounded or brought into a format, and membranes, all that is recorded, are in mV.

    Raises
    ------
    InputError, ToolMissing
        For what `point_problems` names, another ``codegen``; without Brian2.
    """
    if problems := point_problems(network, exact):
        raise InputError("\n".join(problems))
    b = load_brian2()
    with device(b, "runtime", codegen):
        watch, clock = Stopwatch(progress), b.Clock(dt=network.dt_ns * b.nsecond)
        parts = _parts(b, network, clock, exact)
        monitors, sources, first = [b.SpikeMonitor(each.group) for each in parts], parts.copy(), network.n
        for each in network.inputs:
            sources.append(_generator(b, network, each.name, each.size, first, (each.steps, each.channels), clock))
            first += each.size
        final, traces, recorders = _recorders(b, network, parts, trace, clock, np.int32 if exact else np.float64)
        objects = [*(each.group for each in sources), *monitors, *_synapses(b, network, sources, clock), *recorders]
        b.Network(objects + _replay(b, network, parts, clock)).run(network.steps * clock.dt, report=watch, report_period=0.2 * b.second, namespace={})
        found = []
        for part, monitor in zip(parts, monitors):
            spikes = spikes_of(monitor, network)
            spikes[:, 1] = part.places[spikes[:, 1]]
            found.append(spikes)
            if isinstance(part, NeuronPart):
                now = np.isin(part.places, spikes[spikes[:, 0] == network.steps - 1, 1])
                for name, values in part.late_states(network.steps - 1, now).items():
                    final[name][part.places] = values
        if not exact:
            ones = np.repeat([each.neuron.format.one for each in network.populations], [each.size for each in network.populations])
            final, traces = ({"v": each["v"] / ones} if "v" in each else {} for each in (final, traces))
        return Recording("brian2-point" if exact else "brian2-point-float", network.n, network.steps, np.concatenate(found), final, traces,
                         provenance=watch.provenance(b, network, codegen), dt_ns=network.dt_ns)


@dataclass(frozen=True)
class PointBrianInteger(Engine[PointNetwork]):
    """A network of point neurons on its own integers and external events, in Brian2.

    Parameters
    ----------
    codegen : str, optional
        ``cython``, which compiles for half a minute the first time, or ``numpy``; by default that for short runs.
    """

    codegen: str | None = None

    name, title, agreement = "brian2_integer", "Brian2 integer", Agreement.SPIKE_EXACT
    imports = ("brian2",)

    def unsupported(self, network: PointNetwork) -> list[str]:
        return point_problems(network)

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        return run_point(network, trace=trace, progress=progress, codegen=self.codegen or codegen_for(network))


@dataclass(frozen=True)
class PointBrianOrdered(Engine[PointNetwork]):
    """The same in floats, without rounding and limits, in the order of operations that the network states; events are those of the golden model."""

    codegen: str | None = None

    name, title, agreement = "brian2_ordered", "Brian2 float, as realised", Agreement.STATISTICAL
    imports = ("brian2",)

    def unsupported(self, network: PointNetwork) -> list[str]:
        return point_problems(network, exact=False)

    def run(self, network: PointNetwork, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        return run_point(network, trace=trace, progress=progress, codegen=self.codegen or codegen_for(network), exact=False)
