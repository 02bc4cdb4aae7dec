"""Coverage of the host link under abuse, every answer, datum and load word held against the golden model."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from spikegate.cosim.engines.virtual_board import HARNESS, NAME, NativeLink
from spikegate.cosim.toolchain.verilate import compile_shared
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.core.geometry import CoreGeometry, Op, StreamGeometry
from spikegate.gateware.link.link import HostLink
from spikegate.models.errors import Mismatch
from spikegate.models.files import working_folder
from spikegate.models.link.frames import ESCAPE, Frame, Request, encode
from spikegate.models.link.payloads import Run, item_bytes
from spikegate.models.numeric.fixed import Q8_8
from spikegate.models.streams.params import Generator
from spikegate.models.streams.planes import window_lfsr
from verification.coverage.points import OPTIONS, PARTS, Coverage, judge, merged, points
from verification.stress.link_abuse import Abuse, Sweeps, check, flood

__all__ = ["LINKS", "cover_link"]

#: A sweep word that is waited for, and, with rows of two bytes and stream loads, two that are kept.
LINKS: dict[str, Callable[[], HostLink]] = {
    "host_link": lambda: HostLink(CoreGeometry(141, 4, Q8_8), 4),
    "host_link_wide": lambda: HostLink(CoreGeometry(250, 12, Q8_8, rows=StreamGeometry(Generator.LFSR, 64, 1, window_lfsr(64), ())), 4),
}


def more(abuse: Abuse) -> None:
    """What chance leaves out: every type, the last address, long sequences, distances of two bytes, a core that is slow to take words."""
    rng, device, send = abuse.rng, abuse.device, lambda frame: abuse.settle(list(encode(frame)))
    for kind in range(256):
        send(Frame(kind, device.expected))
    send(Frame(Request.LOAD, device.expected, bytes([Op.PARAM.value, 0, 0, 0xFF, 0xFF, 0xFF]) + rng.randbytes(16)))
    abuse.native.hesitate(rng.randint(10, 300))
    for _ in range(260):
        op = rng.choice((Op.PARAM, Op.ROW, Op.SEED)).value
        items = rng.randbytes(3 * item_bytes(op, device.identity.row_bits))
        send(Frame(Request.LOAD, device.expected, bytes([op, *rng.randbytes(5)]) + items))
    abuse.native.hesitate(0)
    places = np.arange(abuse.g.words * abuse.g.lanes)
    for first, rate, overflows in ((0, 0.01, 0.0), (129, 0.1, 20.0), (abuse.g.n - 1, 0.5, 0.5)):
        abuse.sweeps = Sweeps(abuse.g, np.random.default_rng(rng.getrandbits(32)), rate * (places >= first), overflows)
        abuse.native.core(abuse.sweeps.words, abuse.load_size, 1, 5)
        for flags in range(8):
            send(Frame(Request.RUN, device.expected, bytes([flags, 0, 5, 0, 0, 0])))
    # Each step one byte that has to be escaped, and the step before is counted in one of its bits or another.
    abuse.sweeps = Sweeps(abuse.g, np.random.default_rng(rng.getrandbits(32)), 1.0 * (places == ESCAPE - 1), 0.0)
    for tail in range(4, 40, 6):
        abuse.native.core(abuse.sweeps.words, abuse.load_size, 1, tail)
        send(Frame(Request.RUN, device.expected, bytes([Run.EVENTS, 0, 200, 0, 0, 0])))


def overrun(link: HostLink, library: Path, finish: Callable[[NativeLink], None]) -> int:
    """Requests faster than answers: those lost are counted, the others answered; how many there were.

    Raises
    ------
    Mismatch
        If one is neither.
    """
    requests = [Frame(Request.STATUS, k) for k in range(200)]
    answers, _, status = flood(link, requests, library=library, finish=finish)
    if not status.overruns or len(answers) + status.overruns != len(requests) or status.dropped != status.overruns:
        raise Mismatch(f"Host link answered {len(answers)} of {len(requests)} requests, and counted {status.overruns} overruns")
    return len(requests)


def cover_link(name: str, *, frames: int = 500, seeds: int = 2, prove: bool = True) -> Coverage:
    """Coverage of an entry of `LINKS` by so many frames and `more`, several times; without ``prove``, what cannot be reached is open.

    Raises
    ------
    Mismatch
        If an answer, datum or load word is not the golden model's.
    """
    link, found, compared = LINKS[name](), [], 0
    text = to_verilog(link, NAME, reset=False)
    for part in PARTS:
        library = compile_shared(text, NAME, HARNESS, options=[*OPTIONS, *part]).path
        with working_folder() as folder:
            for seed in range(seeds):
                def last(abuse):
                    more(abuse)
                    abuse.native.cover(folder / f"{seed}.dat")  # noqa: B023
                compared += check(link, frames=frames, seed=seed, library=library, more=last).compared
            compared += overrun(link, library, lambda native: native.cover(folder / "overrun.dat"))  # noqa: B023
            found = merged([*found, *points(Path(folder), text, f"TOP.{NAME}")])
    return replace(judge(name, found, text=text if prove else "", top=NAME), compared=compared)
