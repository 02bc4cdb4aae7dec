"""Populations of point neurons as groups of Brian2 that compute the same integers in doubles, or the same without rounding and limits.

Neurons in Brian2's order are Brian2's own in all but rounding: a state updater that computes the integers' update, a threshold with ``>``,
refractoriness in steps of the clock with ``(unless refractory)``, and a reset; synapses add to the membrane or the current itself. Neurons in the
published order take their input from a variable, and hold, compare and spike within the state update.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.network.point_population import PointPopulation
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.linear import Held, LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import QFormat, Rounding, fit
from spikegate.translator.brian import fit_text
from spikegate.translator.point_parts import NeuronPart

__all__ = ["LinearPart", "largest_product", "linear_parts"]

#: Brian2's own floor gives integers of 32 bits, which do not hold every product.
WHOLE = " // 1.0"
#: What a step does to current k.
CURRENT = """
kicked{k} = {fit}
flow{k} = (kicked{k} * set_coupling{k} * couple + couple_half) // 1.0
over = over + abs(kicked{k} - c{k})
c{k} = kicked{k} - (kicked{k} * set_decay{k} * decay + decay_half) // 1.0
"""
#: Membrane, in either order; ``given`` is what it takes in this step.
MEMBRANE = """
kicked = {kicked}
total = kicked + ((set_rest - kicked) * set_leak * leak + leak_half) // 1.0 + {given} + set_bias + noise
moved = {moved}
overflow = clip(overflow + over + {active} * (abs(kicked - v) + abs(moved - total)), 0, 1)
"""
PUBLISHED = """
v = v + {moves} * (moved - v)
hold = hold - 1 + active
fired = active * int(v >= {threshold})
current = 0
"""
#: What w gives up to the membrane, before the membrane's update; what becomes of it after, of what was before; and theta.
OUT = "out = (w * set_coupling_w * couple + couple_half) // 1.0\n"
W = """
total_w = w - (w * set_decay_w * w_decay + w_decay_half) // 1.0 + {slope}
w = {fit}
overflow = clip(overflow + abs(w - total_w), 0, 1)
"""
SLOPE = "((kicked - set_rest) * set_slope_w * couple + couple_half) // 1.0"
THETA = "theta = theta - (theta * set_decay_theta * theta_decay + theta_decay_half) // 1.0\n"
#: What a spike does to theta and w.
JUMP = """
total_{name} = {name} + set_jump_{name}
{name} = {fit}
over = over + abs({name} - total_{name})
"""


def _adapted(neuron: LinearNeuron) -> dict[str, QFormat]:
    return neuron.adapted if isinstance(neuron, AdaptiveLinearNeuron) else {}


def largest_product(each: PointPopulation, neuron: LinearNeuron) -> int:
    """Most that a product of any of its neurons may reach, and what rounds it."""
    widths = {**dict.fromkeys(neuron.currents, neuron.current_format.width), **{name: q.width for name, q in _adapted(neuron).items()}}
    membrane = abs(each.table["rest"]) + (1 << (neuron.format.width - 1))
    products = [membrane * abs(each.table[name]) for name in ("leak", "slope_w") if name in each.table]
    products += [(1 << (width - 1)) * each.table[f"{what}_{name}"] for name, width in widths.items() for what in ("decay", "coupling")
                 if f"{what}_{name}" in each.table]
    fractions = [neuron.leak_fraction, neuron.coupling_shift, neuron.decay_fraction]
    fractions += [getattr(neuron, f"{name}_fraction") for name in _adapted(neuron)]
    return max(int(product.max()) for product in products) + (1 << max(fractions))


def _above(neuron: LinearNeuron) -> str:
    """The threshold."""
    return "set_threshold + theta * theta_one" if "theta" in _adapted(neuron) else "set_threshold"


def _fitted(neuron: LinearNeuron, total: str, of: str, exact: bool) -> str:
    return fit_text(neuron.overflow, total, of) if exact else total


def _update(neuron: LinearNeuron, held: bool, exact: bool) -> str:
    """The state update; Brian2 itself writes ``v`` where it is free alone, if ``held``."""
    code, currents = "over = 0\n", range(len(neuron.currents))
    for k in currents:
        code += CURRENT.format(k=k, fit=_fitted(neuron, f"c{k}", "c_", exact))
    flow, adapted = " + ".join(["0", *(f"flow{k}" for k in currents)]), _adapted(neuron)
    if "w" in adapted:
        code, flow = code + OUT, flow + " - out"
    after = THETA if "theta" in adapted else ""
    if isinstance(neuron, AdaptiveLinearNeuron) and "w" in adapted:
        after += W.format(slope=SLOPE if neuron.slope else "0", fit=_fitted(neuron, "total_w", "w_", exact))
    moved = _fitted(neuron, "total", "v_", exact)
    if neuron.order == Order.BRIAN2:
        active = "int(not_refractory)" if held and neuron.held != Held.SPIKES else "1"
        code += MEMBRANE.format(kicked=_fitted(neuron, "v", "v_", exact), given=flow, moved=moved, active=active) + after + "v = moved\n"
    else:
        moves = "1" if neuron.held == Held.SPIKES else "active"
        code += "active = 1 - clip(hold, 0, 1)\n" + MEMBRANE.format(kicked="v", given=f"current + {flow}", moved=moved, active=moves)
        code += after + PUBLISHED.format(threshold=_above(neuron), moves=moves)
    return code if exact else code.replace(WHOLE, "")


def _reset(neuron: LinearNeuron, exact: bool) -> str:
    """The reset; in Brian2's order the kicks of the step have arrived, and are brought into the format first."""
    code = f"kicked = {_fitted(neuron, 'v', 'v_', exact)}\nover = abs(kicked - v)\n"
    if neuron.reset == Reset.SUBTRACT:
        code += f"total = kicked - set_reset\nmoved = {_fitted(neuron, 'total', 'v_', exact)}\nover = over + abs(moved - total)\nv = moved\n"
    else:
        code += "v = set_reset\n"
    for name in _adapted(neuron):
        code += JUMP.format(name=name, fit=_fitted(neuron, f"total_{name}", f"{name}_", exact))
    return code + "overflow = clip(overflow + over, 0, 1)\n" + "hold = set_refractory\n" * (neuron.order == Order.PUBLISHED)


