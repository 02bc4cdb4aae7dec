"""One client of the host link, for a board on a serial port and for the Verilated board behind a pseudo-terminal."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikegate.cosim.engines.link_frames import load_frames
from spikegate.cosim.engines.rtl import load_words
from spikegate.cosim.engines.rtl_streams import geometry as stream_geometry
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.gateware.core.core import CoreGeometry
from spikegate.host_line import PATIENCE, TRIES, Line, LinkError
from spikegate.models.errors import Problems
from spikegate.models.link.board import BOARDS
from spikegate.models.link.decoder import Decoder
from spikegate.models.link.frames import Answer, Request
from spikegate.models.link.payloads import MAX_STEPS, VERSION, Identity, Run, Status
from spikegate.models.link.point import VERSION as POINT_VERSION
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording
from spikegate.models.streams.params import StreamFaults

__all__ = ["BAUDS", "BUILD", "LOADING", "LinkError", "Board", "load_frames", "run"]

#: Rates of all boards, tried on a port whose board is not named.
BAUDS = tuple(sorted({board.baud for board in BOARDS.values()}))
#: Share of loading in the progress of a run.
LOADING = 0.5
#: What to do about a board of another core.
BUILD = "build a bitstream for it: spikegate bitstream --network FILE"


class Board(Line):
    """A board behind a serial port.

    Parameters
    ----------
    port : str
        Path of the device.
    baud : int, optional
        That of the board; by default those of all boards are tried.
    patience : float
        Seconds to wait for an answer before a request is sent again.

    Raises
    ------
    InputError
        If the port does not exist, is in use, may not be opened or cannot have that baud rate.
    LinkError
        If nothing answers.
    ToolMissing
        If pyserial is absent.
    """

    def __init__(self, port: str, baud: int | None = None, *, patience: float = PATIENCE):
        super().__init__(port, BAUDS if baud is None else (baud,), patience)
        try:
            self.identity = self.identify()
            if self.running:
                self.stop()
        except BaseException:
            self.close()
            raise

    def identify(self) -> Any:
        """Begin anew: what the board is; the next LOAD or RUN has number 0."""
        said = self.find()
        self._seq = 0
        if said[:1] == bytes([POINT_VERSION]):
            raise LinkError(f"Board on {self.port} has a core of point neurons, and this network has one weight a source; {BUILD}")
        identity = Identity.unpack(said)
        if not identity.understood:
            raise LinkError(f"Board on {self.port} speaks version {identity.version} of the link, this client {VERSION}; build both from one source")
        return identity

    def status(self) -> Status:
        """The counters; between two steps, if a run is under way."""
        return Status.unpack(self.ask(Request.STATUS, Answer.STATUS))

    def stop(self) -> None:
        """End the run that is under way after its present step; returns when it is over."""
        for _ in range(TRIES):
            self.ask(Request.STOP, Answer.OK)
            deadline = time.monotonic() + self.patience
            while time.monotonic() < deadline:
                self.status()
                if not self.running:
                    self.data.clear()
                    return
        raise LinkError(f"Board on {self.port} does not stop; reset it")

    def load(self, payloads: Sequence[bytes], progress: Callable[[float], None] | None = None) -> None:
        """Send LOADs, several of them on their way at a time; those that get lost are sent again."""
        self.order(Request.LOAD, payloads, progress)

    def run(self, network: Network, *, faults: StreamFaults | None = None, trace: bool = False,
            progress: Callable[[float], None] | None = None) -> Recording:
        """Load a network and run it.

        Parameters
        ----------
        network : Network
        faults : StreamFaults, optional
            As in `spikegate.cosim.engines.rtl_streams.run`.
        trace : bool
            Record ``v``, ``hold`` and ``overflow`` at every step: thousands of bytes each.
        progress : callable, optional
            Called with the finished fraction, 0..1, half of which is loading.

        Raises
        ------
        InputError
            If the network is not one for this board.
        LinkError
            If the board stops answering, or data of the run are lost.
        """
        g = self.geometry(network, faults)
        tell, start = progress or (lambda fraction: None), time.perf_counter()
        self.load(list(load_frames(load_words(network, g, faults), self.identity)), lambda fraction: tell(LOADING * fraction))
        records: dict[int, np.ndarray]
        loaded, before, spikes, records = time.perf_counter(), self.status(), [], {}
        for first in range(0, network.steps, MAX_STEPS):
            count = min(MAX_STEPS, network.steps - first)
            flags = Run.EVERY if trace else Run.EVENTS | Run.FINAL * (first + count == network.steps)
            decoder = Decoder(flags, count, g.n, g.lanes, g.format.width)
            self.make(decoder, first, lambda done, first=first: tell(LOADING + (1 - LOADING) * (first + done) / network.steps))  # type: ignore[misc]
            own = decoder.spikes[decoder.spikes[:, 1] < network.n]  # others spike if a neuron at rest does
            spikes.append(own + np.array([first, 0], np.int32))
            records |= {first + step: values for step, values in decoder.records.items()}
        run_s, after = time.perf_counter() - loaded, self.status()
        kinds = {"v": np.int16 if g.format.width <= 16 else np.int32, "hold": np.uint8, "overflow": np.uint8}
        final = {name: records[network.steps - 1][row, :network.n].astype(kind) for row, (name, kind) in enumerate(kinds.items())}
        rows = enumerate(kinds.items()) if trace else ()
        traces = {name: np.array([records[step][row, :network.n] for step in range(network.steps)], kind) for row, (name, kind) in rows}
        cycles = (after.cycles - before.cycles) % 2**32
        return Recording("rtl", network.n, network.steps, np.concatenate(spikes), final, traces, cycles, {
            "network": network.hash, "n": g.n, "lanes": g.lanes, **g.options, "driver": "host link",
            "port": self.port, "baud": self.baud,
            "load_s": loaded - start, "run_s": run_s}, network.dt_ns)

    def geometry(self, network: Network, faults: StreamFaults | None = None) -> CoreGeometry:
        """The board's geometry, if the network is one for it: of no more neurons, as others of the board then rest.

        Raises
        ------
        InputError
            With everything that does not fit.
        """
        mine, problems = self.identity, Problems()
        problems.require(network.n <= mine.n, f"Network of N={network.n:,} is larger than the board on {self.port}, which holds {mine.n:,}; "
                         f"use a smaller network or {BUILD}")
        problems.require(not network.streams or network.n == mine.n, f"Network of stochastic synapses and N={network.n:,} does not fill the board on "
                         f"{self.port}, which is built for {mine.n:,}; use a network of that size")
        problems.raise_any()
        options: dict[str, Any] = {"store": mine.store or None, "walk": bool(mine.walk), "banks": mine.banks, "n": mine.n,
                                   "overlap": mine.overlap}
        g = stream_geometry(network, mine.lanes, faults) if network.streams else CoreGeometry.of(network, mine.lanes, **options)
        asked = Identity.of(g)
        for name, what in (("width", "format's width"), ("fraction", "format's fraction"), ("rounding", "rounding"), ("overflow", "overflow"),
                           ("depth", "depth of the drive table"), ("leak_fraction", "fraction of the leak"), ("family", "generator or streams")):
            a, b = getattr(asked, name), getattr(mine, name)
            problems.require(a == b, f"Network's {what} is {a}, that of the board on {self.port} {b}; use another network or {BUILD}")
        problems.require(network.delay <= mine.max_delay, f"Network's delay of {network.delay} steps is above the {mine.max_delay} of the board on "
                         f"{self.port}; use a shorter delay or {BUILD}")
        problems.raise_any()
        return dataclasses.replace(g, max_delay=mine.max_delay)

    def make(self, decoder: Decoder, first: int, tell: Callable[[int], None]) -> None:
        """Let the board make the steps of a decoder, the ``first`` of which has that number, and decode what it sends; ``tell`` of steps made.

        Raises
        ------
        LinkError
            If the board stands still, makes fewer steps, or data are lost.
        """
        before = self.status()
        self.data.clear()
        self.order(Request.RUN, [bytes([decoder.flags, *decoder.steps.to_bytes(2, "big"), 0, 0, 0])])
        heard, after, checked = time.monotonic(), None, before
        try:
            while after is None:
                self.answer(self.patience, or_data=True)
                for frame in self.data:
                    heard = time.monotonic()
                    if frame.answer == Answer.DONE:
                        after = Status.unpack(frame.payload)
                    else:
                        decoder.feed(frame.payload)
                        tell(decoder.step)
                self.data.clear()
                if after is None and time.monotonic() - heard > self.patience:
                    # A run may be silent for long, and DONE may be lost.
                    now, heard = self.status(), time.monotonic()
                    if not self.running and not self.data:
                        after = now
                    elif now == checked and not self.data:
                        raise LinkError(f"Board on {self.port} stands still in step {first + (now.steps - before.steps) % 2**32}; reset it")
                    checked = now
        except KeyboardInterrupt:
            self.stop()
            raise
        made, events = (after.steps - before.steps) % 2**32, (after.events - before.events) % 2**32
        if made != decoder.steps:
            raise LinkError(f"Board on {self.port} made {made:,} of {decoder.steps:,} steps; something else stopped it")
        decoder.finish(events)
        tell(decoder.step)
        if not decoder.complete or decoder.events != events:
            raise LinkError(f"Data of the run were lost between board and client: {decoder.events:,} of {events:,} spikes and {decoder.step:,} of "
                            f"{made:,} steps arrived, {self._deframer.dropped:,} frames were damaged; use a shorter cable or a lower baud rate")


def run(network: Network, lanes: int = 40, *, port: str | None = None, baud: int | None = None, faults: StreamFaults | None = None,
        trace: bool = False, progress: Callable[[float], None] | None = None) -> Recording:
    """Run a network through the host link: on the board on ``port``, or on a Verilated one with ``lanes`` lanes.

    Other parameters and errors as in `Board.run`.
    """
    options: dict[str, Any] = {"faults": faults, "trace": trace, "progress": progress}
    if port is not None:
        with Board(port, baud) as board:
            return board.run(network, **options)
    g = stream_geometry(network, lanes, faults) if network.streams else CoreGeometry.of(network, lanes)
    with virtual_board(g) as path, Board(path) as board:
        return board.run(network, **options)
