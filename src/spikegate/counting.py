"""`spikegate network count`: on a board at its own speed, which counts spikes."""

import argparse
from contextlib import ExitStack

import numpy as np

from spikegate import networks
from spikegate.models.errors import InputError, Mismatch

__all__ = ["add_options", "run"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    networks.add_options(parser)
    parser.add_argument("--network", metavar="FILE", help="run this frozen network instead of a preset")
    parser.add_argument("--port", metavar="PATH", help="of the board; by default a Verilated one")
    parser.add_argument("--baud", type=int, metavar="B", help="of that board (default whichever it answers at)")
    parser.add_argument("--board", metavar="NAME", default="ulx3s_85f", help="of which the Verilated one has the core (default %(default)s)")
    parser.add_argument("--neurons", default="", metavar="LIST", help="whose spikes are read one by one, such as 0,7,100:110 (default none)")
    parser.add_argument("--save", metavar="FILE", help="write counts and spikes into this file, .npz")


def chosen_of(text: str, n: int) -> list[int]:
    """Neurons of a list of numbers and ranges.

    Raises
    ------
    InputError
        If it is none, or there is no such neuron.
    """
    found: list[int] = []
    for part in text.split(",") if text else ():
        ends = part.split(":")
        if len(ends) > 2 or not all(end.strip().isdecimal() for end in ends):
            raise InputError(f"--neurons must be numbers and ranges such as 0,7,100:110, not {text!r}")
        first, last = int(ends[0]), int(ends[-1]) if len(ends) == 2 else int(ends[0]) + 1
        if not first < last <= n:
            raise InputError(f"--neurons must be in 0..{n - 1}, each range ascending, not {part}")
        found += range(first, last)
    return found


def run(args: argparse.Namespace) -> int:
    """Count on the board and in the golden model, and print what each population did."""
    from spikegate.boards import board_for
    from spikegate.cosim.engines.virtual_board import virtual_board
    from spikegate.cosim.toolchain.board import geometry
    from spikegate.counted import SpikeCounts, count
    from spikegate.host import Board
    from spikegate.models.core import engine as golden
    from spikegate.models.link.board import board
    from spikegate.models.network.network import Network
    from spikegate.models.network.recording import Recording
    from spikegate.simulate import say

    network = networks.given(args)
    if not isinstance(network, Network):
        raise InputError(f"{network.title!r} has point neurons, and boards count the spikes of networks of one weight a source; use spikegate sim")
    if args.baud is not None and args.port is None:
        raise InputError(f"--baud {args.baud} is that of a board on a port; give --port with it")
    who = np.array(chosen_of(args.neurons, network.n), np.int64)
    with ExitStack() as stack:
        path = args.port
        if path is None:
            spec = board_for(board(args.board), network, None, None, None)
            g = geometry(spec, network)
            say(f"Verilated board with the core of the {spec.title} ...")
            path = stack.enter_context(virtual_board(g, counts=True))
        found = count(stack.enter_context(Board(path, args.baud)), network, who)
    expected = SpikeCounts.of(golden.run(network), who)
    for here in network.ranges:
        spikes = int(found.counts[here.first:here.last].sum())
        print(f"{here.name}: {spikes:,} spikes, {spikes / (here.last - here.first) / network.seconds:.2f} Hz")
    if len(who):
        print(f"chosen: {len(who):,} neurons, {len(found.spikes):,} spikes")
    took = found.provenance["run_s"]
    say(f"{network.seconds:g} s of biological time in {took:.3g} s with the results read: {network.seconds / took:.3g} times real time")
    if args.save:
        Recording("rtl", network.n, network.steps, found.spikes, {"counts": found.counts}, cycles=found.cycles, provenance=found.provenance,
                  dt_ns=network.dt_ns).save(args.save)
    if wrong := found.differing(expected):
        raise Mismatch(f"Counts or spikes of {wrong:,} neurons are not those of the golden model")
    say(f"ok: {network.n:,} counts and the spikes of {len(who):,} chosen neurons equal the golden model's")
    return 0
