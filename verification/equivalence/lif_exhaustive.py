"""The whole space of the narrow neuron's step, in Verilator against the golden model: every membrane with every input, and every state at rest."""

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from spikegate.cosim.toolchain.verilate import compile_shared
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.neuron.lif import Lif, state_layout
from spikegate.models.errors import InputError, Mismatch
from spikegate.models.kernel import kernel
from spikegate.models.neuron.lif import LifParams, lif_step

__all__ = ["MEMBRANES", "step_space"]

#: Every membrane of a format of 16 bits, from the lowest.
MEMBRANES = range(-(1 << 15), 1 << 15)
HARNESS = Path(__file__).with_suffix(".cpp")


@kernel(nogil=True)
def _first_difference(v, v_step, hold, overflow, current, current_step, states, spikes, p):
    """Index of the first result that is not the golden model's, -1 if none."""
    for k in range(len(states)):
        spike, after, left, over = lif_step(v + k * v_step, hold, current + k * current_step, 0, 0, p)
        if spikes[k] != spike or states[k] != (after & 0xFFFF) | left << 16 | (over | overflow) << 24:
            return k
    return -1


class _Neuron:
    def __init__(self, params: LifParams, model: LifParams):
        dut = Lif(params.format, params.rounding, params.overflow, gain=False, noise=False, leak_fraction=params.leak_fraction)
        self._library = ctypes.CDLL(str(compile_shared(to_verilog(dut, "lif", reset=False), "lif", HARNESS).path))
        self._library.neuron_new.restype = ctypes.c_void_p
        constants = [getattr(params, name) for name in ("leak", "threshold", "reset", "rest_leak", "refractory")]
        self._driver = ctypes.c_void_p(self._library.neuron_new((ctypes.c_int64 * len(constants))(*constants)))
        self._constants, self._layout = model.constants(), state_layout(params.format)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._library.neuron_delete(self._driver)

    def sweep(self, count: int, *, v: int, v_step: int = 0, hold: int = 0, overflow: int = 0, current: int = 0, current_step: int = 0) -> int:
        """Compare ``count`` steps; how many that were."""
        states, spikes = np.empty(count, np.uint32), np.empty(count, np.uint8)
        state = self._layout.const({"v": v, "hold": hold, "overflow": overflow}).as_bits()
        self._library.neuron_sweep(
            self._driver, ctypes.c_uint32(state), ctypes.c_uint32(v_step), ctypes.c_int32(current), ctypes.c_int32(current_step),
            ctypes.c_uint64(count), ctypes.c_void_p(states.ctypes.data), ctypes.c_void_p(spikes.ctypes.data))
        k = _first_difference(v, v_step, hold, overflow, current, current_step, states, spikes, self._constants)
        if k >= 0:
            raise Mismatch(f"LIF step: first divergence at v {v + k * v_step}, hold {hold}, input {current + k * current_step}: "
                           f"RTL state {states[k]:#x}, spike {spikes[k]}")
        return count


def step_space(params: LifParams, *, membranes: Sequence[int] = MEMBRANES, holds: Sequence[int] = range(1, 256), model: LifParams | None = None,
               progress: Callable[[float], None] | None = None) -> int:
    """Compare the step of the hardware with the golden model's; how many steps were compared.

    Compared are each of ``membranes`` with every input of 16 bits, which is 2^32 steps for all membranes; then every membrane with each of
    ``holds``, with and without the flag. Further inputs, of 20 bits, drive any membrane to a rail; they are left to the proof.

    Parameters
    ----------
    params : LifParams
        Of 16 bits, without gain, not rounding stochastically.
    membranes, holds : sequence of int
        A part of the space, for a shorter run.
    model : LifParams, optional
        Of the golden model, if it is to differ, for a negative control.
    progress : callable, optional
        Called with the finished fraction, 0..1.

    Raises
    ------
    InputError
        If the parameters are others.
    Mismatch
        With the first step that differs.
    """
    if params.format.width != 16 or params.gain != params.format.one or not params.constants().narrow:
        raise InputError(f"The space of a step is only that of 16 bits, gain 1.0 and no stochastic rounding, not that of {params}")
    model, half = model or params, len(MEMBRANES) // 2

    def worker(part: int) -> int:
        compared, mine = 0, membranes[part::workers]
        with _Neuron(params, model) as neuron:
            for done, v in enumerate(mine):
                compared += neuron.sweep(2 * half, v=v, current=-half, current_step=1)
                if progress and part == 0 and done % 64 == 0:
                    progress(done / len(mine))
            for hold in holds[part::workers]:
                compared += sum(neuron.sweep(half, v=v, v_step=1, hold=hold, overflow=flag, current=257 * hold - half)
                                for v in (-half, 0) for flag in (0, 1))
        return compared

    workers = min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(worker, range(workers)))
