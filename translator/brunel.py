"""The Brunel (2000) network: its parameters, their translation into a frozen network, and into what each variant takes."""

import dataclasses
from typing import Any, cast

import numpy as np

from spikegate.models.checks import real_numbers, require, whole_numbers
from spikegate.models.errors import InputError
from spikegate.models.network.network import MAX_STEPS, Network
from spikegate.models.network.provenance import quantities
from spikegate.models.neuron.lif import MAX_LEAK_FRACTION, LifParams
from spikegate.models.numeric.drive import DriveParams, binomial_limits
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.translator import translations
from spikegate.translator.params import PRESETS, BrunelParams, asked_for, check, preset, whole_multiple
from spikegate.translator.raw import fine_leak, raw_parameters
from spikegate.translator.translations import *  # noqa: F403

__all__ = ["BrunelParams", "PRESETS", "preset", "asked_for", "fine_leak", "translate", "quantisation", *translations.__all__]


def _connect(bp: BrunelParams, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """CSR by source. Each neuron has C_E excitatory and C_I inhibitory sources, drawn without repetition, never itself."""
    sources = []
    for target in range(bp.n_total):
        for first, size, count in ((0, bp.n_exc, bp.c_exc), (bp.n_exc, bp.n_inh, bp.c_inh)):
            own = first <= target < first + size
            drawn = first + rng.choice(size - own, count, replace=False)
            sources.append(drawn + (own & (drawn >= target)))
    flat, targets = np.concatenate(sources), np.repeat(np.arange(bp.n_total), bp.c_exc + bp.c_inh)
    order = np.lexsort((targets, flat))
    return np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=bp.n_total))]), targets[order]


def translate(bp: BrunelParams, format: QFormat = Q8_8, *, name: str = "custom", ms: float = 1000.0,
              rounding: Rounding = Rounding.NEAREST, overflow: Overflow = Overflow.SATURATE, leak_fraction: int | None = None) -> Network:
    """Freeze a Brunel network.

    Parameters
    ----------
    bp : BrunelParams
        What is asked for, in physical units.
    format : QFormat
        Of membranes, weights and leak.
    name : str
        Title kept in the file.
    ms : float
        Biological time in ms, a whole number of steps.
    rounding : Rounding
        Of the leak product.
    overflow : Overflow
        Of the membrane.
    leak_fraction : int, optional
        Fraction bits of the leak constant; default those of the format, as published. `fine_leak` gives enough of them.

    Raises
    ------
    InputError
        With each parameter that is out of range or that the format cannot hold.
    """
    check(bp)
    real_numbers(ms=ms)
    require("Format", format, QFormat, "make it with QFormat.parse")
    if leak_fraction is not None:
        leak_fraction, = whole_numbers(leak_fraction=leak_fraction)
        if not format.fraction <= leak_fraction <= MAX_LEAK_FRACTION:
            raise InputError(f"leak_fraction must be in {format.fraction}..{MAX_LEAK_FRACTION} bits for {format}, not {leak_fraction}")
    raw, steps = raw_parameters(bp, format, leak_fraction), whole_multiple(ms, bp.dt)
    if steps is None or not 1 <= steps <= MAX_STEPS:
        raise InputError(f"Biological time must be a whole number of steps of {bp.dt} ms, at least one and at most {MAX_STEPS}, not {ms} ms")
    n = bp.n_total
    lif = LifParams(format, raw["v_threshold"], raw["v_reset"], raw["v_rest"], raw["leak"],
                    refractory=cast(int, whole_multiple(bp.refractory, bp.dt)), rounding=rounding, overflow=overflow,
                    leak_fraction=leak_fraction)  # type: ignore[arg-type]
    drive = DriveParams(binomial_limits(bp.c_exc, bp.external_probability), raw["weight_exc"])
    rng = np.random.default_rng(bp.seed)
    indptr, indices = _connect(bp, rng)
    v0 = rng.integers(raw["v_rest"], max(raw["v_threshold"], raw["v_rest"] + 1), n) if bp.v_spread else np.full(n, raw["v_rest"])
    lfsr = LfsrParams()
    return Network(
        name=name, n_exc=bp.n_exc, n_inh=bp.n_inh, lif=lif, drive=drive, lfsr=lfsr, delay=cast(int, whole_multiple(bp.delay, bp.dt)), steps=steps,
        dt_ns=round(bp.dt * 1e6), indptr=indptr, indices=indices,
        weights=np.repeat([raw["weight_exc"], -raw["weight_inh"]], [bp.n_exc, bp.n_inh]),
        seeds=np.array(lfsr.phases(int(rng.integers(1, 2**63)), n, steps), np.uint64), v0=v0, source=dataclasses.asdict(bp))


def quantisation(network: Network) -> list[dict[str, Any]]:
    """Each parameter asked, as realised in the network's integers, and the relative error, with the effects of the leak.

    Rows of ``parameter``, ``asked``, ``realised``, ``relative_error``; voltages in mV, times in ms. ``leak_dead_zone``
    is how far from rest a membrane may stay without any leak. What the source does not say has nothing asked for.
    """
    return [row.as_dict() for row in quantities(network)]
