"""Verdicts on the monitors of one script, run as asked for, as realised and on the hardware: the parts of `beside`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikegate.cosim.results import scatter
from spikegate.cosim.results.compare import Check
from spikegate.cosim.results.effects import STATISTICS, Effect, judge_one
from spikegate.cosim.results.statistics import intervals, summary
from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement
from spikegate.models.network.recording import Recording

__all__ = ["EFFECTS", "SIDES", "Side", "first_difference", "judged"]

SIDES = ("asked", "realised", "hardware")
EFFECTS = (Effect("quantisation", "realised", "asked", True), Effect("arithmetic", "hardware", "realised", False))
#: Difference of a recorded variable that is none, as a fraction of its range.
FINE = 0.01
Parts = Mapping[str, np.ndarray]
#: One a seed: what each side left.
Runs = Sequence[Mapping[str, "Side"]]


@dataclass(frozen=True)
class Side:
    """What one run left: its monitors by name, facts of the device, and all spikes, (count, 3) of part, step and neuron."""

    monitors: dict[str, dict[str, np.ndarray]]
    facts: dict[str, Any]
    every: np.ndarray

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> "Side":
        """From what a run has written."""
        monitors: dict[str, dict[str, np.ndarray]] = {}
        for key, values in arrays.items():
            name, _, part = key.partition("/")
            if part:
                monitors.setdefault(name, {})[part] = values
        return cls(monitors, json.loads(str(arrays["facts"])), arrays["every"])

    def spikes(self) -> tuple[Recording, int]:
        """The spikes of all monitors of spikes, one monitor's neurons after the other's, and a step in ns.

        Raises
        ------
        InputError
            If none has kept them.
        """
        found = [(_recording(parts), float(parts["dt"])) for parts in self.monitors.values() if "i" in parts]
        if not found:
            raise InputError("The script has no SpikeMonitor that keeps spikes; add one, such as monitor = SpikeMonitor(group)")
        firsts = np.cumsum([0, *(each.n for each, _ in found)])
        spikes = np.concatenate([each.spikes + [0, first] for (each, _), first in zip(found, firsts)])
        return Recording("monitors", int(firsts[-1]), max(each.steps for each, _ in found), spikes), round(found[0][1] * 1e9)


def _recording(parts: Parts) -> Recording:
    """Spikes of a monitor."""
    dt = float(parts["dt"])
    spikes = np.column_stack([np.rint(parts["t"] / dt).astype(np.int64), parts["i"]])
    return Recording("monitor", int(parts["size"]), max(1, round(float(parts["seconds"]) / dt)), spikes)


def first_difference(ours: Recording, theirs: Recording, dt: float) -> tuple[int, str] | None:
    """How many spikes are equal before the first difference, and what it is; None if all are."""
    sets = [{(int(step), int(neuron)) for step, neuron in each.spikes} for each in (ours, theirs)]
    step, neuron = min(sets[0] ^ sets[1], default=(None, None))
    if step is None or neuron is None:
        return None
    equal = sum(each < (step, neuron) for each in sets[0])
    mine, other = (0, 1) if (step, neuron) in sets[0] else (1, 0)
    near = min((late for late, which in sets[other] if which == neuron and late > step), default=None)
    late = "not at all" if near is None else f"{near - step:,} step{'s' * (near - step > 1)} later"
    sides = ("the one", "the other") if mine == 0 else ("the other", "the one")
    return equal, f"the first {equal:,} spikes are equal; at {step * dt * 1e3:g} ms neuron {neuron} spikes in {sides[0]}, and in {sides[1]} {late}"


def _spikes(name: str, effect: Effect, runs: Runs, random: bool) -> list[Check]:
    """A monitor of spikes: all of them, or if they differ rate, CV and correlation."""
    sides = [{side: run[side].monitors[name] for side in (effect.of, effect.against)} for run in runs]
    if "t" not in sides[0][effect.of]:
        return _counts(name, effect, sides, random)
    found = [{side: _recording(parts) for side, parts in each.items()} for each in sides]
    dt, title = float(sides[0][effect.of]["dt"]), f"{name}: {effect.name}"
    differ = [first_difference(each[effect.of], each[effect.against], dt) for each in found]
    total = sum(len(each[effect.of].spikes) for each in found)
    if not random and not any(differ):
        return [Check(f"{title}: every spike", Agreement.SPIKE_EXACT, total, 0, None, True if total else None,
                      f"{total:,} spikes are equal" if total else "neither has a spike", total, total, 0, effect.warns)]
    checks = []
    if not random:
        shown = next(each for each in differ if each)
        checks.append(Check(f"{title}: every spike", Agreement.SPIKE_EXACT, shown[0], 0, None, None, shown[1]))
    dt_ns, first = max(1, round(dt * 1e9)), found[0][effect.of]
    figures = [{side: summary(each, dt_ns) for side, each in both.items()} for both in found]
    memory = runs[0]["hardware"].facts["memory"]
    count = scatter.blocks(first.steps, memory)
    reason = None
    if len(runs) == 1 and not count:
        reason = f"a run must last {scatter.LEAST_BLOCKS * scatter.MEMORY * memory * dt * 1e3:.0f} ms to tell how far chance goes"
    parts = {side: scatter.left_out(each, dt_ns, count) for side, each in found[0].items()} if len(runs) == 1 and count else {}
    length = intervals(found[0][effect.against])[0]
    step = 1 / float(length.mean()) if len(length) else 0.0  # a spike is in a whole step, which alone makes so much of a CV
    whole = 1 / (first.n * first.steps * dt)  # and in a run or behind it
    least = {"cv_isi": step, "rate_hz": whole}
    return checks + [replace(judge_one(effect, key, said, figures, parts, reason, least.get(key, 0.0)), name=f"{title}: {said}")
                     for key, said in STATISTICS.items()]


def _counts(name: str, effect: Effect, sides: Sequence[Mapping[str, Parts]], random: bool) -> list[Check]:
    """A monitor that counts alone: each neuron's count."""
    pairs = [(each[effect.of]["count"], each[effect.against]["count"]) for each in sides]
    total, other = (float(sum(both[k].sum() for both in pairs)) for k in (0, 1))
    equal = all(np.array_equal(*both) for both in pairs)
    margin = 0.01 * other + (5 * np.sqrt(total + other) if random else 0) + 1
    ok = equal or abs(total - other) <= margin
    what = "each neuron's is equal" if equal else f"margin ±{margin:.0f}{'' if ok else ' exceeded'}"
    return [Check(f"{name}: {effect.name}: count", Agreement.STATISTICAL, pairs[0][0].size, int(not ok), None, bool(ok),
                  f"{total:,.0f} against {other:,.0f}, {what}", total, other, margin, effect.warns)]


