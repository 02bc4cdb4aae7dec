"""The host link to give away, with the core behind it: what a host says on the line, and what the golden model of the board answers."""

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from spikegate.cosim.engines.link_frames import load_frames
from spikegate.cosim.ip.cores import CORE, Booted
from spikegate.cosim.ip.parameters import Parameter
from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.link.link import HostLink
from spikegate.models.core.address_map import Op
from spikegate.models.errors import InputError
from spikegate.models.link.device import Device
from spikegate.models.link.frames import Frame, Request, encode
from spikegate.models.link.payloads import Identity, Run
from spikegate.models.network.network import Network

__all__ = ["HOST_LINK", "Linked"]

HOST_LINK = {**CORE, "divisor": Parameter(int, 8, "Clock cycles of a bit on the line, 3 or more: the clock's frequency by the baud rate.")}
#: What the bench asks for: the spikes of every step, and the records after the last.
FLAGS = Run.EVENTS | Run.FINAL


@dataclass(frozen=True)
class Linked:
    """A host link and the core behind it.

    Parameters
    ----------
    core : Booted
        Of Brunel's network.
    divisor : int
        Clock cycles of a bit.

    Raises
    ------
    InputError
        For another core, or a divisor below 3.
    """

    core: Booted
    divisor: int

    def __post_init__(self) -> None:
        if not isinstance(self.core.geometry, CoreGeometry):
            raise InputError(f"Network {self.core.network.name!r} must be one of a weight a source for the host link, and is one of point neurons; "
                             "take the core alone")
        if self.divisor < 3:
            raise InputError(f"--parameters divisor must be 3 or more cycles a bit, not {self.divisor}; use a faster clock or a lower baud rate")

    def make(self) -> HostLink:
        """The component."""
        return HostLink(cast(CoreGeometry, self.core.geometry), self.divisor)

    @cached_property
    def conversation(self) -> list[tuple[str, Frame]]:
        """Frames of ``host`` and ``board`` in their order: identity, loading, a run."""
        core, device, found = self.core, Device(Identity.of(self.core.geometry)), []
        words = core.words[core.words["op"] != Op.RUN]
        asked = [(Request.IDENTIFY, b""), *((Request.LOAD, payload) for payload in load_frames(words, device.identity)),
                 (Request.RUN, bytes([int(FLAGS), *core.network.steps.to_bytes(2, "big"), 0, 0, 0]))]
        for kind, payload in asked:
            frame = Frame(kind, device.expected, payload)
            found += [("host", frame), *(("board", answer) for answer in device.receive(encode(frame)))]
        self._run(device)
        return found + [("board", frame) for frame in device.collect()]

    def _run(self, device: Device) -> None:
        core, g, recording, network = self.core, self.core.geometry, self.core.recording, cast(Network, self.core.network)
        places = g.words * g.lanes
        fired = np.zeros((recording.steps, places), int)
        fired[tuple(recording.spikes.T)] = 1
        states = {name: np.full((recording.steps, places), value) for name, value in (("v", network.lif.rest), ("hold", 0), ("overflow", 0))}
        for name, values in states.items():
            values[:, :network.n] = recording.trace[name]
        for step in range(recording.steps):
            cycles = core.cycles if step == recording.steps - 1 else 0
            device.step(states["v"][step], states["hold"][step], states["overflow"][step], fired[step], cycles)

    @property
    def line(self) -> list[int]:
        """Bytes on the line in their order, those from the board with bit 8 set."""
        return [byte | (who == "board") << 8 for who, frame in self.conversation for byte in encode(frame)]
