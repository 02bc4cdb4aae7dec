"""What `spikegate network show` and a notebook say of a network of either kind, and a notebook of a recording."""

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, cast

from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.generated import Generated
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.stored import Stored

if TYPE_CHECKING:
    from spikegate.models.network.recording import Recording

__all__ = ["html_table", "recorded", "rows"]


def html_table(title: str, found: Mapping[str, str]) -> str:
    """A title and rows of two columns, as HTML."""
    lines = "".join(f"<tr><th style='text-align: left'>{escape(name)}</th><td style='text-align: left'>{escape(text)}</td></tr>"
                    for name, text in found.items())
    return f"<table><caption><b>{escape(title)}</b></caption>{lines}</table>"


def recorded(recording: "Recording") -> dict[str, str]:
    """What a recording holds, by the name of the row."""
    rec, each = recording, recording.dt_ns
    time = "" if each is None else f" of {each * 1e-6:g} ms, {rec.steps * each * 1e-9:g} s"
    rate = "" if each is None or not rec.steps * rec.n else f", {len(rec.spikes) / (rec.n * rec.steps * each * 1e-9):.4g} Hz a neuron"
    found = {"neurons": f"{rec.n:,}", "steps": f"{rec.steps:,}{time}", "spikes": f"{len(rec.spikes):,}{rate}",
             "final states": ", ".join(rec.final), "trace of every step": ", ".join(rec.trace),
             "cycles": "" if rec.cycles is None else f"{rec.cycles:,}", "network": str(rec.provenance.get("network", ""))}
    return {name: text or "–" for name, text in found.items()}


def rows(net: FrozenNetwork) -> dict[str, str]:
    """What a network holds, by the name of the row."""
    return {"name": net.name, "hash": net.hash, **(_plain(net) if isinstance(net, Network) else _point(cast(PointNetwork, net))),
            "asked for": ", ".join(f"{key}={value}" for key, value in net.source.items()) or "–"}


def _steps(net: Network | PointNetwork) -> dict[str, str]:
    lfsr = net.lfsr
    return {"steps": f"{net.steps:,} of {net.dt_ns * 1e-6:g} ms, {net.seconds:g} s",
            "LFSR": f"{lfsr.width} bits, taps {lfsr.taps}, leap {lfsr.leap}"}


def _plain(net: Network) -> dict[str, str]:
    lif = net.lif
    stored = "no" if net.external is None else f"{int(net.external.sum()):,} over {net.steps:,} steps"
    volts: Callable[[int], str] = lambda raw: f"{float(lif.format.real(int(raw))):g} mV ({raw} raw)"  # noqa: E731
    weights = sorted({int(w) for w in net.weights})
    return {"neurons": f"{net.n:,} ({net.n_exc:,} excitatory, {net.n_inh:,} inhibitory)",
            "synapses": f"{net.synapses:,}", "weights": ", ".join(map(volts, weights[:4])) + (", …" if len(weights) > 4 else ""),
            "format": str(lif.format), "threshold": volts(lif.threshold), "reset": volts(lif.reset), "rest": volts(lif.rest),
            "leak": f"{lif.leak / (1 << lif.leak_fraction):g} a step ({lif.leak} raw)", "rounding": lif.rounding.name.lower(),
            "overflow": lif.overflow.name.lower(), "refractory": f"{lif.refractory} steps", "delay": f"{net.delay} steps",
            "drive": f"{volts(net.drive.weight)} an event, table of {len(net.drive.limits)} limits", **_steps(net), **_streams(net),
            "recorded events": stored}


def _streams(net: Network) -> dict[str, str]:
    from spikegate.models.streams.encoder import PROBABILITY_BITS

    if (streams := net.streams) is None:
        return {}
    lfsr, volts = streams.lfsr, float(net.lif.format.real(streams.scale)) / (1 << PROBABILITY_BITS)
    source = (f"{lfsr.width} bits, taps {lfsr.taps}, {len(streams.seeds)} registers" if len(streams.seeds) else
              f"dimensions {', '.join(map(str, streams.dimensions))}")
    signed = sorted({(-int(p) if weight < 0 else int(p)) for p, weight in zip(streams.probabilities, net.weights)})
    thresholds = ", ".join(f"{p} of 2^{PROBABILITY_BITS} ({p * volts:g} mV)" for p in signed[:4]) + (", …" if len(signed) > 4 else "")
    return {"variant": net.variant, "streams": f"{streams.generator.name}, {streams.length} bits, {streams.channels} "
            f"channel{'s' * (streams.channels > 1)}", "stream source": source, "stream thresholds": thresholds}


def _point(net: PointNetwork) -> dict[str, str]:
    found = {"neurons": f"{net.n:,} in {len(net.populations)} population{'s' * (len(net.populations) > 1)}"}
    for each in net.populations:
        sets = f", {len(each.sets):,} parameter sets" if len(each.sets) > 1 else ""
        drive = f", external events of {each.drive.table.weight} raw at {each.drive.port}" if each.drive else ""
        found[f"population {each.name}"] = f"{each.size:,} {each.neuron.kind}{sets}{drive}"
    for given in net.inputs:
        found[f"input {given.name}"] = f"{given.size:,} channels, {len(given.steps):,} spikes"
    found["synapses"] = f"{sum(net.count(each) for each in net.projections):,}"
    for rows in net.projections:
        if isinstance(rows, Generated):
            found[f"projection {rows.title}"] = (f"{net.count(rows):,} synapses, {rows.in_degree:,} a target, made from seed {rows.seed} for "
                                                 f"{rows.lanes} lanes, weight {rows.weight} raw, delay {rows.delay} steps")
        elif isinstance(rows, Stored):
            weights = "..".join(map(str, rows.extremes))
            found[f"projection {rows.title}"] = f"{net.count(rows):,} synapses of a store, weights {weights} raw, delays up to {rows.longest} steps"
        elif len(rows.indices):
            low, high = (f"{values.min()}..{values.max()}" for values in (rows.weights, rows.delays))
            found[f"projection {rows.title}"] = f"{len(rows.indices):,} synapses, weights {low} raw, delays {high} steps"
    for row in net.quantities():
        found[row.name] = f"{row.realised:g} {'ms' if row.name.endswith(('tau_mem', 'refractory')) else 'mV'}"
    return {**found, **_steps(net)}
