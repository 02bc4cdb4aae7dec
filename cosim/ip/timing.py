"""A timing diagram of a component from a simulation of it, as a picture and in letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from amaranth.hdl import Value
from amaranth.lib.wiring import Component
from amaranth.sim import Simulator

from spikegate.cosim.ip.ports import Port

__all__ = ["Wave", "simulated", "busiest", "svg", "letters"]

PERIOD = 1e-6
NAME, CYCLE, ROW, HIGH = 170, 76, 30, 18


@dataclass(frozen=True)
class Wave:
    """What stands on ports in successive cycles, before each rising edge; ``first`` is the number of the first cycle."""

    ports: Sequence[Port]
    values: Mapping[str, Sequence[int]]
    first: int = 0

    def cut(self, first: int, count: int) -> "Wave":
        """Some of the cycles."""
        return Wave(self.ports, {name: values[first:first + count] for name, values in self.values.items()}, self.first + first)


def simulated(component: Component, ports: Sequence[Port], inputs: Sequence[Mapping[str, int]]) -> Wave:
    """Amaranth's simulation of a component from its reset on, with these inputs in successive cycles."""
    signals = {"__".join(map(str, path)): Value.cast(value) for path, _, value in component.signature.flatten(component)}
    found: dict[str, list[int]] = {port.name: [] for port in ports}

    async def bench(ctx: Any) -> None:
        for given in inputs:
            for port in ports:
                if port.input:
                    ctx.set(signals[port.name].as_unsigned(), given[port.name] & (1 << port.width) - 1)
            await ctx.delay(0.4 * PERIOD)
            for name, values in found.items():
                values.append(int(ctx.get(signals[name].as_unsigned())))
            await ctx.delay(0.6 * PERIOD)

    simulator = Simulator(component)
    simulator.add_clock(PERIOD, phase=0.5 * PERIOD, if_exists=True)
    simulator.add_testbench(bench)
    simulator.run()
    return Wave(ports, found)


def busiest(wave: Wave, count: int) -> Wave:
    """So many cycles in which the ports change most often."""
    length = len(next(iter(wave.values.values())))
    changes = [sum(values[k] != values[k - 1] for values in wave.values.values()) if k else 0 for k in range(length)]
    return wave.cut(max(range(max(1, length - count)), key=lambda k: sum(changes[k + 1:k + count])), count)


def _text(port: Port, value: int) -> str:
    if port.signed and value >> port.width - 1:
        value -= 1 << port.width
    return str(value) if port.width <= 16 and len(port.fields) == 1 and port.fields[0].name == port.name else f"{value:#x}"


def svg(wave: Wave, title: str) -> str:
    """The picture: a line for each port under the clock, a bus as its value, in hexadecimal where it is a record or wide."""
    count = len(next(iter(wave.values.values())))
    width, height = NAME + CYCLE * count + 10, ROW * (len(wave.ports) + 2) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="monospace" font-size="11">',
             f"<title>{escape(title)}</title>", '<rect width="100%" height="100%" fill="white"/>',
             '<g fill="none" stroke="#999" stroke-dasharray="2 3">',
             *(f'<path d="M{NAME + CYCLE * (k + 0.5):g} {ROW}V{height - 10}"/>' for k in range(count)), "</g>",
             *(f'<text x="{NAME + CYCLE * (k + 0.5):g}" y="18" text-anchor="middle">{wave.first + k}</text>' for k in range(count))]
    clock = "".join(f"V{ROW + HIGH}H{NAME + CYCLE * (k + 0.5):g}V{ROW}H{NAME + CYCLE * (k + 1)}" for k in range(count))
    parts += [f'<text x="4" y="{ROW + 14}">clk</text>', f'<path d="M{NAME} {ROW + HIGH}{clock}" fill="none" stroke="black"/>']
    for number, port in enumerate(wave.ports, 2):
        top, values = number * ROW, wave.values[port.name]
        parts.append(f'<text x="4" y="{top + 14}" fill="{"#04c" if port.input else "#080"}">{escape(port.name)}</text>')
        if port.width == 1:
            line = "".join(f"V{top + HIGH * (1 - value)}h{CYCLE}" for value in values)
            parts.append(f'<path d="M{NAME} {top + HIGH * (1 - values[0])}{line}" fill="none" stroke="black"/>')
            continue
        begin = 0
        for k in range(1, count + 1):
            if k < count and values[k] == values[begin]:
                continue
            left, right, middle = NAME + CYCLE * begin, NAME + CYCLE * k, top + HIGH / 2
            parts.append(f'<path d="M{left} {middle:g}L{left + 4} {top}H{right - 4}L{right} {middle:g}L{right - 4} {top + HIGH}H{left + 4}Z" '
                         'fill="#eef" stroke="black"/>')
            text, room = _text(port, values[begin]), (right - left - 10) // 7
            text = text if len(text) <= room else text[:max(1, room - 1)] + "…"
            parts.append(f'<text x="{(left + right) / 2:g}" y="{top + 13}" text-anchor="middle">{text}</text>')
            begin = k
    return "\n".join([*parts, "</svg>", ""])


def letters(wave: Wave) -> str:
    """The same as a table of text, a column a cycle; ``.`` is a value that stays."""
    count = len(next(iter(wave.values.values())))
    rows = [["cycle", *(str(wave.first + k) for k in range(count))]]
    for port in wave.ports:
        values = wave.values[port.name]
        rows.append([port.name, *("." if k and value == values[k - 1] else _text(port, value) for k, value in enumerate(values))])
    limit = 12
    rows = [[row[0], *(cell if len(cell) <= limit else cell[:limit - 1] + "…" for cell in row[1:])] for row in rows]
    widths = [max(len(row[k]) for row in rows) for k in range(count + 1)]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]) for row in rows)
