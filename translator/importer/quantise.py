"""A network in floats as frozen integers: formats, parameter sets, weights, and what of each parameter was asked for and realised."""

from dataclasses import dataclass

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.base import next_start
from spikegate.models.network.builder import Builder
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.provenance import LIMIT, Quantity
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.numeric.drive import UNIFORM_BITS
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.normal import normal_table
from spikegate.translator.importer.float_network import FloatNetwork, FloatNeurons, FloatProjection
from spikegate.translator.importer.formats import Choice, Scaled, choose

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


def _rest(group: FloatNeurons) -> np.ndarray:
    """Where membranes settle; 0 for those without leak."""
    leak = 1 - group.keep
    if np.any(leak < 0) or np.any(leak > 1):
        raise InputError(f"NeuronGroup {group.name!r}: {group.membrane} grows or overshoots by itself, "
                         f"{1 - leak[(leak < 0) | (leak > 1)][0]:g} of it is left after a step; 0 to 1, by a stable equation "
                         "or a shorter dt, would run")
    rest: np.ndarray = np.divide(group.constant, leak, out=np.zeros_like(leak), where=leak > 0)
    return rest


def _raw(values: np.ndarray, per_raw: float) -> np.ndarray:
    found: np.ndarray = np.rint(values / per_raw).astype(np.int64)
    return found


def _worst(name: str, asked: np.ndarray, realised: np.ndarray) -> list[Quantity]:
    """The neuron whose parameter is furthest from what was asked for."""
    if not len(asked) or not np.any(asked):
        return []
    k = int(np.argmax(np.abs(realised - asked) / np.maximum(np.abs(asked), 1e-300) * (asked != 0)))
    return [Quantity(name, float(asked[k]), float(realised[k]))]


def _parameters(group: FloatNeurons, rest: np.ndarray, scaled: Scaled) -> tuple[dict[str, np.ndarray], list[Quantity]]:
    """Columns of the table for each neuron of a group, raw, and what they realise."""
    neuron, per = scaled.neuron, scaled.per_raw[group.membrane]
    q, here = neuron.format, group.name
    leak = _raw(1 - group.keep, 1 / (1 << neuron.leak_fraction))
    finite = np.isfinite(group.threshold)
    threshold = np.where(finite, _raw(np.where(finite, group.level, 0), per) - group.reached, q.max)
    reset = _raw(group.reset, per)
    if group.subtract:
        reset = np.where(finite, reset, 1)
    columns = {"leak": leak, "rest": _raw(rest, per), "threshold": threshold, "reset": reset, "refractory": group.refractory,
               "bias": np.where(group.keep == 1, _raw(group.constant, per), 0)}
    rows = _worst(f"{here}: leak a step", 1 - group.keep, leak / (1 << neuron.leak_fraction))
    rows += _worst(f"{here}: threshold", group.level[finite], (threshold[finite] + group.reached) * per)
    rows += _worst(f"{here}: reset", group.reset[finite], reset[finite] * per)
    rows += _worst(f"{here}: rest", rest, columns["rest"] * per)
    rows += _worst(f"{here}: input a step", np.where(group.keep == 1, group.constant, 0), columns["bias"] * per)
    for name, each in group.currents.items():
        inwards = each.coupling * scaled.per_raw[name] / per
        more, found = _decaying(here, name, name, (each.keep, inwards), neuron.decay_fraction, neuron.coupling_shift)
        columns, rows = columns | more, rows + found
    for kind, moved in (("theta", group.theta), ("w", group.w)):
        if moved is not None:
            step = scaled.per_raw[moved.name]
            outwards = -moved.coupling * step / per if kind == "w" else None
            more, found = _decaying(here, moved.name, kind, (moved.keep, outwards), getattr(neuron, f"{kind}_fraction"), neuron.coupling_shift)
            columns, rows = columns | more | {f"jump_{kind}": _raw(moved.jump, step)}, rows + found
            rows += _worst(f"{here}: jump of {moved.name}", moved.jump, columns[f"jump_{kind}"] * step)
    return columns, rows


def _decaying(here: str, name: str, column: str, what: tuple[np.ndarray, np.ndarray | None], fraction: int,
              shift: int) -> tuple[dict[str, np.ndarray], list[Quantity]]:
    """Columns of a variable that decays, and flows into the membrane if it has a coupling, raw steps of it for one of its own."""
    keep, coupling = what
    decay = _raw(1 - keep, 1 / (1 << fraction))
    columns, rows = {f"decay_{column}": decay}, _worst(f"{here}: decay of {name} a step", 1 - keep, decay / (1 << fraction))
    if coupling is not None:
        columns[f"coupling_{column}"] = _raw(coupling, 1 / (1 << shift))
        rows += _worst(f"{here}: coupling of {name}", coupling, columns[f"coupling_{column}"] / (1 << shift))
    return columns, rows


