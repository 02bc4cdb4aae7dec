"""A corpus of recordings: what every engine gave for a list of networks and geometries, as digests, so that a change of the code is seen not to
change behaviour. Makes, with ``--write``, or compares the file ``recordings.json`` beside it.

A digest is of values alone: of no module, engine's name, dtype or provenance. Networks are named after their preset and size.
"""

import argparse
import dataclasses
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

# The adapters: all that knows where the code lies and how an engine is called, down to the line of dashes.
from spikegate.cosim import core as rtl_engine
from spikegate.cosim import hybrid as rtl_stream_engine
from spikegate.cosim.host_link import virtual_board
from spikegate.gateware.core import CoreGeometry
from spikegate.host import Board
from spikegate.models import core as golden_engine
from spikegate.models import hybrid as golden_stream_engine
from spikegate.models.faults import FaultParams
from spikegate.models.fixed import Q8_8, Q16_12, Overflow, QFormat, Rounding
from spikegate.models.network import Network
from spikegate.models.recording import Recording
from spikegate.models.streams import StreamFaults
from spikegate.translator.brunel import preset, translate
from spikegate.translator.hybrid import hybrid

__all__ = ["CASES", "FILE", "NETWORKS", "Case", "Geometry", "compared", "digest", "entry", "main"]


@dataclass(frozen=True)
class Geometry:
    """What is asked of a core, apart from the network."""

    lanes: int
    banks: int = 1
    store: int | None = None
    walk: bool = False
    clock_gate: bool = True

    @property
    def options(self) -> dict[str, Any]:
        """Those that a core with weights has, and one with streams has not."""
        return {"store": self.store, "walk": self.walk, "banks": self.banks}

    def __str__(self) -> str:
        parts = {"banks": self.banks > 1, "store": self.store, "walk": self.walk}
        words = [f"{name} {getattr(self, name)}" if name != "walk" else name for name, asked in parts.items() if asked]
        return " ".join([f"lanes {self.lanes}", *words, *([] if self.clock_gate else ["enables"])])


def run_golden(network: Network, faults: StreamFaults | None) -> Recording:
    if network.streams is None:
        return golden_engine.run(network, trace=True)
    return golden_stream_engine.run(network, faults=faults, trace=True)


def run_rtl(network: Network, geometry: Geometry, faults: StreamFaults | None) -> Recording:
    if network.streams is None:
        return rtl_engine.run(network, geometry.lanes, **geometry.options, trace=True, clock_gate=geometry.clock_gate)
    return rtl_stream_engine.run(network, geometry.lanes, faults=faults, trace=True, clock_gate=geometry.clock_gate)


def run_link(network: Network, geometry: Geometry, faults: StreamFaults | None) -> Recording:
    """The recording of a Verilated board behind the host link: without ``events``."""
    g = (CoreGeometry.of(network, geometry.lanes, **geometry.options) if network.streams is None
         else rtl_stream_engine.geometry(network, geometry.lanes, faults))
    with virtual_board(g) as port, Board(port) as board:
        return board.run(network, faults=faults, trace=True)


def predict(network: Network, recording: Recording, geometry: Geometry) -> int:
    """Cycles of a core, from the golden model's recording."""
    if network.streams is None:
        return int(golden_engine.predict_cycles(network, recording, geometry.lanes, **geometry.options))
    return int(golden_stream_engine.predict_cycles(network, recording, geometry.lanes))


def with_overflow(network: Network, overflow: Overflow) -> Network:
    return network.replace(lif=dataclasses.replace(network.lif, overflow=overflow))


def with_events(network: Network) -> Network:
    """The network with its own external events recorded in it."""
    return network.replace(external=golden_engine.external_events(network))


def make_faults(network: Network, *, stuck: float = 0.0, flips: Fraction | int = 0) -> StreamFaults:
    s = network.streams
    return StreamFaults(tuple(FaultParams.random(stuck, 1 + channel, s.length, flip_rate=flips) for channel in range(s.channels)), 1)


# --------------------------------------------------------------------------------------------------------------------------------------------

FILE = Path(__file__).with_suffix(".json")
Q12 = QFormat(12, 5)


def whole(name: str, format: QFormat = Q8_8, *, ms: float = 100.0, **options: Any) -> Network:
    return translate(preset(name), format, name=name, ms=ms, **options)


