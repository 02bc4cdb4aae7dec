"""A board runs at its own speed and counts spikes; what it counted is read, and the spikes of chosen neurons."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from spikegate.cosim.engines.link_frames import choice_frames, load_frames
from spikegate.cosim.engines.rtl import load_words
from spikegate.host import BUILD, LOADING, Board
from spikegate.host_line import LinkError
from spikegate.models.errors import InputError
from spikegate.models.link.decoder import Decoder
from spikegate.models.link.payloads import MAX_STEPS, Run
from spikegate.models.network.network import Network
from spikegate.models.network.recording import Recording

__all__ = ["SpikeCounts", "count"]


@dataclass(frozen=True, eq=False)
class SpikeCounts:
    """What is left of a run where spikes are counted as they come.

    Parameters
    ----------
    counts : numpy.ndarray
        Spikes of each neuron, int64 (n,).
    chosen : numpy.ndarray
        Neurons whose spikes are told one by one, ascending.
    spikes : numpy.ndarray
        Those, int32 (count, 2): step and neuron, ascending by step, then by neuron.
    seconds : float
        Biological time.
    cycles : int, optional
        Clock cycles of the core.
    provenance : dict
        Seconds of loading and running, port and baud rate, and of whom the spikes are.
    """

    counts: np.ndarray
    chosen: np.ndarray
    spikes: np.ndarray
    seconds: float
    cycles: int | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, recording: Recording, chosen: np.ndarray) -> Self:
        """The same of a recording of every spike."""
        seconds = recording.steps * recording.step_ms() * 1e-3
        return cls(np.bincount(recording.spikes[:, 1], minlength=recording.n), chosen, recording.spikes[np.isin(recording.spikes[:, 1], chosen)],
                   seconds, recording.cycles)

    @property
    def rates_hz(self) -> np.ndarray:
        """Of each neuron, float64 (n,)."""
        return self.counts / self.seconds

    def differing(self, other: "SpikeCounts") -> int:
        """Neurons whose counts, and chosen ones whose spikes, are not the same."""
        trains = sum(not np.array_equal(self.spikes[self.spikes[:, 1] == each], other.spikes[other.spikes[:, 1] == each]) for each in self.chosen)
        return int(np.sum(self.counts != other.counts)) + trains


def count(board: Board, network: Network, chosen: Sequence[int] | np.ndarray = (), *,
          progress: Callable[[float], None] | None = None) -> SpikeCounts:
    """Load a network and run it; of its spikes the board sends those of chosen neurons, and how many each neuron had.

    Parameters
    ----------
    board : spikegate.host.Board
        Whose link counts spikes.
    network : Network
    chosen : sequence of int
        Neurons, in any order.
    progress : callable, optional
        Called with the finished fraction, 0..1, half of which is loading.

    Raises
    ------
    InputError
        If the network is not one for this board, the board does not count, or there is no such neuron.
    LinkError
        If the board stops answering, or data of the run are lost.
    """
    g, identity = board.geometry(network), board.identity
    if not identity.counts:
        raise InputError(f"Board on {board.port} does not count spikes; read every spike with spikegate sim, or {BUILD}")
    who = np.unique(np.asarray(chosen, np.int64))
    if len(who) and not 0 <= who[0] <= who[-1] < network.n:
        raise InputError(f"Chosen neurons must be in 0..{network.n - 1}, not {who[0] if who[0] < 0 else who[-1]}; give others")
    tell, start = progress or (lambda fraction: None), time.perf_counter()
    frames = [*load_frames(load_words(network, g, None), identity), *choice_frames(who, identity)]
    board.load(frames, lambda fraction: tell(LOADING * fraction))
    loaded, before = time.perf_counter(), board.status()
    total, spikes = np.zeros(network.n, np.int64), [np.zeros((0, 2), np.int32)]
    for first in range(0, network.steps, MAX_STEPS):
        steps = min(MAX_STEPS, network.steps - first)
        decoder = Decoder(Run.EVENTS | Run.COUNTS | Run.CHOSEN, steps, g.n, g.lanes, g.format.width)
        board.make(decoder, first, lambda done, first=first: tell(LOADING + (1 - LOADING) * (first + done) / network.steps))  # type: ignore[misc]
        counts, sent = decoder.counts[:network.n], decoder.spikes
        # After the last step of a RUN the counts come in place of its spikes: who has one more than was sent has spiked in it.
        left = counts[who] - np.bincount(sent[:, 1], minlength=network.n)[who]
        if np.any((left < 0) | (left > 1)):
            raise LinkError(f"Counts of chosen neurons and their spikes differ in steps {first:,}..{first + steps - 1:,}: data were lost between "
                            "board and client; use a shorter cable or a lower baud rate")
        latest = np.stack([np.full(int(left.sum()), steps - 1), who[left == 1]], axis=1).astype(np.int32)
        spikes += [sent + np.array([first, 0], np.int32), latest + np.array([first, 0], np.int32)]
        total += counts
    run_s, after = time.perf_counter() - loaded, board.status()
    return SpikeCounts(total, who, np.concatenate(spikes), network.steps * network.dt_ns * 1e-9, (after.cycles - before.cycles) % 2**32, {
        "network": network.hash, "lanes": g.lanes, **g.options, "port": board.port, "baud": board.baud, "load_s": loaded - start, "run_s": run_s,
        "spikes_of": who.tolist()})
