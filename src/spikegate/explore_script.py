"""What `spikegate explore` tries on a script of Brian2: one run of it as Brian2's floats or as hardware, and what of its spikes is compared."""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from spikegate import __version__
from spikegate.models.errors import InputError

if TYPE_CHECKING:
    from spikegate.translator.importer.quantise import Quantised

__all__ = ["LANES", "ScriptPoint", "bits_of_script", "formats", "refuse_others"]

#: Lanes of the core whose size is shown.
LANES = 4
FREEZE = "import json, sys; from spikegate.brian2 import check; check(sys.argv[1], **json.loads(sys.argv[2])).network.save(sys.argv[3])"
#: Seconds of one run.
LIMIT = 3600.0
#: Fraction bits fewer than a script's own numbers ask for.
FEWER = (0, 2, 4, 6, 8)


class ScriptPoint(NamedTuple):
    """One run of a script, by `side`: ``asked`` in Brian2's floats, ``hardware``, or ``cells``, the size of its core."""

    script: str
    digest: str
    side: str
    seed: int
    options: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, script: str, side: str, seed: int, options: tuple[tuple[str, str], ...] = ()) -> "ScriptPoint":
        """With what the script says now."""
        path = Path(script).resolve()
        try:
            said = path.read_bytes()
        except (OSError, ValueError) as error:
            raise InputError(f"Script {script} cannot be read ({getattr(error, 'strerror', error)}); give a file in Python") from error
        return cls(str(path), hashlib.sha256(said).hexdigest(), side, seed, options)

    @property
    def key(self) -> str:
        """Of its result in the folder of an exploration; another script, or another version of the package, has others."""
        return hashlib.sha256(json.dumps([__version__, *self[1:]]).encode()).hexdigest()[:16]

    @property
    def work(self) -> Callable[["ScriptPoint"], dict[str, Any]]:
        """What a worker does with it."""
        return _cells if self.side == "cells" else _run

    @property
    def given(self) -> dict[str, Any]:
        """Options of the device; `InputError` for bits of the leak that are no number."""
        found: dict[str, Any] = dict(self.options)
        if "leak_fraction" in found:
            try:
                found["leak_fraction"] = int(found["leak_fraction"])
            except ValueError:
                raise InputError(f"--leak-fraction of a script must be own or whole numbers, not {found['leak_fraction']!r}") from None
        return found


def _run(point: ScriptPoint) -> dict[str, Any]:
    from spikegate.beside import run_side
    from spikegate.cosim.results.statistics import summary
    from spikegate.cosim.results.trains import packed

    side = run_side(point.script, point.side, point.seed, LIMIT, point.given)
    recording, dt_ns = side.spikes()
    found = summary(recording, dt_ns)
    return {**{name: found[name] for name in ("spikes", "rate_hz", "cv_isi", "correlation")}, "n": recording.n, "steps": recording.steps,
            "dt_ns": dt_ns, "saturated": side.facts["overflows"], "draws": side.facts["draws"], "trains": packed(recording)}


def _cells(point: ScriptPoint) -> dict[str, Any]:
    from spikegate import grid
    from spikegate.gateware.core.point_core import PointCore
    from spikegate.gateware.core.point_geometry import PointGeometry
    from spikegate.models.network.point import PointNetwork

    # In a process of its own: Brian2 needs a main thread, which a worker's work has not.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "frozen"
        subprocess.run([sys.executable, "-P", "-c", FREEZE, point.script, json.dumps(point.given), str(file)], check=True, capture_output=True)
        network = PointNetwork.load(file)
    return grid.cells(PointCore(PointGeometry.of(network, min(LANES, network.n)), clock_gate=False))


def _membranes(quantised: "Quantised") -> list[Any]:
    """Neurons of a user's groups: a random source has a format and no membrane, and a relay is none of the user's."""
    return [each.scaled.neuron for each in quantised.pieces if each.scaled is not None]


def bits_of_script(point: ScriptPoint) -> tuple[int, int]:
    """Bits of the widest membrane, and most fraction bits of a leak.

    Raises
    ------
    InputError
        With what is in the way of the script in this arithmetic.
    """
    from spikegate.brian2 import check

    found = _membranes(check(point.script, **point.given))
    return max((each.format.width for each in found), default=0), max((getattr(each, "leak_fraction", 0) for each in found), default=0)


def formats(script: str) -> str:
    """As many bits as the script's own numbers ask for, and fewer.

    Raises
    ------
    InputError
        With what is in the way of the script.
    """
    from spikegate.brian2 import check

    own = [each.format for each in _membranes(check(script))]
    if not own:
        raise InputError(f"Script {script} has no membranes whose bits could be chosen; add a NeuronGroup")
    whole, fraction = max(each.width - each.fraction for each in own), max(each.fraction for each in own)
    return ",".join(f"q{whole}.{fraction - fewer}" for fewer in FEWER if fraction - fewer >= 1)


def refuse_others(args: argparse.Namespace) -> None:
    """Options of Brunel's networks beside a script."""
    for name in ("preset", "variant", "length", "ms", "overflow", "network"):
        if getattr(args, name, None) is not None:
            raise InputError(f"--{name} is for Brunel's networks, and {args.script} is a script; leave it out")
    if args.changes:
        raise InputError(f"--set {args.changes[0]} is for Brunel's networks, and {args.script} is a script; change it there")
