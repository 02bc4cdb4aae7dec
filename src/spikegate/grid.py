"""The points of a sweep: options of which some have several values, and what one run of each gives."""

import argparse
import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Protocol

from spikegate import __version__, networks
from spikegate.choices import RTL, engines_for
from spikegate.models.errors import InputError

__all__ = ["AXES", "CELLS", "MOST_POINTS", "RESULTS", "Point", "Run", "cells", "first_of_each", "points", "prepared", "run_cells",
           "run_point", "values"]

#: Options that may have several values, and what they are in a network's options.
AXES = ("preset", "format", "leak_fraction", "rounding", "overflow", "variant", "length", "ms", "seed")
#: Columns that a run gives.
RESULTS = ("network", "spikes", "rate_hz", "cv_isi", "correlation", "saturated")
MOST_POINTS = 100_000
#: In place of an engine: the size of the core.
CELLS = "cells"
WHOLE = ("length", "seed")


class Run(Protocol):
    """What `spikegate.sweep.sweep` needs to know of one run: what a worker does with it, and by which key its result is kept."""

    @property
    def key(self) -> str: ...

    @property
    def work(self) -> Callable[[Any], dict[str, Any]]: ...

    @property
    def options(self) -> tuple[tuple[str, str], ...]: ...


class Point(NamedTuple):
    """One run: its options as they would be on the command line, ``--set`` among them as a parameter's own name."""

    options: tuple[tuple[str, str], ...]
    engine: str
    lanes: int | None = None
    trains: bool = False  #: whether its result has ``trains``, too: every spike

    @property
    def key(self) -> str:
        """Of its result in the folder of a sweep; another version of the package has others."""
        return hashlib.sha256(json.dumps([__version__, *self[:3], *[True] * self.trains]).encode()).hexdigest()[:16]

    @property
    def work(self) -> "Callable[[Point], dict[str, Any]]":
        """What a worker does with it."""
        return run_cells if self.engine == CELLS else run_point


def values(option: str, text: str) -> list[str]:
    """The values that ``a,b,c`` or ``first:last:step`` stand for, the last included.

    Raises
    ------
    InputError
        If it is neither.
    """
    found: list[str] = []
    for part in text.split(","):
        ends = part.split(":")
        if len(ends) == 1:
            found.append(part.strip())
            continue
        try:
            first, last, step = (Decimal(end) for end in (*ends, "1")[:3])
            if len(ends) > 3 or not step or not all(number.is_finite() for number in (first, last, step)) or (last - first) / step < 0:
                raise InvalidOperation
        except InvalidOperation:
            raise InputError(f"{option} must be values with commas between them, or first:last:step with a step towards the last, not {part!r}; "
                             "write for example 4,5,6 or 0.5:2:0.5") from None
        if (last - first) / step >= MOST_POINTS:
            raise InputError(f"{option} {part} are more than {MOST_POINTS:,} values; take a larger step")
        found += [f"{first + step * k:f}" if k else ends[0].strip() for k in range(int((last - first) / step) + 1)]
    if "" in found or len(set(found)) != len(found):
        raise InputError(f"{option} must have different values, none of them empty, not {text!r}; leave out what is there twice")
    return found


def points(args: argparse.Namespace) -> tuple[list[str], list[Point]]:
    """The names that vary, and every combination of their values, the last name's values fastest.

    Raises
    ------
    InputError
        If a value is not one, or there are too many points.
    """
    axes = {name: values(f"--{name.replace('_', '-')}", text) for name in AXES if (text := getattr(args, name)) is not None}
    for change in args.changes:
        name, sign, text = change.partition("=")
        if not sign or name in axes:
            raise InputError(f"--set must be NAME=VALUES, each name once and not that of an option, not {change!r}; "
                             "write for example --set g_inh=4,5,6")
        axes[name] = values(f"--set {name}", text)
    size = 1
    for found in axes.values():
        size *= len(found)
    if size > MOST_POINTS:
        raise InputError(f"The sweep has {size:,} points, above the limit of {MOST_POINTS:,}; use fewer values")
    if args.lanes is not None and args.engine != RTL:
        raise InputError(f"--lanes {args.lanes} is of the RTL, and --engine is {args.engine}; leave it out, or give --engine {RTL}")
    combined = [Point(tuple(zip(axes, each)), args.engine, args.lanes) for each in itertools.product(*axes.values())]
    return [name for name, found in axes.items() if len(found) > 1], combined


