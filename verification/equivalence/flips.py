"""Flipped configuration bits of a design without memories: each is refuted, proved harmless, or does not reach what icebox reads."""

import random
import re
from collections import Counter
from collections.abc import Callable

from spikegate.cosim.engines.bitstream import bits_verilog, read_back
from spikegate.cosim.toolchain.synthesis import Placed, pack, unpack
from spikegate.models.errors import SpikegateError
from spikegate.models.files import working_folder
from verification.equivalence.equivalence import decide

__all__ = ["OUTCOMES", "bits_in_use", "settle", "cut", "verdict_on", "study"]

#: What can come of a flip; ``unread`` is one that icebox refuses to read, ``undecided`` one that ABC did
#: not decide, or a loop of look-up tables that is not harmless whatever its value.
OUTCOMES = ("refuted", "harmless", "unreached", "unread", "undecided")
#: Where Yosys sees a loop, in its message, and names in Verilog.
LOOP, NAME = re.compile(r"wire \\bits\.(\S+) source"), re.compile(r"\\\S+|[A-Za-z_]\w*")
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


def cut(text: str, net: str) -> str:
    """Verilog in which what lies on a loop with a net takes any value in its place."""
    lines = text.split("\n")
    drives = {number: match[1].strip() for number, line in enumerate(lines) if (match := DRIVER.match(line)) and match[1]}
    reads = {number: set(NAME.findall(lines[number].split("=", 1)[1])) for number in drives}

    def closure(start: set[int], step: Callable[[int, int], bool]) -> set[int]:
        found, fresh = set(start), set(start)
        while fresh:
            fresh = {number for number in drives if number not in found and any(step(known, number) for known in fresh)}
            found |= fresh
        return found

    after = closure({number for number in drives if net in reads[number]}, lambda known, number: drives[known] in reads[number])
    before = closure({number for number, name in drives.items() if name == net}, lambda known, number: drives[number] in reads[known])
    for number in after & before:
        driven, value = lines[number].split("=", 1)
        lines[number] = driven + "=" + re.sub(rf"(?<![\\\w]){re.escape(net)}(?![\w\[])", "looped", value)
    return re.sub(r"\bwire never\b", "wire looped;\nwire never", "\n".join(lines), count=1)


def verdict_on(gold: str, gate: str, top: str) -> str:
    """One of `verification.equivalence.equivalence.VERDICTS` about what a flip made.

    ``unknown``, too, of a loop that only some value makes harmless."""
    clocks = len(set(re.findall(r"@\((\w+ \S+)\)", gate)))
    try:
        return decide(gold, gate, top, clocks=clocks)[0]
    except SpikegateError as error:
        if (loop := LOOP.search(str(error))) is None:
            return "unknown"
    try:
        return "equal" if decide(gold, cut(gate, loop[1]), top, clocks=clocks)[0] == "equal" else "unknown"
    except SpikegateError:
        return "unknown"


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
    with working_folder() as folder:
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
            verdict = verdict_on(gold, settle(text) + bits_verilog(placed, top), top)
            outcomes[{"equal": "harmless", "different": "refuted", "unknown": "undecided"}[verdict]] += 1
    return outcomes
