"""One run of a script of Brian2 by Brian2 itself, or on the device, in a process of its own, and what its monitors hold: the parts of `beside`."""

import importlib.util
import json
import os
import runpy
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["SEED", "alone"]

#: Random numbers of Brian2 and NumPy of all runs, so that they have the same connections and initial values.
SEED = 1


def contents(monitor: Any) -> dict[str, np.ndarray]:
    """What a monitor holds: ``times`` and ``neurons`` of spikes, ``rates``, or variables (neurons, times)."""
    kind = type(monitor).__name__
    if kind == "SpikeMonitor":
        found = {"count": np.array(monitor.count), "size": np.array(len(monitor.source)), "dt": np.array(float(monitor.source.clock.dt_))}
        return found | ({"i": np.array(monitor.i), "t": np.array(monitor.t_)} if monitor.record is not False else {})
    if kind == "PopulationRateMonitor":
        return {"rate": np.array(monitor.rate_), "t": np.array(monitor.t_)}
    if kind == "StateMonitor":
        fixed = {name: np.array(getattr(monitor, f"{name}_"), np.float64) for name in monitor.record_variables}
        return {"t": np.array(monitor.t_), **{f"of {name}": values for name, values in fixed.items()}}
    return {}


class Kept:
    """What the monitors of a script held after each run, by the monitor's name; one that begins anew is kept beside what it was."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, np.ndarray]] = {}
        self.steps = 0  #: parts of runs so far
        self.ran = False
        self.at: dict[str, str] = {}
        self.spikes: list[np.ndarray] = []
        self.facts: dict[str, Any] = {"draws": False, "memory": 1.0, "dt": 1e-4, "overflows": 0, "warnings": [], "held": {}, "runs": 0, "bounds": {}}

    def after(self, network: Any) -> None:
        """Note what a network's monitors hold."""
        self.ran = True
        for each in network.sorted_objects:
            parts = contents(each)
            if not parts:
                continue
            key, before = self.at.get(each.name, each.name), self.found.get(self.at.get(each.name, each.name))
            if before is not None and not _goes_on(before, parts):
                key = f"{each.name} again {sum(name.partition(' again ')[0] == each.name for name in self.found) + 1}"
                parts["first"] = before["last"]
            else:
                parts["first"] = before["first"] if before is not None else np.array(0)
            self.at[each.name] = key
            seconds = np.asarray(network.t_, np.float64).reshape(-1)[0]  # an array in Brian2 where the network was stopped
            self.found[key] = {**parts, "last": np.array(self.steps), "seconds": seconds}

    def part(self, result: Any, start: int, watching: Mapping[str, Any]) -> None:
        """Note one part of a run of the device, from step ``start`` of the clock on."""
        from spikegate.translator.importer.rounding import bounds
        self.steps += 1
        network, facts, spikes = result.network, self.facts, result.recording.spikes.astype(np.int64)
        facts["draws"], facts["dt"] = facts["draws"] or bool(network.draws), network.dt_ns * 1e-9
        facts["memory"], facts["overflows"] = max(facts["memory"], network.memory), facts["overflows"] + result.overflows
        facts["warnings"] = sorted({*facts["warnings"], *result.warnings})
        facts["runs"] += 1
        for name, count in result.recording.provenance.get("held", {}).items():
            facts["held"][name] = facts["held"].get(name, 0) + count
        self.spikes.append(np.column_stack([np.full(len(spikes), self.steps), spikes[:, 0] + start, spikes[:, 1]]))
        for each in result.quantised.pieces:
            if each.scaled is not None:
                found = bounds(network.populations[each.number], each.scaled, start + network.steps)
                for monitor in watching.get(each.group, ()):
                    mine = facts["bounds"].setdefault(monitor, {})
                    for name in each.scaled.states:  # a run that goes on begins with whole raw steps, and what is recorded is one
                        most = (2 if start else 1) * found.get(name, float("inf")) + abs(each.scaled.per_raw[name])
                        mine[name] = max(mine.get(name, 0.0), most)

    def write(self, answer: str) -> None:
        """To a file."""
        arrays = {f"{name}/{part}": values for name, parts in self.found.items() for part, values in parts.items()}
        every = np.concatenate(self.spikes) if self.spikes else np.empty((0, 3), np.int64)
        np.savez(answer, **{"facts": np.array(json.dumps(self.facts)), "every": every, **arrays})  # type: ignore[arg-type]


