"""Coverage of the host link under abuse, every answer, datum and load word held against the golden model."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from spikegate.cosim.coverage import OPTIONS, PARTS, Coverage, judge, merged, points
from spikegate.cosim.host_link import NAME
from spikegate.cosim.host_link_abuse import check
from spikegate.cosim.verilate import compile_shared, to_verilog
from spikegate.gateware.core_geometry import CoreGeometry, StreamGeometry
from spikegate.gateware.host_link import HostLink
from spikegate.models.encoder import window_lfsr
from spikegate.models.fixed import Q8_8
from spikegate.models.streams import Generator

__all__ = ["LINKS", "link_verilog", "cover_link"]

HARNESS = Path(__file__).with_suffix(".cpp")
#: A sweep word that is waited for, and, with rows of two bytes and stream loads, two that are kept.
LINKS: dict[str, Callable[[], HostLink]] = {
    "host_link": lambda: HostLink(CoreGeometry(141, 4, Q8_8), 4),
    "host_link_wide": lambda: HostLink(CoreGeometry(100, 12, Q8_8, streams=StreamGeometry(Generator.LFSR, 64, 1, window_lfsr(64), ())), 4),
}


def link_verilog(name: str) -> str:
    """Verilog of an entry of `LINKS`."""
    return to_verilog(LINKS[name](), NAME, reset=False)


def cover_link(name: str, *, frames: int = 12_000, seed: int = 1, prove: bool = True) -> Coverage:
    """Coverage of an entry of `LINKS` by so many frames; without ``prove``, what no one can reach is open.

    Raises
    ------
    Mismatch
        If an answer, datum or load word is not the golden model's.
    """
    text, found, compared = link_verilog(name), [], 0
    for part in PARTS:
        library = compile_shared(text, NAME, HARNESS, options=[*OPTIONS, *part]).path
        with tempfile.TemporaryDirectory(prefix="spikegate-") as folder:
            report = check(LINKS[name](), frames=frames, seed=seed, library=library,
                           finish=lambda native: native.cover(Path(folder) / "link.dat"))  # noqa: B023
            found, compared = merged([*found, *points(Path(folder), text, f"TOP.{NAME}")]), compared + report.compared
    return replace(judge(name, found, text=text if prove else "", top=NAME), compared=compared)
