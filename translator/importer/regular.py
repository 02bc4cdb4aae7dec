"""`run_regularly` in every step, as far as it gives a variable a fixed value and normal noise: ``I = 5*randn()``."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from spikegate.translator.importer.float_network import Refusals
from spikegate.translator.importer.statements import Unclear, affine, evaluate, followed
from spikegate.translator.importer.values import Values

__all__ = ["Regular", "regular"]

FIX = "in every step a value with noise, such as I = 5*randn(), would run; or parameters that are set before the run, or between two runs"
#: Stands for a normal number.
NORMAL = "normal_"


class Regular(NamedTuple):
    """What a variable has in a step: a mean, and the standard deviation of its noise, (size,) each."""

    mean: np.ndarray
    deviation: np.ndarray


def regular(runners: Sequence[Any], namespace: Mapping[str, Any], refusals: Refusals) -> dict[str, dict[str, Regular]]:
    """What `run_regularly` makes of variables, by the names of group and variable."""
    found: dict[str, dict[str, Regular]] = {}
    for runner in runners:
        group, code = runner.group, runner.abstract_code
        whole = group.source if group.__class__.__name__ == "Subgroup" else group  # a proxy, whose type is not its class
        where, first = f"{type(runner).__name__} {runner.name!r}", getattr(group, "start", 0)
        try:
            if runner.when != "start" or abs(float(runner.clock.dt_) - float(whole.clock.dt_)) > 1e-12:
                raise Unclear("does not run at the start of every step")
            values = Values(group, namespace)
            for name, expression in followed(re.sub(r"\brandn\(\)", NORMAL, code), values.known).items():
                variable = values.variable(name)
                if variable is None or getattr(variable.owner, "name", "") != whole.name or name in whole.equations.diff_eq_names:
                    raise Unclear(f"changes {name}, which is no parameter of the group")
                if len(re.findall(r"\brandn\b", code)) > len(code.strip().splitlines()):
                    raise Unclear("draws several numbers")
                said, here = affine(expression, [NORMAL]), slice(first, first + len(group))
                before = np.broadcast_to(np.asarray(whole.variables[name].get_value(), np.float64), (len(whole),))
                into = found.setdefault(whole.name, {}).setdefault(name, Regular(before.copy(), np.zeros(len(whole))))
                into.mean[here] = evaluate(said.constant, values, len(group))
                into.deviation[here] = np.abs(evaluate(said.factors[NORMAL], values, len(group)))
        except Unclear as error:
            refusals.add(where, code, str(error), FIX)
    return found