def _goes_on(before: dict[str, np.ndarray], now: dict[str, np.ndarray]) -> bool:
    """Whether a monitor has at least what it had."""
    if "t" not in now:
        return bool(np.all(now["count"] >= before["count"]))
    count = len(before["t"])
    columns = [name for name in before if name in ("t", "i", "rate") or name.startswith("of ")]
    return len(now["t"]) >= count and all(np.array_equal(now[name][..., :count], before[name]) for name in columns)


def _engine(options: dict[str, Any], inside: list[bool]) -> dict[str, Any]:
    """The options with an engine for the name ``realised``, which is let set Brian2's own device."""
    if options.get("engine") != "realised":
        return options
    from spikegate.translator.importer.realised import Realised

    class Within(Realised):
        def run(self, *args: Any, **kwargs: Any) -> Any:
            inside[0] = True
            try:
                return super().run(*args, **kwargs)
            finally:
                inside[0] = False

    return {**options, "engine": Within("numpy")}  # as the script itself


def _device(name: str, options: dict[str, Any], kept: Kept) -> None:
    """Set the device, and the script's own choice of one aside; but for `build_on_run`, of which Brian2's own device knows nothing."""
    import brian2
    from brian2.core.network import Network

    import spikegate.brian2
    chosen, inside = brian2.set_device, [False]
    options = _engine(options, inside)
    ours: Any = spikegate.brian2.DEVICE
    chosen(name, **(options if name == "spikegate" else {}))

    def replaced(*args: Any, build_on_run: bool = True, **kwargs: Any) -> None:
        if inside[0]:
            chosen(*args, **kwargs)
        elif name == "spikegate" or not build_on_run:
            chosen("spikegate", **options, build_on_run=build_on_run)

    brian2.set_device = brian2.devices.device.set_device = replaced
    if name == "runtime":
        def own(net: Any, duration: Any, namespace: Any, report: Any) -> None:
            Network.run.original_function(net, duration, namespace=namespace)

        ours._run = own
        return
    step = ours._steps

    def steps(net: Any, objects: list[Any], namespace: Any, start: int, *rest: Any) -> None:
        from spikegate.translator.importer.connections import base
        watching: dict[str, list[str]] = {}
        for each in net.sorted_objects:
            if type(each).__name__ == "StateMonitor":
                watching.setdefault(base(each.source).name, []).append(each.name)
        step(net, objects, namespace, start, *rest)
        kept.part(ours.result, start, watching)

    ours._steps = steps


def _serial() -> None:
    """Runs that a script gives to processes of its own come one after the other in this one."""
    import multiprocessing
    import multiprocessing.dummy
    pool: Any = lambda *args, **kwargs: multiprocessing.dummy.Pool(1)  # noqa: E731
    multiprocessing.Pool = pool
    if importlib.util.find_spec("joblib"):
        importlib.import_module("joblib").parallel_config("sequential")


def alone(script: str, device: str, answer: str, options: dict[str, Any], seed: int) -> None:
    """Run a script on a device, and write what its monitors hold at its end.

    Parameters
    ----------
    script : str
    device : str
        ``runtime`` or ``spikegate``.
    answer : str
        File for the arrays.
    options : dict
        Of the device.
    seed : int
        0 leaves the script's own seeds; others are added to these.
    """
    import brian2
    from brian2.core.network import Network
    brian2.prefs.codegen.target = "numpy"
    kept, after, own, numpys = Kept(), Network.after_run, brian2.seed, np.random.seed
    _device(device, options, kept)
    _serial()
    if seed:
        more: int = 1000 * seed

        def begins(seed: Any = None) -> None:
            own(more + (seed or 0))

        def numpys_begins(seed: Any = None) -> None:
            numpys(more + (seed or 0))

        brian2.seed = brian2.devices.device.seed = begins
        np.random.seed = numpys_begins

    def noted(network: Any) -> None:
        after(network)
        kept.after(network)

    Network.after_run = noted
    brian2.seed(SEED)
    np.random.seed(SEED)
    sys.argv = [script]
    sys.path.insert(0, script.rpartition("/")[0])
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        if kept.ran:
            kept.write(answer)


if __name__ == "__main__":
    os.environ.setdefault("MPLBACKEND", "Agg")
    alone(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]), int(sys.argv[5]))
