"""Bench of the dot product: its two streams, cycle by cycle, under random stalls."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, run_bench, start
from spikegate.cosim.benches.stream_ports import STALLS, StreamMonitor, StreamSink, StreamSource
from spikegate.gateware.streams.dot_product import DotProduct, beat_layout
from spikegate.models.streams.dot_product import DotProductParams

__all__ = ["Beat", "Pipeline", "NarrowCount", "OrGate", "SwappedSign", "LateTotal", "beats", "payload", "check"]



class Beat(NamedTuple):
    """One clock's input: windows as integers, one a channel, and masks with a bit a channel."""

    spikes: tuple[int, ...]
    weights: tuple[int, ...]
    inhibitory: int
    enable: int


@dataclass(frozen=True)
class NarrowCount(DotProductParams):
    """A wrong model: the count is one bit too narrow, so that a full window counts as none."""

    def counts(self, spikes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Ones modulo the width."""
        return super().counts(spikes, weights) % self.width


@dataclass(frozen=True)
class OrGate(DotProductParams):
    """A wrong model: OR for the gate."""

    def counts(self, spikes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Ones of the union."""
        return super().counts(spikes | weights, spikes | weights)


@dataclass(frozen=True)
class SwappedSign(DotProductParams):
    """A wrong model: excitation and inhibition swapped."""

    def step(self, spikes: np.ndarray, weights: np.ndarray, inhibitory: np.ndarray, enable: np.ndarray) -> np.ndarray:
        """Minus the signed sum."""
        return -super().step(spikes, weights, inhibitory, enable)


@dataclass(frozen=True)
class LateTotal(DotProductParams):
    """A wrong model: one clock more in a dot product."""

    @property
    def clocks(self) -> int:
        """One too many."""
        return super().clocks + 1


class Pipeline:
    """The component, cycle by cycle: windows in the first register, then the total, which waits until it is taken."""

    def __init__(self, model: DotProductParams) -> None:
        self.model, self.taken, self.total = model, 0, 0
        self.first: Beat | None = None
        self.out: int | None = None

    def ready(self, o_ready: bool) -> bool:
        """Whether the input is ready in this cycle."""
        return self.first is None or self.out is None or o_ready

    def step(self, beat: Beat | None, o_ready: bool) -> None:
        """One clock edge; ``beat`` is what was offered."""
        beat = beat if self.ready(o_ready) else None
        if self.out is None or o_ready:
            self.out = None
            if self.first is not None:
                self.total += clock_sum(self.model, self.first)
                self.taken += 1
                if self.taken == self.model.clocks:
                    self.out, self.total, self.taken = self.total, 0, 0
            self.first = None
        if beat is not None:
            self.first = beat


def clock_sum(model: DotProductParams, beat: Beat) -> int:
    """The golden model's signed sum of one clock."""
    spikes, weights = (np.array([[window >> k & (1 << 64) - 1 for k in range(0, model.width, 64)] for window in windows], np.uint64)
                       for windows in (beat.spikes, beat.weights))
    masks = [np.array([mask >> c & 1 for c in range(model.channels)], bool) for mask in (beat.inhibitory, beat.enable)]
    return int(model.step(spikes, weights, *masks))


def payload(params: DotProductParams, beat: Beat) -> int:
    """The beat on the input port."""
    fields = {"spike": beat.spikes, "weight": beat.weights, "inhibitory": beat.inhibitory, "enable": beat.enable}
    return int(beat_layout(params).const(fields).as_bits())


def beats(params: DotProductParams, rng: random.Random) -> Iterator[Beat]:
    """Beats without end: whole dot products of full windows with either sign and none enabled, then any of any density."""
    full, masks = ((1 << params.width) - 1,) * params.channels, (1 << params.channels) - 1
    for inhibitory, enable in ((0, masks), (masks, masks), (0, 0)):
        yield from [Beat(full, full, inhibitory, enable)] * params.clocks

    def draw() -> tuple[int, ...]:
        return tuple(rng.choice((0, full[0], rng.getrandbits(params.width), rng.getrandbits(params.width) | rng.getrandbits(params.width)))
                     for _ in range(params.channels))

    while True:
        yield Beat(draw(), draw(), rng.getrandbits(params.channels), rng.getrandbits(params.channels))


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_streams(dut: Any) -> None:
    """In each cycle whether the input is ready, and the total that leaves or waits: values and cycles."""
    work, tally = job(), Tally()
    params, rng = work["params"], random.Random(work["seed"])
    pipeline = Pipeline(work["model"])
    known: dict[int, Beat] = {}
    await start(dut)
    inputs, outputs = StreamMonitor(dut, "i"), StreamMonitor(dut, "o")
    sink, source = StreamSink(dut, "o", rng, STALLS[0]), StreamSource(dut, "i", rng, STALLS[0])

    def remembered() -> Iterator[int]:
        for beat in beats(params, rng):
            bits = payload(params, beat)
            known[bits] = beat
            yield bits

    cocotb.start_soon(sink.run())
    cocotb.start_soon(source.send(remembered()))
    cycle, bits = 0, params.total_bits()
    while tally.compared < work["count"]:
        await RisingEdge(dut.clk)
        i, o = inputs.sample(), outputs.sample()
        tally.compare(f"cycle {cycle}", "i.ready", pipeline.ready(o.ready), i.ready)
        total = o.payload - (o.payload >> (bits - 1) << bits)
        tally.compare(f"cycle {cycle}", "o", pipeline.out, total if o.valid else None)
        pipeline.step(known[i.payload] if i.valid else None, o.ready)
        cycle += 1
        sink.stall, source.stall = STALLS[cycle // 64 % 3], STALLS[cycle // 192 % 3]
    tally.finish()


def check(params: DotProductParams, *, count: int, seed: int, model: Any = None) -> int:
    """Compare until ``count`` items are reached, two a cycle, and return how many were; ``model`` is the golden side's.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(DotProduct, params), __name__, params, model=model, count=count, seed=seed)
