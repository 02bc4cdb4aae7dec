"""Small components in Amaranth's own simulator: by rows of values, combinational ones and those of one cycle; streams under given stalls."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from amaranth.sim import Simulator

__all__ = ["evaluate", "clocked", "exchange"]


def evaluate(dut: Any, inputs: Sequence[Any], output: Any, rows: Iterable[Sequence[Any]]) -> list[Any]:
    """Values of ``output``, a signal or a tuple of them, of a combinational ``dut`` for each row of values of ``inputs``."""
    found = []

    async def bench(ctx: Any) -> None:
        for row in rows:
            for signal, value in zip(inputs, row, strict=True):
                ctx.set(signal, value)
            await ctx.delay(1e-9)
            found.append(tuple(map(ctx.get, output)) if isinstance(output, tuple) else ctx.get(output))

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def clocked(dut: Any, still: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], outputs: Sequence[str]) -> list[tuple[Any, ...]]:
    """Values of ``outputs`` one cycle after each row; rows and ``still``, which is set once, are values of inputs by name."""
    found = []

    async def bench(ctx: Any) -> None:
        for row in (still, *rows):
            for name, value in row.items():
                ctx.set(getattr(dut, name), value)
            if row is not still:
                await ctx.tick()
                found.append(tuple(ctx.get(getattr(dut, name)) for name in outputs))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def exchange(dut: Any, payloads: Iterable[Any], stalls: Iterable[tuple[bool, bool]], *, loads: Sequence[Any] = (),
             results: int | None = None) -> list[tuple[Any, Any]]:
    """``(payload that left, payload that was taken)``, None for neither, of each cycle of a component with the streams ``i`` and ``o``.

    Parameters
    ----------
    payloads : iterable
        Offered in turn; once offered, a payload stays until it is taken.
    stalls : iterable of (offer, accept)
        For each cycle: whether the next payload may be offered, and whether ``o`` is ready.
    loads : sequence
        Words for the port ``load``, a cycle each, before the first of the cycles.
    results : int, optional
        Stop when so many payloads have left.
    """
    found, todo, left = [], list(payloads), 0

    async def bench(ctx: Any) -> None:
        nonlocal left
        for word in loads:
            ctx.set(dut.load, word)
            await ctx.tick()
        if loads:
            ctx.set(dut.load.en, 0)
        offered = False
        for offer, accept in stalls:
            offered = bool(todo) and (offered or offer)
            ctx.set(dut.i.valid, offered)
            if offered:
                ctx.set(dut.i.payload, todo[0])
            ctx.set(dut.o.ready, accept)
            taken = offered and ctx.get(dut.i.ready)
            leaves = accept and ctx.get(dut.o.valid)
            found.append((ctx.get(dut.o.payload) if leaves else None, todo.pop(0) if taken else None))
            offered, left = offered and not taken, left + bool(leaves)
            await ctx.tick()
            if left == results:
                break

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found
