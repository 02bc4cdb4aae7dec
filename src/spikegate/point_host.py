"""The client of a board of point neurons: any network of them, and events that are given while it runs."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from spikegate.cosim.engines.link_frames import load_frames
from spikegate.cosim.engines.point_rtl import load_words
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.cosim.engines.words import named_states
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.host import BUILD, LOADING, Board, LinkError
from spikegate.models.core.point_rows import PointRows
from spikegate.models.core.rows_csr import CSR
from spikegate.models.errors import InputError, Problems
from spikegate.models.link.frames import MAX_PAYLOAD, Request
from spikegate.models.link.payloads import MAX_STEPS, VERSIONS, Run
from spikegate.models.link.point import ITEM, ROOM, VERSION, PointIdentity, PointTerms, family
from spikegate.models.link.point_device import PointDecoder
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording

__all__ = ["PointBoard", "events_payloads", "of_board", "run"]


def events_payloads(events: np.ndarray) -> list[bytes]:
    """Payloads of EVENTS: of events (count, 2), step and source, as many as a frame holds."""
    items = [int(step).to_bytes(4, "big") + int(source).to_bytes(2, "big") for step, source in events]
    count = MAX_PAYLOAD // ITEM
    return [b"".join(items[at:at + count]) for at in range(0, len(items), count)]


def of_board(identity: PointIdentity, network: PointNetwork) -> PointGeometry:
    """The core that a board says it is, if its neurons are those of a network."""
    return identity.size(PointGeometry, tuple(dict.fromkeys(each.neuron for each in network.populations)), network.lfsr)


class PointBoard(Board):
    """A board of point neurons behind a serial port; parameters and errors as `spikegate.host.Board`."""

    def identify(self) -> PointIdentity:
        """Begin anew: what the board is; the next LOAD, RUN or EVENTS has number 0."""
        said = self.find()
        self._seq = 0
        if said[0] in VERSIONS:
            raise LinkError(f"Board on {self.port} has a core of one weight a source, and this is a network of point neurons; {BUILD}")
        identity = PointIdentity.unpack(said)
        if identity.version != VERSION:
            raise LinkError(f"Board on {self.port} speaks version {identity.version} of the link, this client {VERSION}; build both from one source")
        return identity

    def geometry(self, network: PointNetwork, rows: PointRows | None = None) -> PointGeometry:  # type: ignore[override]
        """The board's geometry, if it runs the network.

        Raises
        ------
        InputError
            With everything that does not fit.
        """
        mine: PointIdentity = self.identity
        found, problems = of_board(mine, network), Problems()
        problems.require(family(found) == mine.family, f"Neurons of network {network.name!r}, or their generator, are not those that the board on "
                         f"{self.port} is built for; {BUILD}")
        for each in found.problems(network):
            problems.require(False, f"{each.removesuffix('; make it larger')}; {BUILD}")
        problems.raise_any()
        return found

    def begin(self, network: PointNetwork, progress: Callable[[float], None] | None = None) -> None:
        """Load a network; its first step is the next one. Recorded events of its inputs are not given."""
        self.network, self.step, self.spent = network, 0, np.zeros((0, 2), np.int64)
        g = self.geometry(network)
        self.terms = PointTerms(g)
        self.load(list(load_frames(load_words(network, g), self.terms)), progress)

    def give(self, events: np.ndarray) -> None:
        """Events that the network's channels shall have: int (count, 2), step and channel, ascending by step, also while a run is under way.

        Raises
        ------
        InputError
            If a channel is not there, or a step is over or below that of an event that was given.
        LinkError
            If the board refuses them: LATE, or BUSY without room for more than 256 that wait.
        """
        given, network = np.asarray(events, np.int64).reshape(-1, 2), self.network
        problems = Problems()
        for step, channel in given[(given[:, 1] < 0) | (given[:, 1] >= network.channels)][:1].tolist():
            problems.require(False, f"Channel {channel} of the event in step {step} is not there: network {network.name!r} has {network.channels:,}; "
                             "give one of them")
        for step, channel in given[given[:, 0] < self.step][:1].tolist():
            problems.require(False, f"Event of channel {channel} in step {step} comes too late: the next step is {self.step:,}; give it earlier")
        problems.raise_any()
        self._give(given + np.array([0, network.n]))

    def _give(self, events: np.ndarray) -> None:
        self.order(Request.EVENTS, events_payloads(events))

    def go(self, steps: int, flags: Run = Run.EVENTS, tell: Callable[[int], None] = lambda step: None) -> PointDecoder:
        """Make so many steps, 1..65,535: a decoder with the spikes, whose steps count from the first of these."""
        decoder = PointDecoder(flags, steps, self.terms)
        self.make(decoder, self.step, lambda done: tell(self.step + done))
        self.step += steps
        return decoder

    def run(self, network: PointNetwork, *, trace: bool = False,  # type: ignore[override]
            progress: Callable[[float], None] | None = None) -> Recording:
        """Load a network and run it, with the recorded events of its inputs, as many of them at a time as the board holds.

        Parameters
        ----------
        network : PointNetwork
        trace : bool
            Record every state at every step.
        progress : callable, optional
            Called with the finished fraction, 0..1, half of which is loading.

        Raises
        ------
        InputError
            If the network is not one for this board, or has more events in a step than the board holds.
        LinkError
            If the board stops answering, or data of the run are lost.
        """
        tell, start, events = progress or (lambda fraction: None), time.perf_counter(), network.input_events.astype(np.int64)
        if len(events) and (most := np.bincount(events[:, 0])).max() > ROOM:
            raise InputError(f"Step {most.argmax()} has {most.max():,} events, above the {ROOM} that a board holds; use fewer channels")
        self.begin(network, lambda fraction: tell(LOADING * fraction))
        loaded, before, spikes, at = time.perf_counter(), self.status(), [], 0
        records: dict[int, np.ndarray] = {}
        while self.step < network.steps:
            first, following = self.step, min(len(events), int(np.searchsorted(events[:, 0], self.step)) + ROOM)
            self._give(events[at:following])
            at = following
            until = network.steps if at == len(events) else int(events[at, 0])
            count = min(MAX_STEPS, until - first, network.steps - first)
            flags = Run.EVERY if trace else Run.EVENTS | Run.FINAL * (first + count == network.steps)
            made = self.go(count, flags, lambda step: tell(LOADING + (1 - LOADING) * step / network.steps))
            spikes.append(made.spikes + np.array([first, 0], np.int32))
            records |= {first + step: values[:network.n] for step, values in made.records.items()}
        run_s, after = time.perf_counter() - loaded, self.status()
        states = named_states(network, np.stack([records[step] for step in sorted(records)]))
        return Recording("rtl", network.n, network.steps, np.concatenate(spikes), {name: values[-1] for name, values in states.items()},
                         states if trace else {}, (after.cycles - before.cycles) % 2**32, {
            "network": network.hash, "n": self.identity.n, "lanes": self.identity.lanes, "driver": "host link", "port": self.port,
            "baud": self.baud, "load_s": loaded - start, "run_s": run_s, "identity": self.identity.pack().hex()}, network.dt_ns)


def run(network: PointNetwork, lanes: int = 8, rows: PointRows = CSR, *, port: str | None = None, baud: int | None = None,
        **options: Any) -> Recording:
    """Run a network through the host link: on the board on ``port``, or on a Verilated one with ``lanes`` lanes.

    Other parameters and errors as in `PointBoard.run`.
    """
    if port is not None:
        with PointBoard(port, baud) as board:
            return board.run(network, **options)
    with virtual_board(PointGeometry.of(network, lanes, rows)) as path, PointBoard(path) as board:
        return board.run(network, **options)