def _constants(neuron: LinearNeuron, exact: bool) -> dict[str, float]:
    def shift(name: str, bits: int) -> dict[str, float]:
        return {name: 1.0 / (1 << bits), f"{name}_half": 0.5 if exact and neuron.rounding == Rounding.NEAREST and bits else 0.0}

    def limits(of: str, q: QFormat) -> dict[str, float]:
        return {f"{of}low": float(q.min), f"{of}high": float(q.max), f"{of}span": float(1 << q.width)}

    more: dict[str, float] = {}
    for name, q in _adapted(neuron).items():
        more |= {**limits(f"{name}_", q), **shift(f"{name}_decay", getattr(neuron, f"{name}_fraction")), f"{name}_one": neuron.format.one / q.one}
    return {**more, **shift("leak", neuron.leak_fraction), **shift("couple", neuron.coupling_shift), **shift("decay", neuron.decay_fraction),
            **limits("v_", neuron.format), **limits("c_", neuron.current_format)}


@dataclass(eq=False)
class LinearPart(NeuronPart):
    """Linear neurons, all with a refractory period or all without.

    Brian2 drops what arrives in the step of a spike wherever a group has a refractory period, be it 0, and golden neurons without one do not.
    """

    neuron: LinearNeuron

    def variable(self, port: str) -> str:
        if port in self.neuron.currents:
            return f"c{self.neuron.currents.index(port)}"
        return "current" if self.neuron.order == Order.PUBLISHED else "v"

    def states(self, late: bool) -> dict[str, np.ndarray]:
        names: dict[str, str] = {}
        if late == (self.neuron.order == Order.PUBLISHED):
            names = {name: name for name in ("v", "overflow", *_adapted(self.neuron))} | ({"hold": "hold"} if late else {})
        if not late:
            names |= {name: f"c{k}" for k, name in enumerate(self.neuron.currents)}
        return {name: self.group.variables[variable].get_value() for name, variable in names.items()}

    def hold(self, step: int) -> np.ndarray:
        """Refractory steps left after a step in Brian2's order."""
        if "lastspike" not in self.group.variables:
            return np.zeros(len(self.members))
        since = step - np.rint(np.asarray(self.group.lastspike_[:]) / self.group.clock.dt_)
        left: np.ndarray = np.maximum(np.asarray(self.group.set_refractory[:]) - since, 0)
        return left

    def late_states(self, step: int, spiked: np.ndarray) -> dict[str, np.ndarray]:
        return {"hold": self.hold(step), "fired": spiked} if self.neuron.order == Order.BRIAN2 else {}

    def begin(self, b: Any, first: np.ndarray) -> None:
        population, group, brian2 = self.population, self.group, self.neuron.order == Order.BRIAN2
        initial = {name: values[self.members] for name, values in population.initial.items()}
        group.v, group.overflow, hold = initial["v"], initial["overflow"], initial["hold"]
        for name in self.neuron.currents:
            setattr(group, self.variable(name), initial[name])
        for name in _adapted(self.neuron):
            setattr(group, name, initial[name])
        if not brian2:
            group.hold = hold
        elif "lastspike" in group.variables:
            before = (hold - population.table["refractory"][population.index[self.members]] - 1) * group.clock.dt_
            group.lastspike = np.where(hold > 0, before, -1e4) * b.second
        if population.drive is not None:
            variable = self.variable(population.drive.port)
            deaf = self.neuron.held == Held.ALL or self.neuron.held == Held.MEMBRANE and variable == "v"
            kick = first * population.drive.table.weight * (hold == 0 if deaf else 1)
            setattr(group, variable, np.asarray(getattr(group, variable)) + kick)
        if brian2:
            self._reset_before(np.flatnonzero(initial["fired"]))

    def _reset_before(self, fired: np.ndarray) -> None:
        """Reset neurons that spiked in the step before the first."""
        group, q, mode = self.group, self.neuron.format, self.neuron.overflow
        for i in fired:
            v, over = fit.py_func(int(group.v[i]), q.width, mode)
            reset, more = int(group.set_reset[i]), 0
            if self.neuron.reset == Reset.SUBTRACT:
                reset, more = fit.py_func(v - reset, q.width, mode)
            group.v[i], group.overflow[i] = reset, max(group.overflow[i], over, more)
            for name, width in ((name, each.width) for name, each in _adapted(self.neuron).items()):
                value, over = fit.py_func(int(getattr(group, name)[i]) + int(getattr(group, f"set_jump_{name}")[i]), width, mode)
                getattr(group, name)[i], group.overflow[i] = value, max(group.overflow[i], over)


