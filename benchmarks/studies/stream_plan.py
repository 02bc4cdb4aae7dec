"""Which runs the study of stochastic synapses makes, and how they are held against one another."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from spikegate.cosim.results.compare import Margin
from studies.stream_rates import RESIDUAL, interval, margin
from studies.stream_run import Run

__all__ = ["RATES", "CURVE", "COMPARED", "CONTROLS", "SCANNED", "FAULTS", "SINGLE", "plan", "relative", "errors", "judged", "closer"]

RATES = (0.001, 0.01, 0.05, 0.1)
#: Rates at which theory is drawn.
CURVE = (0, 0.0003, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1)
#: Runs that are held against Brian2, without their seeds.
COMPARED = {
    "Brian2, other drive": Run("brian", change="drive"), "Brian2, tau of Q8.8": Run("brian", change="tau"),
    "V3, Q8.8": Run("v3"), "V4, Q8.8": Run("v4"), "V13, Q8.8": Run("v13"), "V14, Q8.8": Run("v14"),
    "V3, Q16.12": Run("v3", form="q16.12"), "V4, Q16.12": Run("v4", form="q16.12"), "V14, Q16.12": Run("v14", form="q16.12"),
    "V4, P of 8 bits": Run("v4", change="bits 8"), "V14, P of 8 bits": Run("v14", change="bits 8"), "V4, P doubled": Run("v4", change="weights 2")}
CONTROLS = tuple(name for name in COMPARED if " P " in name)
SCANNED = {f"{engine.upper()}, L = {length}": Run(engine, length=length) for engine, length in
           (("v4", 64), ("v4", 128), ("v4", 256), ("v4", 512), ("v14", 64), ("v14", 256))}
PATH, ALL = "stream weight", "stream weight count"
FAULTS = {
    "V4, path stuck": Run("v4", change=f"stuck {PATH}"), "V14, path stuck": Run("v14", change=f"stuck {PATH}"),
    "V4, path and count stuck": Run("v4", change=f"stuck {ALL}"), "V14, path and count stuck": Run("v14", change=f"stuck {ALL}"),
    "V4, weight memory stuck": Run("v4", change="memory"),
    "V3, weight memory stuck": Run("v3", change="memory"), "V3, weight bus stuck": Run("v3", change="bus"),
    "V4, path flips": Run("v4", change=f"flips {PATH}"), "V14, path flips": Run("v14", change=f"flips {PATH}"),
    "V4, path and count flip": Run("v4", change=f"flips {ALL}")}
SINGLE = {**{f"V4 count {line} at {level}": Run("v4", change=f"count {line} at {level}") for line, level in product(range(9), (0, 1))},
          **{f"V3 bus {line} at {level}": Run("v3", change=f"bus {line} at {level}") for line, level in product(range(16), (0, 1))},
          **{f"{engine.upper()} weight {line} at {level}": Run(engine, change=f"weight {line} at {level}")
             for engine, line, level in product(("v4", "v14"), (255, 77), (0, 1))}}


def plan(compared: int, scanned: int, faults: int, flips: int, single: int) -> dict[str, dict[str, list[Run]]]:
    """All runs; fault seed k meets network k."""
    groups = {"compared": ({"Brian2": Run("brian"), **COMPARED}, compared), "scanned": ({"V3": Run("v3"), **SCANNED}, scanned),
              "single": (SINGLE, single), "faults": ({}, 0)}
    found = {group: {name: [replace(run, seed=s + 1) for s in range(size)] for name, run in kinds.items()} for group, (kinds, size) in groups.items()}
    for (name, run), rate in product(FAULTS.items(), RATES):
        found["faults"][f"{name} {rate}"] = [replace(run, seed=s, rate=rate, fault=s) for s in range(1, (flips if "flip" in name else faults) + 1)]
    return found


def relative(found: dict[str, Any], name: str, base: str) -> np.ndarray:
    """Differences of the rate, seed by seed, over the mean of ``base``; both are names of one group."""
    group = found["scanned" if name in found["scanned"] else "compared"]
    reference = np.array(group[base], float)
    return (np.array(group[name]) - reference) / reference.mean()


def errors(found: dict[str, Any], name: str, base: str | None = None) -> np.ndarray:
    """Relative errors of the rates of ``faults`` or ``single``, run by run, against the same network without faults or as run by ``base``."""
    values = np.array((found["faults"] | found["single"])[name], float)
    return values / np.array(found["compared"][base or f"{name.split()[0].strip(',')}, Q8.8"][:len(values)]) - 1


def judged(found: dict[str, Any], name: str, base: str) -> tuple[Margin, bool] | None:
    """Margin of a row of a table and whether its mean lies inside; a control gets that of the sound variant, and Brian2 none."""
    sound = f"{name.split(',')[0]}, Q8.8" if name in CONTROLS else name
    if sound not in found["shifts"] or (base != "Brian2" and "Q16" in name):
        return None
    off = relative(found, name, base)
    limit = margin(found["shifts"][sound]["asked" if base == "Brian2" else "own"], len(off), RESIDUAL * (base != "V3"))
    return limit, limit.holds(1 + float(off.mean()), 1)


def closer(found: dict[str, Any], base: str, form: str = "Q8.8") -> tuple[float, float]:
    """How much closer V14 is to ``base`` than V4, relative to it: mean of \\|V4 - base\\| - \\|V14 - base\\| over the seeds, and its interval."""
    return interval(abs(relative(found, f"V4, {form}", base)) - abs(relative(found, f"V14, {form}", base)))
