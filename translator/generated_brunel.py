"""The network of Brunel (2000) with connections that are made from a seed: no size of it needs a memory for them.

In-degrees are exactly C_E and C_I, as in `spikegate.translator.brunel.translate`, and no neuron has itself as a source; which sources a neuron has is
drawn by block permutations (docs/point_networks.md, section 6) and not one by one.
"""

import dataclasses
from typing import cast

import numpy as np

from spikegate.models.checks import whole_numbers
from spikegate.models.errors import InputError
from spikegate.models.network.generated import Generated
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.neuron.linear import LinearNeuron
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8, QFormat
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator.params import BrunelParams, check, whole_multiple
from spikegate.translator.raw import raw_parameters

__all__ = ["translate_generated"]


def translate_generated(bp: BrunelParams, format: QFormat = Q8_8, *, lanes: int = 32, name: str = "custom", ms: float = 1000.0,
                        leak_fraction: int | None = None) -> PointNetwork:
    """Freeze it, in the published order of a step.

    Parameters
    ----------
    bp : BrunelParams
        What is asked for, in physical units; each side's neurons are 2 to 64 times its in-degree.
    format : QFormat
        Of membranes and weights.
    lanes : int
        Of the hardware that makes the rows, 1..64.
    name : str
        Title kept in the file.
    ms : float
        Biological time in ms, a whole number of steps.
    leak_fraction : int, optional
        Fraction bits of the leak constant; default those of the format.

    Raises
    ------
    InputError
        With each parameter that is out of range or that the format cannot hold.
    """
    check(bp)
    lanes, = whole_numbers(lanes=lanes)
    raw, steps = raw_parameters(bp, format, leak_fraction), whole_multiple(ms, bp.dt)
    if steps is None or steps < 1:
        raise InputError(f"Biological time must be a whole number of steps of {bp.dt} ms, at least one, not {ms} ms")
    rng, n, lfsr = np.random.default_rng(bp.seed), bp.n_total, LfsrParams()
    neuron = LinearNeuron(format, format.fraction if leak_fraction is None else leak_fraction)
    refractory, delay = (cast(int, whole_multiple(each, bp.dt)) for each in (bp.refractory, bp.delay))
    sets = np.array([[raw["leak"], raw["v_rest"], raw["v_threshold"], raw["v_reset"], refractory, 0]])
    drive = PortDrive(DriveParams(binomial_limits(bp.c_exc, bp.external_probability), raw["weight_exc"]), "v")
    v0 = rng.integers(raw["v_rest"], max(raw["v_threshold"], raw["v_rest"] + 1), n) if bp.v_spread else np.full(n, raw["v_rest"])
    sides = ("exc", 0, bp.n_exc, bp.c_exc, raw["weight_exc"]), ("inh", bp.n_exc, n, bp.c_inh, -raw["weight_inh"])
    populations = [PointPopulation(side, last - first, neuron, sets, drive=drive, initial={"v": v0[first:last]}) for side, first, last, _, _ in sides]
    projections = [Generated(source, target, "v", degree, weight, delay, int(rng.integers(0, 1 << 63)), lanes)
                   for source, _, _, degree, weight in sides for target, *_ in sides]
    seeds = np.array(lfsr.phases(int(rng.integers(1, 2**63)), n, steps), np.uint64)
    return PointNetwork(name, populations, projections, [], lfsr, seeds, steps, round(bp.dt * 1e6), dataclasses.asdict(bp))
