"""Driver and monitor of the core's streams."""

from typing import NamedTuple

from pyuvm import ConfigDB, uvm_analysis_port, uvm_driver, uvm_monitor

from spikegate.cosim.benches.bench import RisingEdge, cocotb, number, start
from spikegate.cosim.benches.stream_ports import StreamSink, StreamSource
from spikegate.cosim.engines.rtl import load_words, run_word
from spikegate.gateware.core.geometry import CoreGeometry, Op
from verification.uvm.items import PACES, Scenario

__all__ = ["Beat", "Began", "Ended", "words_of", "CoreBus", "CoreDriver", "CoreMonitor"]

#: Cycles that an item may wait for its reset or its end.
PATIENCE = 2_000_000


class Began(NamedTuple):
    """The driver takes up an item; ``cycles`` is what the core has counted so far."""

    item: Scenario
    cycles: int


class Ended(NamedTuple):
    """The driver is done with an item; the phase in which a reset struck, if one did; ``idle``: nothing moves any more."""

    cycles: int
    reset: str | None
    idle: bool


class Beat(NamedTuple):
    """One cycle in which a stream of the core moved or was held up.

    ``load`` is the operation that was taken. ``wait``: a load word was offered to a busy core. ``sweep`` is the word that passed, and ``held`` one
    that did not, and ``broken`` says that it is no longer what it was when it was first held.
    """

    load: int | None
    wait: bool
    sweep: int | None
    held: bool
    broken: bool


def words_of(item: Scenario, g: CoreGeometry) -> list[tuple[list[int], bool]]:
    """Words of the load stream, a list for each part, and whether what follows is offered at once."""
    width, found = g.load_layout().size, []
    for part in item.parts:
        words = load_words(part.network.replace(steps=item.steps), g, item.faults)
        keep = [word for word in words if Op(int(word["op"])) in part.ops]
        records = [*keep, *(run_word(g, steps)[0] for steps in part.runs)]
        found.append(([int.from_bytes(record.tobytes(), "little") & ((1 << width) - 1) for record in records], part.eager))
    return found


class CoreBus:
    """The ports of the core, and where it stands."""

    def __init__(self, dut, geometry: CoreGeometry, rng):
        self.dut, self.geometry = dut, geometry
        self.source, self.sink = StreamSource(dut, "i", rng, 0.0), StreamSink(dut, "o", rng, 0.0)

    async def begin(self):
        """Clock and reset."""
        self.sink.ready.value = 1
        await start(self.dut)
        cocotb.start_soon(self.sink.run())

    def phase(self) -> str:
        """Which of `verification.uvm.items.RESETS` the core is in."""
        if not number(self.dut.busy):
            return "load"
        sequencer = self.dut.top.sequencer
        if number(sequencer.delivering):
            return "delivery"
        return "drain" if 1 <= number(sequencer.countdown) <= self.geometry.latency + 7 else "sweep"

    @property
    def cycles(self) -> int:
        """What the core has counted."""
        return number(self.dut.cycles)


class CoreDriver(uvm_driver):
    """Sends an item's words, waits for the end of its runs, or strikes with a reset on the way."""

    def build_phase(self):
        self.port = uvm_analysis_port("port", self)

    async def run_phase(self):
        self.bus = bus = ConfigDB().get(self, "", "BUS")
        await bus.begin()
        while True:
            item = (await self.seq_item_port.get_next_item()).scenario
            bus.source.stall, bus.sink.stall = PACES[item.gap], PACES[item.stall]
            self.port.write(Began(item, bus.cycles))
            playing, struck = cocotb.start_soon(self.play(item)), None
            if item.reset:
                struck = await self.strike(playing, *item.reset)
            if struck is None:
                await playing
            idle = not number(bus.dut.busy) and not number(bus.dut.o__valid)
            self.port.write(Ended(bus.cycles, struck, idle))
            self.seq_item_port.item_done()

    async def play(self, item: Scenario) -> None:
        """Send all parts; wait for the end of a part's runs unless the next one is offered at once."""
        for words, eager in words_of(item, self.bus.geometry):
            await self.bus.source.send(words)
            if not eager:
                await self.rest()
        await self.rest()

    async def rest(self) -> None:
        """Until the core is no longer busy."""
        for _ in range(PATIENCE):
            await RisingEdge(self.bus.dut.clk)
            if not number(self.bus.dut.busy):
                return
        raise RuntimeError("The core did not come to rest")

    async def strike(self, playing, phase: str, after: int) -> str | None:
        """Reset after so many cycles in a phase, where the item gets so far; the phase."""
        dut = self.bus.dut
        while not playing.done():
            await RisingEdge(dut.clk)
            if self.bus.phase() == phase:
                if after == 0:
                    break
                after -= 1
        if playing.done():
            return None
        playing.cancel()
        self.bus.source.valid.value, dut.rst.value = 0, 1
        for _ in range(2):
            await RisingEdge(dut.clk)
        dut.rst.value = 0
        await RisingEdge(dut.clk)
        await RisingEdge(dut.clk)
        return phase


class CoreMonitor(uvm_monitor):
    """Publishes every `Beat` of both streams, outside resets."""

    def build_phase(self):
        self.port = uvm_analysis_port("port", self)

    async def run_phase(self):
        bus = ConfigDB().get(self, "", "BUS")
        dut, op_at, before = bus.dut, bus.geometry.load_layout()["op"].offset, None
        clk, rst, i_valid, i_ready, i, o_valid, o_ready, o = (getattr(dut, name) for name in (
            "clk", "rst", "i__valid", "i__ready", "i__payload", "o__valid", "o__ready", "o__payload"))
        while True:
            await RisingEdge(clk)
            if rst.value:
                before = None
                continue
            loading, sweeping = bool(i_valid.value), bool(o_valid.value)
            if not (loading or sweeping or before is not None):
                continue
            taken, passes = loading and bool(i_ready.value), sweeping and bool(o_ready.value)
            payload = number(o) if sweeping else None
            self.port.write(Beat(number(i) >> op_at if taken else None, loading and not taken, payload if passes else None, sweeping and not passes,
                                 before is not None and payload != before))
            before = payload if sweeping and not passes else None
