"""Native driver: the Verilated core as a shared library, called in batches through ctypes."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from spikegate.cosim.engines.foreign import POINTER, SIZE, Foreign, pointer
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.errors import InputError, SpikegateError

__all__ = ["HARNESS", "NativeCore"]

HARNESS = Path(__file__).with_name("native.cpp")
FOREVER = 2**64 - 1


class NativeCore(Foreign):
    """A running simulator of one core.

    Parameters
    ----------
    library : Path
        As `spikegate.cosim.toolchain.verilate.compile_shared` made it from ``native.cpp``.
    geometry : CoreGeometry or PointGeometry
    seed : int
        Of the values that a model compiled with unknown ones starts with; 0 for zeros.
    """

    def __init__(self, library: Path, geometry: CoreGeometry | PointGeometry, seed: int = 0) -> None:
        self.geometry = geometry
        step = ctypes.c_int32
        super().__init__(library, "driver", seed, (
            ("load_size", SIZE, []), ("sweep_size", SIZE, []), ("load", SIZE, [POINTER, POINTER, SIZE]),
            ("memory_size", SIZE, [POINTER]), ("memory", None, [POINTER, POINTER, SIZE, SIZE]),
            ("bare", SIZE, [POINTER, POINTER, SIZE]), ("events", None, [POINTER, POINTER]),
            ("run", ctypes.c_int64, [POINTER, POINTER, SIZE, SIZE, SIZE, step, step, POINTER, POINTER, POINTER, SIZE])))
        self._events = np.empty(0, np.uint64)
        self._slower = 1
        self.sweep_size = self._library.driver_sweep_size()
        self.last = np.zeros((geometry.words, self.sweep_size), np.uint8)

    def load(self, words: np.ndarray) -> None:
        """Send load words, an array of `spikegate.cosim.engines.rtl.load_dtype`.

        Raises
        ------
        InputError
            If they are those of another geometry.
        SpikegateError
            If the core stops taking them.
        """
        if words.dtype.itemsize != (size := self._library.driver_load_size()):
            raise InputError(f"Load words must be {size} bytes for this geometry, not {words.dtype.itemsize}; make them with load_words")
        self._library.driver_events(self._handle, None)
        if (taken := self._library.driver_load(self._handle, pointer(np.ascontiguousarray(words)), len(words))) != len(words):
            raise SpikegateError(f"Core stopped taking load words after {taken:,} of {len(words):,}")

    def give(self, events: np.ndarray) -> None:
        """Recorded events of the network that was loaded, int64 (events, 2): step and source, ascending."""
        last = np.array([[FOREVER >> 32, 0]], np.uint64)
        shown = np.concatenate([events.astype(np.uint64), last])
        self._events = shown[:, 0] | shown[:, 1] << np.uint64(32)
        self._library.driver_events(self._handle, pointer(self._events))

    def outside(self, words: np.ndarray, latency: int, seed: int) -> None:
        """Rows of a core that has them outside: bytes (words, size), each answered up to ``latency`` cycles late, by chance of ``seed``, not 0."""
        padded = np.zeros((len(words), self._library.driver_memory_size(self._handle)), np.uint8)
        padded[:, :words.shape[1]] = words
        self._memory, self._slower = padded, 2 * latency + 2
        self._library.driver_memory(self._handle, pointer(padded), latency, seed)

    def run(self, word: np.ndarray, first_step: int, steps: int, trace: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Run ``steps`` steps: spikes, int32 (count, 2), and sweep words as bytes (steps * W, size) or None."""
        g = self.geometry
        kept = np.empty((steps * g.words, self.sweep_size), np.uint8) if trace else None
        spikes = np.empty((steps * g.n, 2), np.int32)
        limit = g.most_cycles(steps) * self._slower
        found = self._library.driver_run(self._handle, pointer(word), g.words, g.lanes, g.sweep_layout()["spikes"].offset // 8, first_step,
                                         steps, pointer(self.last), pointer(kept), pointer(spikes), limit)
        if found < 0:
            raise SpikegateError(f"Core did not come to rest within {limit} cycles and {steps} steps from step {first_step}")
        return spikes[:found].copy(), kept

    @contextmanager
    def wave(self, path: str | os.PathLike[str]) -> Iterator[None]:
        """Write a VCD while inside; the library must have been compiled with ``trace``."""
        self._library.driver_wave_open.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._library.driver_wave_close.argtypes = [ctypes.c_void_p]
        self._library.driver_wave_open(self._handle, os.fsencode(path))
        try:
            yield
        finally:
            self._library.driver_wave_close(self._handle)

    def bare(self, word: np.ndarray, most: int = FOREVER) -> int:
        """Run without looking at any output but ``busy``; the cycles it took, of ``most``."""
        return int(self._library.driver_bare(self._handle, pointer(word), most))
