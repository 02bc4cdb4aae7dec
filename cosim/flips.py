"""Flipped configuration bits of a design without memories: each is refuted, proved harmless, or does not reach what icebox reads."""

import random
import re
import tempfile
from collections import Counter
from pathlib import Path

from spikegate.cosim.bitstream import bits_verilog, read_back
from spikegate.cosim.equivalence import decide
from spikegate.cosim.synthesis import Placed, pack, unpack
from spikegate.models.errors import SpikegateError

__all__ = ["OUTCOMES", "bits_in_use", "settle", "study"]

#: What can come of a flip; ``unread`` is one that icebox refuses to read, ``undecided`` one that ABC did
#: not decide, or of which Yosys makes no miter, as it closes a loop of look-up tables.
OUTCOMES = ("refuted", "harmless", "unreached", "unread", "undecided")
#: What drives a net in icebox's Verilog.
DRIVER = re.compile(r"(?:/\*[^*]*\*/ )?(?:assign +(\\\S+ |\w+) *=|always @\([^)]*\) .*?(\\\S+ |\w+) *<= )")
TILE = re.compile(r"\.(?:io|logic|ramb|ramt)_tile \d+ \d+")


def bits_in_use(lines: list[str]) -> list[tuple[int, int]]:
    """Line and character of every bit, 0 or 1, of the tiles of which some bit is 1; most are switches that nothing comes near."""
    tiles, tile = {}, None
    for number, line in enumerate(lines):
        if line.startswith("."):
            tile = number if TILE.fullmatch(line) else None
        elif tile is not None and line:
            tiles.setdefault(tile, []).append(number)
    used = [rows for rows in tiles.values() if any("1" in lines[row] for row in rows)]
    return [(row, at) for rows in used for row in rows for at in range(len(lines[row]))]


def settle(text: str) -> str:
    """Verilog that Yosys can read of any bits that icebox reads: nets that several outputs drive, and pads that none does, may have any value,
    and a clock that is not connected never ticks."""
    text = re.sub(r"(pos|neg)edge (?:1'b)?[01]\b", r"\1edge never", text.replace("1'bz", "floating"))
    header, body = text.split(");", 1)
    lines, inputs = body.split("\n"), [name.strip() for name in re.findall(r"input (\\\S+|\w+)", header)]
    driven = [(match[1] or match[2]).strip() if (match := DRIVER.match(line)) else None for line in lines]
    drivers = Counter([*inputs, *filter(None, driven)])
    body = "\n".join(line for line, name in zip(lines, driven) if drivers[name] < 2)
    for number, name in enumerate(name for name in inputs if drivers[name] > 1):
        body = f"wire fought_{number};\n" + re.sub(rf"(?<![\\\w]){re.escape(name)}(?![\w\[])", f"fought_{number}", body)
    return f"{header});\nwire never = 1'b0;\nwire floating;\n{body}"


def study(placed: Placed, gold: str, *, count: int, seed: int) -> Counter:
    """Flip ``count`` configuration bits, one at a time, and hold each result against the RTL; how often each of `OUTCOMES` came of it.

    Parameters
    ----------
    placed : Placed
        A design for an iCE40 without memories.
    gold : str
        Its RTL, as Verilog of a module of the same name.
    count, seed : int
        Of the bits: half of them among those that are 1, the others among all of the tiles in use.
    """
    outcomes, top = Counter(), placed.netlist.top
    with tempfile.TemporaryDirectory(prefix="spikegate-") as name:
        folder = Path(name)
        lines = unpack(pack((placed.folder / "top.asc").read_text(), folder), folder).split("\n")
        sound = read_back("\n".join(lines), placed, folder)
        choice, bits = random.Random(seed), bits_in_use(lines)
        chosen = choice.sample([(row, at) for row, at in bits if lines[row][at] == "1"], count // 2)
        for row, at in [*chosen, *choice.sample(sorted({*bits} - {*chosen}), count - len(chosen))]:
            flipped = list(lines)
            flipped[row] = lines[row][:at] + "01"[lines[row][at] == "0"] + lines[row][at + 1:]
            try:
                text = read_back("\n".join(flipped), placed, folder)
            except SpikegateError:
                outcomes["unread"] += 1
                continue
            if text == sound:
                outcomes["unreached"] += 1
                continue
            gate = settle(text) + bits_verilog(placed, top)
            try:
                verdict, _ = decide(gold, gate, top, clocks=len(set(re.findall(r"@\((\w+ \S+)\)", gate))))
            except SpikegateError:
                verdict = "unknown"
            outcomes[{"equal": "harmless", "different": "refuted", "unknown": "undecided"}[verdict]] += 1
    return outcomes
