"""The whole design for a board: oscillator, PLL, network core and host link."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, Signal, Value
from amaranth.lib import io, wiring
from amaranth.lib.cdc import ResetSynchronizer

from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.link.link import HostLink
from spikegate.gateware.link.linked_core import linked_core
from spikegate.models.link.board import Board, Pll

__all__ = ["platform", "Top"]


def platform(board: Board) -> Any:
    """Amaranth's description of the board."""
    from amaranth_boards import ecpix5, ice40_hx8k_b_evn, icebreaker, ulx3s

    return {"icebreaker": icebreaker.ICEBreakerPlatform, "hx8k_evn": ice40_hx8k_b_evn.ICE40HX8KBEVNPlatform,
            "ulx3s_85f": ulx3s.ULX3S_85F_Platform, "ecpix5_85f": ecpix5.ECPIX585Platform}[board.name]()


class Top(wiring.Component):
    """Core and host link at the clock of the board's PLL, held in reset until that is locked.

    The first LED shows a run, the second changes with every good frame, the third a dropped one.

    Parameters
    ----------
    board : Board
    geometry : CoreGeometry or PointGeometry
        Of the core.
    build : int
        32 bits that name the build.
    """

    def __init__(self, board: Board, geometry: CoreGeometry | PointGeometry, build: int = 0):
        self.board, self.geometry, self.build = board, geometry, build
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        board = self.board
        m.domains.sync = ClockDomain()
        locked = Signal()
        clock = platform.request(platform.default_clk, dir="-")
        if board.part.startswith("iCE40UP"):  # its clock pin lies at the PLL, which then has to take it from the pad
            m.submodules.pll = _pll_ice40(board.pll, board.oscillator_hz, "PAD", locked, io_PACKAGEPIN=clock.io)
        else:
            m.submodules.clock = buffer = io.Buffer("i", clock)
            m.submodules.pll = _pll_ice40(board.pll, board.oscillator_hz, "CORE", locked, i_REFERENCECLK=buffer.i) if board.family == "ice40" \
                else _pll_ecp5(board.pll, board, buffer.i, locked)
        m.submodules.reset = ResetSynchronizer(~locked)
        link = HostLink(self.geometry, board.line.divisor, build=self.build, counts=board.counts)
        m.submodules.core = linked_core(m, link, self.geometry)
        m.submodules.link = link

        uart = platform.request("uart", 0, dir={"rx": "-", "tx": "-"})
        m.submodules.rx = rx = io.Buffer("i", uart.rx)
        m.submodules.tx = tx = io.Buffer("o", uart.tx)
        m.d.comb += [link.rx.eq(rx.i), tx.o.eq(link.tx)]
        states = (link.running, link.active, link.error)
        if ("led", 0) in platform.resources:
            leds = [platform.request("led", k, dir="-") for k in range(len(states)) if ("led", k) in platform.resources]
        else:
            colours = platform.request("rgb_led", 0, dir={"r": "-", "g": "-", "b": "-"})
            leds = [colours.g, colours.b, colours.r]
        for index, (led, state) in enumerate(zip(leds, states)):
            m.submodules[f"led_{index}"] = buffer = io.Buffer("o", led)
            m.d.comb += buffer.o.eq(state)
        return m


def _pll_ice40(pll: Pll, input_hz: int, kind: str, locked: Signal, **source: Value) -> Instance:
    comparator = input_hz / pll.reference
    filter_range = next((k for k, limit in enumerate((17e6, 26e6, 44e6, 66e6, 101e6), 1) if comparator < limit), 6)
    return Instance(f"SB_PLL40_{kind}", p_FEEDBACK_PATH="SIMPLE", p_DIVR=pll.reference - 1, p_DIVF=pll.feedback - 1,
                    p_DIVQ=pll.output.bit_length() - 1, p_FILTER_RANGE=filter_range, i_RESETB=Const(1), i_BYPASS=Const(0), o_LOCK=locked,
                    o_PLLOUTGLOBAL=ClockSignal(), **source)


def _pll_ecp5(pll: Pll, board: Board, clock: Value, locked: Signal) -> Instance:
    # The analog settings are those that Lattice's tools give every PLL; left out they would be 0.
    frequencies = {"a_FREQUENCY_PIN_CLKI": f"{board.oscillator_hz / 1e6:g}", "a_FREQUENCY_PIN_CLKOP": f"{board.clock_hz / 1e6:g}"}
    analog = {"a_ICP_CURRENT": "12", "a_LPF_RESISTOR": "8", "a_MFG_ENABLE_FILTEROPAMP": "1", "a_MFG_GMCREF_SEL": "2"}
    off = {f"p_{name}": "DISABLED" for name in ("PLLRST_ENA", "INTFB_WAKE", "STDBY_ENABLE", "DPHASE_SOURCE")}
    idle = {f"i_{name}": Const(0) for name in ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PLLWAKESYNC", "ENCLKOP")}
    still = {f"i_{name}": Const(1) for name in ("PHASEDIR", "PHASESTEP", "PHASELOADREG")}
    return Instance("EHXPLLL", **frequencies, **analog, **off, **{f"p_OUTDIVIDER_MUX{k}": f"DIV{k}" for k in "ABCD"},
                    p_CLKI_DIV=pll.reference, p_CLKFB_DIV=pll.feedback // pll.output, p_CLKOP_DIV=pll.output, p_CLKOP_ENABLE="ENABLED",
                    p_CLKOP_CPHASE=pll.output // 2, p_CLKOP_FPHASE=0, p_FEEDBK_PATH="CLKOP", **idle, **still,
                    i_CLKI=clock, i_CLKFB=ClockSignal(), o_CLKOP=ClockSignal(), o_LOCK=locked)
