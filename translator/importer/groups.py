"""Groups of Brian2 as neurons in floats: what a step makes of them is read from the code that Brian2's own state updater writes."""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikegate.models.neuron.linear import MAX_CURRENTS
from spikegate.translator.importer.float_network import Current, FloatInput, FloatNeurons, FloatSources, Refusals
from spikegate.translator.importer.statements import Affine, Unclear, affine, evaluate, followed, symbol
from spikegate.translator.importer.values import Values

__all__ = ["generator", "neurons", "poisson", "steps_of"]

LINEAR = "a membrane such as dv/dt = (a - v + g)/tau, with currents dg/dt = -g/tau_g, would run"
#: What a membrane is counted in, by its SI unit; 1 of it where it has another or none.
UNITS = {"V": 1e-3, "A": 1e-9}


def steps_of(time: Any, dt: float) -> np.ndarray:
    """Whole steps of times in seconds, as Brian2 counts them."""
    return np.asarray((np.asarray(time, np.float64) + 1e-3 * dt) / dt, np.int64)


class _Reader:
    """One `NeuronGroup`."""

    def __init__(self, group: Any, namespace: Mapping[str, Any], written: set[str], refusals: Refusals) -> None:
        self.group, self.written, self.refusals = group, written, refusals
        self.size, self.dt, self.values = len(group), float(group.clock.dt_), Values(group, namespace)
        self.where = f"{type(group).__name__} {group.name!r}"
        group.state_updater.update_abstract_code(namespace)

    def refuse(self, line: str, why: object, fix: str) -> None:
        self.refusals.add(self.where, line, str(why), fix)

    def line(self, name: str) -> str:
        """The user's own line about a variable."""
        equations = self.group.user_equations
        return str(equations[name]) if equations is not None and name in equations else name

    def number(self, expression: Any) -> np.ndarray:
        return evaluate(expression, self.values, self.size)

    def step(self, states: list[str]) -> dict[str, Affine]:
        """What a step makes of each state, where a neuron is free."""
        code = "\n".join(line for line in self.group.state_updater.abstract_code.splitlines() if not line.strip().startswith("not_refractory"))
        found = {}
        try:
            after = followed(code.replace("int(not_refractory)", "1"), self.values.known)
        except Unclear as error:
            self.refuse(code, error, LINEAR)
            return {}
        for name in states:
            try:
                found[name] = affine(after.get(name, symbol(name)), states)
            except Unclear as error:
                self.refuse(self.line(name), error, LINEAR)
        return found

    def threshold(self, states: list[str]) -> tuple[str | None, Any, bool]:
        """The membrane, what it is compared with, and whether it may be equal."""
        text = self.group.events.get("spike")
        if text is None:
            return None, None, False
        fix = "a threshold such as v > v_th would run"
        node = ast.parse(text, mode="eval").body
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE):
            self.refuse(text, "is not one comparison", fix)
            return None, None, False
        sides = node.left, node.comparators[0]
        more, less = sides if isinstance(node.ops[0], ast.Gt | ast.GtE) else sides[::-1]
        try:
            difference = affine(followed(f"_d = ({ast.unparse(more)}) - ({ast.unparse(less)})", self.values.known)["_d"], states)
            inside = [name for name in states if difference.factors[name] != 0]
            if len(inside) != 1 or difference.factors[inside[0]] != 1:
                moving = ", ".join(inside) or "nothing that changes"
                raise Unclear(f"compares {moving}")
        except Unclear as error:
            self.refuse(text, error, fix)
            return None, None, False
        return inside[0], -difference.constant, isinstance(node.ops[0], ast.GtE | ast.LtE)

    def reset(self, membrane: str, states: list[str]) -> tuple[Any, bool] | None:
        """What a spike makes of the membrane: an expression, and whether it is taken off; None without a reset."""
        text, fix = self.group.event_codes.get("spike") or "", f"a reset such as {membrane} = v_r or {membrane} -= v_th would run"
        try:
            after = followed(text, self.values.known)
            for name in after:
                if name != membrane:
                    raise Unclear(f"changes {name}")
            if membrane not in after:
                return None
            found = affine(after[membrane], states)
            if any(found.factors[name] != 0 for name in states if name != membrane) or found.factors[membrane] not in (0, 1):
                raise Unclear("is neither a value nor a difference")
        except Unclear as error:
            self.refuse(text, error, fix)
            return None
        return (-found.constant, True) if found.factors[membrane] == 1 else (found.constant, False)

    def refractory(self, membrane: str, states: list[str]) -> np.ndarray:
        given, none = self.group._refractory, np.zeros(self.size, np.int64)
        if given is False or given is None:
            return none
        try:
            held = followed(f"_r = {given}" if isinstance(given, str) else "_r = 0", self.values.known)["_r"]
            affine(held, states)
            seconds = self.number(held) if isinstance(given, str) else np.full(self.size, float(given))
            if isinstance(given, str) and any(symbol(name) in held.free_symbols for name in states):
                raise Unclear("is no fixed time")
        except Unclear as error:
            self.refuse(f"refractory={given!r}", error, "a time such as refractory=5*ms would run")
            return none
        steps = steps_of(seconds, self.dt)
        if not 0 <= steps.min() <= steps.max() <= 255:
            self.refuse(f"refractory={given}", f"is {steps.max()} steps, and hardware counts 0..255", "a longer dt would run")
        for name in states:
            held_too = "unless refractory" in self.group.equations[name].flags if name in self.group.equations else False
            if held_too != (name == membrane) and steps.any():
                self.refuse(self.line(name), "goes on while the neuron is refractory" if name == membrane else "stops while the neuron is refractory",
                            f"mark {membrane} alone with (unless refractory)")
        return np.clip(steps, 0, 255)

    def hold(self, refractory: np.ndarray) -> np.ndarray:
        """Refractory steps left before the first step."""
        if "lastspike" not in self.group.variables:
            return np.zeros(self.size, np.int64)
        now, last = float(self.group.clock.variables["t"].get_value()[0]), np.asarray(self.group.variables["lastspike"].get_value())
        since = np.rint((now - last) / self.dt) - 1
        return np.asarray(np.clip(refractory - since, 0, 255), np.int64)

    def read(self) -> FloatNeurons | None:
        group, before = self.group, len(self.refusals.lines)
        if any(name != "spike" for name in group.events):
            self.refuse(", ".join(sorted(group.events)), "are events of its own", "events named spike would run")
        dynamic = [*group.equations.diff_eq_names]
        reset = group.event_codes.get("spike") or ""
        try:
            resets = set(followed(reset, self.values.known))
        except Unclear:
            resets = set()
        states = dynamic + sorted((self.written | resets) - {*dynamic})
        updates = self.step(states)
        membrane, level, reached = self.threshold(states)
        if membrane is None and "spike" not in group.events:
            fed = [name for name in dynamic if name in updates and any(updates[name].factors[other] != 0 for other in states if other != name)]
            membrane = next(iter(fed or dynamic or states), None)
        if len(self.refusals.lines) > before:
            return None
        if membrane is None:
            self.refuse("", "has no equation that changes anything", LINEAR)
            return None
        return self.assemble(membrane, level, reached, states, updates)

    def assemble(self, membrane: str, level: Any, reached: bool, states: list[str], updates: dict[str, Affine]) -> FloatNeurons | None:
        before = len(self.refusals.lines)
        others = [name for name in states if name != membrane]
        for name in others:
            factors, rest = updates[name]
            fed = [other for other in states if other != name and factors[other] != 0]
            if fed or rest != 0:
                self.refuse(self.line(name), f"is fed by {', '.join(fed) or 'a constant'}", LINEAR)
        if len(others) > MAX_CURRENTS:
            self.refuse("; ".join(map(self.line, others)), f"are {len(others)} variables beside {membrane}", f"{MAX_CURRENTS} currents would run")
        said = self.reset(membrane, states) if level is not None else None
        if level is not None and said is None and len(self.refusals.lines) == before:
            self.refuse(self.group.events["spike"], "has no reset", f"a reset such as {membrane} = v_r or {membrane} -= v_th would run")
        refractory = self.refractory(membrane, states)
        if said is not None and said[1] and self.group._refractory is not False and not refractory.all():
            self.refuse(f"refractory={self.group._refractory}", "is 0 for some neurons, which drops what arrives with their spikes",
                        "a reset to a value, or at least one step, would run")
        if len(self.refusals.lines) > before:
            return None
        try:
            currents = {name: Current(self.number(updates[name].factors[name]), self.number(updates[membrane].factors[name]), self._initial(name))
                        for name in others}
            threshold = np.full(self.size, np.inf) if level is None else self.number(level)
            v, r = updates[membrane], np.zeros(self.size) if said is None else self.number(said[0])
            subtract = said is None or said[1]
            keep, rest = self.number(v.factors[membrane]), self.number(v.constant)
        except Unclear as error:
            self.refuse(self.line(membrane), error, LINEAR)
            return None
        unit = UNITS.get(str(self.group.variables[membrane].unit), 1.0)
        return FloatNeurons(self.group.name, self.size, membrane, unit, keep, rest, threshold, reached, r, subtract, refractory,
                            self._initial(membrane), self.hold(refractory), currents)

    def _initial(self, name: str) -> np.ndarray:
        values: np.ndarray = np.broadcast_to(np.asarray(self.group.variables[name].get_value(), np.float64), (self.size,)).copy()
        return values


