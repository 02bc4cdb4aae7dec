"""A script of Brian2 run three times, each in a process of its own, and a verdict on how far their monitors are apart.

    asked       Brian2 itself, in floats
    realised    Brian2's floats with the parameters, weights and random events that the integers hold
    hardware    the device

*Realised* against *asked* is what quantisation makes of the script: a difference is a warning. *Hardware* against *realised* is what the arithmetic
makes of it: a difference beyond what rounding and chance explain fails.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.beside_judge import SIDES, Side, judged
from spikegate.cosim.results.compare import Check
from spikegate.models.errors import InputError

__all__ = ["Beside", "beside", "run_side", "said", "verdict"]

ENGINES: dict[str, dict[str, Any]] = {"asked": {}, "realised": {"engine": "realised"}, "hardware": {}}


@dataclass(frozen=True)
class Beside:
    """What became of a script.

    Attributes
    ----------
    checks : list of Check
        Of each monitor: value, reference, margin and verdict.
    draws : bool
        Whether the hardware draws random numbers, which are not those of Brian2.
    warnings : list of str
        Of the device, such as parameters that are off by more than a hundredth.
    held : dict of str to int
        With ``engine="rtl"``, ``spikes`` and ``values`` in which the RTL equals the golden model.
    """

    checks: list[Check]
    draws: bool
    warnings: list[str]
    held: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the hardware is further from its floats than rounding and chance explain."""
        return any(each.failed for each in self.checks)


def run_side(script: str | Path, side: str, seed: int, limit: float, options: dict[str, Any]) -> Side:
    """One run of a script, in a process of its own.

    Parameters
    ----------
    script : str or Path
    side : str
        ``asked``, ``realised`` or ``hardware``.
    seed : int
        0 leaves the script's own random numbers, others give others.
    limit : float
        Seconds.
    options : dict
        Of the device.

    Raises
    ------
    InputError
        If the script does not run to its end, or takes longer.
    """
    device = "runtime" if side == "asked" else "spikegate"
    given = {**options, **ENGINES[side]} if side != "asked" else {}
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.npz"
        command = [sys.executable, "-P", "-m", "spikegate.beside_run", str(Path(script).resolve()), device, str(answer), json.dumps(given), str(seed)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False, env={**os.environ, "MPLBACKEND": "Agg"})
        except subprocess.TimeoutExpired as error:
            raise InputError(f"Script {script} takes more than {limit:g} s as {side}; shorten it, or give a longer limit") from error
        if done.returncode or not answer.exists():
            last = (done.stderr.strip().splitlines() or ["it runs no network"])[-1]
            raise InputError(f"Script {script} does not run to its end on the device {device} ({last})")
        with np.load(answer) as found:
            return Side.of({name: found[name] for name in found.files})


def beside(script: str | Path, limit: float = 600.0, seeds: int = 1, **options: Any) -> Beside:
    """Each monitor of a script as Brian2's own floats and as the device fill it, and a verdict on each statistic of it.

    Parameters
    ----------
    script : str or Path
    limit : float
        Seconds for each of the runs.
    seeds : int
        How often all three are run, each time with other random numbers: 1, or at least 3, so that margins come from the scatter of seeds.
    **options
        ``format`` and the others of ``set_device("spikegate")``.

    Raises
    ------
    InputError
        If the script does not run to its end on any, or takes longer.
    """
    if isinstance(seeds, bool) or not isinstance(seeds, int) or seeds < 1 or seeds == 2:
        raise InputError(f"seeds must be 1, or 3 or more for a margin from their scatter, not {seeds!r}")
    runs = [{side: run_side(script, side, seed, limit, options) for side in SIDES} for seed in range(seeds)]
    last = runs[0]["hardware"].facts
    return Beside(judged(runs), last["draws"], last["warnings"], last["held"])


def said(check: Check) -> str:
    """A line of one check."""
    return f"{check.name}: {check.detail or 'nothing was compared'}: {check.verdict}"


def verdict(checks: Sequence[Check]) -> str:
    """What was judged, in a line."""
    count = {word: sum(each.verdict == word for each in checks) for word in ("ok", "WARNING", "FAILED", "not judged")}
    judges = [each for each in checks if each.ok is not None]
    if not judges:
        return "not judged: " + ("no monitor to compare" if not checks else "; ".join(dict.fromkeys(each.detail for each in checks)))
    kinds = dict.fromkeys(each.name.partition(":")[0] for each in judges)
    what = ", ".join(f"{name} {sum(each.name.startswith(f'{name}:') for each in judges)}" for name in kinds)
    ends = "FAILED" if count["FAILED"] else "ok" if not count["WARNING"] else "ok, with warnings"
    left = f"; {count['not judged']} not judged" if count["not judged"] else ""
    return f"judged: {what} ({sum(each.compared for each in judges):,} compared), {count['FAILED']} failed, {count['WARNING']} warned{left}: {ends}"
