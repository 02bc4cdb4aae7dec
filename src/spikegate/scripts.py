"""`spikegate check`: what of a script of Brian2, or of a NIR graph, would run on hardware, or what is in the way."""

import argparse
import os
from typing import TYPE_CHECKING

from spikegate import graphs
from spikegate.models.errors import InputError

if TYPE_CHECKING:
    from spikegate.translator.importer.quantise import Quantised

__all__ = ["add_options", "check"]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The script, and how it is frozen."""
    parser.add_argument("script", metavar="SCRIPT", help="a Brian2 script as it is, which runs up to its first network; or a NIR graph, FILE.nir")
    parser.add_argument("--save", metavar="FILE", help="write the frozen network, for spikegate sim --network")
    parser.add_argument("--beside", action="store_true", help="run the whole script by Brian2 in floats and on hardware, and judge each monitor")
    parser.add_argument("--seeds", type=int, default=1, metavar="N",
                        help="with --beside: runs with other random numbers, 3 or more, for margins from their scatter")
    parser.add_argument("--format", metavar="qM.N", default="auto", help="of membranes (default: as many bits as the script's own numbers ask for)")
    parser.add_argument("--current-format", metavar="qM.N", default="auto", help="of currents (default: likewise)")
    graphs.add_options(parser)


def _groups(quantised: "Quantised") -> list[tuple[str, ...]]:
    from spikegate.models.neuron.linear import LinearNeuron

    rows: list[tuple[str, ...]] = []
    for each in quantised.network.populations:
        neuron = each.neuron
        formats = []
        if isinstance(neuron, LinearNeuron):
            formats = [str(neuron.format), *([f"currents {neuron.current_format}"] if neuron.currents else [])]
        rows.append((each.name, f"{each.size:,}", neuron.kind, ", ".join(formats) or "–", f"{len(each.sets):,}", "yes" if each.drive else "no"))
    rows += [(each.name, f"{each.size:,}", "recorded spikes", "–", "–", f"{len(each.steps):,} spikes") for each in quantised.network.inputs]
    return rows


def check(args: argparse.Namespace) -> int:
    """Print what the script's first network, or the graph, becomes; `InputError` names what is in the way."""
    if graphs.is_graph(args.script):
        return graphs.check(args)
    graphs.require_script(args)
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from spikegate import brian2, doctor

    doctor.require("sim")
    os.environ.setdefault("MPLBACKEND", "Agg")
    if args.seeds != 1 and not args.beside:
        raise InputError(f"--seeds {args.seeds} is of the runs beside Brian2; give --beside with it")
    quantised = brian2.check(args.script, format=args.format, current_format=args.current_format)
    network, console = quantised.network, Console(highlight=False, markup=False)
    synapses = sum(network.count(each) for each in network.projections)
    agreement = "statistical, as the hardware draws its own random inputs" if network.draws else "spike-exact on the same integers"
    console.print(f"{args.script}: {network.n:,} neurons, {synapses:,} synapses, {network.steps:,} steps of {network.dt_ns / 1e6:g} ms would run, "
                  f"in Brian2's order of a step; {agreement}", soft_wrap=True)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("group", "size", "kind", "format", "parameter sets", "drive"):
        table.add_column(name, overflow="fold", justify="right" if name in ("size", "parameter sets") else "left")
    for row in _groups(quantised):
        table.add_row(*row)
    console.print(table)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("parameter, SI", "asked", "realised", "relative error"):
        table.add_column(name, overflow="fold", justify="left" if name == "parameter, SI" else "right")
    for each in quantised.quantities:
        table.add_row(each.name, f"{each.asked:.6g}", f"{each.realised:.6g}", f"{100 * (each.error or 0):+.3g} %" if each.asked else "–")
    console.print(table)
    for line in quantised.warnings:
        console.print(f"warning: {line}", soft_wrap=True)
    if args.save:
        console.print(f"{args.save}: {network.save(args.save)}", soft_wrap=True)
    if not args.beside:
        return 0
    from spikegate.beside import beside, said, verdict
    found = beside(args.script, seeds=args.seeds, format=args.format, current_format=args.current_format)
    for one in found.checks:
        console.print(said(one), soft_wrap=True)
    console.print(verdict(found.checks), soft_wrap=True)
    return int(found.failed)
