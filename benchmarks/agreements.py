"""What each variant of the registry must agree with, as comparisons that are made in the run: `AGREEMENTS`, a line a variant.

Exact ones hold spikes and final states, all of them, against another engine on the same network and the same events. Statistical ones
say beside them where their margin comes from.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from side_by_side import measure, need, warmed
from witnesses import reservoir_witness, stdp_witness

from spikegate.cosim.engines.hardware import Rtl
from spikegate.cosim.isolation.run import Job
from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results.compare import Check, Margin, compare, statistical
from spikegate.cosim.results.statistics import rate_hz
from spikegate.models.errors import Mismatch
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.numeric.fixed import Q8_8, Q16_12
from spikegate.translator import stateful_brian, voltage_brian
from spikegate.translator.brian_engines import Brian2Integer
from spikegate.translator.custom import with_fine_leak
from spikegate.translator.hybrid import hybrid
from spikegate.translator.memristive import STUCK_RATE
from spikegate.translator.stdp import Plasticity
from spikegate.translator.variants import find, in_format
from spikegate.translator.voltage import parameters
from spikegate.translator.voltage_neuron import Rule

__all__ = ["AGREEMENTS", "BRIAN", "Runs", "agreement"]

LANES = 40
BRIAN = voltage_brian.run
STATE = ("spike", "final.v", "final.hold", "final.overflow")
MEANS = ("p", "exc", "inh", "ext", "expected_exc", "expected_inh", "expected_ext", "sigma", "measured")
#: Deviations that a statistic may be off.
Z = 5.0
#: Rates of two Brian2 runs of `ai` over one second differ by this, relative, one standard deviation (docs/validation.md).
PAIR_RATE = 0.034
#: Steps of the reservoir that are computed again.
RESERVOIR_STEPS = 1000


Work = Callable[..., Recording]


class Runs:
    """Runs on one network, each made once, and numbers that an agreement found besides."""

    def __init__(self, network: Network):
        self.network = network
        self.found: dict[str, dict[str, float]] = {}
        self._done: dict[tuple[str, str, str], Result] = {}

    def result(self, work: Work, network: Network | None = None, **options: Any) -> Result:
        """Of an engine's ``run`` or another function, in its own process."""
        network = network or self.network
        named = options.get("engine", work)
        name = f"{named.__module__}.{named.__qualname__}"
        key = f"{name} {getattr(named, '__self__', '')}", network.hash, repr(sorted(options.items()))
        if key not in self._done:
            if "brian" in name or "stdp_witness" in name:
                need("brian2")
            self._done[key] = measure(Job(name, work, network, options))
        return self._done[key]

    def of(self, work: Work, network: Network | None = None, **options: Any) -> Recording:
        """The recording of `result`."""
        return self.result(work, network, **options).recording

    def variant(self, name: str, network: Network | None = None, **options: Any) -> Result:
        """Of a registered variant, after a few steps."""
        return self.result(warmed, network, engine=find(name).run, **options)


Agreement = Callable[[Runs, Recording], list[Check]]


def _like(name: str, signals: Sequence[str] = ("spike", "final.v")) -> Agreement:
    return lambda runs, mine: [compare(name, "bit-true", mine, runs.variant(name).recording, signals)]


def _brian(title: str, rule: Rule) -> Agreement:
    return lambda runs, mine: [compare(title, "spike-exact", mine, runs.of(BRIAN, rule=rule, codegen="numpy"))]


def _hardware(prepare: Callable[[Network], Network], integers: bool = False) -> Agreement:
    def agree(runs: Runs, mine: Recording) -> list[Check]:
        network = prepare(runs.network)
        rtl = runs.of(Rtl(min(LANES, network.n)).run, network)
        checks = [compare("RTL", "bit-true", mine, rtl, STATE)]
        if integers:
            witness = runs.of(Brian2Integer("numpy").run, network)
            checks.append(compare("Brian2 on the same integers", "spike-exact", mine, witness, STATE))
        return checks
    return agree


