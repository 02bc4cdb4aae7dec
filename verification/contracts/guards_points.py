"""Guards of the parts of a core of point neurons: what its neurons are."""

from functools import partial

from spikegate.cosim.benches.neuron_rows import adaptive_rows, bernoulli_rows, izhikevich_rows, linear_rows
from verification.contracts.catalogue import ADAPTIVE, IZHIKEVICH, LINEAR, LINEAR_BRIAN2
from verification.contracts.table import Guard

__all__ = ["GUARDS"]

GUARDS = {
    "linear": Guard(partial(linear_rows, *LINEAR), 1500, proved=False),
    "linear_brian2": Guard(partial(linear_rows, *LINEAR_BRIAN2), 2500, assume="(decay_exc <= 16) & (decay_inh <= 16)", proved=False),
    "izhikevich": Guard(partial(izhikevich_rows, *IZHIKEVICH), 2000, proved=False),
    "adaptive_linear": Guard(partial(adaptive_rows, *ADAPTIVE), 2500, assume="decay_theta <= 16", proved=False),
    "bernoulli": Guard(bernoulli_rows, 1000),
}
