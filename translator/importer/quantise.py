"""A network in floats as frozen integers: formats, parameter sets, weights, and what of each parameter was asked for and realised."""

from dataclasses import dataclass

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.base import next_start
from spikegate.models.network.builder import Builder
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.projection import MAX_DELAY
from spikegate.models.network.provenance import LIMIT, Quantity
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.normal import normal_table
from spikegate.translator.importer.float_network import FloatNetwork, FloatNeurons, FloatProjection, FloatQuadratic
from spikegate.translator.importer.formats import Choice, Scaled, choose
from spikegate.translator.importer.parameters import parameters, raw_of, rest_of
from spikegate.translator.importer.quadratic import choose_quadratic, columns_of
from spikegate.translator.importer.relays import relay, relays
from spikegate.translator.importer.signals import spikes_of_bits

__all__ = ["Piece", "Quantised", "quantise"]


@dataclass(frozen=True)
class Piece:
    """Neurons of a user's group that are one population: ``first`` to ``last`` - 1 of the group, from ``place`` on in the network."""

    group: str
    population: str
    first: int
    last: int
    place: int
    number: int  #: of the population
    scaled: Scaled | None  #: None of random sources


@dataclass(frozen=True)
class Quantised:
    """The frozen network, which of its neurons are whose, and what became of each parameter."""

    network: PointNetwork
    pieces: tuple[Piece, ...]
    quantities: tuple[Quantity, ...]

    def of(self, group: str) -> list[Piece]:
        """The pieces of a user's group, ascending."""
        return [each for each in self.pieces if each.group == group]

    @property
    def warnings(self) -> list[str]:
        """A line for each parameter that is off by more than a hundredth."""
        return [f"{each.name} is {each.realised:.4g} and not the {each.asked:.4g} asked for ({100 * (each.error or 0):+.3g} %): use more fraction "
                "bits" for each in self.quantities if each.asked and abs(each.error or 0) > LIMIT]


#: Formats from the numbers of each group.
AUTO = Choice()


def _ranges(group: FloatNeurons | FloatQuadratic) -> list[tuple[int, int]]:
    """Neurons that share their drive and the strength of their noise."""
    louder = (np.flatnonzero(np.diff(group.noise)) + 1).tolist()
    cuts = sorted({0, group.size, *louder, *(cut for each in group.drives for cut in (each.first, each.last))})
    return list(zip(cuts, cuts[1:]))


def _added(network: FloatNetwork, group: FloatNeurons, membrane: bool) -> np.ndarray:
    """All that may be added to membranes, or to currents, of a group at once."""
    weights = [each.weights for each in network.projections if each.target == group.name and (each.variable == group.membrane) == membrane]
    drives = [np.array([each.weight * max(1.0, each.trials * each.probability)]) for each in group.drives
              if (each.variable == group.membrane) == membrane]
    return np.concatenate([np.empty(0), *weights, *drives])


def _asked(network: FloatNetwork, pieces: list[Piece]) -> dict[str, float]:
    """What the frozen network says was asked for, in its own units and ms: parameters that all neurons of a population share."""
    found, ms = {}, network.dt_ns / 1e6
    by_name = {group.name: group for group in network.neurons}
    for piece in pieces:
        group = by_name.get(piece.group)
        if not isinstance(group, FloatNeurons):
            continue
        rows = {"threshold": group.level / group.unit, "reset": group.reset / group.unit, "rest": rest_of(group) / group.unit}
        with np.errstate(divide="ignore"):
            rows["tau_mem"] = -ms / np.log(group.keep, where=(group.keep > 0) & (group.keep < 1), out=np.zeros(group.size))
        for name, values in rows.items():
            here = values[piece.first:piece.last]
            if np.all(here == here[0]) and np.isfinite(here[0]):
                found[f"{piece.population}.{name}"] = float(here[0])
    return found


Made = tuple[Scaled, dict[str, np.ndarray], dict[str, np.ndarray], list[Quantity]]


