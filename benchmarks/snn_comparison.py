"""Every variant and Brian2 on one frozen network and the same external events: ``python benchmarks/snn_comparison.py --all``.

Each runs the whole network in a process of its own, and is compared, in the run, with what it must agree with: `agreements.AGREEMENTS`. ``wall s`` is
the run alone, the external events given (fixed-point variants draw their own), after ``prepare s`` for code and a few steps; ``MiB`` is the peak of
the process. The reference of distances, ``brian2``, is the published model in Brian2's own schedule, which reads the same events.

Distance: van Rossum, Neural Computation 13, 751 (2001). Each spike becomes an exponential of ``TAU_MS``, and a neuron's distance is D^2 = 1/tau *
the integral of the squared difference, so that one spike more or less adds 1/2. Shown is the sum of D^2 over all neurons divided by half the number
of spikes of both, without unit: 0 for equal trains, about 1 where no spike has a partner. ``chance`` is that of Brian2 from itself with each
train handed on to the next neuron of its population: what a network of the same statistics reaches without being the same.

The exit code is 0, 1 if a variant fails, 2 for bad input.
"""

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from agreements import BRIAN, Runs, agreement
from side_by_side import Parser, command, finite, known, need, number, output, provenance, reason, say, show, write

from spikegate.cosim.isolation.worker import Result
from spikegate.cosim.results.compare import Check, describe
from spikegate.cosim.results.statistics import summary
from spikegate.models.core.engine import external_events
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.translator.brunel import preset, translate
from spikegate.translator.variants import VARIANTS, Variant, find
from spikegate.translator.voltage_neuron import Rule

__all__ = ["distance", "handed_on", "main"]

PROGRAM, TAU_MS = "snn_comparison", 5.0
REFERENCE = "reference of the distances"
STATISTICS = {"rate_hz": ".2f", "cv_isi": ".3f", "correlation": ".4f", "distance": ".4f"}
COSTS = {"wall_s": ".3f", "prepare_s": ".2f", "peak_mib": ".0f"}
HEADERS = ("variant", "agrees with", "compared", "rate Hz", "CV ISI", "corr.", "distance", "own measure", "wall s", "prepare s", "MiB", "status")
WORDS = ("variant", "agrees with", "own measure", "status")


def distance(a: Recording, b: Recording, dt_ns: int, tau_ms: float = TAU_MS) -> float | None:
    """Van Rossum's distance as in the module, at least 0; None without spikes on either side.

    With s = 1 for a spike of ``a`` and -1 for one of ``b``, D^2 = 1/2 * sum over all pairs of s_i s_j exp(-|t_i - t_j| / tau), and for spikes in
    order the sum over earlier ones decays by one factor from spike to spike.
    """
    spikes = np.concatenate([a.spikes, b.spikes]).astype(np.int64)
    if not len(spikes):
        return None
    order = np.lexsort((spikes[:, 0], spikes[:, 1]))
    signs = np.repeat([1.0, -1.0], [len(a.spikes), len(b.spikes)])[order]
    steps, neurons = spikes[order].T
    decay = np.exp(-np.diff(steps, prepend=steps[0]) * (dt_ns * 1e-6 / tau_ms)) * (np.diff(neurons, prepend=-1) == 0)
    total, trace = 0.0, 0.0
    for sign, factor in zip(signs.tolist(), decay.tolist()):
        trace *= factor
        total += sign * (0.5 * sign + trace)
        trace += sign
    return 2 * total / len(spikes)


def handed_on(recording: Recording, n_exc: int) -> Recording:
    """The recording with each train given to the next neuron of its population."""
    neurons, n = recording.spikes[:, 1], recording.n
    exc = neurons < n_exc
    following = np.where(exc, (neurons + 1) % max(n_exc, 1), n_exc + (neurons + 1 - n_exc) % max(n - n_exc, 1))
    return dataclasses.replace(recording, spikes=np.stack([recording.spikes[:, 0], following], axis=1))


def _measured(result: Result, network: Network, brian: Recording | None) -> dict[str, Any]:
    recording, said = result.recording, result.recording.provenance
    found: dict[str, Any] = {"wall_s": said.get("wall_s", said.get("run_s")), "prepare_s": said.get("prepare_s", said.get("codegen_s")),
                             "peak_mib": result.peak_mib}
    if {"rmse", "rmse_theory"} <= said.keys():
        found["measure"] = {"rmse": said["rmse"], "rmse_theory": said["rmse_theory"], "items": said.get("products", said.get("compared"))}
    if "state" not in recording.final and "measure" not in found:
        found |= summary(recording, network.dt_ns)
        found["distance"] = distance(recording, brian, network.dt_ns) if brian else None
    return found


def _empty(name: str) -> dict[str, Any]:
    return {"variant": name, "status": "ok", "agrees_with": None, "compared": 0, "checks": [], "measure": None,
            **dict.fromkeys([*STATISTICS, "spikes", "intervals", *COSTS])}