def _expectation(mine: Recording) -> Check:
    worst = max(mine.provenance["scores"], key=abs)
    return statistical("exact expectation p*w, in deviations of theory", worst, 0.0, Margin(Z), compared=mine.provenance["products"])


def _probability(runs: Runs, mine: Recording) -> list[Check]:
    return [_expectation(mine)]


def _memristive(runs: Runs, mine: Recording) -> list[Check]:
    """Number of defects, a binomial; theory for the devices as drawn and for all draws of them; and without defects V2."""
    sound, said = runs.variant("v17", stuck_rate=0.0, variability=0.0).recording, mine.provenance
    signals = [f"final.{name}" for name in MEANS]
    return [compare("v2, without defects", "bit-true", sound, runs.variant("v2").recording, signals), _expectation(mine),
            statistical("mean square error at this rate of defects", said["rmse_theory"]**2, said["rmse_devices"]**2,
                        Margin(Z * said["deviation_devices"]), compared=said["products"]),
            statistical("devices stuck, 1 %", said["stuck0"] + said["stuck1"], STUCK_RATE * said["products"],
                        Margin(Z * math.sqrt(said["products"] * STUCK_RATE * (1 - STUCK_RATE))), compared=said["products"])]


def _izhikevich(runs: Runs, mine: Recording) -> list[Check]:
    return [compare("Brian2's Izhikevich", "spike-exact", mine, runs.of(stateful_brian.run_izhikevich), ("spike", "final.v", "final.u"))]


def _homeostatic(runs: Runs, mine: Recording) -> list[Check]:
    return [compare("Brian2, adaptive threshold", "spike-exact", mine, runs.of(stateful_brian.run_homeostatic), ("spike", "final.v", "final.theta")),
            compare("v1, without adaptation", "bit-true", runs.variant("v6", eta=0.0).recording, runs.variant("v1").recording, ("spike", "final.v"))]


def _noisy(runs: Runs, mine: Recording) -> list[Check]:
    """Rate: four deviations of the difference of two runs, which falls with the root of their length. Free membrane: from rest and without events,
    its variance after T steps is noise_std^2 (1 - (1 - dt/tau)^2T) / (1 - dt/(2 tau)), and n neurons estimate it within sqrt(2 / n).
    """
    network, bp = runs.network, parameters(runs.network)
    other = runs.of(BRIAN, rule=Rule(noise_std=1.0), codegen="numpy")
    margin = Margin(4 * PAIR_RATE / math.sqrt(network.seconds), relative=True)
    quiet = network.replace(external=np.zeros_like(network.external), v0=np.full(network.n, network.lif.rest))
    free = runs.variant("v7", quiet).recording.final["v"] - bp.v_rest
    leak = bp.dt / bp.tau_mem
    expected = (1 - (1 - leak) ** (2 * network.steps)) / (1 - leak / 2)
    return [statistical("rate of Brian2 with xi", rate_hz(mine, network.dt_ns), rate_hz(other, network.dt_ns), margin, compared=len(mine.spikes)),
            statistical("variance of the free membrane", float(np.mean(free**2)), expected, Margin(Z * math.sqrt(2 / network.n), True),
                        compared=network.n)]


def _stdp(runs: Runs, mine: Recording) -> list[Check]:
    """Differences of a neuron's mean weight have mean 0 and the variance that Brian2 sums up; their squares over it, the mean 1 within sqrt(2/n)."""
    off, last = Plasticity(a_plus=0.0, a_minus=0.0), mine.steps - 1
    plain = compare("v1, without learning", "bit-true", runs.variant("v12", rule=off).recording, runs.variant("v1").recording, ("spike", "final.v"))
    final = runs.of(stdp_witness, spikes=mine.spikes[mine.spikes[:, 0] < last]).final  # the last have not acted yet
    used = final["variance"] > 0
    score = (mine.final["weight"] - final["weight"])[used] / np.sqrt(final["variance"][used])
    count, synapses = int(used.sum()), int(final["count"].sum())
    sums = float((mine.final["weight"] - final["weight"]).sum()) / math.sqrt(final["variance"].sum()) if count else None
    squares = (float(np.mean(score**2)) - 1) / math.sqrt(2 / count) if count else None
    return [plain, statistical("mean weight, Brian2's rule, in deviations", sums, 0.0, Margin(Z), compared=synapses),
            statistical("squares, Brian2's rule, in deviations", squares, 0.0, Margin(Z), compared=count)]


