"""A corpus of recordings: what every engine gave for a list of networks and geometries, as digests, so that a change of the code is seen not to
change behaviour. Makes, with ``--write``, or compares the file ``recordings.json`` beside it.

A digest is of values alone: of no module, engine's name, dtype or provenance.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from adapters import Geometry, Network, Recording, StreamFaults, make_faults, predict, run_golden, run_link, run_rtl
from networks import FAULTS, NETWORKS

__all__ = ["CASES", "FILE", "Case", "compared", "digest", "entry", "main"]

FILE = Path(__file__).with_suffix(".json")


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
