"""Groups of Brian2 as neurons in floats: what a step makes of them is read from the code that Brian2's own state updater writes."""

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from spikegate.models.neuron.linear import MAX_CURRENTS, Held
from spikegate.translator.importer.chained import chained, fed_by
from spikegate.translator.importer.float_network import FloatNeurons, FloatQuadratic, Refusals
from spikegate.translator.importer.float_parts import Adapting, Signal
from spikegate.translator.importer.hosted import Hosted, closed, told, worked_out
from spikegate.translator.importer.quadratic import is_quadratic, read_quadratic
from spikegate.translator.importer.reading import NOISE, Changes, Level, Reading, changing, unit_in
from spikegate.translator.importer.regular import Regular
from spikegate.translator.importer.signals import Clocked, Series, signals, split
from spikegate.translator.importer.statements import Affine, Unclear, affine, followed, symbol

__all__ = ["by_host", "neurons"]

LINEAR = "a membrane such as dv/dt = (a - v + g)/tau, with currents dg/dt = -g/tau_g, would run"
#: Ranges of neurons with noise of one strength in a group.
MAX_NOISES = 256


class _Reader(Reading):
    """One `NeuronGroup` as neurons."""

    clocked: Clocked
    timed: dict[str, Any]
    series: dict[str, Series]
    hosted: Hosted | None = None

    def follow(self) -> dict[str, Any] | None:
        """What a step makes of each variable, and of `NOISE` a unit, where a neuron is free; None if it cannot be read."""
        lines = (line.strip() for line in self.group.state_updater.abstract_code.splitlines())
        code = "\n".join(line for line in lines if not line.startswith(("not_refractory =", "xi =")))
        self.timed = self.functions(code)
        try:
            after = followed(re.sub(r"\bxi\b", NOISE, code.replace("int(not_refractory)", "1")), self.values.known)
        except Unclear as error:
            self.refuse(textwrap.shorten("; ".join(map(self.line, changing(self.group))), 150, placeholder=" …"), error, LINEAR)
            return None
        noises = [name for name, each in self.regular.items() if each.deviation.any()]
        if len(noises) + any(symbol(NOISE) in each.free_symbols for each in after.values()) > 1:
            self.refuse(", ".join(noises), "is noise beside other noise", "one noise would run")
        for name, (mean, deviation) in self.regular.items():
            self.values.more |= {f"{name}_mean_": mean, f"{name}_deviation_": deviation / self.dt ** 0.5}
            given = symbol(f"{name}_mean_") + symbol(f"{name}_deviation_") * symbol(NOISE)
            after = {each: expression.xreplace({symbol(name): given}) for each, expression in after.items()}
        return after

    def step(self, after: dict[str, Any], states: list[str]) -> dict[str, Affine]:
        """The same as sums with constant factors."""
        found = {}
        for name in states:
            try:
                found[name] = affine(after.get(name, symbol(name)), [*states, NOISE], {"t", *self.timed})
                for other, factor in found[name].factors.items():
                    if factor.free_symbols & {*map(symbol, self.series)}:
                        raise Unclear(f"has a {other} that is multiplied by what changes")
            except Unclear as error:
                self.refuse(self.line(name), error, LINEAR)
        return found

    def read(self) -> FloatNeurons | FloatQuadratic | None:
        """The neurons; where they are in the way, perhaps without the variables that nothing else in them moves, which the host works out."""
        if (after := self.follow()) is None:
            return None
        before = list(self.refusals.lines)
        found = self.read_but(after, [])
        if found is None and (apart := self.apart(after)):
            why, self.refusals.lines = self.refusals.lines, before
            found = self.read_but(after, apart)
            self.refusals.lines = before if found is not None else why
        return found

    def apart(self, after: dict[str, Any]) -> list[str]:
        """Variables that neither spikes, synapses, membranes nor refractoriness move, if the host can work them out."""
        own, dynamic = self.refusals, changing(self.group)
        self.refusals = Refusals()
        try:
            resets = set(followed(self.group.event_codes.get("spike") or "", self.values.known))
            level = self.threshold(dynamic)
            held = {level.membrane, level.theta} if level else {*dynamic[:1]}
            free = [name for name in dynamic if "unless refractory" not in self.group.equations[name].flags and name not in held]
            names = closed(after, {*free} - self.written - resets, {*dynamic, *self.written, *resets})
            if not names:
                return []
            noisy = {name for name, each in after.items() if symbol(NOISE) in each.free_symbols}
            if noisy & {*names} and noisy - {*names}:
                return []  # one noise moves both
            self.hosted = worked_out(self, after, names, self.clocked, self.timed)
        except Unclear:
            return []
        finally:
            self.refusals = own
        self.series |= {name: Series(each[:, :-1], np.arange(self.size)) for name, each in self.hosted.values.items()}
        return names

    def read_but(self, after: dict[str, Any], apart: list[str]) -> FloatNeurons | FloatQuadratic | None:
        group, before = self.group, len(self.refusals.lines)
        if any(name != "spike" for name in group.events):
            self.refuse(", ".join(sorted(group.events)), "are events of its own", "events named spike would run")
        dynamic = [name for name in changing(group) if name not in apart]
        reset = group.event_codes.get("spike") or ""
        try:
            resets = set(followed(reset, self.values.known))
        except Unclear:
            resets = set()
        states = dynamic + sorted((self.written | resets) - {*dynamic})
        if {*self.regular} & {*states}:
            self.refuse(", ".join({*self.regular} & {*states}), "is changed by run_regularly and otherwise", "one of the two would run")
        level = self.threshold(states)
        if level and level.membrane in after and is_quadratic(after[level.membrane], level.membrane):
            return None if apart else read_quadratic(self, level, states, after)
        updates = self.step(after, states)
        fed = [name for name in dynamic if name in updates and any(updates[name].factors[other] != 0 for other in states if other != name)]
        last = [name for name in fed if all(updates[other].factors[name] == 0 for other in updates if other != name)]
        membrane = level.membrane if level else next(iter(last or fed or dynamic or states), None)
        if len(self.refusals.lines) > before:
            return None
        if membrane is None:
            self.refuse("", "has no equation that changes anything", LINEAR)
            return None
        return self.assemble(membrane, level, states, updates)

    def assemble(self, membrane: str, level: "Level | None", states: list[str], updates: dict[str, Affine]) -> FloatNeurons | None:
        before = len(self.refusals.lines)
        said, jumps = self.reset(membrane, states) if level else (None, {})
        if level and said is None and len(self.refusals.lines) == before:
            self.refuse(self.group.events["spike"], "has no reset", f"a reset such as {membrane} = v_r or {membrane} -= v_th would run")
        theta = level.theta if level else None
        w = [name for name in jumps if name != theta]
        currents = [name for name in states if name not in (membrane, theta, *w)]
        self.check(membrane, theta, w, currents, updates)
        refractory, held = self.refractory(membrane, states)
        drops = said is not None and said[1] and held == Held.MEMBRANE or held == Held.ALL
        if drops and self.group._refractory is not False and not refractory.all():
            self.refuse(f"refractory={self.group._refractory}", "is 0 for some neurons, which drops what arrives with their spikes",
                        "a reset to a value, or at least one step, would run")
        for name in currents if held == Held.ALL else ():
            if updates[name].factors[NOISE] != 0:
                self.refuse(self.line(name), "has noise, and stands still while the neuron is refractory",
                            "(unless refractory) on no current would run")
        if len(self.refusals.lines) > before:
            return None
        try:
            v, r = updates[membrane], np.zeros(self.size) if said is None else self.number(said[0])
            found = chained(self, currents, updates, v, self.clocked)
            threshold = np.full(self.size, np.inf) if level is None else self.number(level.constant)
            still, moving = split(v.constant, self.series)
            return FloatNeurons(self.group.name, self.size, membrane, unit_in(self.group, membrane),
                                self.number(v.factors[membrane]), self.number(still) + found.constant, threshold,
                                bool(level and level.reached), r, said is None or said[1], refractory, held, self.initial(membrane),
                                self.hold(refractory), found.currents, self.noise(v),
                                self.adapting(theta, updates, v, jumps) if theta else None, self.adapting(w[0], updates, v, jumps) if w else None,
                                self.signals(moving, len(currents)), frozenset({*self.regular, *(self.hosted.values if self.hosted else ())}),
                                told=told(self, self.hosted, self.clocked, self.timed) if self.hosted else {},
                                drawn=bool(found.noise or self.hosted and self.hosted.drawn), base=found.base, mixed=found.mixed,
                                spread=found.spread, shaken=found.noise)
        except Unclear as error:
            self.refuse(self.line(membrane), error, LINEAR)
            return None

    def noise(self, membrane: Affine) -> np.ndarray:
        found: np.ndarray = np.abs(self.number(membrane.factors[NOISE])) * self.dt ** 0.5
        if np.count_nonzero(np.diff(found)) >= MAX_NOISES:
            raise Unclear(f"has noise of more than {MAX_NOISES} strengths")
        return found

    def signals(self, moving: dict[Any, Any], currents: int) -> list[Signal]:
        found = signals(moving, self.values, self.timed, self.size, self.clocked, self.series)
        if currents + len(found) > MAX_CURRENTS:
            raise Unclear(f"depends on the time (t) and has {currents} currents, of which {MAX_CURRENTS - 1} would run beside it")
        return found

    def check(self, membrane: str, theta: str | None, w: list[str], currents: list[str], updates: dict[str, Affine]) -> None:
        """Refuse what does not move by itself alone, but for currents that `chained` takes apart; those without spikes are the host's."""
        taken = {name for name in currents if name in self.written}
        taken |= {name for name in currents if (fed := fed_by(name, currents, updates)) and {*fed} <= taken and not fed_by(fed[0], currents, updates)}
        for name in (*currents, *w, *([theta] if theta else [])):
            factors, rest = updates[name]
            fed = [other for other in factors if other not in (name, NOISE) and factors[other] != 0]
            timed = bool(split(rest, self.series)[1])
            if fed and not (name in taken and len(fed) == 1 and fed[0] in taken) or timed or (rest != 0 and name != theta and name not in taken):
                other = "the time (t)" if timed else "a constant"
                self.refuse(self.line(name), f"is fed by {', '.join(fed) or other}", LINEAR)
            if factors[NOISE] != 0 and name not in taken:
                self.refuse(self.line(name), "has noise", "noise of the membrane alone, or of a current that takes spikes, would run")
            elif factors[NOISE] != 0 and updates[membrane].factors[NOISE] != 0:
                self.refuse(self.line(name), f"has the noise of {membrane}", "noise of one of the two would run")
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
                        self.initial(name))