def _reservoir(runs: Runs, mine: Recording) -> list[Check]:
    """Bits of single steps spread over the run, and the error in front of tanh: a product is within log2(L)/2 + 3/2 ones of its value (Niederreiter
    1992), so that the sum of C products whose errors are independent has an rms error of at most sqrt(C) times that.
    """
    traced = runs.variant("v16", trace=True).recording
    steps = np.unique(np.linspace(0, mine.steps - 1, min(mine.steps, RESERVOIR_STEPS)).astype(np.int64))
    again = runs.of(reservoir_witness, states=np.array(traced.trace["state"]), steps=steps)
    part = [replace(recording, steps=len(steps), trace={"state": recording.trace["state"][rows]})
            for recording, rows in ((traced, steps), (again, slice(None)))]
    runs.found["v16_recurrent"] = {name: again.provenance[name] for name in ("rmse", "items")}
    bits = compare("serial reference", "bit-true", *part, ["state"])
    if at := bits.first_divergence:
        bits = replace(bits, first_divergence={**at, "step": int(steps[at["step"]])})
    return [compare("the run again, traced", "bit-true", mine, traced, ["final.state"]), bits,
            statistical("float echo-state network, rms in front of tanh", again.provenance["rmse"], 0.0, Margin(again.provenance["limit"]),
                        compared=again.provenance["items"])]


AGREEMENTS: dict[str, Agreement] = {
    "v1_stochastic_lif": _brian("Brian2, synapses first", Rule()),
    "v2_rate_matched": _probability,
    "v3_fixed_point": _hardware(lambda network: in_format(network, Q8_8), integers=True),
    "v4_hybrid": _hardware(lambda network: hybrid(network, "v4")),
    "v5_izhikevich": _izhikevich,
    "v6_homeostatic": _homeostatic,
    "v7_noisy": _noisy,
    "v8_refractory": _brian("Brian2, refractory for 5 steps", Rule(refractory=5)),
    "v9_post_kick": _brian("Brian2, its own order", Rule(late=True)),
    "v10_exact_leak": _brian('Brian2, method="exact"', Rule(exact=True)),
    "v11_q16": _hardware(lambda network: in_format(network, Q16_12), integers=True),
    "v12_stdp": _stdp,
    "v13_dot_product": _hardware(lambda network: hybrid(network, "v13")),
    "v14_sobol": _hardware(lambda network: hybrid(network, "v14")),
    "v15_jax": _like("v2", [f"final.{name}" for name in MEANS]),
    "v16_recurrent": _reservoir,
    "v17_memristive": _memristive,
    "v18_numba": _like("v1"),
    "v19_pytorch_cuda": _like("v1"),
    "v20_vectorized_numpy": _like("v1"),
    "v21_custom": _hardware(with_fine_leak),
}


def agreement(name: str, runs: Runs, mine: Recording) -> list[Check]:
    """The checks of a variant's recording: those of `AGREEMENTS`, or what its provenance says, ``agrees_with``, ``compared`` and ``ok``.

    Raises
    ------
    Mismatch
        If there is neither.
    """
    if name in AGREEMENTS:
        return AGREEMENTS[name](runs, mine)
    said = mine.provenance
    if "ok" not in said or "compared" not in said:
        raise Mismatch("no agreement is defined")
    compared, ok = int(said["compared"]), bool(said["ok"])
    return [Check(str(said.get("agrees_with", "its own reference")), "statistical", compared, int(not ok), None, ok and compared > 0, "as it says")]