def _ranges(group: FloatNeurons) -> list[tuple[int, int]]:
    """Neurons that share their drive."""
    cuts = sorted({0, group.size, *(cut for each in group.drives for cut in (each.first, each.last))})
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
        if group is None:
            continue
        rows = {"threshold": group.level / group.unit, "reset": group.reset / group.unit, "rest": _rest(group) / group.unit}
        with np.errstate(divide="ignore"):
            rows["tau_mem"] = -ms / np.log(group.keep, where=(group.keep > 0) & (group.keep < 1), out=np.zeros(group.size))
        for name, values in rows.items():
            here = values[piece.first:piece.last]
            if np.all(here == here[0]) and np.isfinite(here[0]):
                found[f"{piece.population}.{name}"] = float(here[0])
    return found


def _populations(builder: Builder, network: FloatNetwork, choice: Choice) -> tuple[list[Piece], list[Quantity]]:
    pieces: list[Piece] = []
    rows: list[Quantity] = []
    place = 0
    for group in network.neurons:
        rest = _rest(group)
        scaled = choose(group, rest, _added(network, group, True), _added(network, group, False), choice)
        columns, found = _parameters(group, rest, scaled)
        rows += found
        first = {group.membrane: group.initial, **{name: each.initial for name, each in group.currents.items()},
                 **{each.name: each.initial - each.base for each in (group.theta, group.w) if each is not None}}
        initial = {"hold": group.hold, **{scaled.states[name]: _raw(values, scaled.per_raw[name]) for name, values in first.items()}}
        noise = normal_table(group.noise / scaled.per_raw[group.membrane]) if group.noise else None
        ranges = _ranges(group)
        for k, (low, high) in enumerate(ranges):
            name = group.name if len(ranges) == 1 else f"{group.name}_part_{k}"
            builder.population(name, high - low, scaled.neuron, initial={key: values[low:high] for key, values in initial.items()},
                               noise=noise, **{key: values[low:high] for key, values in columns.items()})
            for drive in group.drives:
                if drive.first <= low and high <= drive.last:
                    port = _port(scaled, drive.variable, group.name)
                    builder.drive(name, int(_raw(np.array(drive.weight), scaled.per_raw[drive.variable])), port=port,
                                  probability=drive.probability, trials=drive.trials)
            pieces.append(Piece(group.name, name, low, high, place, len(pieces), scaled))
            place += high - low
    for source in network.sources:
        builder.population(source.name, source.size, BernoulliNeuron(), chance=np.rint(source.chance * (1 << UNIFORM_BITS)).astype(np.int64))
        pieces.append(Piece(source.name, source.name, 0, source.size, place, len(pieces), None))
        place += source.size
    return pieces, rows


def _port(scaled: Scaled, variable: str, group: str) -> str:
    port = scaled.states[variable]
    if port not in scaled.neuron.ports:
        raise InputError(f"NeuronGroup {group!r}: synapses add to {variable}, and hardware adds to {', '.join(scaled.neuron.ports)}; "
                         "one of these would run")
    return port


def _connect(builder: Builder, each: FloatProjection, target: FloatNeurons, pieces: list[Piece], inputs: set[str]) -> list[Quantity]:
    """The synapses of a projection, from each piece to each."""
    after = [piece for piece in pieces if piece.group == each.target]
    scaled = after[0].scaled
    assert scaled is not None
    port, per = _port(scaled, each.variable, target.name), scaled.per_raw[each.variable]
    raw = _raw(each.weights, per)
    before = [(each.source, 0, None)] if each.source in inputs else [(piece.population, piece.first, piece.last) for piece in pieces
                                                                       if piece.group == each.source]
    for source, low, high in before:
        for piece in after:
            here: np.ndarray | slice = slice(None)
            if len(before) > 1 or len(after) > 1:
                here = (each.pre >= low) & (each.pre < (high or np.inf)) & (each.post >= piece.first) & (each.post < piece.last)
            builder.connect(source, piece.population, weights=raw[here], delays=each.delays[here], port=port,
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
    for projection in network.projections:
        rows += _connect(builder, projection, by_name[projection.target], pieces, {each.name for each in network.inputs})
    builder.source = _asked(network, pieces)
    return Quantised(builder.freeze(), tuple(pieces), tuple(rows))
