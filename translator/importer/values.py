"""The values of names in Brian2's code: variables of a group or of synapses, and what the user's own namespace holds."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from spikegate.translator.importer.statements import Unclear

__all__ = ["Values", "steps_of"]


def steps_of(time: Any, dt: float) -> np.ndarray:
    """Whole steps of times in seconds, as Brian2 counts them."""
    return np.asarray((np.asarray(time, np.float64) + 1e-3 * dt) / dt, np.int64)


class Values:
    """Values by name, SI, each one or (size,), as Brian2 itself looks names up.

    Parameters
    ----------
    owner : brian2.NeuronGroup, brian2.PoissonGroup, brian2.Subgroup or brian2.Synapses
    namespace : Mapping
        Of the run.
    changing : set
        Group and variable of everything that changes while the network runs, and has no one value.
    """

    def __init__(self, owner: Any, namespace: Mapping[str, Any], changing: Collection[tuple[str, str]] = ()) -> None:
        self.owner, self.namespace, self.changing = owner, namespace, changing
        self.more: dict[str, np.ndarray] = {}  # by names that are no variables of the owner

    def variable(self, name: str) -> Any:
        """Brian2's variable, if the owner has one of this name."""
        return self.owner.variables[name] if name in self.owner.variables else None

    @property
    def known(self) -> dict[str, str]:
        """Expressions of the model by the names that stand for them."""
        from brian2.core.variables import Subexpression
        return {name: each.expr for name in self.owner.variables if isinstance(each := self.owner.variables[name], Subexpression)}

    def __getitem__(self, name: str) -> np.ndarray:
        if name in self.more:
            return self.more[name]
        variable = self.variable(name)
        if variable is None:
            try:
                found = self.owner.resolve_all({name}, self.namespace, user_identifiers=set())[name]
            except KeyError as error:
                raise Unclear(f"has a name that stands for nothing ({name})") from error
            if not hasattr(found, "get_value"):
                raise Unclear(f"uses a function ({name})")
            return np.asarray(found.get_value(), np.float64)
        if (getattr(variable.owner, "name", ""), variable.name) in self.changing:
            raise Unclear(f"depends on {name}, which changes")
        values = np.asarray(variable.get_value())
        index = self.owner.variables.indices[name]
        return values if values.ndim == 0 or index in ("0", "_idx") else values[self.owner.variables[index].get_value()]
