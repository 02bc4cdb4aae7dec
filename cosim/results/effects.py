"""The difference between the hardware and its float original, in parts that each have one cause, and a verdict on each.

    quantisation   Brian2 with the realised parameters against Brian2 with those asked for     a warning: the network is not the one asked for
    order          floats in the core's order of operations against those in Brian2's own       a warning: dt is long for the network
    arithmetic     the core against floats with the same parameters and the same order          the run fails: the core computes something else

A part is as large as its statistics differ beyond a tolerance and beyond what chance explains (`spikegate.cosim.results.scatter`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spikegate.cosim.results import scatter
from spikegate.cosim.results.compare import Check
from spikegate.cosim.results.statistics import summary
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.engine import Agreement
from spikegate.models.network.recording import Recording

__all__ = ["EFFECTS", "LEAST_SEEDS", "STATISTICS", "TOLERANCE", "Effect", "judge", "judge_one"]

STATISTICS = {"rate_hz": "rate", "cv_isi": "CV", "correlation": "correlation"}
#: A smaller difference is none: relative to the reference, or for the correlation absolute.
TOLERANCE = {"rate_hz": 0.01, "cv_isi": 0.02, "correlation": 0.002}
#: Probability with which chance alone exceeds a margin, of one pair of runs and of the mean of several.
CHANCE, CHANCE_SEEDS = 1e-4, 1e-3
LEAST_SEEDS = 3


@dataclass(frozen=True)
class Effect:
    """One part of the difference: the run that shows it, that which does not, and whether it is a warning only."""

    name: str
    of: str
    against: str
    warns: bool


EFFECTS = (Effect("quantisation", "brian2_realised", "brian2_float", True), Effect("order", "brian2_ordered", "brian2_realised", True),
           Effect("arithmetic", "rtl", "brian2_ordered", False))


def judge(network: FrozenNetwork, runs: Sequence[Mapping[str, Recording]], absent: Mapping[str, str], departs: str | None = None) -> list[Check]:
    """Each statistic of each effect.

    Parameters
    ----------
    network : FrozenNetwork
        What ran.
    runs : sequence of Mapping of str to Recording
        One a seed; each with ``rtl``, ``brian2_ordered``, ``brian2_realised`` and ``brian2_float``, unless they are absent.
    absent : Mapping of str to str
        Why an engine did not run.
    departs : str, optional
        Why the statistics of the RTL are not those of the network.
    """
    found = [{name: summary(recording, network.dt_ns) for name, recording in run.items()} for run in runs]
    tau = network.memory
    count = scatter.blocks(network.steps, tau)
    least = scatter.LEAST_BLOCKS * scatter.MEMORY * tau * network.dt_ns * 1e-6
    parts = {} if len(runs) > 1 or not count else {
        name: scatter.left_out(recording, network.dt_ns, count) for name, recording in runs[0].items()}
    checks = []
    for effect in EFFECTS:
        both = effect.of, effect.against
        reason = next((absent[name] for name in both if name in absent), None)
        if reason is None and not runs[0].keys() >= {*both}:
            reason = "the network says what its integers hold, and not what was asked for"
        if effect.of == "rtl" and departs:
            reason = departs
        elif not reason and len(runs) == 1 and not count:
            reason = f"a run must last {least:.0f} ms to tell how far chance goes"
        for key, title in STATISTICS.items():
            checks.append(judge_one(effect, key, title, found, parts, reason))
    return checks


def judge_one(effect: Effect, key: str, title: str, found: Sequence[Mapping[str, Any]], parts: Mapping[str, Any], reason: str | None,
              least: float = 0.0) -> Check:
    """One statistic of one effect.

    Parameters
    ----------
    effect : Effect
    key, title : str
        Of the statistic.
    found : sequence of Mapping
        One a seed: the statistics of each side, by its name.
    parts : Mapping
        Of one seed alone: those with each block left out, `spikegate.cosim.results.scatter.left_out`.
    reason : str or None
        Why it cannot be judged.
    least : float
        What the margin has besides, in the statistic's unit: what a whole step makes of it.
    """
    name = f"{effect.name}: {title}"
    pairs = [(run[effect.of][key], run[effect.against][key]) for run in found if effect.of in run and effect.against in run]
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    value, reference = (sum(side) / len(known) for side in zip(*known)) if known else (None, None)
    if not reason and (len(known) < len(found) or not any(run[side]["spikes"] for run in found for side in (effect.of, effect.against))):
        reason = "there are too few spikes; run for longer"
    deviation: float | None
    error = None
    if not reason:
        if len(known) > 1:
            _, deviation = scatter.mean_and_error([a - b for a, b in known])
            error = scatter.student(CHANCE_SEEDS, len(known) - 1) * deviation
        elif (deviation := scatter.jackknife(parts[effect.of][key], parts[effect.against][key])) is not None:
            error = scatter.student(CHANCE, len(parts[effect.of][key]) - 1) * deviation
        else:
            reason = "there are too few spikes; run for longer"
    if reason or error is None or value is None or reference is None:
        return Check(name, Agreement.STATISTICAL, 0, 0, None, None, reason or "", value, reference, warns=effect.warns)
    margin = TOLERANCE[key] * (1 if key == "correlation" else abs(reference)) + error + least
    ok = abs(value - reference) <= margin
    return Check(name, Agreement.STATISTICAL, len(known), int(not ok), None, ok, f"{value:.4g} against {reference:.4g}, margin ±{margin:.2g}"
                 + ("" if ok else " exceeded"), value, reference, margin, effect.warns)
