"""Benches of the UART: against a UART that this project did not write, at baud rates that are off, and against the golden model on any line."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from cocotb.clock import Clock

from spikegate.cosim.benches.bench import RisingEdge, Tally, Timer, cocotb, job, number, run_bench
from spikegate.cosim.benches.stream_ports import StreamSource
from spikegate.gateware.link.uart import UartReceiver, UartTransmitter
from spikegate.models.link.uart import bits, receive

__all__ = ["Job", "check_receiver", "check_transmitter", "check_line"]

#: The foreign UART rounds a bit to whole nanoseconds.
PERIOD_NS = 1000


@dataclass(frozen=True)
class Job:
    """What is tried: clock cycles of a bit here, and how much longer a bit is on the other side, as a fraction."""

    divisor: int
    error: float = 0.0

    @property
    def baud(self) -> float:
        """Of the other side."""
        return 1e9 / (PERIOD_NS * self.divisor * (1 + self.error))


def _bytes(rng: random.Random) -> Iterator[int]:
    yield from (0x00, 0xFF, 0x55, 0xAA, 0x01, 0x80, 0x7E, 0x7D)
    while True:
        yield rng.randrange(256)


async def _clock(dut: Any) -> None:
    Clock(dut.clk, PERIOD_NS, "ns").start()
    dut.rst.value = 0
    for _ in range(4):
        await RisingEdge(dut.clk)


async def _receive(dut: Any, work: dict[str, Any], rng: random.Random, tally: Tally) -> None:
    """Bytes of the foreign source, in bursts without a gap that begin anywhere between two edges of the clock."""
    from cocotbext.uart import UartSource

    source = UartSource(dut.rx, baud=work["params"].baud)
    await _clock(dut)
    stream = _bytes(rng)
    wanted: list[int] = []

    async def send() -> None:
        while True:
            burst = [next(stream) for _ in range(rng.randint(1, 12))]
            wanted.extend(burst)
            await source.write(burst)
            await source.wait()
            await Timer(rng.randint(1, 4 * PERIOD_NS), "ns")

    cocotb.start_soon(send())
    while tally.compared < work["count"] and not tally.first:
        await RisingEdge(dut.clk)
        if number(dut.o__valid) or number(dut.error):
            found = None if number(dut.error) else number(dut.o__payload)
            tally.compare(f"byte {tally.compared}", "o", wanted[tally.compared], found)


async def _transmit(dut: Any, work: dict[str, Any], rng: random.Random, tally: Tally) -> None:
    """Bytes at the foreign sink, and the line cycle by cycle as the golden model has it."""
    from cocotbext.uart import UartSink

    sink, params = UartSink(dut.tx, baud=work["params"].baud), work["params"]
    source = StreamSource(dut, "i", rng, 0.02)
    await _clock(dut)
    stream, line = _bytes(rng), []
    wanted = [next(stream) for _ in range(work["count"])]
    cocotb.start_soon(source.send(wanted))
    for _ in range(len(wanted) * 20 * params.divisor):
        if sink.count() == len(wanted):
            break
        await RisingEdge(dut.clk)
        line.append(number(dut.tx))
    tally.compare("the end", "number of bytes", len(wanted), sink.count())
    for place, (golden, found) in enumerate(zip(wanted, sink.read_nowait())):
        tally.compare(f"byte {place}", "tx", golden, found)
    at = 0
    for place, byte in enumerate(wanted[:-1]):
        at = line.index(0, at)
        levels = [level for level in bits(byte) for _ in range(params.divisor)]
        tally.compare(f"byte {place}", "line", levels, line[at:at + len(levels)])
        at += len(levels) - params.divisor


async def _line(dut: Any, work: dict[str, Any], rng: random.Random, tally: Tally) -> None:
    """The golden model on a line of noise: glitches, breaks, bytes, framing errors."""
    dut.rx.value = 1
    await _clock(dut)
    divisor: int = work["params"].divisor
    line: list[int] = []
    found: list[tuple[int, int]] = []
    while len(found) < work["count"]:
        sent = [level for level in bits(rng.randrange(256)) for _ in range(divisor)]
        noise = [level for _ in range(6) for level in [rng.randrange(2)] * rng.randint(1, 3 * divisor)]
        for level in rng.choice((sent, sent, noise, [0] * rng.randint(1, 14 * divisor))) + [1] * rng.choice((0, 1, divisor, 20)):
            dut.rx.value = level
            line.append(level)
            await RisingEdge(dut.clk)
            if number(dut.o__valid) or number(dut.error):
                found.append((number(dut.o__payload), number(dut.o__valid)))
    for place, (golden, rtl) in enumerate(zip(receive(line, divisor), found)):
        tally.compare(f"byte {place}", "(o, valid)", golden, rtl)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def compare(dut: Any) -> None:
    """What the job asks for."""
    work, tally = job(), Tally()
    await {"receive": _receive, "transmit": _transmit, "line": _line}[work["part"]](dut, work, random.Random(work["seed"]), tally)
    tally.finish()


def check_receiver(divisor: int, *, error: float = 0.0, count: int, seed: int) -> int:
    """Receive ``count`` bytes from cocotbext-uart, whose bits are longer by ``error``; how many were compared.

    Raises
    ------
    Mismatch
        With the first divergence.
    """
    return run_bench(partial(UartReceiver, divisor), __name__, Job(divisor, error), count=count, seed=seed, part="receive")


def check_transmitter(divisor: int, *, error: float = 0.0, count: int, seed: int) -> int:
    """Send ``count`` bytes to cocotbext-uart, as `check_receiver`."""
    return run_bench(partial(UartTransmitter, divisor), __name__, Job(divisor, error), count=count, seed=seed, part="transmit")


def check_line(divisor: int, *, count: int, seed: int) -> int:
    """Hold the receiver against the golden model on a noisy line until it has seen ``count`` bytes or errors."""
    return run_bench(partial(UartReceiver, divisor), __name__, Job(divisor), count=count, seed=seed, part="line")
