"""The command line: `spikegate sim`, `spikegate network`, `spikegate bitstream`, `spikegate program`, `spikegate doctor`."""

import argparse
import dataclasses
import difflib
import math
import sys

from spikegate import __version__, doctor
from spikegate.models.cache import settle
from spikegate.models.errors import InputError, SpikegateError
from spikegate.streams import standard_streams

__all__ = ["main"]

LANES, OUT = 40, "build/sim"
BOARD_NAMES = ("icebreaker", "hx8k_evn", "ulx3s_85f", "ecpix5_85f")
VARIANT_NAMES = ("v3", "v4", "v13", "v14")
PRESET_NAMES, DEFECT_NAMES = ("ai", "tutorial", "brunel2000"), ("rounding", "threshold", "tap")


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 mismatch, 2 bad input, 3 missing tool, 130 interrupted."""
    with standard_streams():
        return _main(argv)


def _main(argv: list[str] | None) -> int:
    try:
        settle()
        args = _parser().parse_args(argv)
        code = args.command(args)
        sys.stdout.flush()  # what a full disk does not take is said here
        return code
    except SpikegateError as error:
        for line in str(error).splitlines() or [type(error).__name__]:
            _say(line)
        return error.exit_code
    except OSError as error:
        _say(f"{error.filename or 'output'} cannot be used ({error.strerror}); free space or choose another folder")
        return InputError.exit_code
    except MemoryError:
        _say("out of memory; use a smaller network or a shorter run")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; no report was written")
        return 130


def _say(line):
    print(f"spikegate: {line}", file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message}; see `{self.prog} --help`")


def _parser():
    parser = _Parser(prog="spikegate", description="Spiking neural networks in digital hardware, proved spike for spike.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"spikegate {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="sim|network|bitstream|program|doctor")

    sim = commands.add_parser("sim", help="run a network as RTL, and compare it with the golden model and Brian2", allow_abbrev=False)
    _network_options(sim)
    sim.add_argument("--network", metavar="FILE", help="run this frozen network instead of a preset")
    sim.add_argument("--lanes", type=int, metavar="L", help=f"parallel lanes of the RTL, 1..N (default {LANES}, or N if that is less)")
    sim.add_argument("--out", metavar="DIR", default=OUT, help="folder for report.json, the picture and the frozen network (default %(default)s)")
    sim.add_argument("--json", action="store_true", help="print the report as JSON, and nothing else, on standard output")
    sim.add_argument("--markdown", action="store_true", help="print the tables in Markdown")
    sim.add_argument("--sabotage", choices=DEFECT_NAMES, help="negative control: give the golden model this defect; the run has to end with "
                     "exit code 1, the first divergence and a waveform window")
    sim.add_argument("--faults", type=_finite, metavar="RATE", help="each line of the stream paths stuck at 0 or 1 with this probability, 0..1; "
                     "Brian2 has no faults, and its statistics are shown and not judged")
    sim.add_argument("--fault-seed", type=int, default=1, metavar="S", help="which lines are stuck (default %(default)s)")
    sim.add_argument("--through-host-link", action="store_true", help="run the RTL behind its UART and host link, with the client that a board has")
    sim.add_argument("--port", metavar="PATH", help="run on the board on this serial port in place of Verilator")
    sim.add_argument("--baud", type=int, metavar="B", help="baud rate of that board (default that of --board, or whichever it answers at)")
    sim.add_argument("--board", metavar="NAME", help="which board that is, for its baud rate")
    sim.set_defaults(command=_sim)

    network = commands.add_parser("network", help="make, show or verify a frozen network file", allow_abbrev=False)
    actions = network.add_subparsers(title="actions", required=True, metavar="make|show|verify")
    make = actions.add_parser("make", help="freeze a network into FILE", allow_abbrev=False)
    _network_options(make)
    make.add_argument("--events", action="store_true", help="store the external events of each step, for engines with another random generator")
    make.add_argument("file", metavar="FILE")
    make.set_defaults(command=_make)
    for name, command, text in (("show", _show, "print what FILE holds"), ("verify", _verify, "check the hash and the content of FILE")):
        action = actions.add_parser(name, help=text, allow_abbrev=False)
        action.add_argument("file", metavar="FILE")
        action.set_defaults(command=command)

    bitstream = commands.add_parser("bitstream", help="synthesise, place and route a core for a board, and report how it fits", allow_abbrev=False)
    bitstream.add_argument("--n", type=int, metavar="N", help="neurons that the core holds; smaller networks run on it too (default by board)")
    bitstream.add_argument("--lanes", type=int, metavar="L", help="parallel lanes of the core (default by board)")
    bitstream.add_argument("--format", metavar="qM.N", help="of the core's arithmetic (default q8.8)")
    bitstream.add_argument("--network", metavar="FILE", help="make a core that runs this frozen network: its format, rounding, delay, size")
    bitstream.add_argument("--seed", type=int, default=1, metavar="S", help="of placing; the same seed gives the same bits (default %(default)s)")
    bitstream.add_argument("--json", action="store_true", help="print the report as JSON")
    bitstream.set_defaults(command=_bitstream)
    program = commands.add_parser("program", help="load a board with its bitstream", allow_abbrev=False)
    program.set_defaults(command=_program)
    for command in (bitstream, program):
        command.add_argument("--board", metavar="NAME", default="icebreaker", help=f"{', '.join(BOARD_NAMES)} (default %(default)s)")
        command.add_argument("--out", metavar="DIR", default="build", help="folder of the boards' folders (default %(default)s)")

    doctor = commands.add_parser("doctor", help="each tool, its version, whether it will do, and the fix", allow_abbrev=False)
    doctor.set_defaults(command=_doctor)
    return parser


def _network_options(parser):
    parser.add_argument("--preset", choices=PRESET_NAMES, help="default ai")
    parser.add_argument("--format", metavar="qM.N", help="fixed-point format of membranes and weights, such as q8.8 (default) or q16.12")
    parser.add_argument("--variant", choices=VARIANT_NAMES, help="synapses: v3 fixed-point weights (default), v4 LFSR streams, v13 LFSR streams "
                        "of four spikes at a time, v14 Sobol streams")
    parser.add_argument("--length", type=int, metavar="L", help="bits of a stream, a power of two in 64..1024 (default 256)")
    parser.add_argument("--ms", type=_finite, metavar="T", help="biological time in ms (default 1000)")
    parser.add_argument("--seed", type=int, metavar="S", help="of connectivity, initial membranes and drive (default 1)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes",
                        help="change a parameter of the preset, such as v_threshold=18 or n_exc=400; may be repeated")


def _finite(text):
    value = float(text)
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"must be a finite number, not {text}")
    return value


def _change(text):
    from spikegate.translator.brunel import BrunelParams

    name, sign, value = text.partition("=")
    types = {field.name: field.type for field in dataclasses.fields(BrunelParams)}
    if not sign:
        raise InputError(f"--set must be NAME=VALUE, not {text!r}; write for example --set v_threshold=18")
    if name not in types:
        near = difflib.get_close_matches(name, types, 1, 0)[0]
        raise InputError(f"--set knows no parameter {name!r}; did you mean {near}? All: {', '.join(types)}")
    read = {int: int, float: _finite, bool: lambda word: {"true": True, "false": False}[word.lower()]}[types[name]]
    try:
        return name, read(value)
    except (ValueError, KeyError, argparse.ArgumentTypeError):
        kind = {int: "a whole number", float: "a finite number", bool: "true or false"}[types[name]]
        raise InputError(f"--set {name} must be {kind}, not {value!r}") from None


def _network(args):
    from spikegate.models.network.network import Network
    from spikegate.models.numeric.fixed import QFormat
    from spikegate.translator.brunel import preset, translate
    from spikegate.translator.hybrid import hybrid

    if getattr(args, "network", None) is not None:
        fixed = ("preset", "format", "variant", "length", "ms", "seed")
        given = [f"--{name}" for name in fixed if getattr(args, name) is not None] + ["--set"] * bool(args.changes)
        if given:
            raise InputError(f"--network {args.network} already fixes the whole run, so that {', '.join(given)} cannot be given with it; "
                             "leave out either")
        return Network.load(args.network)
    changes = dict(map(_change, args.changes))
    if args.seed is not None and changes.setdefault("seed", args.seed) != args.seed:
        raise InputError(f"--seed {args.seed} and --set seed={changes['seed']} disagree; give one of them")
    name = args.preset or "ai"
    title = name if not set(changes) - {"seed"} else f"{name}, changed"
    network = translate(preset(name, **changes), QFormat.parse(args.format or "q8.8"), name=title, ms=1000.0 if args.ms is None else args.ms)
    if args.variant not in (None, VARIANT_NAMES[0]):
        return hybrid(network, args.variant, length=256 if args.length is None else args.length)
    if args.length is not None:
        raise InputError(f"--length {args.length} is for streams, which v3 does not have; give --variant v4, v13 or v14 with it")
    return network


def _sim(args):
    doctor.require("sim")
    if args.json and args.markdown:
        raise InputError("--json and --markdown both print on standard output; give one of them")
    for name, value in (("baud", args.baud), ("board", args.board)):
        if value is not None and args.port is None:
            raise InputError(f"--{name} {value} is that of a board on a port; give --port with it")
    if args.board is not None and args.baud is None:
        from spikegate.models.link.board import board

        args.baud = board(args.board).baud
    network = _network(args)
    link = {"port": args.port, **({"baud": args.baud} if args.baud else {})} if args.port or args.through_host_link else None
    lanes = _board_lanes(network, args.lanes, **link) if args.port else min(LANES, network.n) if args.lanes is None else args.lanes
    if not 1 <= lanes <= network.n:
        raise InputError(f"--lanes must be in 1..{network.n} (N of this network), not {lanes}; give a number of lanes in that range")
    from spikegate import simulate
    from spikegate.gateware.core.core import CoreGeometry

    CoreGeometry.of(network, lanes)
    form = "json" if args.json else "markdown" if args.markdown else "tables"
    simulate.simulate(network, lanes, args.out, form=form, sabotage=args.sabotage, fault_rate=args.faults, fault_seed=args.fault_seed,
                      link=link)
    return 0


def _board_lanes(network, asked, **options):
    from spikegate.host import Board

    with Board(**options) as board:
        board.geometry(network)
        lanes = board.identity.lanes
    if asked not in (None, lanes):
        raise InputError(f"--lanes {asked} is not what the board on {options['port']} has: {lanes}; leave it out")
    return lanes


def _make(args):
    network = _network(args)
    if args.events:
        from spikegate.models.core.engine import external_events
        network = network.replace(external=external_events(network))
    print(f"{args.file}: {network.save(args.file)}")
    return 0


def _show(args):
    from rich import box
    from rich.console import Console
    from rich.table import Column, Table

    from spikegate.models.network.network import Network
    net = Network.load(args.file)
    lif, table = net.lif, Table("", Column(overflow="fold"), box=box.SIMPLE, show_header=False, pad_edge=False)
    stored = "no" if net.external is None else f"{int(net.external.sum()):,} over {net.steps:,} steps"
    volts = lambda raw: f"{float(lif.format.real(int(raw))):g} mV ({raw} raw)"  # noqa: E731
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


def _stream_rows(net):
    from spikegate.cosim.results.report import identify
    from spikegate.models.streams.encoder import PROBABILITY_BITS

    if (streams := net.streams) is None:
        return {}
    lfsr, volts = streams.lfsr, float(net.lif.format.real(streams.scale)) / (1 << PROBABILITY_BITS)
    source = (f"{lfsr.width} bits, taps {lfsr.taps}, {len(streams.seeds)} registers" if len(streams.seeds) else
              f"dimensions {', '.join(map(str, streams.dimensions))}")
    signed = sorted({(-int(p) if weight < 0 else int(p)) for p, weight in zip(streams.probabilities, net.weights)})
    thresholds = ", ".join(f"{p} of 2^{PROBABILITY_BITS} ({p * volts:g} mV)" for p in signed[:4]) + (", …" if len(signed) > 4 else "")
    return {"variant": identify(net)[1], "streams": f"{streams.generator.name}, {streams.length} bits, {streams.channels} "
            f"channel{'s' * (streams.channels > 1)}", "stream source": source, "stream thresholds": thresholds}


def _verify(args):
    from spikegate.models.network.network import Network

    net = Network.load(args.file)
    print(f"{args.file}: ok, {net.name}, N={net.n:,}, {net.steps:,} steps, {net.hash}")
    return 0


def _bitstream(args):
    doctor.require("bitstream")
    from spikegate.boards import bitstream

    bitstream(args.board, args.out, n=args.n, lanes=args.lanes, format=args.format, network=args.network, seed=args.seed, as_json=args.json)
    return 0


def _program(args):
    from spikegate.boards import program

    program(args.board, args.out)
    return 0


def _doctor(args):
    return doctor.show(doctor.tried(doctor.examine()))
