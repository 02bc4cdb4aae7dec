"""Brian2's device ``spikegate``: `run` makes connectivity and initial values as ever, and the steps are the hardware's.

``set_device("spikegate")`` needs nothing else in a script. What cannot be carried over is refused before anything runs, and several runs of one
network go on where the last one ended, spikes under way included.
"""

import time
import weakref
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
from brian2.core.namespace import get_local_namespace
from brian2.core.network import Network, TextReport
from brian2.devices.device import RuntimeDevice
from brian2.units.allunits import second
from brian2.units.fundamentalunits import fail_for_dimension_mismatch
from brian2.utils.logger import get_logger

from spikegate.models.errors import InputError
from spikegate.models.network.engine import Engine
from spikegate.models.network.point import PointNetwork
from spikegate.translator.importer import host, monitors
from spikegate.translator.importer.brian import clock_of, float_network
from spikegate.translator.importer.float_network import Refusals
from spikegate.translator.importer.foreseen import foreseen
from spikegate.translator.importer.formats import Choice
from spikegate.translator.importer.pending import recent, with_pending
from spikegate.translator.importer.quantise import quantise
from spikegate.translator.importer.result import Frozen, Result

__all__ = ["SpikegateDevice"]

#: Code that only Brian2's own steps would run.
IDLE = {"stateupdate", "threshold", "reset", "synapses", "synapses_push_spikes", "spikemonitor", "statemonitor", "ratemonitor", "spikegenerator"}


#: Name of what is stored before the first of several runs that may be made once more.
BEGINNING = "spikegate: before the first run"


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
        self._stored: Any = weakref.WeakKeyDictionary()
        self._runs: list[tuple[Any, Any, Mapping[str, Any], Any]] = []

    def activate(self, build_on_run: bool = True, **options: Any) -> None:
        """Take the options of ``set_device``; for what is none `InputError`, and the device from before stays."""
        try:
            self.engine, self.choice = self.make(options)
        except InputError:
            devices: Any = import_module("brian2.devices.device")  # brian2.devices.device is the proxy, not the module
            if devices.previous_devices:
                devices.active_device, *_ = devices.previous_devices.pop()
            raise
        self._runs = []
        super().activate(build_on_run=build_on_run, **options)

    def code_object(self, owner: Any, name: str, abstract_code: Any, variables: Any, template_name: str, *args: Any, **kwargs: Any) -> Any:
        """Brian2's own, but for steps."""
        if self._idle and template_name in IDLE:
            return _Idle()
        return super().code_object(owner, name, abstract_code, variables, template_name, *args, **kwargs)

    def network_store(self, net: Any, name: str = "default", filename: Any = None) -> None:
        """Brian2's own, and the spikes under way; in memory alone."""
        if filename is not None:
            raise InputError("Network.store to a file does not work on the device spikegate, whose spikes under way no file of Brian2's holds; "
                             "leave out filename")
        Network.store.original_function(net, name)
        self._stored.setdefault(net, {})[name] = self._under_way.get(net, {})

    def network_restore(self, net: Any, name: str = "default", filename: Any = None, restore_random_state: bool = False) -> None:
        """What `network_store` stored."""
        if filename is not None or name not in self._stored.get(net, {}):
            raise InputError(f"Network.restore on the device spikegate needs what store has stored there in memory, not {filename or name!r}")
        Network.restore.original_function(net, name, restore_random_state=restore_random_state)
        self._under_way[net] = self._stored[net][name]

    def run(self, directory: Any = None, results_directory: Any = None, with_output: bool = True, run_args: Mapping[Any, Any] | None = None) -> None:
        """All runs since ``set_device("spikegate", build_on_run=False)``, perhaps with other first values, as Brian2's standalone device has it.

        Parameters
        ----------
        directory, results_directory, with_output
            Of no meaning here.
        run_args : Mapping, optional
            Values by variables of groups, such as ``group.tau``.
        """
        begun: set[int] = set()
        for key in run_args or {}:
            if not hasattr(key, "set_item"):
                raise InputError(f"run_args must have variables of groups, such as group.tau, not {key!r}")
        for net, duration, namespace, profile in self._runs:
            if id(net) not in begun:
                begun.add(id(net))
                self.network_restore(net, BEGINNING)
                for key, value in (run_args or {}).items():
                    key.set_item(slice(None), value)
            self._profiled(net, duration, namespace, None, profile)

    def build(self, run: bool = True, **kwargs: Any) -> None:
        """The runs since ``set_device("spikegate", build_on_run=False)``; other arguments are of no meaning here."""
        if run and self._runs:
            self.run()

    def network_run(self, net: Any, duration: Any, report: Any = None, report_period: Any = 10 * second, namespace: Any = None,
                    profile: Any = None, level: int = 0) -> None:
        """In place of `brian2.Network.run`."""
        fail_for_dimension_mismatch(duration, second, "Function 'run' expected a duration in seconds, not {value}", value=duration)
        if duration < 0:
            raise InputError(f"Duration must be 0 or more, not {duration}")
        if namespace is None:
            namespace = get_local_namespace(level=level + 2)
        if self.build_on_run:
            self._profiled(net, duration, namespace, report, profile)
            return
        if all(each is not net for each, *_ in self._runs):
            self.network_store(net, BEGINNING)
        elif not host.unchanged(net, net._stored_state[BEGINNING]):
            raise InputError("Values that change between two runs need runs that are made at once; leave build_on_run=False out of set_device")
        self._runs.append((net, duration, namespace, profile))

    def _profiled(self, net: Any, duration: Any, namespace: Mapping[str, Any], report: Any, profile: Any) -> None:
        """A run, and what Brian2's ``profiling_info`` tells of it: one entry, as nothing is run object by object."""
        began = time.perf_counter()
        self._run(net, duration, namespace, report)
        net._profiling_info = [(self.engine.name, (time.perf_counter() - began) * second)] if profile else None

    def _run(self, net: Any, duration: Any, namespace: Mapping[str, Any], report: Any) -> None:
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
            refusals = Refusals()
            due = host.operations(objects, own, refusals)
            objects = [each for each in objects if each not in due]
            if refusals.lines:
                float_network(net, objects, namespace, end - start, start, refusals)
            progress = None if due else _progress(report, net.t, duration)
            for first, last, before in host.parts(due, own, start, end):
                if due:
                    host.set_clocks(net, own, first)
                for each in before:
                    each.run()
                ends = bool(before) and host.stopped(net)  # Brian2 ends the step in which it is stopped
                last = first + 1 if ends else last
                self._steps(net, objects, namespace, first, last - first, progress)
                if ends:
                    host.set_clocks(net, own, last)
                    net.after_run()
                    return
        for clock in net._clocks:
            clock.variables["timestep"].set_value(clock._i_end)
            clock.variables["t"].set_value(clock._i_end * float(clock.dt_))
        net.t_ = float(t_end)
        net.after_run()

    def _steps(self, net: Any, objects: list[Any], namespace: Mapping[str, Any], start: int, steps: int, progress: Any) -> None:
        if self.freeze_only:
            objects = net.sorted_objects  # a frozen network has no host that does something between steps
        floats = foreseen(float_network(net, objects, namespace, steps, start), self.choice)
        watching = [each for each in objects if type(each).__name__.endswith("Monitor")]
        refusals = Refusals()
        for each in watching:
            monitors.check(each, floats, refusals)
        refusals.raise_any()
        before = self._under_way.get(net, {}) if start else {}
        quantised = quantise(with_pending(floats, before), self.choice, int(np.random.randint(1, 1 << 31)))
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
        self._under_way[net] = recent(floats, quantised, groups, spikes, before)
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
