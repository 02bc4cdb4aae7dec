"""The Verilated host link on its pins: with a stand-in for the core, or with the core and behind a pseudo-terminal."""

import ctypes
import os
import threading
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.cosim.engines.foreign import POINTER, SIZE, Foreign, pointer
from spikegate.cosim.toolchain.verilate import Build, compile_shared
from spikegate.cosim.toolchain.verilog import cached_verilog, to_verilog
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.link import HostLink
from spikegate.gateware.link.linked_core import linked_core
from spikegate.models.errors import SpikegateError

__all__ = ["DIVISOR", "HARNESS", "NAME", "LinkedCore", "NativeLink", "build", "build_linked", "virtual_board"]

HARNESS, NAME = Path(__file__).with_suffix(".cpp"), "host_link"
#: Clock cycles of a bit; simulated time is what the line costs, so as few as are realistic: 3 Mbaud from 12 MHz.
DIVISOR = 4
#: What of the line a symbol is, as in ``host_link.cpp``: a byte, a byte with a stop bit of 0, bits of silence, bits or cycles of 0.
BYTE, BAD_STOP, IDLE, LOW_BITS, LOW_CYCLES = (kind << 16 for kind in range(5))
MAX_CYCLES = 50_000_000


class LinkedCore(wiring.Component):
    """A host link and its core, with the core's gated clocks as ports."""

    def __init__(self, geometry: CoreGeometry | PointGeometry, divisor: int, counts: bool = False):
        self.geometry, self.divisor, self.counts = geometry, divisor, counts
        gates = {name: flow for part in geometry.gated for name, flow in ((f"{part}_clk", In(1)), (f"{part}_enable", Out(1)))}
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "running": Out(1), "cycles": Out(48), **gates})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.link = link = HostLink(self.geometry, self.divisor, counts=self.counts)
        m.submodules.core = core = linked_core(m, link, self.geometry, clock_gate=True)
        m.d.comb += [link.rx.eq(self.rx), self.tx.eq(link.tx), self.running.eq(link.running), self.cycles.eq(core.cycles)]
        for part in self.geometry.gated:
            clock, enable = f"{part}_clk", f"{part}_enable"
            m.d.comb += [getattr(core, clock).eq(getattr(self, clock)), getattr(self, enable).eq(getattr(core, enable))]
        return m


def build(link: HostLink) -> Build:
    """The compiled simulator of a host link alone, from the cache or made now."""
    return compile_shared(to_verilog(link, NAME, reset=False), NAME, HARNESS)


def build_linked(geometry: CoreGeometry | PointGeometry, divisor: int = DIVISOR, counts: bool = False) -> Build:
    """The same with its core."""
    parameters = geometry, divisor, counts
    return compile_shared(cached_verilog(lambda: LinkedCore(*parameters), NAME, parameters, reset=False), NAME, HARNESS)


class NativeLink(Foreign):
    """A running simulator, with a UART of its own on the other end of the line.

    Parameters
    ----------
    library : Path
        As `build` or `build_linked` made it.
    divisor : int
        That of the link.
    """

    def __init__(self, library: Path, divisor: int):
        number = ctypes.c_int
        super().__init__(library, "link", divisor, (
            ("bad", SIZE, [POINTER]), ("hold", None, [POINTER, number]), ("hesitate", None, [POINTER, number]),
            ("core", None, [POINTER, POINTER, SIZE, SIZE, SIZE, number, number, SIZE]),
            ("exchange", ctypes.c_int64, [POINTER, POINTER, SIZE, number, SIZE]), ("received", SIZE, [POINTER, POINTER]),
            ("loaded", SIZE, [POINTER, POINTER]), ("ends", SIZE, [POINTER, POINTER]), ("serve", None, [POINTER, number, POINTER])))

    @property
    def bad(self) -> int:
        """Bytes from the board that were none."""
        return cast(int, self._library.link_bad(self._handle))

    def core(self, sweeps: np.ndarray, load_size: int, pause: int, tail: int) -> None:
        """What the stand-in for the core plays: sweep words as bytes (steps, words, size), over and over.

        ``load_size`` are the bytes of a load word, ``pause`` cycles between sweep words and ``tail`` those after the last.
        """
        steps, words, size = sweeps.shape
        self._library.link_core(self._handle, pointer(np.ascontiguousarray(sweeps)), steps, words, size, pause, tail, load_size)

    def hold(self, held: bool) -> None:
        """Let no step of the stand-in end."""
        self._library.link_hold(self._handle, held)

    def hesitate(self, cycles: int) -> None:
        """Let the stand-in take no load word for so many cycles after each."""
        self._library.link_hesitate(self._handle, cycles)

    def exchange(self, symbols: Sequence[int], *, finish: bool = True) -> bytes:
        """Send symbols, and return what the board says until it is silent, and, with ``finish``, no run is under way.

        Raises
        ------
        SpikegateError
            If it never is.
        """
        words = np.array(symbols, np.uint32)
        if self._library.link_exchange(self._handle, pointer(words), len(words), finish, MAX_CYCLES) < 0:
            raise SpikegateError(f"Host link did not come to rest within {MAX_CYCLES:,} cycles")
        return self._taken("received").tobytes()

    def loaded(self, size: int) -> np.ndarray:
        """Load words that reached the stand-in for the core since the last call, as bytes (count, size)."""
        return self._taken("loaded").reshape(-1, size)

    def ends(self) -> list[int]:
        """Of each step that the stand-in ended since the last call, the cycles until then in which it worked and did not wait."""
        return cast(list[int], self._taken("ends").view(np.uint64).tolist())

    def _taken(self, name: str) -> np.ndarray:
        function = getattr(self._library, f"link_{name}")
        found = np.empty(function(self._handle, None), np.uint8)
        function(self._handle, pointer(found))
        return found

    def cover(self, path: Path) -> None:
        """Write what of the source has been covered; the library must have been compiled for that."""
        self._library.link_cover(ctypes.c_void_p(self._handle), os.fsencode(path))

    def serve(self, fd: int, stop: ctypes.c_int) -> None:
        """Move bytes between a file descriptor and the pins until ``stop`` is not 0."""
        self._library.link_serve(self._handle, fd, ctypes.byref(stop))


@contextmanager
def virtual_board(geometry: CoreGeometry | PointGeometry, divisor: int = DIVISOR, *, counts: bool = False,
                  prepared: Callable[[Build], None] | None = None) -> Iterator[str]:
    """A Verilated board behind a pseudo-terminal: the path of its port, as long as the context lasts.

    Parameters
    ----------
    geometry : CoreGeometry or PointGeometry
    divisor : int
        Clock cycles of a bit.
    counts : bool
        Whether the link counts spikes.
    prepared : callable, optional
        Called with the build before the board begins to run.

    Raises
    ------
    ToolMissing
        If Verilator or the compiler is absent.
    """
    made = build_linked(geometry, divisor, counts)
    if prepared:
        prepared(made)
    master, slave = os.openpty()
    tty.setraw(slave)
    stop = ctypes.c_int(0)
    with NativeLink(made.path, divisor) as link:
        thread = threading.Thread(target=link.serve, args=(master, stop), daemon=True)
        thread.start()
        try:
            yield os.ttyname(slave)
        finally:
            stop.value = 1
            thread.join()
            os.close(master)
            os.close(slave)
