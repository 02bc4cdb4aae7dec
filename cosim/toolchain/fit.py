"""What a component takes of an FPGA, and how fast it is there: cells as Yosys counts them, frequency as nextpnr finds it."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikegate.cosim.toolchain.synthesis import place, synthesise
from spikegate.cosim.toolchain.verilog import to_verilog

__all__ = ["Registered", "measure"]


class Registered(wiring.Component):
    """A component between registers at all its ports, so that its own paths are those that are timed, whatever the number of pins.

    The inputs are a shift register behind one pin; the outputs lead to another through sums of four bits at a time, a register each.
    """

    def __init__(self, component: wiring.Component) -> None:
        self.component = component
        super().__init__({"i": In(1), "o": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.leaf = self.component
        flat = [(member.flow, Value.cast(value)) for _, member, value in self.component.signature.flatten(self.component)]
        inputs, values = Signal(sum(len(value) for flow, value in flat if flow == In)), Cat(value for flow, value in flat if flow == Out)
        m.d.comb += Cat(value for flow, value in flat if flow == In).eq(inputs)
        m.d.sync += inputs.eq(Cat(self.i, inputs))
        while len(values) > 1:
            held = Signal.like(values, name=f"held_{len(values)}")
            m.d.sync += held.eq(values)
            values = Cat(held[k:k + 4].xor() for k in range(0, len(held), 4))
        m.d.sync += self.o.eq(values)
        return m


def measure(make: Callable[[], wiring.Component], family: str, seeds: int) -> dict[str, Any]:
    """Cells of the bare module, and what nextpnr reaches between registers with each of several seeds."""
    cells = synthesise(to_verilog(make(), "leaf", reset=False), "leaf", family).cells
    registered = synthesise(to_verilog(Registered(make()), "leaf", reset=False), "leaf", family)
    fmax = [place(registered, seed=seed).fmax_mhz for seed in range(1, seeds + 1)]
    return {"luts": cells.get("SB_LUT4", 0) + cells.get("LUT4", 0), "carries": cells.get("SB_CARRY", 0) + cells.get("CCU2C", 0),
            "flip_flops": sum(count for name, count in cells.items() if name.startswith(("SB_DFF", "TRELLIS_FF"))),
            "multipliers": cells.get("MULT18X18D", 0),
            "memories": cells.get("SB_RAM40_4K", 0) + cells.get("DP16KD", 0), "fmax_mhz": [round(mhz, 1) for mhz in fmax]}