def _make(b: Any, population: PointPopulation, neuron: LinearNeuron, first: int, members: np.ndarray, clock: Any, exact: bool) -> LinearPart:
    table, index, brian2, currents = population.table, population.index[members], neuron.order == Order.BRIAN2, range(len(neuron.currents))
    held = brian2 and bool(table["refractory"][index].any())
    names = {column.name: f"set_{column.name}" for column in neuron.columns}
    names |= {f"{what}_{name}": f"set_{what}{k}" for k, name in enumerate(neuron.currents) for what in ("decay", "coupling")}
    states = ["overflow", "over", "events", "noise", *(() if brian2 else ("current", "fired", "hold")), *_adapted(neuron)]
    still = ["v"] * (neuron.held != Held.SPIKES) + [f"c{k}" for k in currents] * (neuron.held == Held.ALL)
    equations = "\n".join(f"d{name}/dt = 0 * Hz : 1" + " (unless refractory)" * (held and name in still)
                          for name in ("v", *(f"c{k}" for k in currents))) + "".join(f"\n{name} : 1" for name in [*names.values(), *states])
    group = b.NeuronGroup(len(members), equations, method=lambda *_: _update(neuron, held, exact), reset=_reset(neuron, exact), clock=clock,
                          threshold=f"v > {_above(neuron)}" if brian2 else "fired > 0", namespace=_constants(neuron, exact),
                          refractory="set_refractory * dt" if held else False)
    for name, called in names.items():
        setattr(group, called, table[name][index])
    made = LinearPart(population.name, group, first, members, population, neuron)
    if population.drive is not None:
        group.namespace["kick"] = float(population.drive.table.weight)
        group.run_regularly(f"{made.variable(population.drive.port)} += events * kick", when="synapses", clock=clock)
    return made


def linear_parts(b: Any, population: PointPopulation, neuron: LinearNeuron, first: int, clock: Any, exact: bool) -> list[LinearPart]:
    """The groups of a population whose first neuron has the number ``first``; each still has to `begin`. Nothing is rounded if not ``exact``."""
    held = (population.table["refractory"][population.index] > 0) & (neuron.order == Order.BRIAN2)
    return [_make(b, population, neuron, first, members, clock, exact) for members in (np.flatnonzero(held), np.flatnonzero(~held)) if len(members)]
