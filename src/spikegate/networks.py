"""Networks on the command line: the options that make one, and `spikegate network make`, `show` and `verify`."""

import argparse
import dataclasses
import difflib
import math
from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from spikegate.models.errors import InputError

if TYPE_CHECKING:
    from spikegate.models.network.network import Network
    from spikegate.models.network.point import PointNetwork

__all__ = ["Names", "add_options", "finite", "given", "make", "show", "verify"]

FINE = "fine"
#: Presets of point neurons; all others are Brunel's network.
CUBA, MICROCIRCUIT, IZHIKEVICH = "cuba", "microcircuit", "izhikevich"
POINTS = {CUBA: "Vogels and Abbott's network with exponential currents", MICROCIRCUIT: "Potjans and Diesmann's of the cortex, a fiftieth of it",
          IZHIKEVICH: "Izhikevich's of 800 and 200 neurons, all to all"}


class Names(str):
    """Help in which ``{}`` stands for names that are looked up when help is printed, and not before: their modules take long to import."""

    names: Callable[[], Iterable[str]]

    def __new__(cls, text: str, names: Callable[[], Iterable[str]]) -> "Names":
        made = super().__new__(cls, text)
        made.names = names
        return made

    def full(self) -> str:
        """The help with its names."""
        return self.replace("{}", ", ".join(self.names()))


def _member(option: str, text: str, kind: type[IntEnum]) -> Any:
    return kind[_one_of(option, text.lower(), [member.name.lower() for member in kind]).upper()]


def _presets() -> Iterable[str]:
    from spikegate.translator.params import PRESETS
    return [*PRESETS, *(f"{name} ({what})" for name, what in POINTS.items())]


def _variants() -> Iterable[str]:
    from spikegate.models.network.network import FIXED
    from spikegate.translator.hybrid import HYBRIDS
    return [f"{FIXED} fixed-point weights (default)", *(f"{name} {kind.summary}" for name, kind in HYBRIDS.items())]


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that make a network."""
    parser.add_argument("--preset", metavar="NAME", help=Names("{}; default ai", _presets))
    parser.add_argument("--format", metavar="qM.N", help="fixed-point format of membranes and weights: M integer bits with the sign, N fraction "
                        "bits, such as q8.8 (default); q16.12 is the published one of 32 bits")
    parser.add_argument("--leak-fraction", metavar="BITS", help="fraction bits of the leak constant dt/tau, or 'fine' for as many as make tau right "
                        "within 1 %% (default: those of the format, as published)")
    parser.add_argument("--rounding", metavar="HOW", help="of the leak: nearest (default), floor or stochastic")
    parser.add_argument("--overflow", metavar="HOW", help="of the membrane: saturate (default) or wrap")
    parser.add_argument("--variant", metavar="NAME", help=Names("synapses: {}", _variants))
    parser.add_argument("--length", type=int, metavar="L", help="bits of a stream, a power of two in 64..1024 (default 256)")
    parser.add_argument("--ms", type=finite, metavar="T", help="biological time in ms (default 1000)")
    parser.add_argument("--seed", type=int, metavar="S", help="of connectivity, initial membranes and drive (default 1)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes",
                        help="change a parameter of the preset, such as v_threshold=18 or n_exc=400; may be repeated")


def finite(text: str) -> float:
    """A finite number, for the command line."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text!r}") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a finite number, not {text}")
    return value


def _one_of(option: str, name: str, names: Iterable[str]) -> str:
    if name not in (names := list(names)):
        near = difflib.get_close_matches(name.lower(), names, 1, 0.5)
        raise InputError(f"{option} must be one of {', '.join(names)}, not {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return name


def _change(text: str, parameters: Any) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    types: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(parameters)}
    if not sign:
        raise InputError(f"--set must be NAME=VALUE, not {text!r}; write for example --set v_threshold=18")
    if name not in types:
        near = difflib.get_close_matches(name, types, 1, 0.5)
        raise InputError(f"--set knows no parameter {name!r}; " + (f"did you mean {near[0]}? " if near else "") + f"All: {', '.join(types)}")
    read: Any = {int: int, float: finite, bool: lambda word: {"true": True, "false": False}[word.lower()]}[types[name]]
    try:
        return name, read(value)
    except (ValueError, KeyError, argparse.ArgumentTypeError):
        kind = {int: "a whole number", float: "a finite number", bool: "true or false"}[types[name]]
        raise InputError(f"--set {name} must be {kind}, not {value!r}") from None