def neurons(group: Any, namespace: Mapping[str, Any], clocked: Clocked, changes: tuple[Changes, Changes], regular: dict[str, Regular],
            refusals: Refusals, series: dict[str, Series]) -> FloatNeurons | FloatQuadratic | None:
    """A `NeuronGroup`; what cannot be carried over is refused.

    Parameters
    ----------
    group : brian2.NeuronGroup
    namespace : Mapping
        Of the run.
    clocked : Clocked
        The steps of the run.
    changes : tuple of set
        Group and variable of all that synapses and inputs add to, and of all that changes while the network runs.
    regular : dict of str to Regular
        What `run_regularly` makes of its variables.
    refusals : Refusals
    series : dict of str to Series
        Variables of the group that are another's, and that the host has worked out.
    """
    reader = _Reader(group, namespace, *changes, refusals)
    reader.clocked, reader.regular, reader.series = clocked, regular, series
    return reader.read()


def by_host(group: Any, namespace: Mapping[str, Any], clocked: Clocked, changes: tuple[Changes, Changes]) -> Hosted | None:
    """A group that neither spikes nor takes spikes, in every step of a run; None where the host cannot work it out."""
    reader = _Reader(group, namespace, *changes, Refusals())
    reader.clocked, reader.series = clocked, {}
    after, names = reader.follow(), changing(group)
    if after is None or not names or group.events or reader.written or closed(after, names, names) != sorted(names):
        return None
    try:
        return worked_out(reader, after, names, clocked, reader.timed)
    except Unclear:
        return None
