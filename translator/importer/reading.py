"""What a `NeuronGroup` of Brian2 says of its spikes: what is compared with what, what a spike changes, and how long a neuron is refractory."""

import ast
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from spikegate.models.neuron.linear import Held
from spikegate.translator.importer.float_network import Refusals
from spikegate.translator.importer.regular import Regular
from spikegate.translator.importer.statements import Unclear, affine, evaluate, followed, symbol
from spikegate.translator.importer.values import Values, steps_of

__all__ = ["NOISE", "Changes", "Level", "Reading", "changing", "timed_functions", "unit_in"]

Changes = set[tuple[str, str]]
#: Stands for a normal number of variance dt in a step.
NOISE = "noise_"
#: What a membrane is counted in, by its SI unit; 1 of it where it has another or none.
UNITS = {"V": 1e-3, "A": 1e-9}


class Level(NamedTuple):
    """A threshold: the membrane, what moves it, the rest of it, and whether a membrane that equals it spikes."""

    membrane: str
    theta: str | None
    constant: Any
    reached: bool


def _whole(call: Any) -> Any:
    """A `TimedArray` whose second argument, the column, is a whole number."""
    return lambda t, *column: call(t, *(np.asarray(each).astype(np.int64) for each in column))


def timed_functions(group: Any, values: Values, code: str) -> dict[str, Any]:
    """The `TimedArray` that code of a group calls, by name, as functions of NumPy."""
    from brian2.codegen.runtime.numpy_rt.numpy_rt import NumpyCodeObject
    from brian2.input.timedarray import TimedArray
    found = {}
    for name in {*re.findall(r"\b[A-Za-z_]\w*(?=\s*\()", "\n".join([code, *values.known.values()]))}:
        try:
            called = group.resolve_all({name}, values.namespace, user_identifiers=set())[name]
        except KeyError:
            continue
        if isinstance(called, TimedArray):
            found[name] = _whole(called.implementations[NumpyCodeObject].get_code(group))
    return found


def changing(group: Any) -> list[str]:
    """Names of the differential equations, as the user wrote them one after the other (Brian2 has them in a set)."""
    return [name for name, _ in group.user_equations.diff_eq_expressions]


def unit_in(group: Any, membrane: str) -> float:
    """What the membrane of a group is counted in, SI."""
    return UNITS.get(str(group.variables[membrane].unit), 1.0)


class Reading:
    """One `NeuronGroup`, and what stands in the way of it."""

    def __init__(self, group: Any, namespace: Mapping[str, Any], written: Changes, changing: Changes, refusals: Refusals) -> None:
        self.group, self.written, self.refusals = group, {name for owner, name in written if owner == group.name}, refusals
        self.size, self.dt, self.values = len(group), float(group.clock.dt_), Values(group, namespace, changing)
        self.where, self.regular = f"{type(group).__name__} {group.name!r}", dict[str, Regular]()
        group.state_updater.update_abstract_code(namespace)

    def refuse(self, line: str, why: object, fix: str) -> None:
        self.refusals.add(self.where, line, str(why), fix)

    def line(self, name: str) -> str:
        """The user's own line about a variable."""
        equations = self.group.user_equations
        return str(equations[name]) if equations is not None and name in equations else name

    def functions(self, code: str) -> dict[str, Any]:
        """The `TimedArray` that code calls, by name, as functions of NumPy."""
        return timed_functions(self.group, self.values, code)

    def number(self, expression: Any) -> np.ndarray:
        return evaluate(expression, self.values, self.size)

    def threshold(self, states: list[str]) -> "Level | None":
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
        return Level(by_sign[1], by_sign.get(-1), -difference.constant, isinstance(node.ops[0], ast.GtE | ast.LtE))

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

    def refractory(self, membrane: str, states: list[str]) -> tuple[np.ndarray, Held]:
        """Steps that a neuron is refractory, and what of it stands still meanwhile."""
        given, none = self.group._refractory, (np.zeros(self.size, np.int64), Held.MEMBRANE)
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
        return np.clip(steps, 0, 255), self.held(membrane, states) if steps.any() else Held.MEMBRANE

    def held(self, membrane: str, states: list[str]) -> Held:
        """What stands still while a neuron is refractory."""
        marked = [name for name in states if name in self.group.equations and "unless refractory" in self.group.equations[name].flags]
        if not marked:
            return Held.SPIKES
        if marked == [membrane]:
            return Held.MEMBRANE
        if {*marked} == {*states}:
            return Held.ALL
        for name in states:
            if (name in marked) != (name == membrane):
                self.refuse(self.line(name), "stops while the neuron is refractory" if name in marked else "goes on while the neuron is refractory",
                            f"(unless refractory) on {membrane} alone, on all variables or on none would run")
        return Held.MEMBRANE

    def hold(self, refractory: np.ndarray) -> np.ndarray:
        """Refractory steps left before the first step."""
        if "lastspike" not in self.group.variables:
            return np.zeros(self.size, np.int64)
        now, last = float(self.group.clock.variables["t"].get_value()[0]), np.asarray(self.group.variables["lastspike"].get_value())
        since = np.rint((now - last) / self.dt) - 1
        return np.asarray(np.clip(refractory - since, 0, 255), np.int64)

    def initial(self, name: str) -> np.ndarray:
        values: np.ndarray = np.broadcast_to(np.asarray(self.group.variables[name].get_value(), np.float64), (self.size,)).copy()
        return values
