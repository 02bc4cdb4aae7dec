"""Groups of Brian2 as neurons in floats: what a step makes of them is read from the code that Brian2's own state updater writes."""

import ast
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spikegate.models.neuron.linear import MAX_CURRENTS
from spikegate.translator.importer.float_network import Adapting, Current, FloatNeurons, Refusals
from spikegate.translator.importer.sources import steps_of
from spikegate.translator.importer.statements import Affine, Unclear, affine, evaluate, followed, symbol
from spikegate.translator.importer.values import Values

__all__ = ["neurons"]

LINEAR = "a membrane such as dv/dt = (a - v + g)/tau, with currents dg/dt = -g/tau_g, would run"
Changes = set[tuple[str, str]]
#: Stands for a normal number of variance dt in a step.
NOISE = "noise_"
#: What a membrane is counted in, by its SI unit; 1 of it where it has another or none.
UNITS = {"V": 1e-3, "A": 1e-9}


class _Level(NamedTuple):
    """A threshold: the membrane, what moves it, the rest of it, and whether a membrane that equals it spikes."""

    membrane: str
    theta: str | None
    constant: Any
    reached: bool


class _Reader:
    """One `NeuronGroup`."""

    def __init__(self, group: Any, namespace: Mapping[str, Any], written: Changes, changing: Changes, refusals: Refusals) -> None:
        self.group, self.written, self.refusals = group, {name for owner, name in written if owner == group.name}, refusals
        self.size, self.dt, self.values = len(group), float(group.clock.dt_), Values(group, namespace, changing)
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
        """What a step makes of each state, and of `NOISE` a unit, where a neuron is free."""
        lines = (line.strip() for line in self.group.state_updater.abstract_code.splitlines())
        code = "\n".join(line for line in lines if not line.startswith(("not_refractory =", "xi =")))
        found = {}
        try:
            after = followed(re.sub(r"\bxi\b", NOISE, code.replace("int(not_refractory)", "1")), self.values.known)
        except Unclear as error:
            self.refuse(code, error, LINEAR)
            return {}
        for name in states:
            try:
                found[name] = affine(after.get(name, symbol(name)), [*states, NOISE])
            except Unclear as error:
                self.refuse(self.line(name), error, LINEAR)
        return found

    def threshold(self, states: list[str]) -> "_Level | None":
        """What is compared, and with what; None without a threshold."""
        text = self.group.events.get("spike")
        if text is None:
            return None
        fix = "a threshold such as v > v_th, or v > v_t with dv_t/dt = (v_th - v_t)/tau, would run"
        node = ast.parse(text, mode="eval").body
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE):
            self.refuse(text, "is not one comparison", fix)
            return None
        sides = node.left, node.comparators[0]
        more, less = sides if isinstance(node.ops[0], ast.Gt | ast.GtE) else sides[::-1]
        try:
            difference = affine(followed(f"_d = ({ast.unparse(more)}) - ({ast.unparse(less)})", self.values.known)["_d"], states)
            inside = {name: factor for name, factor in difference.factors.items() if factor != 0}
            if sorted(inside.values(), key=str) not in ([1], [-1, 1]):
                raise Unclear(f"compares {', '.join(inside) or 'nothing that changes'}")
        except Unclear as error:
            self.refuse(text, error, fix)
            return None
        by_sign = {int(factor): name for name, factor in inside.items()}
        return _Level(by_sign[1], by_sign.get(-1), -difference.constant, isinstance(node.ops[0], ast.GtE | ast.LtE))

    def reset(self, membrane: str, states: list[str]) -> tuple[tuple[Any, bool] | None, dict[str, Any]]:
        """What a spike makes of the membrane, an expression, and whether it is taken off, None without a reset; and what it adds to others."""
        text, fix = self.group.event_codes.get("spike") or "", f"a reset such as {membrane} = v_r or {membrane} -= v_th would run"
        said, jumps = None, {}
        try:
            for name, expression in followed(text, self.values.known).items():
                found = affine(expression, states)
                factor = found.factors.get(name)
                if any(found.factors[other] != 0 for other in states if other != name) or factor not in ((0, 1) if name == membrane else (1,)):
                    raise Unclear("is neither a value nor a difference" if name == membrane else f"changes {name} by more than a sum")
                if name == membrane:
                    said = (-found.constant, True) if factor == 1 else (found.constant, False)
                else:
                    jumps[name] = found.constant
        except Unclear as error:
            self.refuse(text, error, fix)
        return said, jumps

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
        level = self.threshold(states)
        fed = [name for name in dynamic if name in updates and any(updates[name].factors[other] != 0 for other in states if other != name)]
        membrane = level.membrane if level else next(iter(fed or dynamic or states), None)
        if len(self.refusals.lines) > before:
            return None
        if membrane is None:
            self.refuse("", "has no equation that changes anything", LINEAR)
            return None
        return self.assemble(membrane, level, states, updates)

    def assemble(self, membrane: str, level: "_Level | None", states: list[str], updates: dict[str, Affine]) -> FloatNeurons | None:
        before = len(self.refusals.lines)
        said, jumps = self.reset(membrane, states) if level else (None, {})
        if level and said is None and len(self.refusals.lines) == before:
            self.refuse(self.group.events["spike"], "has no reset", f"a reset such as {membrane} = v_r or {membrane} -= v_th would run")
        theta = level.theta if level else None
        w = [name for name in jumps if name != theta]
        currents = [name for name in states if name not in (membrane, theta, *w)]
        self.check(membrane, theta, w, currents, updates)
        refractory = self.refractory(membrane, states)
        if said is not None and said[1] and self.group._refractory is not False and not refractory.all():
            self.refuse(f"refractory={self.group._refractory}", "is 0 for some neurons, which drops what arrives with their spikes",
                        "a reset to a value, or at least one step, would run")
        if len(self.refusals.lines) > before:
            return None
        try:
            v, r = updates[membrane], np.zeros(self.size) if said is None else self.number(said[0])
            found = {name: Current(self.number(updates[name].factors[name]), self.number(v.factors[name]), self._initial(name)) for name in currents}
            threshold = np.full(self.size, np.inf) if level is None else self.number(level.constant)
            noise = np.abs(self.number(v.factors[NOISE])) * self.dt ** 0.5
            if np.ptp(noise) > 0:
                raise Unclear("has noise that differs between neurons")
            return FloatNeurons(self.group.name, self.size, membrane, UNITS.get(str(self.group.variables[membrane].unit), 1.0),
                                self.number(v.factors[membrane]), self.number(v.constant), threshold, bool(level and level.reached), r,
                                said is None or said[1], refractory, self._initial(membrane), self.hold(refractory), found,
                                self.adapting(theta, updates, v, jumps) if theta else None, self.adapting(w[0], updates, v, jumps) if w else None,
                                float(noise[0]))
        except Unclear as error:
            self.refuse(self.line(membrane), error, LINEAR)
            return None

    def check(self, membrane: str, theta: str | None, w: list[str], currents: list[str], updates: dict[str, Affine]) -> None:
        """Refuse what does not move by itself alone."""
        for name in (*currents, *w, *([theta] if theta else [])):
            factors, rest = updates[name]
            fed = [other for other in factors if other not in (name, NOISE) and factors[other] != 0]
            if fed or (rest != 0 and name != theta):
                self.refuse(self.line(name), f"is fed by {', '.join(fed) or 'a constant'}", LINEAR)
            if factors[NOISE] != 0:
                self.refuse(self.line(name), "has noise", "noise of the membrane alone would run")
        for both in sorted({str(theta), *w} & self.written):
            self.refuse(self.line(both), "is changed by spikes of its own and by synapses", "one of the two would run")
        if theta and updates[membrane].factors[theta] != 0:
            self.refuse(self.line(membrane), f"is fed by {theta}, which is its threshold", LINEAR)
        for names, most, what in ((currents, MAX_CURRENTS, f"{MAX_CURRENTS} currents"), (w, 1, "one that spikes of the neuron raise")):
            if len(names) > most:
                self.refuse("; ".join(map(self.line, names)), f"are {len(names)} variables beside {membrane}", f"{what} would run")

    def adapting(self, name: str, updates: dict[str, Affine], membrane: Affine, jumps: dict[str, Any]) -> Adapting:
        keep, rest = self.number(updates[name].factors[name]), self.number(updates[name].constant)
        if np.any((keep == 1) & (rest != 0)):
            raise Unclear(f"has a {name} that grows without end")
        base = np.divide(rest, 1 - keep, out=np.zeros(self.size), where=keep != 1)
        return Adapting(name, keep, self.number(jumps[name]) if name in jumps else np.zeros(self.size), base, self.number(membrane.factors[name]),
                        self._initial(name))

    def _initial(self, name: str) -> np.ndarray:
        values: np.ndarray = np.broadcast_to(np.asarray(self.group.variables[name].get_value(), np.float64), (self.size,)).copy()
        return values


def neurons(group: Any, namespace: Mapping[str, Any], written: Changes, changing: Changes, refusals: Refusals) -> FloatNeurons | None:
    """A `NeuronGroup`; what cannot be carried over is refused.

    Parameters
    ----------
    group : brian2.NeuronGroup
    namespace : Mapping
        Of the run.
    written, changing : set
        Group and variable of all that synapses and inputs add to, and of all that changes while the network runs.
    refusals : Refusals
    """
    return _Reader(group, namespace, written, changing, refusals).read()
