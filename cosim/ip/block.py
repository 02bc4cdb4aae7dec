"""What is known of a component that is given away: enough for its Verilog, its datasheet, and a bench with expected values."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from amaranth.lib.wiring import Component

from spikegate.cosim.benches.rows import Row
from spikegate.cosim.ip.ports import Port, ports

__all__ = ["Block"]


@dataclass(frozen=True)
class Block:
    """A component with what its datasheet and its bench are made from.

    Parameters
    ----------
    name : str
        Of the module in Verilog, and of its file.
    title : str
        What it is, in a line.
    make : callable
        Makes the component, anew for each use.
    values : dict
        Of its parameters.
    rows : callable
        ``rows(rng)`` gives, without end and from the reset on, what it must show in each cycle, as its golden model has it.
    latency : int, optional
        Cycles from inputs to outputs; None of what has streams, where it is seen in the timing diagram.
    notes : dict
        Meanings of ports for which the component's docstring has none of its own.
    """

    name: str
    title: str
    make: Callable[[], Component]
    values: Mapping[str, Any]
    rows: Callable[[random.Random], Iterator[Row]]
    latency: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def component(self) -> Component:
        """A new one, of which Amaranth does not mind if it is never elaborated."""
        made = self.make()
        made._MustUse__used = True
        return made

    def ports(self) -> list[Port]:
        """All but clock and reset."""
        return ports(self.component(), self.notes)