def given(args: argparse.Namespace) -> "Network | PointNetwork":
    """The network that the options describe.

    Raises
    ------
    InputError
        If they contradict each other, or describe none.
    """
    from spikegate.models.network.load import load
    from spikegate.models.network.network import FIXED
    from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
    from spikegate.translator.brunel import PRESETS, BrunelParams, fine_leak, preset, translate
    from spikegate.translator.hybrid import HYBRIDS, hybrid

    if getattr(args, "network", None) is not None:
        fixed = ("preset", "format", "leak_fraction", "rounding", "overflow", "variant", "length", "ms", "seed")
        named = [f"--{name.replace('_', '-')}" for name in fixed if getattr(args, name) is not None] + ["--set"] * bool(args.changes)
        if named:
            raise InputError(f"--network {args.network} already fixes the whole run, so that {', '.join(named)} cannot be given with it; "
                             "leave out either")
        return load(args.network)
    if args.preset in POINTS:
        return _point(args)
    changes = dict(_change(text, BrunelParams) for text in args.changes)
    if args.seed is not None and changes.setdefault("seed", args.seed) != args.seed:
        raise InputError(f"--seed {args.seed} and --set seed={changes['seed']} disagree; give one of them")
    name, variant = _one_of("--preset", args.preset or "ai", [*PRESETS, *POINTS]), _one_of("--variant", args.variant or FIXED, [FIXED, *HYBRIDS])
    rounding = _member("--rounding", args.rounding or "nearest", Rounding)
    overflow = _member("--overflow", args.overflow or "saturate", Overflow)
    if variant == FIXED and args.length is not None:
        raise InputError(f"--length {args.length} is for streams, which {FIXED} does not have; give --variant {', '.join(HYBRIDS)} with it")
    title = name if not set(changes) - {"seed"} else f"{name}, changed"
    bp, q = preset(name, **changes), QFormat.parse(args.format or "q8.8")
    bits = fine_leak(bp, q) if args.leak_fraction == FINE else _whole("--leak-fraction", args.leak_fraction)
    network = translate(bp, q, name=title, ms=1000.0 if args.ms is None else args.ms, rounding=rounding, overflow=overflow, leak_fraction=bits)
    return network if variant == FIXED else hybrid(network, variant, length=256 if args.length is None else args.length)


def _point(args: argparse.Namespace) -> "PointNetwork":
    """A preset of point neurons; what makes Brunel's network cannot be given with it."""
    from spikegate.models.numeric.fixed import QFormat
    from spikegate.translator.cuba import FORMAT, CubaParams, cuba
    from spikegate.translator.izhikevich_network import IzhikevichParams, izhikevich_network
    from spikegate.translator.microcircuit import MicrocircuitParams, microcircuit

    kinds: dict[str, Any] = {CUBA: CubaParams, MICROCIRCUIT: MicrocircuitParams, IZHIKEVICH: IzhikevichParams}
    fixed = ("leak_fraction", "rounding", "overflow", "variant", "length", *(() if args.preset == CUBA else ("format",)))
    named = [f"--{name.replace('_', '-')}" for name in fixed if getattr(args, name) is not None]
    if named:
        raise InputError(f"--preset {args.preset} has arithmetic of its own, so that {', '.join(named)} cannot be given with it; "
                         "leave out either")
    changes = dict(_change(text, kinds[args.preset]) for text in args.changes)
    if args.seed is not None and changes.setdefault("seed", args.seed) != args.seed:
        raise InputError(f"--seed {args.seed} and --set seed={changes['seed']} disagree; give one of them")
    ms = 1000.0 if args.ms is None else args.ms
    if args.preset == MICROCIRCUIT:
        return microcircuit(MicrocircuitParams(**changes), ms)
    if args.preset == IZHIKEVICH:
        return izhikevich_network(IzhikevichParams(**changes), ms)
    return cuba(CubaParams(**changes), ms, FORMAT if args.format is None else QFormat.parse(args.format))


def _whole(option: str, text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        raise InputError(f"{option} must be a whole number or {FINE!r}, not {text!r}") from None


def make(args: argparse.Namespace) -> int:
    """`spikegate network make`."""
    network = given(args)
    if args.events:
        from spikegate.models.core.engine import external_events
        from spikegate.models.network.network import Network
        if not isinstance(network, Network):
            raise InputError(f"--events stores what the drive of Brunel's networks gives, and {network.name!r} has none; leave it out")
        network = network.replace(external=external_events(network))
    print(f"{args.file}: {network.save(args.file)}")
    return 0


def show(args: argparse.Namespace) -> int:
    """`spikegate network show`."""
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    from spikegate.models.network.load import load
    from spikegate.models.network.shown import rows

    table = Table("", Column(overflow="fold"), box=box.SIMPLE, show_header=False, pad_edge=False)
    for row in rows(load(args.file)).items():
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)
    return 0


def verify(args: argparse.Namespace) -> int:
    """`spikegate network verify`."""
    from spikegate.models.network.load import load

    net = load(args.file)
    print(f"{args.file}: ok, {net.name}, N={net.n:,}, {net.steps:,} steps, {net.hash}")
    return 0
