"""Clock domains that stop while they have nothing to do: by clock enables, or by clock-gating cells outside."""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, EnableInserter, Fragment, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["gate_members", "gated"]


def gate_members(domains: Iterable[str]) -> dict[str, Any]:
    """Ports of gated clocks: ``draw_clk`` is ``clk`` in each cycle at whose end ``draw_enable`` is high."""
    return {name: flow for domain in domains for name, flow in ((f"{domain}_clk", In(1)), (f"{domain}_enable", Out(1)))}


def gated(component: wiring.Component, m: Module, enables: dict[str, Value], clock_gate: bool) -> Module | Fragment:
    """The module with its domains, whose registers may change at the end of a cycle in which their enable is high; ``clock_gate`` uses the ports."""
    named = {name: Signal(name=f"{name}_moves") for name in enables}
    m.d.comb += [named[name].eq(enable) for name, enable in enables.items()]
    if not clock_gate:
        return DomainRenamer({name: "sync" for name in enables})(EnableInserter(named)(m))
    for name, enable in named.items():
        m.domains += ClockDomain(name, reset_less=True)
        m.d.comb += [ClockSignal(name).eq(getattr(component, f"{name}_clk")), getattr(component, f"{name}_enable").eq(enable)]
    return m
