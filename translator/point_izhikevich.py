"""Populations of Izhikevich neurons as groups of Brian2 that compute the same integers in doubles, or the same without rounding and limits.

In Brian2's order they are Brian2's own in all but rounding: a state updater, Euler's with the old values of both states, a threshold with ``>``,
synapses that add to the membrane, and a reset. In the published order a step takes its input from a variable, compares and resets within the update.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikegate.models.network.point_population import PointPopulation
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import Order
from spikegate.models.numeric.fixed import QFormat, Rounding, fit
from spikegate.translator.brian import EXACT, fit_text
from spikegate.translator.point_parts import NeuronPart

__all__ = ["IzhikevichPart", "izhikevich_parts", "izhikevich_problems"]

#: Both updates, from the old values.
UPDATE = """
kicked = {kicked}
steep = (kicked * set_square * square + square_half) // 1.0 + set_slope
pull = (kicked * set_b * b + b_half) // 1.0 - u
total = kicked + (kicked * steep * slope + slope_half) // 1.0 - (u * less + less_half) // 1.0 + {given} + set_bias
recovered = u + (pull * set_a * a + a_half) // 1.0
moved = {moved}
u = {u}
over = abs(kicked - v) + abs(moved - total) + abs(u - recovered)
v = moved
overflow = clip(overflow + over, 0, 1)
"""
RESET = """
v = set_c
raised = u + set_d
u = {raised}
overflow = clip(overflow + abs(u - raised), 0, 1)
"""


def _fitted(neuron: IzhikevichNeuron, total: str, of: str, exact: bool) -> str:
    return fit_text(neuron.overflow, total, of) if exact else total


def _code(text: str, exact: bool) -> str:
    """Without rounding if not ``exact``; Brian2's own floor gives integers of 32 bits, which do not hold every product."""
    return text if exact else text.replace(" // 1.0", "")


def _update(neuron: IzhikevichNeuron, exact: bool) -> str:
    brian2 = neuron.order == Order.BRIAN2
    code = UPDATE.format(kicked=_fitted(neuron, "v", "v_", exact) if brian2 else "v", given="0" if brian2 else "current",
                         moved=_fitted(neuron, "total", "v_", exact), u=_fitted(neuron, "recovered", "u_", exact))
    return _code(code if brian2 else code + "current = 0\n", exact)


def _reset(neuron: IzhikevichNeuron, exact: bool) -> str:
    """The reset; in Brian2's order the kicks of the step have arrived, and are brought into the format first."""
    code = RESET.format(raised=_fitted(neuron, "raised", "u_", exact))
    return f"overflow = clip(overflow + abs({_fitted(neuron, 'v', 'v_', exact)} - v), 0, 1)\n" * (neuron.order == Order.BRIAN2) + code


def _constants(neuron: IzhikevichNeuron, exact: bool) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, bits in (("square", neuron.square_shift), ("slope", neuron.slope_fraction), ("a", neuron.a_fraction), ("b", neuron.b_shift),
                       ("less", neuron.u_format.fraction - neuron.format.fraction)):
        found |= {name: 1.0 / (1 << bits), f"{name}_half": 0.5 if exact and neuron.rounding == Rounding.NEAREST and bits else 0.0}

    def limits(of: str, q: QFormat) -> dict[str, float]:
        return {f"{of}low": float(q.min), f"{of}high": float(q.max), f"{of}span": float(1 << q.width)}

    return {**found, **limits("v_", neuron.format), **limits("u_", neuron.u_format)}


@dataclass(eq=False)
class IzhikevichPart(NeuronPart):
    """Izhikevich neurons."""

    neuron: IzhikevichNeuron

    def variable(self, port: str) -> str:
        return "v" if self.neuron.order == Order.BRIAN2 else "current"

    def states(self, late: bool) -> dict[str, np.ndarray]:
        if late == (self.neuron.order == Order.BRIAN2):
            return {}
        return {name: self.group.variables[name].get_value() for name in ("v", "u", "overflow")}

    def late_states(self, step: int, spiked: np.ndarray) -> dict[str, np.ndarray]:
        return {"fired": spiked} if self.neuron.order == Order.BRIAN2 else {}

    def begin(self, b: Any, first: np.ndarray) -> None:
        population, group, initial = self.population, self.group, self.population.initial
        group.v, group.u, group.overflow = initial["v"], initial["u"], initial["overflow"]
        if population.drive is not None:
            variable = self.variable(population.drive.port)
            setattr(group, variable, np.asarray(getattr(group, variable)) + first * population.drive.table.weight)
        if self.neuron.order == Order.BRIAN2:
            q, r, mode = self.neuron.format, self.neuron.u_format, self.neuron.overflow
            for i in np.flatnonzero(initial["fired"]):
                _, over = fit.py_func(int(group.v[i]), q.width, mode)
                u, more = fit.py_func(int(group.u[i]) + int(group.set_d[i]), r.width, mode)
                group.v[i], group.u[i], group.overflow[i] = group.set_c[i], u, max(group.overflow[i], over, more)


def izhikevich_parts(b: Any, population: PointPopulation, neuron: IzhikevichNeuron, first: int, clock: Any, exact: bool) -> list[IzhikevichPart]:
    """The group of a population whose first neuron has the number ``first``; it still has to `begin`. Nothing is rounded if not ``exact``."""
    brian2, names = neuron.order == Order.BRIAN2, [column.name for column in neuron.columns]
    others = ["u", "overflow", "events", *(() if brian2 else ("current",)), *(f"set_{name}" for name in names)]
    equations = "dv/dt = 0 * Hz : 1" + "".join(f"\n{name} : 1" for name in others)
    group = b.NeuronGroup(population.size, equations, method=lambda *_: _update(neuron, exact), reset=_reset(neuron, exact), clock=clock,
                          threshold="v > set_peak" if brian2 else "v >= set_peak", namespace=_constants(neuron, exact))
    for name in names:
        setattr(group, f"set_{name}", population.table[name][population.index])
    made = IzhikevichPart(population.name, group, first, np.arange(population.size), population, neuron)
    if population.drive is not None:
        group.namespace["kick"] = float(population.drive.table.weight)
        group.run_regularly(f"{made.variable(population.drive.port)} += events * kick", when="synapses", clock=clock)
    return [made]


def izhikevich_problems(population: PointPopulation, neuron: IzhikevichNeuron) -> list[str]:
    """Why doubles do not hold what a step may form with the parameters that the population has; empty if they do."""
    table, v, u = population.table, 1 << (neuron.format.width - 1), 1 << (neuron.u_format.width - 1)
    slope = (v * table["square"] >> neuron.square_shift) + np.abs(table["slope"]) + 1
    pull = (v * np.abs(table["b"]) >> neuron.b_shift) + u + 1
    half = 1 << max(neuron.square_shift, neuron.slope_fraction, neuron.a_fraction, neuron.b_shift)
    worst = half + max(int(product.max()) for product in (v * table["square"], v * slope, v * np.abs(table["b"]), pull * table["a"]))
    return [f"products of population {population.name!r} may reach {worst} raw, above the limit of {EXACT} that Brian2's doubles hold exactly; "
            "use fewer fraction bits"] if worst > EXACT else []
