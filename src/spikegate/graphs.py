"""NIR graphs on the command line: `spikegate network from-nir`, and `spikegate check` of one."""

import argparse
from typing import TYPE_CHECKING, Any

from spikegate.models.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from spikegate.translator.nir.imported import Imported

__all__ = ["add_freeze", "add_options", "check", "freeze", "is_graph"]


def is_graph(path: str) -> bool:
    """Whether a file is a NIR graph and no script, by its name."""
    return path.endswith(".nir")


def add_options(parser: argparse.ArgumentParser) -> None:
    """How the continuous time of a graph becomes steps."""
    parser.add_argument("--dt", type=float, metavar="S", default=1e-4, help="of a NIR graph: seconds of a step (default %(default)s)")
    parser.add_argument("--reset", metavar="HOW", default="value", help="of a NIR graph: a spike sets the membrane to v_reset (value, the default), "
                        "or takes v_threshold - v_reset off (subtract)")
    parser.add_argument("--method", metavar="HOW", default="euler", help="of a NIR graph: dt / tau goes in a step (euler, the default), or "
                        "1 - exp(-dt / tau) (exact)")
    parser.add_argument("--integrators", metavar="HOW", default="step", help="of a NIR graph: an IF or I adds r in a step (step, the default), or "
                        "dt r (seconds)")


def _inputs(path: str | None) -> Any:
    """Spikes by Input node, of NumPy's .npz, or of the only one, of .npy."""
    if path is None:
        return None
    import numpy as np
    try:
        found = np.load(path, allow_pickle=False)
        return {name: found[name] for name in found.files} if hasattr(found, "files") else found
    except (OSError, ValueError, EOFError) as error:
        why = getattr(error, "strerror", None) or "it holds no arrays"
        raise InputError(f"Inputs {path} cannot be read ({why}); save arrays (steps, channels) of 0 and 1 with numpy.savez") from error


def _imported(path: str, args: argparse.Namespace, steps: int | None, inputs: Any) -> "Imported":
    from spikegate.models.numeric.fixed import QFormat
    from spikegate.translator.nir.formats import Formats
    from spikegate.translator.nir.freeze import from_nir
    from spikegate.translator.nir.reading import read

    given = {"format": args.format, "current_format": args.current_format}
    asked: dict[str, Any] = {name: QFormat.parse(text) for name, text in given.items() if text != "auto"}
    return from_nir(read(path), dt=args.dt, steps=steps, inputs=inputs, method=args.method, integrators=args.integrators, reset=args.reset,
                    formats=Formats(**asked) if asked else None)


def _print(console: "Console", path: str, found: "Imported") -> None:
    from rich import box
    from rich.table import Table

    network = found.network
    synapses = sum(network.count(each) for each in network.projections)
    quantised = sum(not each.exact for each in found.nodes)
    said = "every node is exact" if found.exact else f"{quantised} of {len(found.nodes)} nodes are quantised, the others exact"
    console.print(f"{path}: {network.n:,} neurons, {synapses:,} synapses, steps of {network.dt_ns / 1e6:g} ms; {said}", soft_wrap=True)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("node", "primitive", "becomes", "exactness"):
        table.add_column(name, overflow="fold")
    for each in found.nodes:
        table.add_row(each.node, each.kind, each.becomes, each.said)
    console.print(table)
    for name, lag in found.lag.items():
        if lag:
            console.print(f"output {name}: step t of the graph is step t + {lag} of the network, as a synapse takes a step", soft_wrap=True)


def check(args: argparse.Namespace) -> int:
    """`spikegate check FILE.nir`: print what becomes of each node; `InputError` names all that is in the way."""
    from rich.console import Console

    if args.beside:
        raise InputError("--beside runs a Brian2 script, and this is a NIR graph; leave it out")
    if args.seeds != 1:
        raise InputError(f"--seeds {args.seeds} is of runs beside Brian2, and this is a NIR graph; leave it out")
    if args.save:
        raise InputError(f"--save needs the length of a run, which a graph does not say; spikegate network from-nir {args.script} --out {args.save} "
                         "--steps N writes it")
    _print(Console(highlight=False, markup=False), args.script, _imported(args.script, args, 1, None))
    return 0


def freeze(args: argparse.Namespace) -> int:
    """`spikegate network from-nir`."""
    from rich.console import Console

    found, console = _imported(args.file, args, args.steps, _inputs(args.inputs)), Console(highlight=False, markup=False)
    _print(console, args.file, found)
    console.print(f"{args.out}: {found.network.save(args.out)}", soft_wrap=True)
    return 0


def require_script(args: argparse.Namespace) -> None:
    """`InputError` if options of a graph are given for a script."""
    plain = argparse.ArgumentParser()
    add_options(plain)
    usual = vars(plain.parse_args([]))
    given = [name for name, value in usual.items() if getattr(args, name, value) != value]
    if given:
        raise InputError("\n".join(f"--{name} is of a NIR graph, and {args.script} is a Brian2 script; leave it out" for name in given))


def add_freeze(actions: Any) -> None:
    """The action `from-nir` of `spikegate network`."""
    action = actions.add_parser("from-nir", help="freeze a NIR graph", allow_abbrev=False)
    action.add_argument("file", metavar="FILE.nir")
    action.add_argument("--out", metavar="NET", required=True, help="the frozen network, for spikegate sim --network")
    action.add_argument("--steps", type=int, metavar="N", help="length of the run (default: of the inputs)")
    action.add_argument("--inputs", metavar="FILE", help="spikes: .npz with an array (steps, channels) of 0 and 1 for each Input node, or .npy")
    action.add_argument("--format", metavar="qM.N", default="auto", help="of membranes and weights (default: from the numbers of each node)")
    action.add_argument("--current-format", metavar="qM.N", default="auto", help="of currents (default: likewise)")
    add_options(action)
    action.set_defaults(command=freeze)
