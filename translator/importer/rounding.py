"""How far what a neuron remembers may lie from floats with the same parameters, spikes and inputs: as far as rounding alone takes it.

A product is off by half a raw step, or by a whole one where it is rounded down or at random. What is off in a step is left in the next as the
variable's own leak leaves it, so that after any number of steps T it is off by at most e min(T, 1 / leak), with e what one step adds. What a
current is off by, the membrane takes by its coupling. A product with 0 or with 1 is exact.
"""

import numpy as np

from spikegate.models.network.point_population import PointPopulation
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.fixed import Rounding
from spikegate.translator.importer.formats import Scaled

__all__ = ["bounds"]


def _kept(error: np.ndarray, leak: np.ndarray, steps: int) -> np.ndarray:
    """What is off after so many steps, of which each adds ``error`` and leaves all but ``leak``."""
    found: np.ndarray = error * np.minimum(steps, 1 / np.maximum(leak, 1e-12))
    return found


def bounds(population: PointPopulation, scaled: Scaled, steps: int) -> dict[str, float]:
    """The largest difference of each of a user's variables, SI, by its name; those of which nothing can be said are left out.

    Parameters
    ----------
    population : PointPopulation
    scaled : Scaled
        What its numbers mean.
    steps : int
        Of the run.
    """
    neuron, table = population.neuron, population.table
    if not isinstance(neuron, LinearNeuron) or isinstance(neuron, AdaptiveLinearNeuron) and neuron.slope:
        return {}
    half = 0.5 if neuron.rounding == Rounding.NEAREST else 1.0

    def product(column: str, one: int) -> tuple[np.ndarray, np.ndarray]:
        """By how much one with a column is off, and the column as a fraction."""
        part = table[column] / one
        return np.where((part == 0) | (part == 1), 0.0, half), part

    raw: dict[str, np.ndarray] = {}
    error, leak = product("leak", 1 << neuron.leak_fraction)
    moving = {name: neuron.decay_fraction for name in neuron.currents}
    if isinstance(neuron, AdaptiveLinearNeuron):
        moving |= {name: getattr(neuron, f"{name}_fraction") for name in neuron.adapted}
    for name, fraction in moving.items():
        off, decay = product(f"decay_{name}", 1 << fraction)
        raw[name] = _kept(off, decay, steps)
        if f"coupling_{name}" in table:
            off, coupling = product(f"coupling_{name}", 1 << neuron.coupling_shift)
            error = error + off + coupling * raw[name]
    raw["v"] = _kept(error, leak, steps)
    found = {name: float(raw[state].max()) * abs(scaled.per_raw[name]) for name, state in scaled.states.items()}
    return found | {name: sum(float(np.abs(part).max()) * found[each] for each, part in parts.items()) for name, parts in scaled.mixed.items()}
