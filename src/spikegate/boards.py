"""`spikegate bitstream` and `spikegate program`: a core for a board, its fit report, and the loading of it."""

import dataclasses
import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from spikegate.models.core.schedules import Overlap
from spikegate.models.errors import InputError, Mismatch, SpikegateError, ToolMissing
from spikegate.models.files import write_whole
from spikegate.models.hints import apt
from spikegate.models.link.board import MIN_N, Board, board
from spikegate.models.network.load import load
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.numeric.fixed import QFormat
from spikegate.models.surroundings import child_environment
from spikegate.simulate import say
from spikegate.translator.brunel import preset, translate

__all__ = ["board_for", "network_for", "bitstream", "program", "table"]

#: Steps of the network on which the real-time factor is figured.
STEPS_MS = 1000.0


def network_for(spec: Board, format: str = "q8.8") -> Network:
    """The network `ai` with as many neurons as the board's core, four in five excitatory.

    Raises
    ------
    InputError
        If that has too few neurons.
    """
    if spec.n < MIN_N:
        raise InputError(f"N of a board's core must be at least {MIN_N}, not {spec.n}; give another --n, or --network FILE")
    return translate(preset("ai", n_exc=spec.n - spec.n // 5, n_inh=spec.n // 5), QFormat.parse(format), ms=STEPS_MS, name="ai")


def board_for(known: Board, ran: Network | PointNetwork, n: int | None, lanes: int | None, overlap: bool | None) -> Board:
    """The board with a core for a network: without overlap, unless that is asked for, if the network's delay is too short for one.

    Raises
    ------
    InputError
        If there is no such core, or what is asked for is not for a network of its kind.
    """
    if isinstance(ran, PointNetwork):
        if n not in (None, ran.n):
            raise InputError(f"--n {n} is for networks of one weight a source; a core of point neurons is made for its network, of N={ran.n:,}: "
                             "leave it out")
        if overlap:
            raise InputError("--overlap is for networks of one weight a source, not for a core of point neurons: leave it out")
        return known.of_points(ran.n, lanes)
    if overlap is None and Overlap().refusals(ran.delay):
        overlap = False
    return known.of(ran.lif.format, ran.n if n is None else n, lanes, overlap)


def bitstream(name: str, out: str, *, n: int | None = None, lanes: int | None = None, format: str | None = None, network: str | None = None,
              overlap: bool | None = None, counts: bool | None = None, seed: int = 1, as_json: bool = False) -> None:
    """Build the bitstream of a board into ``out/NAME``, with ``report.json`` beside it, and print the fit.

    Parameters
    ----------
    name : str
        Of the board.
    out : str
        Folder of the folder that is replaced when all has gone well.
    n, lanes : int, optional
        Neurons of the core, at most, and its lanes, where not those of `spikegate.models.link.board.BOARDS`.
    format : str, optional
        Of the core's arithmetic, q8.8 by default.
    network : str, optional
        Path of a network that the core shall run, of any kind: format, rounding, delay and the like are then its own, and ``n`` at least its neurons.
    overlap : bool, optional
        Whether the core delivers spikes during its sweep, which takes fewer cycles, and delays of 2 steps at least; by default where the board's does
        and the network and the size of the core let it.
    counts : bool, optional
        Whether the link counts spikes, as `spikegate.counted` reads them; by default where the board's does.
    seed : int
        Of placing; the same seed gives the same bits.
    as_json : bool
        Print the report as JSON instead of a table.

    Raises
    ------
    InputError
        For an unknown board, format or folder, a file that is no network, or a core that there cannot be.
    Mismatch
        If the clock is not met; the bitstream is there, for inspection.
    """
    from spikegate.cosim.toolchain import board as flow
    from spikegate.cosim.toolchain import board_fit as fits

    known, ran = board(name), None if network is None else load(network)
    if ran is not None and format is not None:
        raise InputError(f"--network {network} has a format of its own, so that --format {format} cannot be given with it; leave out either")
    spec = known.of(QFormat.parse(format or "q8.8"), n, lanes, overlap) if ran is None else board_for(known, ran, n, lanes, overlap)
    if counts is not None:
        if counts and isinstance(ran, PointNetwork):
            raise InputError("--counts is for networks of one weight a source, not for a core of point neurons: leave it out")
        if counts and spec.family == "ice40":
            raise InputError(f"--counts needs memories in look-up tables, which the {spec.title} has not; leave it out, or choose ulx3s_85f or "
                             "ecpix5_85f")
        spec = dataclasses.replace(spec, counts=counts)
    ran, folder = ran or network_for(spec, format or "q8.8"), Path(out) / name
    seconds = flow.build(spec, flow.geometry(spec, ran), folder, seed=seed, say=lambda line: say(f"{name}: {line}"))
    report = fits.fit(spec, ran, folder, seconds, seed=seed)
    write_whole(folder / "report.json", json.dumps(report, indent=2) + "\n")
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        Console(highlight=False).print(table(report))
    say(f"bitstream {folder / report['bitstream']}, report {folder / 'report.json'}; the board's line has {spec.baud:,} baud")
    if not report["clock_met"]:
        raise Mismatch(f"{spec.title}: {report['clock_hz'] / 1e6:g} MHz asked and {report['fmax_hz'] / 1e6:.1f} MHz met; try another --seed")


def table(report: dict[str, Any]) -> Table:
    """The fit report at a glance."""
    shown = Table(box=box.SIMPLE, title=f"{report['part']}, N = {report['n']}, {report['lanes']} lanes, {report['format']}"
                  + ", overlap" * report["overlap"] + ", counts" * report["counts"], title_justify="left")
    for header, side in (("what", "left"), ("used", "right"), ("of", "right"), ("%", "right")):
        shown.add_column(header, justify=side)  # type: ignore[arg-type]
    names = {"lut": "logic cells", "ff": "flip-flops", "bram": "block RAMs", "spram": "single-port RAMs", "dsp": "multipliers"}
    for kind, entry in report["utilisation"].items():
        used, available = entry["used"], entry["available"]
        shown.add_row(names[kind], f"{used:,}", f"{available:,}", f"{math.ceil(100 * used / available) if available else 0}")
    shown.add_row("clock, MHz asked / met", f"{report['clock_hz'] / 1e6:g}", f"{report['fmax_hz'] / 1e6:.1f}", "")
    if report["multiplier_path_ns"]:
        shown.add_row("through a multiplier, MHz", "", f"{1e3 / report['multiplier_path_ns']:.1f}", "")
    shown.add_row(f"cycles a step of {report['network']['name']}", f"{report['cycles_per_step']:.1f}", "", "")
    shown.add_row("steps a second", f"{report['steps_per_s']:,.0f}", "", "")
    shown.add_row("real-time factor, nobody reading", f"{report['real_time_factor']:.2f}", "", "")
    shown.add_row("real-time factor, all spikes sent", f"{report['real_time_factor_read']:.2f}", "", "")
    if report["real_time_factor_counted"]:
        shown.add_row("real-time factor, counts read", f"{report['real_time_factor_counted']:.2f}", "", "")
    shown.add_row("baud of the serial line", f"{report['baud']:,}", "", "")
    return shown


def program(name: str, out: str) -> None:
    """Load the bitstream that `bitstream` left in ``out/NAME`` into the board.

    Raises
    ------
    SpikegateError
        If there is no bitstream, or no board answers.
    ToolMissing
        If openFPGALoader is absent.
    """
    spec = board(name)
    found = sorted((Path(out) / name).glob("top.bi[nt]"))
    if not found:
        raise SpikegateError(f"No bitstream in {Path(out) / name}; make it with: make bitstream BOARD={name}")
    loader = shutil.which("openFPGALoader")
    if loader is None:
        raise ToolMissing("openFPGALoader is not installed; " + apt("openfpgaloader"))
    done = subprocess.run([loader, "--board", spec.loader, str(found[0])], capture_output=True, text=True, env=child_environment())
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise SpikegateError(f"{spec.title} did not take the bitstream ({said}); is it connected, and may this user open its USB device?")
    say(f"{spec.title} runs {found[0]}")