def small(name: str = "ai", format: QFormat = Q8_8, *, n: int = 103, ms: float = 40.0, rounding: Rounding = Rounding.NEAREST,
          leak_fraction: int | None = None, **changes: Any) -> Network:
    """A preset cut to ``n`` neurons, whose weights are as much larger that they spike."""
    bigger: dict[str, Any] = dict(weight_exc=2.0, delay=0.5) if name == "ai" else {}
    bp = preset(name, **{"n_exc": n - n // 5, "n_inh": n // 5, **bigger, **changes})
    return translate(bp, format, name=name, ms=ms, rounding=rounding, leak_fraction=leak_fraction)


def streams(variant: str, format: QFormat = Q8_8, *, length: int = 256, channels: int | None = None, **changes: Any) -> Network:
    return hybrid(small(format=format, ms=30.0, **{"g_inh": 3.0, **changes}), variant, length=length, channels=channels)


def whole_streams(variant: str) -> Network:
    return hybrid(whole("ai", ms=30.0), variant)


def modes(rounding: Rounding, overflow: Overflow) -> Network:
    """Its membranes leave the format."""
    return with_overflow(small(rounding=rounding, weight_exc=6.0), overflow)


#: Name to what makes it; the first ones are of one geometry, so that they run on one simulator.
NETWORKS: dict[str, Callable[[], Network]] = {
    "ai": small,
    "ai, seed 2": partial(small, seed=2),
    "ai, delay 1": partial(small, delay=0.1),
    "ai, refractory 255": partial(small, refractory=25.5),
    "ai, rest and reset": partial(small, v_rest=-3.5, v_reset=2.25),
    "ai, overflow": partial(small, eta=0.5, weight_exc=9.0),
    "ai, own events": lambda: with_events(small(ms=5.0)),
    "tutorial": partial(small, "tutorial"),
    "ai, delay 63": partial(small, delay=6.3),
    "ai, n 96": partial(small, n=96),
    "ai, fine leak": partial(small, leak_fraction=20),
    "ai, 41 events": partial(small, conn_prob=0.5, eta=9.0, weight_exc=0.1, refractory=0.0),
    "ai, q16.12": partial(small, format=Q16_12),
    "ai, 12 bits": partial(small, format=Q12, leak_fraction=12),
    "ai, 20 bits": partial(small, format=QFormat(20, 9)),
    "tutorial, q16.12": partial(small, "tutorial", Q16_12),
    **{f"ai, {r.name.lower()}, {o.name.lower()}": partial(modes, r, o) for r in Rounding for o in Overflow},
    "v4": partial(streams, "v4"),
    "v13": partial(streams, "v13"),
    "v14": partial(streams, "v14"),
    "v4, q16.12, 64 bits": partial(streams, "v4", Q16_12, length=64),
    "v13, 8 channels": partial(streams, "v13", length=64, channels=8),
    "v14, 3 channels": partial(streams, "v14", length=64, channels=3),
    "v14, 1024 bits": partial(streams, "v14", length=1024, channels=2),
    "whole ai": partial(whole, "ai"),
    "whole ai, q16.12": partial(whole, "ai", Q16_12),
    "whole ai, stochastic": partial(whole, "ai", rounding=Rounding.STOCHASTIC),
    "whole tutorial": partial(whole, "tutorial"),
    "whole tutorial, q16.12": partial(whole, "tutorial", Q16_12),
    **{f"whole {variant}": partial(whole_streams, variant) for variant in ("v4", "v13", "v14")},
    "whole brunel2000": partial(whole, "brunel2000", Q16_12, ms=20.0),
}

#: Name to the arguments of `make_faults`.
FAULTS: dict[str, dict[str, Any]] = {"stuck": dict(stuck=0.01), "flips": dict(flips=Fraction(1, 50)), "both": dict(stuck=0.01, flips=Fraction(1, 50))}


@dataclass(frozen=True)
class Case:
    """One run.

    Parameters
    ----------
    engine : str
        ``golden``, ``rtl``, ``link`` (the RTL behind the host link), or ``cycles``, the prediction alone.
    network : str
        Of `NETWORKS`.
    geometry : Geometry, optional
        None for the golden model.
    faults : str, optional
        Of `FAULTS`.
    fast : bool
        Whether it is part of ``make test``: it takes no second, and has no geometry that other tests do not compile.
    """

    engine: str
    network: str
    geometry: Geometry | None = None
    faults: str | None = None
    fast: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return ": ".join(str(part) for part in (self.engine, self.network, self.faults, self.geometry) if part is not None)


def _cases() -> list[Case]:
    wide = [Geometry(8), Geometry(40), Geometry(125), Geometry(63, banks=4), Geometry(2, store=64, walk=True), Geometry(8, store=32)]
    faulty = [("v4", "stuck"), ("v13", "flips"), ("v14, 3 channels", "both")]
    one = [name for name in list(NETWORKS)[:8] if name != "ai"]  # of one geometry
    return [
        *(Case("golden", name, fast=name != "whole brunel2000") for name in NETWORKS),
        *(Case("golden", name, faults=fault, fast=True) for name, fault in faulty),
        *(Case("cycles", name, geometry, fast=True) for name in ("whole ai", "whole tutorial") for geometry in wide),
        *(Case("cycles", f"whole {variant}", Geometry(lanes), fast=True) for variant in ("v4", "v13", "v14") for lanes in (8, 40)),
        Case("rtl", "ai", Geometry(8), fast=True),
        *(Case("rtl", name, Geometry(8)) for name in one),
        Case("rtl", "ai", Geometry(13, banks=4), fast=True),
        Case("rtl", "ai", Geometry(8, store=64), fast=True),
        *(Case("rtl", name, geometry) for name in ("ai", "tutorial") for geometry in (
            Geometry(1), Geometry(6, banks=2), Geometry(2, store=64, walk=True), Geometry(8, clock_gate=False))),
        Case("rtl", "ai, n 96", Geometry(3, banks=8)),
        Case("rtl", "ai, delay 63", Geometry(8)),
        Case("rtl", "ai, fine leak", Geometry(3)),
        Case("rtl", "ai, 41 events", Geometry(8, walk=True)),
        Case("rtl", "ai, q16.12", Geometry(40)),
        Case("rtl", "tutorial, q16.12", Geometry(40)),
        Case("rtl", "ai, q16.12", Geometry(4, store=32)),
        Case("rtl", "ai, 12 bits", Geometry(8)),
        Case("rtl", "ai, 12 bits", Geometry(1, store=16, walk=True)),
        Case("rtl", "ai, floor, wrap", Geometry(8)),
        Case("rtl", "ai, stochastic, saturate", Geometry(8)),
        Case("rtl", "v4", Geometry(8), fast=True),
        Case("rtl", "v13", Geometry(8)),
        Case("rtl", "v14", Geometry(8)),
        Case("rtl", "v14, 3 channels", Geometry(16)),
        Case("rtl", "v4", Geometry(3), "stuck"),
        Case("rtl", "v13", Geometry(8, clock_gate=False), "flips"),
        Case("link", "ai", Geometry(8)),
        Case("link", "tutorial", Geometry(8)),
        Case("link", "ai", Geometry(2, store=64, walk=True)),
        Case("link", "v4", Geometry(8)),
    ]


CASES = _cases()


@cache
def _network(name: str) -> Network:
    return NETWORKS[name]()


@cache
def _faults(name: str, faults: str | None) -> StreamFaults | None:
    return None if faults is None else make_faults(_network(name), **FAULTS[faults])


@cache
def _golden(name: str, faults: str | None) -> Recording:
    return run_golden(_network(name), _faults(name, faults))


def digest(recording: Recording) -> str:
    """SHA-256 of size, spikes, final states, traces and cycles, all as integers of 64 bits."""
    sha = hashlib.sha256()
    sha.update(f"{recording.n} {recording.steps} {recording.cycles}".encode())
    arrays = {"spikes": recording.spikes}
    for kind in ("final", "trace"):
        arrays |= {f"{kind} {name}": values for name, values in sorted(getattr(recording, kind).items())}
    for name, values in arrays.items():
        sha.update(f"\n{name} {values.shape}\n".encode() + np.ascontiguousarray(values).astype("<i8").tobytes())
    return sha.hexdigest()


def _saved(network: Network) -> dict[str, str]:
    """Hashes of the content, of the file's bytes, and of what is read from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network"
        network.save(path)
        return {"network": network.hash, "file": hashlib.sha256(path.read_bytes()).hexdigest(), "loaded": Network.load(path).hash}


def entry(case: Case) -> dict[str, str | int]:
    """What the corpus has of a case, made by today's code."""
    network, reference = _network(case.network), _golden(case.network, case.faults)
    if case.geometry is None:
        return {"digest": digest(reference), "spikes": len(reference.spikes), **_saved(network)}
    predicted: dict[str, str | int] = {"predicted": predict(network, reference, case.geometry)}
    if case.engine == "cycles":
        return predicted
    run = {"rtl": run_rtl, "link": run_link}[case.engine]
    recording = run(network, case.geometry, _faults(case.network, case.faults))
    return {"digest": digest(recording), "spikes": len(recording.spikes), "cycles": int(recording.cycles or 0), **predicted}


def compared(cases: Iterable[Case], corpus: Mapping[str, Mapping[str, Any]], tell: Callable[[str], None] = print) -> list[str]:
    """Names of the cases whose entry differs from that of the corpus, or that it lacks; a line for each case."""
    wrong = []
    for case in cases:
        start, found, expected = time.perf_counter(), entry(case), corpus.get(str(case), {})
        differ = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        wrong += [str(case)] if differ else []
        verdict = f"DIFFERS in {', '.join(differ)}" if differ else "equal"
        tell(f"{str(case):<60} {found.get('spikes', ''):>7} {time.perf_counter() - start:6.1f} s  {verdict}")
    return wrong


def main(arguments: list[str] | None = None) -> int:
    """Make or compare the corpus; 1 if anything differs."""
    parser = argparse.ArgumentParser(description="Compare today's recordings with those of the corpus.")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--write", action="store_true", help="make the file anew")
    how.add_argument("--fast", action="store_true", help="only what make test compares")
    args = parser.parse_args(arguments)
    if args.write:
        made = {}
        for case in CASES:
            made[str(case)] = entry(case)
            print(f"{case!s:<60} {made[str(case)]}", flush=True)
        FILE.write_text(json.dumps(made, indent=1) + "\n")
        return 0
    corpus = json.loads(FILE.read_text())
    wrong = compared([case for case in CASES if case.fast or not args.fast], corpus, partial(print, flush=True))
    wrong += [f"{name} (no such case)" for name in corpus.keys() - set(map(str, CASES))]
    print(f"{len(wrong)} differ: {'; '.join(wrong)}" if wrong else "all are equal")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
