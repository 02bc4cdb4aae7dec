"""The command line: `spikegate sim`, `network`, `check`, `sweep`, `explore`, `verilog`, `bitstream`, `program` and `doctor`."""

import argparse
import shlex
import sys
from collections.abc import Iterable
from typing import Any, NoReturn

from spikegate import __version__, counting, doctor, explore, golden_run, graphs, networks, scripts, sweep, verilog
from spikegate.choices import HARDWARE, LANES, POINT_LANES, engines_for
from spikegate.models.cache import settle
from spikegate.models.errors import InputError, SpikegateError
from spikegate.streams import standard_streams

__all__ = ["main"]

OUT = "build/sim"


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 mismatch, 2 bad input, 3 missing tool, 130 interrupted."""
    with standard_streams():
        return _main(argv)


def _main(argv: list[str] | None) -> int:
    try:
        settle()
        args = _parser().parse_args(argv)
        args.said = shlex.join(["spikegate", *(sys.argv[1:] if argv is None else argv)])
        code: int = args.command(args)
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


def _say(line: str) -> None:
    print(f"spikegate: {line}", file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see `{self.prog} --help`")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Of a command within a command, too, an argument that it does not know is an error of its own."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def format_help(self) -> str:
        for action in self._actions:
            if isinstance(action.help, networks.Names):
                action.help = action.help.full()
        return super().format_help()


def _boards() -> Iterable[str]:
    from spikegate.models.link.board import BOARDS
    return BOARDS


def _defects() -> Iterable[str]:
    from spikegate.models.core.golden import DEFECTS
    return [f"{name} ({what})" for name, what in DEFECTS.items()]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="spikegate", description="Spiking neural networks in digital hardware, proved spike for spike.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"spikegate {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="sim|network|check|sweep|explore|verilog|bitstream|program|doctor")

    sim = commands.add_parser("sim", help="run a network as RTL, and compare it with the golden model and Brian2", allow_abbrev=False)
    networks.add_options(sim)
    sim.add_argument("--network", metavar="FILE", help="run this frozen network instead of a preset")
    sim.add_argument("--lanes", type=int, metavar="L", help="neurons that the RTL updates side by side, 1..N "
                     f"(default {LANES}, of point neurons {POINT_LANES}, or N if less; of a netlist 1)")
    sim.add_argument("--rows", metavar="SOURCE", help="where a core of point neurons finds its synapses: csr, generated or external (default: "
                     "generated where every projection is made for these lanes, else csr)")
    sim.add_argument("--engine", metavar="NAME", help=f"what the hardware is: {', '.join(HARDWARE)} (default {HARDWARE[0]}); a netlist is what Yosys "
                     "makes of the core, and takes minutes to make")
    sim.add_argument("--stall", type=networks.finite, default=0.0, metavar="P", help="under cocotb, each stream pauses in a cycle with this "
                     "probability (default 0); spikes stay, cycles do not")
    sim.add_argument("--out", metavar="DIR", default=OUT, help="folder for report.json, its page report.html, the picture and the frozen network "
                     "(default %(default)s)")
    sim.add_argument("--figure", metavar="FILE", help="draw the picture into this file, too, in print quality: .png, .svg or .pdf")
    sim.add_argument("--json", action="store_true", help="print the report as JSON, and nothing else, on standard output")
    sim.add_argument("--markdown", action="store_true", help="print the tables in Markdown")
    sim.add_argument("--seeds", type=int, default=1, metavar="K", help="judge the effects on the statistics by their mean over K runs with other "
                     "random numbers, with a confidence interval; 1 (default) bounds chance from within one run")
    sim.add_argument("--sabotage", metavar="NAME", help=networks.Names("negative control: give the golden model this defect; the run has to end "
                     "with exit code 1, the first divergence and a waveform window: {}", _defects))
    sim.add_argument("--faults", type=networks.finite, metavar="RATE", help="each line of the stream paths stuck at 0 or 1 with this probability, "
                     "0..1; Brian2 has no faults, and its statistics are shown and not judged")
    sim.add_argument("--fault-seed", type=int, metavar="S", help="which lines are stuck (default 1)")
    sim.add_argument("--through-host-link", action="store_true", help="run the RTL behind its UART and host link, with the client that a board has")
    sim.add_argument("--port", metavar="PATH", help="run on the board on this serial port in place of Verilator")
    sim.add_argument("--baud", type=int, metavar="B", help="baud rate of that board (default that of --board, or whichever it answers at)")
    sim.add_argument("--board", metavar="NAME", help="which board that is, for its baud rate")
    sim.set_defaults(command=_sim)

    network = commands.add_parser("network", help="make, show or verify a frozen network file, freeze a NIR graph, run a golden model alone, "
                                  "or count spikes on a board",
                                  allow_abbrev=False)
    actions = network.add_subparsers(title="actions", required=True, metavar="make|from-nir|show|verify|run|count")
    make = actions.add_parser("make", help="freeze a network into FILE", allow_abbrev=False)
    networks.add_options(make)
    make.add_argument("--events", action="store_true", help="store the external events of each step, for engines with another random generator")
    make.add_argument("file", metavar="FILE")
    make.set_defaults(command=networks.make)
    graphs.add_freeze(actions)
    for name, command, text in (("show", networks.show, "print what FILE holds"),
                                ("verify", networks.verify, "check the hash and the content of FILE")):
        action = actions.add_parser(name, help=text, allow_abbrev=False)
        action.add_argument("file", metavar="FILE")
        action.set_defaults(command=command)

    alone = actions.add_parser("run", help="run the golden model alone, such as of a network that is too large for RTL", allow_abbrev=False)
    golden_run.add_options(alone)
    alone.set_defaults(command=golden_run.run)
    tally = actions.add_parser("count", help="run on a board at its own speed, which counts spikes, and read the counts", allow_abbrev=False)
    counting.add_options(tally)
    tally.set_defaults(command=counting.run)

    check = commands.add_parser("check", help="say what of a Brian2 script or NIR graph would run on hardware, or what is in the way",
                                allow_abbrev=False)
    scripts.add_options(check)
    check.set_defaults(command=scripts.check)

    many = commands.add_parser("sweep", help="run a network with each combination of several values, as one table", allow_abbrev=False)
    sweep.add_options(many)
    bits = commands.add_parser("explore", help="how many bits a network needs, held against its float original", allow_abbrev=False)
    explore.add_options(bits)
    taken = commands.add_parser("verilog", help="write a component as Verilog, with a datasheet, an example and its test bench", allow_abbrev=False)
    verilog.add_options(taken)
    taken.set_defaults(command=verilog.verilog)

    bitstream = commands.add_parser("bitstream", help="synthesise, place and route a core for a board, and report how it fits", allow_abbrev=False)
    bitstream.add_argument("--n", type=int, metavar="N", help="neurons that the core holds; smaller networks run on it too (default by board)")
    bitstream.add_argument("--lanes", type=int, metavar="L", help="neurons that the core updates side by side (default by board)")
    bitstream.add_argument("--format", metavar="qM.N", help="of the core's arithmetic (default q8.8)")
    bitstream.add_argument("--network", metavar="FILE", help="make a core that runs this frozen network: its format, rounding, delay, size")
    bitstream.add_argument("--overlap", action=argparse.BooleanOptionalAction, default=None,
                           help="deliver spikes during the sweep: fewer cycles, delays of 2 steps at least (default by board and --network)")
    bitstream.add_argument("--counts", action=argparse.BooleanOptionalAction, default=None,
                           help="let the board count spikes, for 'network count' (default by board)")
    bitstream.add_argument("--seed", type=int, default=1, metavar="S", help="of placing; the same seed gives the same bits (default %(default)s)")
    bitstream.add_argument("--json", action="store_true", help="print the report as JSON")
    bitstream.set_defaults(command=_bitstream)
    program = commands.add_parser("program", help="load a board with its bitstream", allow_abbrev=False)
    program.set_defaults(command=_program)
    for each in (bitstream, program):
        each.add_argument("--board", metavar="NAME", default="icebreaker", help=networks.Names("{} (default %(default)s)", _boards))
        each.add_argument("--out", metavar="DIR", default="build", help="folder of the boards' folders (default %(default)s)")

    doctor = commands.add_parser("doctor", help="each tool, its version, whether it will do, and the fix", allow_abbrev=False)
    doctor.set_defaults(command=_doctor)
    return parser


def _sim(args: argparse.Namespace) -> int:
    doctor.require("sim")
    if args.json and args.markdown:
        raise InputError("--json and --markdown both print on standard output; give one of them")
    for name, value in (("baud", args.baud), ("board", args.board)):
        if value is not None and args.port is None:
            raise InputError(f"--{name} {value} is that of a board on a port; give --port with it")
    if args.fault_seed is not None and args.faults is None:
        raise InputError(f"--fault-seed {args.fault_seed} says which lines are stuck; give --faults with it")
    if args.board is not None and args.baud is None:
        from spikegate.models.link.board import board

        args.baud = board(args.board).baud
    network = networks.given(args)
    from spikegate.simulate import simulate

    engines, said = engines_for(network, args)
    form = "json" if args.json else "markdown" if args.markdown else "tables"
    simulate(network, engines, args.out, form=form, seeds=args.seeds, picture=args.figure, command=args.said, **said)
    return 0


def _bitstream(args: argparse.Namespace) -> int:
    doctor.require("bitstream")
    from spikegate.boards import bitstream

    bitstream(args.board, args.out, n=args.n, lanes=args.lanes, format=args.format, network=args.network, overlap=args.overlap,
              counts=args.counts, seed=args.seed, as_json=args.json)
    return 0


def _program(args: argparse.Namespace) -> int:
    from spikegate.boards import program

    program(args.board, args.out)
    return 0


def _doctor(args: argparse.Namespace) -> int:
    return doctor.show(doctor.tried(doctor.examine()))