def neurons(group: Any, namespace: Mapping[str, Any], written: set[str], refusals: Refusals) -> FloatNeurons | None:
    """A `NeuronGroup`; what cannot be carried over is refused.

    Parameters
    ----------
    group : brian2.NeuronGroup
    namespace : Mapping
        Of the run.
    written : set of str
        Variables that synapses and inputs add to.
    refusals : Refusals
    """
    return _Reader(group, namespace, written, refusals).read()


def poisson(group: Any, refusals: Refusals) -> FloatSources | None:
    """A `PoissonGroup` with a fixed rate a neuron."""
    where = f"PoissonGroup {group.name!r}"
    if isinstance(group._rates, str):
        refusals.add(where, f"rates={group._rates!r}", "is an expression", "an array of rates would run")
        return None
    chance = np.broadcast_to(np.asarray(group.variables["rates"].get_value(), np.float64) * float(group.clock.dt_), (len(group),))
    if not (chance.min() >= 0 and chance.max() <= 1):
        refusals.add(where, f"rates={group._rates!r}", f"is {chance.max():g} spikes a step", "at most one a step, or a shorter dt, would run")
        return None
    return FloatSources(group.name, len(group), chance.copy())


def generator(group: Any, start: int, steps: int, refusals: Refusals) -> FloatInput | None:
    """A `SpikeGeneratorGroup` from step ``start`` of the clock on, for ``steps`` steps."""
    period = float(np.asarray(group.variables["period"].get_value()).flat[0])
    if period not in (0.0, np.inf):
        refusals.add(f"SpikeGeneratorGroup {group.name!r}", f"period={period:g} s", "repeats its spikes", "all spikes written out would run")
        return None
    when = steps_of(group.variables["spike_time"].get_value(), float(group.clock.dt_)) - start
    which = np.asarray(group.variables["neuron_index"].get_value(), np.int64)
    here = (when >= 0) & (when < steps)
    order = np.lexsort((which[here], when[here]))
    return FloatInput(group.name, len(group), when[here][order], which[here][order])