def _linear(network: FloatNetwork, group: FloatNeurons, choice: Choice) -> Made:
    """Structure, columns of the table, first states, and what they realise."""
    rest = rest_of(group)
    scaled = choose(group, rest, _added(network, group, True), _added(network, group, False), choice)
    columns, rows = parameters(group, rest, scaled)
    first = {group.membrane: group.initial, **{name: each.initial for name, each in group.currents.items()},
             **{each.name: each.initial - each.base for each in (group.theta, group.w) if each is not None}}
    initial = {"hold": group.hold, **{scaled.states[name]: raw_of(values, scaled.per_raw[name]) for name, values in first.items()}}
    initial |= {name: raw[group.signals[k].row, 0] for k, (name, (raw, _)) in enumerate(scaled.signals.items())}
    return scaled, columns, initial, rows


def _quadratic(network: FloatNetwork, group: FloatQuadratic, choice: Choice) -> Made:
    kicks = [each.weights * group.inputs.get(each.variable, 1.0) for each in network.projections if each.target == group.name]
    scaled = choose_quadratic(group, np.concatenate([np.empty(0), *kicks]), choice)
    return scaled, *columns_of(group, scaled)


def _populations(builder: Builder, network: FloatNetwork, choice: Choice) -> tuple[list[Piece], list[Quantity]]:
    pieces: list[Piece] = []
    rows: list[Quantity] = []
    place = 0
    for group in network.neurons:
        made = _quadratic(network, group, choice) if isinstance(group, FloatQuadratic) else _linear(network, group, choice)
        scaled, columns, initial, found = made
        rows += found
        ranges = _ranges(group)
        for k, (low, high) in enumerate(ranges):
            name = group.name if len(ranges) == 1 else f"{group.name}_part_{k}"
            table = normal_table(group.noise[low] / scaled.per_raw[group.membrane]) if group.noise[low] else None
            quadratic = isinstance(group, FloatQuadratic)
            builder.population(name, high - low, scaled.neuron, initial={key: values[low:high] for key, values in initial.items()},
                               noise=None if quadratic else table, **{key: values[low:high] for key, values in columns.items()})
            if quadratic and table is not None:  # what it adds in the middle is taken off the bias
                builder.drive(name, table.weight, probability=table)
            for drive in group.drives:
                if drive.first <= low and high <= drive.last:
                    port = _port(scaled, drive.variable, group.name)
                    builder.drive(name, int(raw_of(np.array(drive.weight), scaled.per_raw[drive.variable])), port=port,
                                  probability=drive.probability, trials=drive.trials)
            pieces.append(Piece(group.name, name, low, high, place, len(pieces), scaled))
            place += high - low
        if isinstance(group, FloatNeurons):
            _signals(builder, group, scaled, [each for each in pieces if each.group == group.name])
            _shaken(builder, group, scaled, [each for each in pieces if each.group == group.name])
    for source in network.sources:
        builder.population(source.name, source.size, BernoulliNeuron(), chance=np.rint(source.chance * (1 << UNIFORM_BITS)).astype(np.int64))
        pieces.append(Piece(source.name, source.name, 0, source.size, place, len(pieces), None))
        place += source.size
    return pieces, rows


def _signals(builder: Builder, group: FloatNeurons, scaled: Scaled, pieces: list[Piece]) -> None:
    """Recorded spikes of the signals of a group, a channel a bit and row."""
    for (name, (raw, _)), signal in zip(scaled.signals.items(), group.signals):
        steps, channels, weights = spikes_of_bits(raw)
        source, rows = f"{group.name}_{name}", len(raw)
        builder.input(source, rows * len(weights), steps, channels)
        for piece in pieces:
            row, bit = signal.row[piece.first:piece.last], np.arange(len(weights))[:, None]
            pre, post = np.broadcast_arrays(bit * rows + row, np.arange(len(row)))
            builder.connect(source, piece.population, weights=np.repeat(weights, len(row)), port=name, pairs=(pre.ravel(), post.ravel()))


