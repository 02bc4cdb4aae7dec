"""For how long a network in Brian2's own order spikes as Brian2's floats do, format by format: ``benchmarks/float_agreement.py``.

The preset ``ai``, its neurons in Brian2's order of a step, in the golden model; and the same network with the parameters that were asked for, in
floats, in Brian2 (forward Euler, default schedule), both with the same events from outside. Only rounding is left to part them.
"""

import argparse
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from spikegate.models.core.engine import external_events
from spikegate.models.core.point_golden import PointGolden
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.neuron.linear import Order
from spikegate.models.numeric.fixed import QFormat
from spikegate.translator.brian_float import run_float
from spikegate.translator.brunel import preset, translate

__all__ = ["FORMATS", "Row", "compare_with_floats", "main"]

#: Formats of membranes and weights, and the leak's fraction bits.
FORMATS = ((QFormat(16, 8), 8), (QFormat(16, 8), 16), (QFormat(18, 10), 18), (QFormat(20, 12), 20), (QFormat(22, 14), 22), (QFormat(24, 16), 24),
           (QFormat(28, 20), 28), (QFormat(30, 22), 28))


class Row(NamedTuple):
    """Spikes of both, and until when, in steps, they are the same; None if to the end."""

    ours: int
    floats: int
    first: int | None
    same: int


def in_brian2s_order(network: Network) -> PointNetwork:
    """The network with each neuron in Brian2's order of a step: state update, threshold with ``>``, synapses, reset."""
    written = PointNetwork.of(network)
    return replace(written, populations=[replace(each, neuron=replace(each.neuron, order=Order.BRIAN2))  # type: ignore[type-var]
                                         for each in written.populations])


def compare_with_floats(format: QFormat, leak_fraction: int, ms: float) -> Row:
    """The golden model in a format against Brian2's floats, for so many ms."""
    network = translate(preset("ai"), format, ms=ms, leak_fraction=leak_fraction)
    ours = PointGolden().run(in_brian2s_order(network))
    # What is added before the update of step t here is added at the end of step t - 1 there, and before the first at its beginning.
    events = external_events(network)
    begun = network.v0 + network.drive.weight * events[0].astype(network.v0.dtype)
    floats = run_float(replace(network, v0=begun, external=np.concatenate([events[1:], np.zeros_like(events[:1])])), codegen="numpy")
    apart = {*map(tuple, ours.spikes.tolist())} ^ {*map(tuple, floats.spikes.tolist())}
    first = min((step for step, _ in apart), default=None)
    return Row(len(ours.spikes), len(floats.spikes), first, int(np.count_nonzero(floats.spikes[:, 0] < (network.steps if first is None else first))))


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ms", type=float, default=1000.0, help="biological time (default %(default)s)")
    options = parser.parse_args(arguments)
    print("| format | leak's fraction bits | spikes | Brian2's, floats | the same until | spikes till then |\n|---|---|---|---|---|---|")
    for format, leak_fraction in FORMATS:
        row = compare_with_floats(format, leak_fraction, options.ms)
        until = f"{options.ms:g} ms, the end" if row.first is None else f"{row.first * 0.1:.1f} ms"
        print(f"| {format} | {leak_fraction} | {row.ours:,} | {row.floats:,} | {until} | {row.same:,} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
