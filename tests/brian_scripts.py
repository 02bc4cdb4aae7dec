"""Scripts of Brian2 run twice, by Brian2 itself and on the device, from the same seed."""

import contextlib

import brian2 as b
import numpy as np
from brian2.devices.device import reset_device

import spikegate.brian2


@contextlib.contextmanager
def device(name, **options):
    """Brian2 with a device, and with NumPy, which compiles nothing; everything is as it was afterwards."""
    chosen = b.prefs.codegen.target
    b.set_device(name, **options)
    try:
        b.prefs.codegen.target = "numpy"
        b.defaultclock.dt = 0.1 * b.ms
        b.seed(5)
        yield
    finally:
        b.prefs.codegen.target = chosen
        reset_device()


def on(name, script, **options):
    """What a script returns on a device."""
    with device(name, **options):
        return script()


def both(script, **options):
    """What a script returns on Brian2's own device, and on ours, and the last run there."""
    return on("runtime", script), on("spikegate", script, **options), spikegate.brian2.result()


def pairs(monitor):
    """Steps and neurons of spikes."""
    return np.stack([np.rint(np.asarray(monitor.t_) * 1e4).astype(int), np.asarray(monitor.i)], axis=1)