def _until(run: Mapping[str, Side], parts: Parts, dt: float) -> float:
    """When the hardware's spikes and those of its floats differ first while a monitor looks on, seconds."""
    ours, theirs = ({tuple(row) for row in run[side].every.tolist()} for side in ("hardware", "realised"))
    steps = [step for part, step, _ in ours ^ theirs if parts["first"] < part <= parts["last"]]
    return min(steps) * dt if steps else float("inf")


def _states(name: str, effect: Effect, runs: Runs, random: bool, dt: float) -> list[Check]:
    """A monitor of variables: the largest difference at one time, as long as spikes are equal."""
    checks = []
    ours, theirs = (runs[0][side].monitors[name] for side in (effect.of, effect.against))
    until = _until(runs[0], theirs, dt) if not effect.warns else float("inf")
    here = theirs["t"] <= until + 1e-12
    limits = runs[0]["hardware"].facts["bounds"].get(name.partition(" again ")[0], {})
    for key in (key for key in theirs if key.startswith("of ")):
        variable, title = key[3:], f"{name}: {effect.name}: {key[3:]}"
        if ours[key].shape != theirs[key].shape or not here.any() or not theirs[key].size:
            checks.append(Check(title, Agreement.STATISTICAL, 0, 0, None, None, "there is nothing to compare"))
            continue
        values, others = ours[key][..., here], theirs[key][..., here]
        span = float(np.ptp(theirs[key])) or float(np.abs(theirs[key]).max()) or 1.0
        if random and effect.warns:
            checks.append(_means(title, effect, (values, others), span, runs))
            continue
        apart = float(np.nanmax(np.abs(values - others)))
        margin = FINE * span if effect.warns else limits.get(variable, 1e-9 * span)
        ok = None if not np.isfinite(margin) else apart <= margin
        when = "" if np.all(here) else f" in the first {until * 1e3:g} ms, whose spikes are equal"
        checks.append(Check(title, Agreement.STATISTICAL, values.size, int(ok is False), None, ok,
                            f"apart by at most {apart:.3g}, {apart / span:.2g} of the range{when}, "
                            + (f"margin {margin:.3g}" + (" exceeded" if ok is False else "") if ok is not None else
                               "no margin: rounding grows with a membrane that is not linear"), apart, 0.0, margin if ok is not None else None,
                            effect.warns))
    return checks


