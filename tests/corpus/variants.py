"""Known values of the variants, in floats or not: recordings with options that are not their defaults, and hashes of the presets of point neurons.
Makes, with ``--write``, the file ``variants.json`` beside it.

Of an array it has the sum and a weighted sum, to be compared within a millionth, as the exponential is not the same on every machine.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.network.recording import Recording
from spikegate.translator import brunel, homeostatic, izhikevich, memristive, probability, reservoir, stdp, translations, voltage
from spikegate.translator.brunel import preset, translate
from spikegate.translator.cuba import CubaParams, cuba
from spikegate.translator.izhikevich_network import IzhikevichParams, izhikevich_network
from spikegate.translator.microcircuit import MicrocircuitParams, microcircuit
from spikegate.translator.reservoir_tasks import memory_capacity, narma_error
from spikegate.translator.variants import find
from spikegate.translator.voltage_neuron import Rule

__all__ = ["CASES", "FILE", "numbers", "taken"]

FILE = Path(__file__).with_suffix(".json")
NETWORK = translate(preset("ai", n_exc=32, n_inh=8, conn_prob=0.25, weight_exc=2.0, delay=0.5, v_rest=1.0, seed=5), name="small", ms=30.0)
#: Mapped to Izhikevich neurons, which a kick of 2 mV would throw too far down.
GENTLE = translate(preset("ai", n_exc=32, n_inh=8, conn_prob=0.25, weight_exc=1.0, g_inh=4.0, delay=0.5, eta=3.0, seed=5), name="gentle", ms=60.0)
ALONE = translate(preset("ai", n_exc=32, n_inh=8, conn_prob=0.25, weight_exc=2.0, seed=5), name="alone", ms=60.0)


def _tasks() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    u, states = rng.uniform(0, 0.5, 700), np.zeros((700, 12))
    weights, given = rng.normal(0, 0.25, (12, 12)), rng.normal(0, 1, 12)
    for t in range(1, 700):
        states[t] = np.tanh(weights @ states[t - 1] + given * u[t])
    return {"capacity": memory_capacity(states, u, 7), "error": narma_error(states, u)}


#: Name to what makes a recording, a network or numbers.
CASES: dict[str, Callable[[], Any]] = {
    **{name: lambda name=name: find(name).run(NETWORK) for name in ("v1", "v2", "v6", "v7", "v8", "v9", "v10", "v12", "v16", "v17", "v21")},
    "v5": lambda: find("v5").run(GENTLE),
    "late, three refractory steps": lambda: voltage.run(NETWORK, rule=Rule(late=True, refractory=3), trace=True),
    "noise of half a millivolt, seed 4": lambda: voltage.run(NETWORK, "objects", rule=Rule(noise_std=0.5, seed=4)),
    "exact, late": lambda: voltage.run(NETWORK, "numpy", rule=Rule(exact=True, late=True)),
    "homeostasis at 40 Hz": lambda: homeostatic.run(NETWORK, target_hz=40.0, eta=0.25, tau_rate=300.0, limits=(15.0, 25.0), trace=True),
    "homeostasis from other thresholds": lambda: homeostatic.run(NETWORK, theta=np.linspace(12.0, 22.0, 40)),
    "gain of a rate": lambda: {"gain": homeostatic.rate_gain(ALONE, np.full(40, 20.0), 3.0, 15.0)},
    "bursting and chattering": lambda: izhikevich.run(GENTLE, exc="ib", inh="ch", trace=True),
    "low threshold, and four numbers": lambda: izhikevich.run(GENTLE, "objects", exc="lts", inh=(0.05, 0.22, -60.0, 3.0)),
    "plasticity": lambda: stdp.run(NETWORK, rule=stdp.Plasticity(0.5, 0.25, 10.0, 30.0, 5, 4.0, seed=3)),
    "reservoir": lambda: reservoir.run(NETWORK, length=64, radius=0.5, strength=0.3, trace=True),
    "reservoir in floats": lambda: {"state": reservoir.SCRecurrentLayer(NETWORK, length=64, radius=0.8, dimensions=(2, 3)).run_float(
        np.linspace(-0.5, 0.5, 9 * 40).reshape(9, 40))},
    "probabilities": lambda: probability.run(NETWORK, length=256, seed=3, sources=2),
    "devices": lambda: memristive.run(NETWORK, length=256, seed=3, device_seed=2, stuck_rate=0.1, variability=0.02),
    "tasks of a reservoir": _tasks,
    "cuba": lambda: cuba(ms=5.0),
    "cuba, changed": lambda: cuba(CubaParams(n=50, probability=0.3, dt=0.2, tau_m=15.0, tau_e=4.0, tau_i=8.0, v_rest=-48.0, v_threshold=-51.0,
                                             v_reset=-61.0, refractory=3.0, weight_exc=1.5, weight_inh=-8.0, seed=4), 6.0),
    "microcircuit": lambda: microcircuit(ms=5.0),
    "microcircuit, changed": lambda: microcircuit(MicrocircuitParams(scale=0.004, dt=0.2, seed=3), 6.0),
    "izhikevich": lambda: izhikevich_network(IzhikevichParams(n=200), 5.0),
    "izhikevich, changed": lambda: izhikevich_network(IzhikevichParams(n=21, probability=0.5, dt=0.25, weight_exc=0.4, weight_inh=-2.0,
                                                                       thalamic_exc=3.0, thalamic_inh=0.0, seed=4), 6.0),
}


def taken() -> dict[str, Any]:
    """What each translation makes of parameters none of which is a default, as JSON has it."""
    bp = preset("ai", n_exc=90, n_inh=30, conn_prob=0.15, weight_exc=0.58, g_inh=6.5, v_threshold=18.0, v_reset=9.5, v_rest=-1.25, tau_mem=25.0,
                dt=0.5, eta=1.5, delay=1.5, refractory=2.5, v_spread=False, seed=7)
    found: dict[str, Any] = json.loads(json.dumps({name: getattr(brunel, name)(bp) for name in translations.__all__}))
    return found


def _sums(values: Any) -> list[float]:
    """Sum and weighted sum, of which no two places have the same weight."""
    flat = np.asarray(values, float).ravel()
    return [float(np.sum(flat)), float(np.sum(flat * np.sqrt(np.arange(1, len(flat) + 1))))]


def numbers(name: str) -> dict[str, Any]:
    """What the file has of a case, made by today's code; times are left out."""
    made = CASES[name]()
    if isinstance(made, Mapping):
        return {key: _sums(values) for key, values in made.items()}
    if not isinstance(made, Recording):
        return {"hash": made.hash}
    said = {key: value for key, value in made.provenance.items() if not key.endswith("_s") and not (key == "network" or isinstance(value, float))}
    said |= {key: [value] for key, value in made.provenance.items() if isinstance(value, float) and not key.endswith("_s")}
    arrays = {f"{kind} {key}": _sums(values) for kind in ("final", "trace") for key, values in getattr(made, kind).items()}
    return json.loads(json.dumps({"spikes": [len(made.spikes), *_sums(made.spikes)], **arrays, "said": said}))


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    FILE.write_text(json.dumps({name: numbers(name) for name in CASES} | {"taken": taken()}, indent=1) + "\n")