def _row(variant: Variant, runs: Runs, brian: Recording | None) -> dict[str, Any]:
    row = _empty(variant.name) | {"number": variant.number, "backend": variant.backend, "domain": variant.domain, "target": variant.target}
    try:
        for package in variant.needs:
            need(package)
        result = runs.variant(variant.name)
        row |= _measured(result, runs.network, brian)
        checks: list[Check] = agreement(variant.name, runs, result.recording)
        row |= {"agrees_with": "; ".join(check.name for check in checks), "compared": sum(check.compared for check in checks),
                "checks": [check.as_dict() for check in checks]}
        row["measure"] = row["measure"] or runs.found.get(variant.name)
        if failed := [describe(check) for check in checks if not check.ok]:
            row["status"] = "fails: " + "; ".join(failed)
    except Exception as error:  # whatever a variant does, the others run
        row["status"] = reason(error)
    return row


def _brian(runs: Runs, codegen: str) -> tuple[dict[str, Any], Recording | None]:
    row = _empty("brian2") | {"backend": f"Brian2, {codegen}", "domain": "voltage"}
    try:
        result = runs.result(BRIAN, rule=Rule(late=True), codegen=codegen)
    except Exception as error:
        return row | {"status": reason(error)}, None
    return row | _measured(result, runs.network, result.recording) | {"agrees_with": REFERENCE}, result.recording


def _cells(row: dict[str, Any]) -> list[str]:
    measure = row["measure"]
    own = "-" if measure is None else f"RMSE {measure['rmse']:.3e}" + (f", theory {measure['rmse_theory']:.3e}" if "rmse_theory" in measure else "")
    return [row["variant"], row["agrees_with"] or "-", f"{row['compared']:,}" if row["compared"] else "-",
            *(number(row[key], form) for key, form in STATISTICS.items()), own + (f", {measure['items']:,} items" if measure else ""),
            *(number(row[key], form) for key, form in COSTS.items()), row["status"]]


def _tell(row: dict[str, Any]) -> None:
    say(f"{row['variant']}: {row['status']}" + (f", {row['compared']:,} items compared" if row["compared"] else "")
        + ("" if row["wall_s"] is None else f", {row['wall_s']:.2f} s"))


def _compare(argv: Sequence[str]) -> int:
    parser = Parser(PROGRAM, __doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every variant of the registry (the default)")
    which.add_argument("--variants", nargs="+", metavar="V", help="these, by name or number: v1 v9_post_kick")
    parser.add_argument("--preset", default="ai", metavar="NAME", help="default %(default)s")
    parser.add_argument("--ms", type=finite, default=1000.0, metavar="T", help="biological time (default %(default)g)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of connectivity, initial membranes and drive (default %(default)s)")
    parser.add_argument("--codegen", choices=("cython", "numpy"), default="cython", help="of Brian2's row; cython compiles for half a minute once")
    options = parser.parse_args(argv)
    chosen = {find(name).number: find(name) for name in options.variants or VARIANTS}
    output(options.json)
    bp = preset(known("--preset", options.preset), seed=options.seed)
    network = translate(bp, name=options.preset, ms=options.ms)
    network = network.replace(external=external_events(network))
    runs, events = Runs(network), int(network.external.sum(dtype=np.int64))
    say(f"{options.preset}, N={network.n:,}, {network.steps:,} steps, {events:,} external events, network {network.hash[:12]}")
    say("brian2 …")
    first, brian = _brian(runs, options.codegen)
    _tell(first)
    rows = [first]
    for number_ in sorted(chosen):
        say(f"{chosen[number_].name} …")
        rows.append(_row(chosen[number_], runs, brian))
        _tell(rows[-1])
    chance = distance(brian, handed_on(brian, network.n_exc), network.dt_ns) if brian else None
    show(f"{options.preset}, N={network.n:,}, {options.ms:g} ms, seed {options.seed}; distance: van Rossum, tau {TAU_MS:g} ms, by chance "
         f"{number(chance, '.3f')}", HEADERS, [_cells(row) for row in rows], options.markdown, WORDS)
    if options.json:
        write(options.json, {
            "network": {"hash": network.hash, "preset": options.preset, "n": network.n, "n_exc": network.n_exc, "n_inh": network.n_inh,
                        "synapses": network.synapses, "steps": network.steps, "ms": options.ms, "seed": options.seed, "external_events": events},
            "distance": {"measure": "van Rossum (2001), sum of D^2 over half the spikes of both", "tau_ms": TAU_MS, "reference": "brian2",
                         "chance": chance},
            "variants": rows, "provenance": provenance(PROGRAM, argv)})
        say(f"written to {options.json}")
    return int(any(row["status"].startswith("fails") for row in rows))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the comparison and return the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    return command(PROGRAM, lambda: _compare(arguments))


if __name__ == "__main__":
    sys.exit(main())