def _means(title: str, effect: Effect, both: tuple[np.ndarray, np.ndarray], span: float, runs: Runs) -> Check:
    """The mean of a variable with random inputs of two kinds, by the jackknife over blocks of time."""
    times = both[0].shape[-1]
    memory = runs[0]["hardware"].facts["memory"]
    count = scatter.blocks(times, memory)
    value, reference = (float(np.mean(each)) for each in both)
    if not count:
        short = f"mean {value:.4g} against {reference:.4g}, too short to tell how far chance goes"
        return Check(title, Agreement.STATISTICAL, 0, 0, None, None, short, value, reference)
    edges = np.linspace(0, times, count + 1).astype(np.int64)
    means = [[float(np.mean(np.delete(each, np.arange(a, b), axis=-1))) for a, b in zip(edges, edges[1:])] for each in both]
    error = scatter.jackknife(*means) or 0.0
    margin = FINE * span + scatter.student(1e-4, count - 1) * error
    ok = abs(value - reference) <= margin
    return Check(title, Agreement.STATISTICAL, both[0].size, int(not ok), None, ok,
                 f"mean {value:.4g} against {reference:.4g}, margin ±{margin:.2g}{'' if ok else ' exceeded'}", value, reference, margin, effect.warns)


def _rates(name: str, effect: Effect, runs: Runs) -> Check:
    """A monitor of the rate of a population: its mean."""
    means = [tuple(float(run[side].monitors[name]["rate"].mean()) for side in (effect.of, effect.against)) for run in runs]
    value, reference = (float(np.mean(side)) for side in zip(*means))
    parts = [np.array_split(runs[0][side].monitors[name]["rate"], scatter.MOST_BLOCKS) for side in (effect.of, effect.against)]
    left = [[float(np.mean(np.concatenate(each[:k] + each[k + 1:]))) for k in range(len(each))] for each in parts]
    margin = FINE * abs(reference) + scatter.student(1e-4, scatter.MOST_BLOCKS - 1) * (scatter.jackknife(*left) or 0.0)
    ok = abs(value - reference) <= margin
    return Check(f"{name}: {effect.name}: rate", Agreement.STATISTICAL, len(parts[0][0]) * len(parts[0]), int(not ok), None, ok,
                 f"{value:.4g} against {reference:.4g}, margin ±{margin:.2g}{'' if ok else ' exceeded'}", value, reference, margin, effect.warns)


def judged(runs: Runs) -> list[Check]:
    """Each statistic of each monitor that all sides have.

    Parameters
    ----------
    runs : sequence of Mapping of str to Side
        One a seed: `SIDES`.
    """
    checks: list[Check] = []
    random = bool(runs[0]["hardware"].facts["draws"])
    names = [name for name in runs[0]["asked"].monitors if all(name in side.monitors for run in runs for side in run.values())]
    dt = min((float(parts["dt"]) for parts in runs[0]["hardware"].monitors.values() if "dt" in parts), default=runs[0]["hardware"].facts["dt"])
    for name in names:
        parts = runs[0]["asked"].monitors[name]
        for effect in reversed(EFFECTS):
            drawn = random and effect.warns
            if "count" in parts:
                checks += _spikes(name, effect, runs, drawn)
            elif "rate" in parts:
                checks.append(_rates(name, effect, runs))
            else:
                checks += _states(name, effect, runs, drawn, dt)
    return checks