def _namespace(point: Point) -> argparse.Namespace:
    given: dict[str, Any] = {**dict.fromkeys(AXES), "changes": [], "network": None, "sabotage": None, "faults": None, "fault_seed": None,
                             "through_host_link": False, "port": None, "baud": None, "rows": None, "engine": None, "stall": 0.0,
                             "lanes": point.lanes}
    for name, text in point.options:
        if name not in AXES:
            given["changes"].append(f"{name}={text}")
            continue
        try:
            given[name] = int(text) if name in WHOLE else networks.finite(text) if name == "ms" else text
        except (ValueError, argparse.ArgumentTypeError):
            kind = "a whole number" if name in WHOLE else "a finite number"
            raise InputError(f"--{name.replace('_', '-')} must be {kind}, not {text!r}") from None
    return argparse.Namespace(**given)


def prepared(point: Point) -> tuple[Any, Any]:
    """The frozen network of a point and its engine.

    Raises
    ------
    InputError
        If its options describe none, or the engine does not run it.
    """
    args = _namespace(point)
    network = networks.given(args)
    engines = {engine.name: engine for engine in engines_for(network, args)[0]}
    if point.engine not in engines:
        raise InputError(f"--engine must be one of {', '.join(engines)}, not {point.engine!r}")
    if reasons := engines[point.engine].unsupported(network):
        raise InputError("\n".join(reasons))
    return network, engines[point.engine]


def run_point(point: Point) -> dict[str, Any]:
    """`RESULTS` of one point, by name; ``rate_hz`` in Hz, ``cv_isi`` and ``correlation`` None where too few spikes tell."""
    from spikegate.cosim.results.statistics import summary
    from spikegate.cosim.results.trains import packed

    network, engine = prepared(point)
    recording = engine.run(network) if engine.name == "golden" else _alone(network, engine)
    found = summary(recording, network.dt_ns)
    overflow = recording.final.get("overflow")
    result = {"network": network.hash, **{name: found[name] for name in ("spikes", "rate_hz", "cv_isi", "correlation")},
              "saturated": None if overflow is None else int((overflow != 0).sum())}
    if point.trains:
        result |= {"n": network.n, "steps": network.steps, "dt_ns": network.dt_ns, "draws": True, "trains": packed(recording)}
    return result


def _alone(network: Any, engine: Any) -> Any:
    """In a process of its own: Brian2 needs a main thread, and what is compiled may crash."""
    from spikegate.cosim.isolation.run import Job, run_isolated

    return run_isolated([Job(engine.name, engine.run, network)])[engine.name].recording


def run_cells(point: Point) -> dict[str, Any]:
    """`cells` of the core that runs a point's network."""
    from spikegate.gateware.core.core import Core, CoreGeometry

    network = networks.given(_namespace(point))
    return cells(Core(CoreGeometry.of(network, min(point.lanes or 1, network.n)), clock_gate=False))  # type: ignore[arg-type]


def cells(core: Any) -> dict[str, Any]:
    """``luts``, ``flip_flops``, ``multipliers`` and ``block_rams`` of a core, as Yosys maps it to an ECP5."""
    from spikegate.cosim.toolchain.synthesis import synthesise
    from spikegate.cosim.toolchain.verilog import to_verilog

    found = synthesise(to_verilog(core, "core", reset=False), "core", "ecp5").cells
    return {"luts": found.get("LUT4", 0), "flip_flops": found.get("TRELLIS_FF", 0), "multipliers": found.get("MULT18X18D", 0),
            "block_rams": found.get("DP16KD", 0)}


def first_of_each(combined: Sequence[Point]) -> list[Point]:
    """A point for each value of each name, so that all values are tried before any work."""
    seen: Mapping[tuple[str, str], Point] = {}
    for point in combined:
        for option in point.options:
            seen = {option: point, **seen} if option not in seen else seen
    return list(dict.fromkeys([combined[0], *seen.values()]))
