"""Stream ports for benches: who sends, who accepts, and who looks on."""

import random
from collections.abc import Iterable
from typing import Any, NamedTuple

from spikegate.cosim.benches.bench import RisingEdge, number

__all__ = ["STALLS", "Beat", "StreamSource", "StreamSink", "StreamMonitor"]

#: Probabilities of a pause in a cycle, one after another in a run.
STALLS = (0.0, 0.3, 0.8)


class StreamSource:
    """Sends payloads into the stream port ``name``, pausing before each with probability ``stall`` a cycle."""

    def __init__(self, dut: Any, name: str, rng: random.Random, stall: float) -> None:
        self.clock, self.rng, self.stall = dut.clk, rng, stall
        self.valid, self.ready, self.payload = (getattr(dut, f"{name}__{part}") for part in Beat._fields)
        self.valid.value = 0

    async def send(self, payloads: Iterable[int]) -> None:
        """Send all; returns when the last was taken."""
        for payload in payloads:
            while self.rng.random() < self.stall:
                self.valid.value, self.payload.value = 0, self.rng.getrandbits(len(self.payload))
                await RisingEdge(self.clock)
            self.valid.value, self.payload.value = 1, payload
            await RisingEdge(self.clock)
            while not self.ready.value:
                await RisingEdge(self.clock)
        self.valid.value = 0


class StreamSink:
    """Accepts from the stream port ``name``, not ready with probability ``stall`` in each cycle."""

    def __init__(self, dut: Any, name: str, rng: random.Random, stall: float) -> None:
        self.clock, self.rng, self.stall, self.ready = dut.clk, rng, stall, getattr(dut, f"{name}__ready")

    async def run(self) -> None:
        """Forever."""
        while True:
            self.ready.value = int(self.rng.random() >= self.stall)
            await RisingEdge(self.clock)


class Beat(NamedTuple):
    """A stream port just before a clock edge."""

    valid: bool
    ready: bool
    payload: int

    @property
    def fires(self) -> bool:
        """Whether the payload passes at this edge."""
        return self.valid and self.ready


class StreamMonitor:
    """Looks at the stream port ``name``."""

    def __init__(self, dut: Any, name: str) -> None:
        self.parts = [getattr(dut, f"{name}__{part}") for part in Beat._fields]

    def sample(self) -> Beat:
        """The port as the rising edge that was just awaited finds it."""
        valid, ready, payload = (number(part) for part in self.parts)
        return Beat(bool(valid), bool(ready), payload)
