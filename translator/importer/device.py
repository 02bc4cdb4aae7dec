"""Brian2's device ``spikegate``: `run` makes connectivity and initial values as ever, and the steps are the hardware's.

``set_device("spikegate")`` needs nothing else in a script. What cannot be carried over is refused before anything runs, and several runs of one
network go on where the last one ended, spikes under way included.
"""

import weakref
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from brian2.core.namespace import get_local_namespace
from brian2.core.network import TextReport
from brian2.devices.device import RuntimeDevice
from brian2.units.allunits import second
from brian2.units.fundamentalunits import fail_for_dimension_mismatch
from brian2.utils.logger import get_logger

from spikegate.models.errors import InputError
from spikegate.models.network.engine import Engine
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.projection import MAX_DELAY
from spikegate.translator.importer import monitors
from spikegate.translator.importer.brian import clock_of, float_network
from spikegate.translator.importer.float_network import FloatInput, FloatNetwork, FloatProjection, Refusals
from spikegate.translator.importer.formats import Choice
from spikegate.translator.importer.quantise import Quantised, quantise
from spikegate.translator.importer.result import Frozen, Result

__all__ = ["SpikegateDevice", "with_pending"]

#: Code that only Brian2's own steps would run.
IDLE = {"stateupdate", "threshold", "reset", "synapses", "synapses_push_spikes", "spikemonitor", "statemonitor", "ratemonitor", "spikegenerator"}


class _Idle:
    """Stands for compiled code that is never run."""

    def __call__(self, **kwargs: Any) -> None:
        raise AssertionError("Brian2 runs a step that the hardware runs")

    def before_run(self) -> None:
        """Nothing."""

    run = after_run = before_run


class SpikegateDevice(RuntimeDevice):
    """The device.

    Parameters
    ----------
    make : callable
        From the options of ``set_device`` to the engine and the formats.
    """

    def __init__(self, make: Callable[[Mapping[str, Any]], tuple[Engine[PointNetwork], Choice]]) -> None:
        super().__init__()
        self.make = make
        self.result: Result | None = None
        self._idle, self.freeze_only = False, False
        self._under_way: Any = weakref.WeakKeyDictionary()

    def activate(self, build_on_run: bool = True, **options: Any) -> None:
        """Take the options of ``set_device``; for what is none `InputError`, and the device from before stays."""
        try:
            self.engine, self.choice = self.make(options)
        except InputError:
            devices: Any = import_module("brian2.devices.device")  # brian2.devices.device is the proxy, not the module
            if devices.previous_devices:
                devices.active_device, *_ = devices.previous_devices.pop()
            raise
        super().activate(build_on_run=build_on_run, **options)

    def code_object(self, owner: Any, name: str, abstract_code: Any, variables: Any, template_name: str, *args: Any, **kwargs: Any) -> Any:
        """Brian2's own, but for steps."""
        if self._idle and template_name in IDLE:
            return _Idle()
        return super().code_object(owner, name, abstract_code, variables, template_name, *args, **kwargs)

    def network_store(self, *args: Any, **kwargs: Any) -> None:
        """Refused."""
        raise InputError("Network.store and restore do not work on the device spikegate; begin with a new network")

    network_restore = network_store

    def network_run(self, net: Any, duration: Any, report: Any = None, report_period: Any = 10 * second, namespace: Any = None,
                    profile: Any = None, level: int = 0) -> None:
        """In place of `brian2.Network.run`."""
        fail_for_dimension_mismatch(duration, second, "Function 'run' expected a duration in seconds, not {value}", value=duration)
        if duration < 0:
            raise InputError(f"Duration must be 0 or more, not {duration}")
        if namespace is None:
            namespace = get_local_namespace(level=level + 2)
        objects = net.sorted_objects
        net._clocks = {each.clock for each in objects}
        t_end = net.t + duration
        for clock in net._clocks:
            clock.set_interval(net.t, t_end)
        self._idle = True
        try:
            net.before_run(namespace)
        finally:
            self._idle = False
        if (own := clock_of(objects)) is not None:
            start, end = int(own.variables["timestep"].get_value()[0]), int(own._i_end)
            if end > start:
                self._steps(net, objects, namespace, start, end - start, _progress(report, net.t, duration))
        for clock in net._clocks:
            clock.variables["timestep"].set_value(clock._i_end)
            clock.variables["t"].set_value(clock._i_end * float(clock.dt_))
        net.t_ = float(t_end)
        net.after_run()

    def _steps(self, net: Any, objects: list[Any], namespace: Mapping[str, Any], start: int, steps: int, progress: Any) -> None:
        floats = float_network(net, namespace, steps, start)
        watching = [each for each in objects if type(each).__name__.endswith("Monitor")]
        refusals = Refusals()
        for each in watching:
            monitors.check(each, floats, refusals)
        refusals.raise_any()
        before = self._under_way.get(net) if start else None
        quantised = quantise(with_pending(floats, before, start), self.choice, int(np.random.randint(1, 1 << 31)))
        if problems := self.engine.unsupported(quantised.network):
            raise InputError("\n".join(problems))
        if self.freeze_only:
            raise Frozen(quantised)
        trace = any(monitors.traced(each) for each in watching)
        recording = self.engine.run(quantised.network, trace=trace, progress=progress)
        spikes = monitors.all_spikes(quantised, recording)
        for each in watching:
            monitors.fill(each, floats, quantised, recording, spikes, start)
        groups = {each.name: each for each in objects}
        monitors.write_back(groups, floats, quantised, recording, spikes, start)
        self._under_way[net] = _recent(floats, quantised, groups, spikes, start, before)
        self.result = Result(floats, quantised, recording)
        for line in self.result.warnings:
            get_logger("spikegate").warn(line)