def _shaken(builder: Builder, group: FloatNeurons, scaled: Scaled, pieces: list[Piece]) -> None:
    """Recorded spikes of the noise of currents, a channel a bit and neuron; that of a step arrives in the next."""
    if group.shaken is None:
        return
    steps, channels, weights = spikes_of_bits(np.pad(group.shaken.raw, ((0, 0), (1, 0))))
    source, bit = f"{group.name}_noise", np.arange(len(weights))[:, None]
    builder.input(source, group.size * len(weights), steps, channels)
    for piece in pieces:
        members = np.arange(piece.first, piece.last)
        pre, post = np.broadcast_arrays(bit * group.size + members, members - piece.first)
        for name, each in group.shaken.strength.items():
            raw = raw_of(weights[:, None] * each[members], scaled.per_raw[name])
            builder.connect(source, piece.population, weights=raw.ravel(), port=scaled.states[name], pairs=(pre.ravel(), post.ravel()))


def _port(scaled: Scaled, variable: str, group: str) -> str:
    port = scaled.inputs.get(variable) or scaled.states[variable]
    if port not in scaled.neuron.ports:
        raise InputError(f"NeuronGroup {group!r}: synapses add to {variable}, and hardware adds to {', '.join(scaled.neuron.ports)}; "
                         "one of these would run")
    return port


def _connect(builder: Builder, each: FloatProjection, target: FloatNeurons | FloatQuadratic, pieces: list[Piece], inputs: dict[str, int],
             made: set[str]) -> list[Quantity]:
    """The synapses of a projection, from each piece to each; ``made`` has the relays."""
    after = [piece for piece in pieces if piece.group == each.target]
    scaled = after[0].scaled
    assert scaled is not None
    port, per = _port(scaled, each.variable, target.name), scaled.per_raw[each.variable]
    raw, hops = raw_of(each.weights, per), relays(each.delays)
    before = [(each.source, 0, inputs[each.source])] if each.source in inputs else [(piece.population, piece.first, piece.last) for piece in pieces
                                                                                      if piece.group == each.source]
    for source, low, high in before:
        for piece in after:
            for count in np.unique(hops) if len(hops) else [0]:
                here: np.ndarray | slice = slice(None)
                if len(before) > 1 or len(after) > 1 or hops.any():
                    here = (each.pre >= low) & (each.pre < high) & (each.post >= piece.first) & (each.post < piece.last) & (hops == count)
                now, left = relay(builder, made, source, high - low, int(count)), each.delays[here] - int(count) * MAX_DELAY
                builder.connect(now, piece.population, weights=raw[here], delays=left, port=port,
                                pairs=(each.pre[here] - low, each.post[here] - piece.first))
    mean = float(np.abs(each.weights).mean()) if len(raw) else 0.0
    return [Quantity(f"{each.name}: mean weight", mean, float(np.abs(raw).mean()) * abs(per))] if mean else []


def quantise(network: FloatNetwork, choice: Choice = AUTO, seed: int = 1) -> Quantised:
    """Freeze a network.

    Parameters
    ----------
    network : FloatNetwork
    choice : Choice
        Formats and rounding.
    seed : int
        Of all random streams of the hardware, not 0.

    Raises
    ------
    InputError
        If it does not fit what hardware holds, or the formats asked for.
    """
    # a register with many zeros gives the first neuron extreme numbers for some steps
    builder = Builder(network.name, steps=network.steps, dt_ms=network.dt_ns / 1e6, seed=next_start(0, seed, LfsrParams().mask))
    pieces, rows = _populations(builder, network, choice)
    for each in network.inputs:
        builder.input(each.name, each.size, each.steps, each.channels)
    by_name = {group.name: group for group in network.neurons}
    made: set[str] = set()
    inputs = {each.name: each.size for each in network.inputs}
    for projection in network.projections:
        rows += _connect(builder, projection, by_name[projection.target], pieces, inputs, made)
    builder.source = _asked(network, pieces)
    return Quantised(builder.freeze(), tuple(pieces), tuple(rows))
