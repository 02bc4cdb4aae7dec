"""What the core's engines compile and run, their tools replaced: the netlist's text, what the bits say, and how long each part took."""

from pathlib import Path
from types import SimpleNamespace

from small_networks import kicked, twenty

from spikegate.cosim.engines import bitstream, netlist, rtl, virtual_board
from spikegate.cosim.engines.point_rtl import PointRtl
from spikegate.cosim.toolchain.verilate import OPTIONS, ROLLED, Build
from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.network.recording import Recording

NETWORK = twenty()
TOLD = print
POINTS = kicked()


def test_a_netlist_and_a_bitstream_run_what_was_made_of_their_geometry(monkeypatch):
    calls, g = [], CoreGeometry.of(NETWORK, 2, store=16, walk=True)
    ran = Recording("x", 20, 1300, [], provenance={"network": NETWORK.hash, "lanes": 2})
    monkeypatch.setattr(rtl, "execute", lambda network, geometry, words, **options: calls.append((geometry, len(words), options)) or ran)
    monkeypatch.setattr(netlist, "core_netlist", lambda *args: calls.append(args) or SimpleNamespace(cells={"LUT": 3}))
    monkeypatch.setattr(netlist, "flat", lambda made: ("flat", made.cells["LUT"]))
    monkeypatch.setattr(netlist, "compile_core", lambda text: ("compiled", text))
    words = len(rtl.load_words(NETWORK, g))
    found = netlist.run(NETWORK, 2, "ecp5", trace=True, seed=4, progress=TOLD, store=16, walk=True)
    assert calls == [(g, "ecp5"), (g, words, dict(trace=True, progress=TOLD, made=("compiled", ("flat", 3)), engine="netlist-ecp5", seed=4,
                                                     outside=None))]
    assert found.provenance == {"network": NETWORK.hash, "lanes": 2, "cells": {"LUT": 3}}
    del calls[:]
    placed = SimpleNamespace(used={"LC": 9}, fmax_mhz=41.5)
    monkeypatch.setattr(bitstream, "core_placed", lambda *args: calls.append(args) or placed)
    monkeypatch.setattr(bitstream, "core_verilog", lambda *args: ("bits", args == (g, placed)))
    monkeypatch.setattr(bitstream, "compile_core", lambda text: ("compiled", text))
    found = bitstream.run(NETWORK, 2, trace=True, seed=4, place_seed=8, progress=TOLD, store=16, walk=True)
    assert calls == [(g, 8), (g, words, dict(trace=True, progress=TOLD, made=("compiled", ("bits", True)), engine="bitstream", seed=4))]
    assert found.provenance == {"network": NETWORK.hash, "lanes": 2, "used": {"LC": 9}, "fmax_mhz": 41.5}
    netlist.run(NETWORK, 3, "ice40")
    bitstream.run(NETWORK)
    assert [(call[2]["seed"], call[2]["trace"], call[2]["progress"], call[0].lanes) for call in calls[2:] if len(call) == 3] == [
        (1, False, None, 3), (1, False, None, 1)] and calls[-2][1] == 1


def test_builds_say_how_long_the_text_and_the_compilation_took(monkeypatch):
    asked = []
    module, call = rtl, rtl.build
    for g in (CoreGeometry.of(NETWORK, 2), PointRtl(2)._geometry(POINTS)):
        clock = iter((2.0, 2.75))
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda clock=clock: next(clock)))
        monkeypatch.setattr(module, "cached_verilog", lambda make, name, key, reset, write=None: asked.append((name, key, reset)) or "text")
        monkeypatch.setattr(module, "compile_shared", lambda *args, **options: asked.append((args, options)) or Build(Path("x"), 9.0, 1.25))
        assert call(g, clock_gate=False, trace=True) == Build(Path("x"), 0.75, 1.25, "as asked")
        assert asked == [("core", (g, False), False), (("text", "core", module.HARNESS), {"trace": True, "options": OPTIONS})]
        del asked[:]
        monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: 1.0))
        call(g)
        loops = isinstance(g, CoreGeometry)
        assert asked == [("core", (g, "rolled" if loops else True), False),
                         (("text", "core", module.HARNESS), {"trace": False, "options": ROLLED if loops else OPTIONS})]
        del asked[:]


def test_what_is_kept_of_a_board_is_that_of_its_core_and_divisor(monkeypatch):
    asked, made = [], []
    monkeypatch.setattr(virtual_board, "cached_verilog", lambda make, name, key, reset: asked.append(key) or made.append(make()) or f"{name} {key}")
    monkeypatch.setattr(virtual_board, "compile_shared", lambda text, *more: (text, *more))
    geometries = CoreGeometry.of(NETWORK, 2), CoreGeometry.of(NETWORK, 4), PointRtl(2)._geometry(POINTS)
    found = [virtual_board.build_linked(g, divisor) for g in geometries for divisor in (4, 9)]
    assert len(set(found)) == len(set(asked)) == 6
    assert [(each.geometry, each.divisor) for each in made] == [(g, divisor) for g in geometries for divisor in (4, 9)]
    assert virtual_board.build_linked(geometries[0]) == found[0] and found[0][1:] == ("host_link", virtual_board.HARNESS)
