"""`spikegate network run`: the golden model alone, for networks that are too large to be simulated as RTL."""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from spikegate import networks
from spikegate.models.errors import InputError

__all__ = ["add_options", "run"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    networks.add_options(parser)
    parser.add_argument("--network", metavar="FILE", help="run this frozen network instead of a preset")
    parser.add_argument("--threads", type=int, default=1, metavar="T", help="of a network of point neurons, 1..64; the result is the same "
                        "(default %(default)s)")
    parser.add_argument("--save", metavar="FILE", help="write spikes and final states into this file, .npz")


def _engine(network: Any, threads: int) -> Any:
    from spikegate.models.core.golden import Golden
    from spikegate.models.core.point_golden import PointGolden
    from spikegate.models.network.point import PointNetwork

    if isinstance(network, PointNetwork):
        return PointGolden(threads=threads)
    if threads != 1:
        raise InputError(f"--threads {threads} is for networks of point neurons, and {network.title!r} has one weight a source; leave it out")
    return Golden()


def _told() -> Callable[[float], None]:
    from spikegate.simulate import say
    shown = [0]

    def tell(fraction: float) -> None:
        if int(10 * fraction) > shown[0]:
            shown[0] = int(10 * fraction)
            say(f"golden {10 * shown[0]} %")
    return tell


def run(args: argparse.Namespace) -> int:
    """Run it, and print what each population did."""
    from spikegate.simulate import say

    begin = time.perf_counter()
    network = networks.given(args)
    engine = _engine(network, args.threads)
    say(f"{network.title}: {network.n:,} neurons, made in {time.perf_counter() - begin:.1f} s")
    begin = time.perf_counter()
    recording = engine.run(network, progress=_told())
    say(f"{network.steps:,} steps, {network.seconds:g} s of biological time, in {time.perf_counter() - begin:.1f} s")
    counts = np.bincount(recording.spikes[:, 1], minlength=network.n)
    for here in network.ranges:
        spikes = int(counts[here.first:here.last].sum())
        print(f"{here.name}: {spikes:,} spikes, {spikes / (here.last - here.first) / network.seconds:.2f} Hz")
    if args.save:
        recording.save(args.save)
    return 0