def _progress(report: Any, start: Any, duration: Any) -> Any:
    """Brian2's ways of reporting, as an engine calls them."""
    import sys
    import time

    if report is None:
        return None
    call = {"text": TextReport(sys.stdout), "stdout": TextReport(sys.stdout), "stderr": TextReport(sys.stderr)}.get(report, report) \
        if isinstance(report, str) else report
    if not callable(call):
        raise InputError(f"report must be 'text', 'stdout', 'stderr' or a function, not {report!r}")
    began, said = time.time(), [0.0]

    def progress(done: float) -> None:
        now = time.time()
        if done >= 1 or now - said[0] > 1:
            said[0] = now
            call((now - began) * second, done, start, duration)

    call(0 * second, 0.0, start, duration)
    return progress


Recent = dict[str, np.ndarray]


def _recent(floats: FloatNetwork, quantised: Quantised, groups: Mapping[str, Any], spikes: np.ndarray, start: int, before: Recent | None) -> Recent:
    """Spikes that may still be under way, by name of their group: step of the clock, and number in the group."""
    end, found = start + floats.steps, {}
    for name in {each.source for each in floats.projections}:
        here = monitors.spikes_of(groups[name], quantised, spikes) + [[start, 0]]
        here = np.concatenate([before[name], here]) if before and name in before else here
        found[name] = here[here[:, 0] > end - MAX_DELAY]
    return found


def with_pending(floats: FloatNetwork, before: Recent | None, start: int) -> FloatNetwork:
    """The network with an input of the spikes under way from the run before: a channel a spike, all in step 0, with what is left of the delays.

    What arrives in step 0 itself has been added to the states at the end of that run.
    """
    inputs, projections = list(floats.inputs), list(floats.projections)
    for each in floats.projections:
        late = (before or {}).get(each.source)
        if late is None or not len(late):
            continue
        order = np.argsort(each.pre, kind="stable")
        bounds = np.searchsorted(each.pre[order], np.arange(int(late[:, 1].max()) + 2))
        counts = bounds[late[:, 1] + 1] - bounds[late[:, 1]]
        channel = np.repeat(np.arange(len(late)), counts)
        synapse = order[np.repeat(bounds[late[:, 1]], counts) + np.arange(len(channel)) - np.repeat(np.cumsum(counts) - counts, counts)]
        left = each.delays[synapse] - (start - late[channel, 0])
        synapse, channel, left = synapse[left >= 1], channel[left >= 1], left[left >= 1]
        if not len(synapse):
            continue
        name = f"under_way_{len(projections)}"
        inputs.append(FloatInput(name, len(late), np.zeros(len(late), np.int64), np.arange(len(late))))
        projections.append(FloatProjection(each.name, name, each.target, each.variable, channel, each.post[synapse], each.weights[synapse], left))
    return FloatNetwork(floats.name, floats.steps, floats.dt_ns, floats.neurons, floats.sources, inputs, projections)
