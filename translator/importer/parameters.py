"""Parameters of a group of neurons as raw integers, and what each of them realises of what was asked for."""

import numpy as np

from spikegate.models.errors import InputError
from spikegate.models.network.provenance import Quantity
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.translator.importer.float_network import FloatNeurons
from spikegate.translator.importer.formats import Scaled

__all__ = ["parameters", "raw_of", "rest_of", "worst"]


def rest_of(group: FloatNeurons) -> np.ndarray:
    """Where membranes settle; 0 for those without leak."""
    leak = 1 - group.keep
    if np.any(leak < 0) or np.any(leak > 1):
        raise InputError(f"NeuronGroup {group.name!r}: {group.membrane} grows or overshoots by itself, "
                         f"{1 - leak[(leak < 0) | (leak > 1)][0]:g} of it is left after a step; 0 to 1, by a stable equation "
                         "or a shorter dt, would run")
    rest: np.ndarray = np.divide(group.constant, leak, out=np.zeros_like(leak), where=leak > 0)
    return rest


def raw_of(values: np.ndarray, per_raw: float) -> np.ndarray:
    found: np.ndarray = np.rint(values / per_raw).astype(np.int64)
    return found


def worst(name: str, asked: np.ndarray, realised: np.ndarray) -> list[Quantity]:
    """The neuron whose parameter is furthest from what was asked for."""
    if not len(asked) or not np.any(asked):
        return []
    k = int(np.argmax(np.abs(realised - asked) / np.maximum(np.abs(asked), 1e-300) * (asked != 0)))
    return [Quantity(name, float(asked[k]), float(realised[k]))]


def parameters(group: FloatNeurons, rest: np.ndarray, scaled: Scaled) -> tuple[dict[str, np.ndarray], list[Quantity]]:
    """Columns of the table for each neuron of a group, raw, and what they realise."""
    neuron, per = scaled.neuron, scaled.per_raw[group.membrane]
    assert isinstance(neuron, LinearNeuron)
    q, here = neuron.format, group.name
    leak = raw_of(1 - group.keep, 1 / (1 << neuron.leak_fraction))
    finite = np.isfinite(group.threshold)
    threshold = np.where(finite, raw_of(np.where(finite, group.level, 0), per) - group.reached, q.max)
    reset = raw_of(group.reset, per)
    if group.subtract:
        reset = np.where(finite, reset, 1)
    columns = {"leak": leak, "rest": raw_of(rest, per), "threshold": threshold, "reset": reset, "refractory": group.refractory,
               "bias": np.where(group.keep == 1, raw_of(group.constant, per), 0)}
    rows = worst(f"{here}: leak a step", 1 - group.keep, leak / (1 << neuron.leak_fraction))
    rows += worst(f"{here}: threshold", group.level[finite], (threshold[finite] + group.reached) * per)
    rows += worst(f"{here}: reset", group.reset[finite], reset[finite] * per)
    rows += worst(f"{here}: rest", rest, columns["rest"] * per)
    rows += worst(f"{here}: input a step", np.where(group.keep == 1, group.constant, 0), columns["bias"] * per)
    for name, each in group.currents.items():
        inwards = each.coupling * scaled.per_raw[name] / per
        more, found = _decaying(here, name, name, (each.keep, inwards), neuron.decay_fraction, neuron.coupling_shift)
        found[:1] = worst(f"{here}: decay of {name} a step", 1 - each.asked, more[f"decay_{name}"] / (1 << neuron.decay_fraction))
        columns, rows = columns | more, rows + found
    for name, parts in list(group.mixed.items())[:1]:
        other = next(each for each in parts if each != name)
        asked = parts[other] * (group.currents[other].keep - group.currents[name].keep)
        slower = (columns[f"decay_{name}"] - columns[f"decay_{other}"]) / (1 << neuron.decay_fraction)
        rows += worst(f"{here}: what {other} adds to {name} in a step", asked, parts[other] * slower)
    for (name, (_, one)), signal in zip(scaled.signals.items(), group.signals):
        more, found = _decaying(here, "the input by the time", name, (np.zeros(group.size), signal.coupling * one / per), neuron.decay_fraction,
                                neuron.coupling_shift)
        columns, rows = columns | more, rows + found
    for kind, moved in (("theta", group.theta), ("w", group.w)):
        if moved is not None:
            step = scaled.per_raw[moved.name]
            outwards = -moved.coupling * step / per if kind == "w" else None
            more, found = _decaying(here, moved.name, kind, (moved.keep, outwards), getattr(neuron, f"{kind}_fraction"), neuron.coupling_shift)
            columns, rows = columns | more | {f"jump_{kind}": raw_of(moved.jump, step)}, rows + found
            rows += worst(f"{here}: jump of {moved.name}", moved.jump, columns[f"jump_{kind}"] * step)
    return columns, rows


def _decaying(here: str, name: str, column: str, what: tuple[np.ndarray, np.ndarray | None], fraction: int,
              shift: int) -> tuple[dict[str, np.ndarray], list[Quantity]]:
    """Columns of a variable that decays, and flows into the membrane if it has a coupling, raw steps of it for one of its own."""
    keep, coupling = what
    decay = raw_of(1 - keep, 1 / (1 << fraction))
    columns, rows = {f"decay_{column}": decay}, worst(f"{here}: decay of {name} a step", 1 - keep, decay / (1 << fraction))
    if coupling is not None:
        columns[f"coupling_{column}"] = raw_of(coupling, 1 / (1 << shift))
        rows += worst(f"{here}: coupling of {name}", coupling, columns[f"coupling_{column}"] / (1 << shift))
    return columns, rows
