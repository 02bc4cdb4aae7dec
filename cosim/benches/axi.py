"""Bench of a core behind AXI: a bus master and a stream sink that this project did not write load a network, run it, and take its spikes."""

import random
from functools import partial
from typing import Any

import numpy as np

from spikegate.cosim.benches.bench import RisingEdge, Tally, cocotb, job, run_bench, start
from spikegate.cosim.engines.rtl import load_words
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.link.axi_core import AxiCore
from spikegate.models.core.address_map import Op
from spikegate.models.core.golden import Golden
from spikegate.models.link.axi import DATA, SLVERR, AxiDevice, Register, packets
from spikegate.models.network.network import Network

__all__ = ["check"]

PAUSE = 0.2
#: Polls of the status, at most.
PATIENCE = 20_000


class Master:
    """The bus as 32-bit accesses, each held against the model."""

    def __init__(self, bus: Any, device: AxiDevice, tally: Tally) -> None:
        self.bus, self.device, self.tally = bus, device, tally

    async def write(self, address: int, data: int, first: int = 0, size: int = 4) -> int:
        """Write some bytes of a register; the answer."""
        return int((await self.bus.write(address + first, data.to_bytes(4, "little")[first:first + size])).resp)

    async def read(self, address: int) -> tuple[int, int]:
        """Data, and the answer."""
        found = await self.bus.read(address, 4)
        return int.from_bytes(found.data, "little"), int(found.resp)

    async def any_access(self, rng: random.Random) -> None:
        """One at a register or beside all, compared."""
        known = [int(at) for at in [*self.device.fixed, *self.device.kept]]
        address = rng.choice([*known, DATA + 4 * len(known), 0x1C, 0x2C, 0xFFC])
        if rng.getrandbits(1):
            self.tally.compare(f"read of {address:#x}", "data and answer", self.device.read(address), await self.read(address))
        else:
            first = rng.randrange(4)
            size, data = rng.randint(1, 4 - first), rng.getrandbits(32)
            strobe = ((1 << size) - 1) << first
            self.tally.compare(f"write to {address:#x}", "answer", self.device.write(address, data, strobe),
                               await self.write(address, data, first, size))

    async def load(self, op: int, lane: int, address: int, data: int) -> int:
        """A load word; the answer to its op."""
        for at, value in ((Register.LANE, lane), (Register.ADDRESS, address)):
            if self.device.kept[at] != value:
                self.device.write(at, value)
                await self.write(at, value)
        for at in (at for at in self.device.kept if at >= DATA):
            await self.write(at, data >> 8 * (at - DATA) & 0xFFFFFFFF)
        return await self.write(Register.OP, op)


async def _run(dut: Any, master: Master, work: dict[str, Any], tally: Tally) -> None:
    """Start the run, and see that a second word behind it waits and a third is refused; wait for its end."""
    tally.compare("RUN", "answer", 0, await master.write(Register.OP, int(Op.RUN)))
    tally.compare("a word behind the run", "answer", 0, await master.write(Register.OP, int(Op.CLEAR)))
    tally.compare("a word behind that", "answer", SLVERR, await master.write(Register.OP, int(Op.CLEAR)))
    tally.compare("a register of the word that waits", "answer", SLVERR, await master.write(Register.LANE, 1))
    tally.compare("during the run", "status", 3, (await master.read(Register.STATUS))[0])
    for _ in range(PATIENCE):
        if not (await master.read(Register.STATUS))[0]:
            break
    spikes = sum(len(packet) - 1 for packet in work["packets"])
    tally.compare("after the run", "status", 0, (await master.read(Register.STATUS))[0])
    tally.compare("after the run", "events", spikes, (await master.read(Register.EVENTS))[0])
    low, high = (await master.read(Register.CYCLES))[0], (await master.read(Register.CYCLES_HIGH))[0]
    tally.compare("after the run", "cycles at least as predicted", True, (high << 32 | low) >= work["cycles"])


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def compare_core(dut: Any) -> None:
    """Accesses at random, then a network and its spikes."""
    from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink

    work, tally = job(), Tally()
    rng = random.Random(work["seed"])
    bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
    sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk, dut.rst)
    for log in (bus.write_if.log, bus.read_if.log, sink.log):
        log.setLevel("WARNING")
    sink.set_pause_generator(iter(lambda: rng.random() < PAUSE, None))
    master = Master(bus, AxiDevice(work["neurons"], work["lanes"], work["data_words"]), tally)
    await start(dut)
    await RisingEdge(dut.clk)
    for _ in range(work["count"]):
        await master.any_access(rng)
    for word in work["loads"]:
        if (answer := await master.load(*word)) != 0:
            tally.compare(f"load word {word}", "answer", 0, answer)
    await _run(dut, master, work, tally)
    for step, wanted in enumerate(work["packets"]):
        found = None if sink.empty() else np.frombuffer(bytes(sink.recv_nowait().tdata), "<u4").tolist()
        tally.compare(f"step {step}", "packet", wanted, found)
    tally.compare("after the run", "packets left", True, sink.empty())
    tally.finish()


def check(network: Network, lanes: int, *, count: int, seed: int, model: Network | None = None) -> int:
    """Compare ``count`` accesses and the spikes of a run, and return how many items were compared; ``model`` is the golden side's network.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    g = CoreGeometry.of(network, lanes)
    recording = Golden().run(network if model is None else model)
    words = load_words(network, g)
    loads = [[int(word["op"]), int(word["lane"]), int(word["address"]), int.from_bytes(word["data"].tobytes(), "little")] for word in words]
    # The data of the run; its op is sent by itself.
    loads.append([int(Op.PARAM), 0, 0xFF, network.steps])
    return run_bench(partial(AxiCore, g), __name__, None, count=count, seed=seed, neurons=g.n, lanes=g.lanes, loads=loads,
                     data_words=g.lane_bits // 32, packets=list(packets(np.asarray(recording.spikes), network.steps)),
                     cycles=network.steps * g.words)
