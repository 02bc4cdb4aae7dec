"""A script of Brian2 run twice, by Brian2 itself in floats and on the device, each in a process of its own: how far their monitors are apart."""

import json
import os
import runpy
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.cosim.results.statistics import mean_cv
from spikegate.models.errors import InputError

__all__ = ["Beside", "beside", "said"]

#: Random numbers of Brian2 and NumPy of both runs, so that both have the same connections and initial values.
SEED = 1


@dataclass(frozen=True)
class Beside:
    """One monitor of both runs.

    Attributes
    ----------
    name : str
    exact : bool
        Whether nothing is random on the hardware, so that single spikes can be compared.
    theirs, ours : dict of str to float
        Of a SpikeMonitor ``spikes``, ``rate`` in Hz and ``cv`` of the intervals; of a StateMonitor mean and standard deviation of each variable.
    first : tuple of float and int, optional
        Time in ms and neuron of the first spike that only one of them has; None if there is none, or nothing to compare.
    apart : float
        Largest difference of a recorded variable at one time, divided by the range of Brian2's; 0 of a SpikeMonitor.
    """

    name: str
    exact: bool
    theirs: dict[str, float]
    ours: dict[str, float]
    first: tuple[float, int] | None
    apart: float


def _statistics(monitor: dict[str, np.ndarray]) -> dict[str, float]:
    """What is said of a monitor."""
    if "i" not in monitor:
        return {f"{what} of {name}": float(getattr(np, {"mean": "mean", "deviation": "std"}[what])(values)) for name, values in monitor.items()
                if name not in ("t", "seconds") for what in ("mean", "deviation")}
    i, t = monitor["i"], monitor["t"]
    order, size, seconds = np.lexsort((t, i)), int(monitor["size"]), float(monitor["seconds"])
    same = np.diff(i[order]) == 0
    cv = mean_cv(np.diff(t[order])[same], i[order][1:][same], size)
    return {"spikes": float(len(i)), "rate": len(i) / size / seconds if seconds else 0.0, "cv": float("nan") if cv is None else cv}


def _first(theirs: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> tuple[float, int] | None:
    """The first spike that only one of two monitors has."""
    if "i" not in theirs:
        return None
    sets = [set(zip(np.rint(each["t"] * 1e9).astype(np.int64).tolist(), each["i"].tolist())) for each in (theirs, ours)]
    differ = min(sets[0] ^ sets[1], default=None)
    return None if differ is None else (differ[0] / 1e6, int(differ[1]))


def _apart(theirs: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> float:
    if "i" in theirs:
        return 0.0
    found = [float(np.abs(values - ours[name]).max()) / (float(np.ptp(values)) or 1.0) for name, values in theirs.items()
             if name not in ("t", "seconds") and values.shape == ours[name].shape and values.size]
    return max(found, default=0.0)


def beside(script: str | Path, limit: float = 600.0, **options: Any) -> list[Beside]:
    """Each monitor of a script as Brian2's own floats and as the device fill it.

    Parameters
    ----------
    script : str or Path
    limit : float
        Seconds for each of the two runs.
    **options
        ``format`` and the others of ``set_device("spikegate")``.

    Raises
    ------
    InputError
        If the script does not run to its end on either, or takes longer.
    """
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for device, given in (("runtime", {}), ("spikegate", options)):
            answer = Path(folder) / f"{device}.npz"
            command = [sys.executable, "-P", "-m", "spikegate.beside", str(Path(script).resolve()), device, str(answer), json.dumps(given)]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False,
                                      env={**os.environ, "MPLBACKEND": "Agg"})
            except subprocess.TimeoutExpired as error:
                raise InputError(f"Script {script} takes more than {limit:g} s on the device {device}; shorten it") from error
            if not answer.exists():
                last = (done.stderr.strip().splitlines() or ["it runs no network"])[-1]
                raise InputError(f"Script {script} does not run to its end on the device {device} ({last})")
            with np.load(answer) as found:
                runs.append({name: found[name] for name in found.files})
    exact = not bool(runs[1].pop("draws"))
    runs[0].pop("draws")
    monitors: list[dict[str, dict[str, np.ndarray]]] = [{}, {}]
    for run, by_name in zip(runs, monitors):
        for key, values in run.items():
            name, _, part = key.partition("/")
            by_name.setdefault(name, {})[part] = values
    pairs = [(name, theirs, monitors[1][name]) for name, theirs in monitors[0].items() if name in monitors[1]]
    return [Beside(name, exact, _statistics(theirs), _statistics(ours), *((_first(theirs, ours), _apart(theirs, ours)) if exact else (None, 0.0)))
            for name, theirs, ours in pairs]


def said(each: Beside) -> str:
    """A line of one monitor."""
    pairs = ", ".join(f"{name} {value:.6g} and {each.ours[name]:.6g}" for name, value in each.theirs.items())
    if not each.exact:
        return f"{each.name}: {pairs} (random inputs of the hardware's own)"
    if "spikes" in each.theirs:
        differ = "every spike equal" if each.first is None else f"first difference at {each.first[0]:g} ms, neuron {each.first[1]}"
        return f"{each.name}: {pairs}; {differ}"
    return f"{each.name}: {pairs}; apart by at most {each.apart:.2g} of the range"


def _kept(network: Any, kept: dict[str, np.ndarray]) -> None:
    """What the monitors of a network hold."""
    for each in network.sorted_objects:
        kind = type(each).__name__
        if kind == "SpikeMonitor" and each.record is not False:
            kept |= {f"{each.name}/i": np.array(each.i), f"{each.name}/t": np.array(each.t_), f"{each.name}/size": np.array(len(each.source)),
                     f"{each.name}/seconds": np.array(float(network.t_))}
        if kind == "StateMonitor":
            kept |= {f"{each.name}/{name}": np.array(getattr(each, f"{name}_")) for name in each.record_variables}


def _alone(script: str, device: str, answer: str, options: dict[str, Any]) -> None:
    """Run a script on a device, and write what its monitors hold at its end."""
    import brian2
    from brian2.core.network import Network

    import spikegate.brian2

    chosen, after, kept = brian2.set_device, Network.after_run, dict[str, np.ndarray]()
    brian2.prefs.codegen.target = "numpy"
    chosen(device, **options)
    replaced: Any = lambda *args, **kwargs: None  # noqa: E731
    brian2.set_device = brian2.devices.device.set_device = replaced

    def noted(network: Any) -> None:
        after(network)
        _kept(network, kept)

    Network.after_run = noted
    brian2.seed(SEED)
    np.random.seed(SEED)
    sys.argv = [script]
    sys.path.insert(0, script.rpartition("/")[0])
    runpy.run_path(script, run_name="__main__")
    kept["draws"] = np.array(device == "spikegate" and spikegate.brian2.result().network.draws)
    np.savez(answer, **kept)  # type: ignore[arg-type]


if __name__ == "__main__":
    _alone(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
