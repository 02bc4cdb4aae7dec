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

__all__ = ["Names", "add_options", "finite", "given", "make", "show", "verify"]

FINE = "fine"


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
    return PRESETS


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
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a finite number, not {text}")
    return value


def _one_of(option: str, name: str, names: Iterable[str]) -> str:
    if name not in (names := list(names)):
        near = difflib.get_close_matches(name.lower(), names, 1, 0.5)
        raise InputError(f"{option} must be one of {', '.join(names)}, not {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
    return name


def _change(text: str) -> tuple[str, Any]:
    from spikegate.translator.brunel import BrunelParams

    name, sign, value = text.partition("=")
    types: dict[str, Any] = {field.name: field.type for field in dataclasses.fields(BrunelParams)}
    if not sign:
        raise InputError(f"--set must be NAME=VALUE, not {text!r}; write for example --set v_threshold=18")
    if name not in types:
        near = difflib.get_close_matches(name, types, 1, 0)[0]
        raise InputError(f"--set knows no parameter {name!r}; did you mean {near}? All: {', '.join(types)}")
    read: Any = {int: int, float: finite, bool: lambda word: {"true": True, "false": False}[word.lower()]}[types[name]]
    try:
        return name, read(value)
    except (ValueError, KeyError, argparse.ArgumentTypeError):
        kind = {int: "a whole number", float: "a finite number", bool: "true or false"}[types[name]]
        raise InputError(f"--set {name} must be {kind}, not {value!r}") from None


def given(args: argparse.Namespace) -> "Network":
    """The network that the options describe.

    Raises
    ------
    InputError
        If they contradict each other, or describe none.
    """
    from spikegate.models.network.network import FIXED, Network
    from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
    from spikegate.translator.brunel import PRESETS, fine_leak, preset, translate
    from spikegate.translator.hybrid import HYBRIDS, hybrid

    if getattr(args, "network", None) is not None:
        fixed = ("preset", "format", "leak_fraction", "rounding", "overflow", "variant", "length", "ms", "seed")
        named = [f"--{name.replace('_', '-')}" for name in fixed if getattr(args, name) is not None] + ["--set"] * bool(args.changes)
        if named:
            raise InputError(f"--network {args.network} already fixes the whole run, so that {', '.join(named)} cannot be given with it; "
                             "leave out either")
        return Network.load(args.network)
    changes = dict(map(_change, args.changes))
    if args.seed is not None and changes.setdefault("seed", args.seed) != args.seed:
        raise InputError(f"--seed {args.seed} and --set seed={changes['seed']} disagree; give one of them")
    name, variant = _one_of("--preset", args.preset or "ai", PRESETS), _one_of("--variant", args.variant or FIXED, [FIXED, *HYBRIDS])
    rounding = _member("--rounding", args.rounding or "nearest", Rounding)
    overflow = _member("--overflow", args.overflow or "saturate", Overflow)
    if variant == FIXED and args.length is not None:
        raise InputError(f"--length {args.length} is for streams, which {FIXED} does not have; give --variant {', '.join(HYBRIDS)} with it")
    title = name if not set(changes) - {"seed"} else f"{name}, changed"
    bp, q = preset(name, **changes), QFormat.parse(args.format or "q8.8")
    bits = fine_leak(bp, q) if args.leak_fraction == FINE else _whole("--leak-fraction", args.leak_fraction)
    network = translate(bp, q, name=title, ms=1000.0 if args.ms is None else args.ms, rounding=rounding, overflow=overflow, leak_fraction=bits)
    return network if variant == FIXED else hybrid(network, variant, length=256 if args.length is None else args.length)


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
        network = network.replace(external=external_events(network))
    print(f"{args.file}: {network.save(args.file)}")
    return 0


def show(args: argparse.Namespace) -> int:
    """`spikegate network show`."""
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    from spikegate.models.network.network import Network
    net = Network.load(args.file)
    lif, table = net.lif, Table("", Column(overflow="fold"), box=box.SIMPLE, show_header=False, pad_edge=False)
    stored = "no" if net.external is None else f"{int(net.external.sum()):,} over {net.steps:,} steps"
    volts: Callable[[int], str] = lambda raw: f"{float(lif.format.real(int(raw))):g} mV ({raw} raw)"  # noqa: E731
    weights = sorted({int(w) for w in net.weights})
    rows = {"name": net.name, "hash": net.hash, "neurons": f"{net.n:,} ({net.n_exc:,} excitatory, {net.n_inh:,} inhibitory)",
            "synapses": f"{net.synapses:,}", "weights": ", ".join(map(volts, weights[:4])) + (", …" if len(weights) > 4 else ""),
            "format": str(lif.format), "threshold": volts(lif.threshold), "reset": volts(lif.reset), "rest": volts(lif.rest),
            "leak": f"{lif.leak / (1 << lif.leak_fraction):g} a step ({lif.leak} raw)", "rounding": lif.rounding.name.lower(),
            "overflow": lif.overflow.name.lower(), "refractory": f"{lif.refractory} steps", "delay": f"{net.delay} steps",
            "steps": f"{net.steps:,} of {net.dt_ns * 1e-6:g} ms, {net.seconds:g} s", "drive": f"{volts(net.drive.weight)} an event, "
            f"table of {len(net.drive.limits)} limits", "LFSR": f"{net.lfsr.width} bits, taps {net.lfsr.taps}, leap {net.lfsr.leap}",
            **_stream_rows(net), "recorded events": stored, "asked for": ", ".join(f"{key}={value}" for key, value in net.source.items()) or "–"}
    for row in rows.items():
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)
    return 0


def _stream_rows(net: "Network") -> dict[str, str]:
    from spikegate.models.streams.encoder import PROBABILITY_BITS

    if (streams := net.streams) is None:
        return {}
    lfsr, volts = streams.lfsr, float(net.lif.format.real(streams.scale)) / (1 << PROBABILITY_BITS)
    source = (f"{lfsr.width} bits, taps {lfsr.taps}, {len(streams.seeds)} registers" if len(streams.seeds) else
              f"dimensions {', '.join(map(str, streams.dimensions))}")
    signed = sorted({(-int(p) if weight < 0 else int(p)) for p, weight in zip(streams.probabilities, net.weights)})
    thresholds = ", ".join(f"{p} of 2^{PROBABILITY_BITS} ({p * volts:g} mV)" for p in signed[:4]) + (", …" if len(signed) > 4 else "")
    return {"variant": net.variant, "streams": f"{streams.generator.name}, {streams.length} bits, {streams.channels} "
            f"channel{'s' * (streams.channels > 1)}", "stream source": source, "stream thresholds": thresholds}


def verify(args: argparse.Namespace) -> int:
    """`spikegate network verify`."""
    from spikegate.models.network.network import Network

    net = Network.load(args.file)
    print(f"{args.file}: ok, {net.name}, N={net.n:,}, {net.steps:,} steps, {net.hash}")
    return 0
