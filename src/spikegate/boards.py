"""`spikegate bitstream` and `spikegate program`: a core for a board, its fit report, and the loading of it."""

import json
import math
import shutil
import subprocess
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from spikegate.models.board import Board, board
from spikegate.models.errors import Mismatch, SpikegateError, ToolMissing
from spikegate.models.fixed import QFormat
from spikegate.models.network import Network
from spikegate.simulate import say
from spikegate.translator.brunel import preset, translate

__all__ = ["network_for", "bitstream", "program", "table"]

LOADER = {"icebreaker": "ice40_generic", "hx8k_evn": "ice40_generic", "ulx3s_85f": "ulx3s", "ecpix5_85f": "ecpix5"}
#: Steps of the network on which the real-time factor is figured.
STEPS_MS = 1000.0


def network_for(spec: Board, format: str = "q8.8") -> Network:
    """The network `ai` with as many neurons as the board's core, four in five excitatory."""
    return translate(preset("ai", n_exc=spec.n - spec.n // 5, n_inh=spec.n // 5), QFormat.parse(format), ms=STEPS_MS, name="ai")


def bitstream(name: str, out: str, *, format: str = "q8.8", seed: int = 1, as_json: bool = False) -> None:
    """Build the bitstream of a board into ``out/NAME``, with ``report.json`` beside it, and print the fit.

    Parameters
    ----------
    name : str
        Of the board.
    out : str
        Folder of the folder that is replaced when all has gone well.
    format : str
        Of the core's arithmetic, as ``q8.8``.
    seed : int
        Of placing; the same seed gives the same bits.
    as_json : bool
        Print the report as JSON instead of a table.

    Raises
    ------
    InputError
        For an unknown board, format or folder.
    Mismatch
        If the clock is not met; the bitstream is there, for inspection.
    """
    from spikegate.cosim import board as flow

    spec = board(name).of(QFormat.parse(format))
    network, folder = network_for(spec, format), Path(out) / name
    seconds = flow.build(spec, flow.geometry(spec, network), folder, seed=seed, say=lambda line: say(f"{name}: {line}"))
    report = flow.fit(spec, network, folder, seconds, seed=seed)
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        Console(highlight=False).print(table(report))
    say(f"bitstream {folder / report['bitstream']}, report {folder / 'report.json'}")
    if not report["clock_met"]:
        raise Mismatch(f"{spec.title}: {report['clock_hz'] / 1e6:g} MHz asked and {report['fmax_hz'] / 1e6:.1f} MHz met; try another --seed")


def table(report: dict) -> Table:
    """The fit report at a glance."""
    shown = Table(box=box.SIMPLE, title=f"{report['part']}, N = {report['n']}, {report['lanes']} lanes, {report['format']}", title_justify="left")
    for header, side in (("what", "left"), ("used", "right"), ("of", "right"), ("%", "right")):
        shown.add_column(header, justify=side)
    names = {"lut": "logic cells", "ff": "flip-flops", "bram": "block RAMs", "spram": "single-port RAMs", "dsp": "multipliers"}
    for kind, entry in report["utilisation"].items():
        used, available = entry["used"], entry["available"]
        shown.add_row(names[kind], f"{used:,}", f"{available:,}", f"{math.ceil(100 * used / available) if available else 0}")
    shown.add_row("clock, MHz asked / met", f"{report['clock_hz'] / 1e6:g}", f"{report['fmax_hz'] / 1e6:.1f}", "")
    shown.add_row(f"cycles a step of {report['network']['name']}", f"{report['cycles_per_step']:.1f}", "", "")
    shown.add_row("steps a second", f"{report['steps_per_s']:,.0f}", "", "")
    shown.add_row("real-time factor", f"{report['real_time_factor']:.2f}", "", "")
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
        raise ToolMissing("openFPGALoader is not installed; install it with: apt install openfpgaloader")
    done = subprocess.run([loader, "--board", LOADER[name], str(found[0])], capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
        raise SpikegateError(f"{spec.title} did not take the bitstream ({said}); is it connected, and may this user open its USB device?")
    say(f"{spec.title} runs {found[0]}")
