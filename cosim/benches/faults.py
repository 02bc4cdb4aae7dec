"""Bench of the faults: one stream path with all three points, whose flips come from encoders of their own, window by window."""

import random
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, number, run_bench, start
from spikegate.gateware.streams.dot_product import popcount
from spikegate.gateware.streams.encoder import WindowEncoder
from spikegate.gateware.streams.faults import Fault, fault_layout
from spikegate.gateware.streams.synapse import Synapse
from spikegate.models.streams.encoder import PROBABILITY_BITS
from spikegate.models.streams.faults import POINTS, FaultParams, PointFaults, apply, flip_encoder, flip_seeds
from spikegate.models.streams.synapse import SynapseParams

__all__ = ["FaultyPath", "path", "ZeroWins", "FlipsFirst", "OneRegister", "check"]

STALL = 0.4
FLIP_SEED = 0xF11B


class FaultyPath(wiring.Component):
    """Spike and weight window, gate and count, each with its faults: the results of a step one cycle later.

    Parameters
    ----------
    params : FaultParams
        Of the length alone; masks and thresholds are inputs.

    Members
    -------
    load : In
        A seed of a plane of the encoder of a point.
    flips_* : In(17)
        Flip threshold of each point.
    stuck_* : In(fault_layout(lines, True, False))
    step : In(1)
        Whether a window is taken.
    spike, weight : In(length)
    post : Out(length)
    count : Out(log2(length) + 1)
    """

    def __init__(self, params: FaultParams) -> None:
        self.params, length = params, params.length
        load = data.StructLayout({"en": 1, "point": 2, "plane": range(PROBABILITY_BITS), "start": flip_encoder(length).start_bits})
        super().__init__({
            "load": In(load), "step": In(1), "spike": In(length), "weight": In(length),
            **{f"flips_{point}": In(PROBABILITY_BITS + 1) for point in POINTS},
            **{f"stuck_{point}": In(fault_layout(params.lines(point), True, False)) for point in POINTS},
            "post": Out(length), "count": Out(params.lines("count"))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        length, windows = self.params.length, {}
        for k, point in enumerate(POINTS):
            m.submodules[f"encoder_{point}"] = encoder = WindowEncoder(flip_encoder(length))
            m.d.comb += [
                encoder.load.en.eq(self.load.en & (self.load.point == k)), encoder.load.plane.eq(self.load.plane),
                encoder.load.start.eq(self.load.start), encoder.i.valid.eq(self.step), encoder.o.ready.eq(1),
                encoder.i.payload.eq(getattr(self, f"flips_{point}"))]
            windows[point] = encoder.o.payload
        m.submodules.synapse = synapse = Synapse(SynapseParams(length), stuck=True, flips=True)
        m.submodules.count_fault = count = Fault(self.params.lines("count"), True, True)
        spike, weight = Signal(length), Signal(length)
        with m.If(self.step):
            m.d.sync += [spike.eq(self.spike), weight.eq(self.weight)]
        for point, masks in zip(POINTS, (synapse.stream_faults, synapse.weight_faults, count.masks)):
            stuck = getattr(self, f"stuck_{point}")
            m.d.comb += [masks.stuck0.eq(stuck.stuck0), masks.stuck1.eq(stuck.stuck1), masks.flips.eq(windows[point])]
        m.d.comb += [synapse.spike.eq(spike), synapse.weight.eq(weight), self.post.eq(synapse.post),
                     count.i.eq(popcount(synapse.post, m)), self.count.eq(count.o)]
        return m


def path(params: FaultParams, spike: int, weight: int, flips: dict[str, int]) -> tuple[int, int]:
    """The golden model of the path: ``(post, count)`` of one window."""
    post = params.stream.step(spike, flips["stream"]) & params.weight.step(weight, flips["weight"])
    return post, params.count.step(post.bit_count(), flips["count"])


class ZeroWins(PointFaults):
    """A wrong model: stuck at 0 wins over stuck at 1."""

    def step(self, value: int, flips: int = 0) -> int:
        """Zeros last."""
        return ((value | self.stuck1) & ~self.stuck0) ^ flips


class FlipsFirst(PointFaults):
    """A wrong model: a stuck line does not flip."""

    def step(self, value: int, flips: int = 0) -> int:
        """Flips first."""
        behind: int = apply.py_func(value ^ flips, self.stuck0, self.stuck1, 0)
        return behind


@dataclass(frozen=True)
class OneRegister(FaultParams):
    """A wrong model: all points flip from the registers of the first."""

    def flip_windows(self, seed: int, first: int, count: int) -> dict[str, np.ndarray]:
        """Windows from the same numbers."""
        seeds = flip_seeds(seed, self.length, first + count)[:PROBABILITY_BITS]
        runs = {point: flip_encoder(self.length).run(seeds, np.array([getattr(self, point).flips] * count), first) for point in POINTS}
        return runs | {"count": runs["count"][:, :1] & np.uint64(2 * self.length - 1)}


def as_integers(windows: np.ndarray) -> list[int]:
    """Packed windows, uint64 (count, words), as integers."""
    return [int.from_bytes(window.astype("<u8").tobytes(), "little") for window in windows]


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def compare_windows(dut: Any) -> None:
    """Each window's gated lines and count, with pauses between them."""
    work, tally = job(), Tally()
    params, model, count, rng = work["params"], work["model"], work["count"] // 2, random.Random(work["seed"])
    await start(dut)
    dut.step.value = 0
    component = FaultyPath(params)

    def constant(name: str, fields: dict[str, int]) -> int:
        return int(component.signature.members[name].shape.const(fields).as_bits())

    for k, seed in enumerate(flip_seeds(FLIP_SEED, params.length, count)):
        dut.load.value = constant("load", {"en": 1, "point": k // PROBABILITY_BITS, "plane": k % PROBABILITY_BITS, "start": seed})
        await RisingEdge(dut.clk)
    dut.load.value = 0
    for point in POINTS:
        faults = getattr(params, point)
        getattr(dut, f"flips_{point}").value = faults.flips
        getattr(dut, f"stuck_{point}").value = constant(f"stuck_{point}", {"stuck0": faults.stuck0, "stuck1": faults.stuck1})
    flips = {point: as_integers(windows) for point, windows in model.flip_windows(FLIP_SEED, 0, count).items()}
    full = (1 << params.length) - 1
    for n in range(count):
        spike, weight = (rng.choice((0, full, rng.getrandbits(params.length), rng.getrandbits(params.length))) for _ in range(2))
        dut.step.value, dut.spike.value, dut.weight.value = 1, spike, weight
        await RisingEdge(dut.clk)
        dut.step.value, dut.spike.value = 0, rng.getrandbits(params.length)
        await RisingEdge(dut.clk)
        while rng.random() < STALL:
            await RisingEdge(dut.clk)
        post, ones = path(model, spike, weight, {point: windows[n] for point, windows in flips.items()})
        tally.compare(f"window {n}", "post", hex(post), hex(number(dut.post)))
        tally.compare(f"window {n}", "count", ones, number(dut.count))
    tally.finish()


def check(params: FaultParams, *, count: int, seed: int, model: FaultParams | None = None) -> int:
    """Compare ``count`` items, two a window, and return how many were; ``model`` is the golden side's faults.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(FaultyPath, params), __name__, params, model=model, count=count, seed=seed)
