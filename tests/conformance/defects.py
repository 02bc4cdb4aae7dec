"""Small defects of the engine in C and of its reader, each of which the kit has to find; writes the table of docs/conformance.md.

    PYTHONPATH=.:tests python -P -m conformance.defects
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from conformance import check
from conformance.kit import ROOT, made

__all__ = ["DEFECTS", "SOURCES", "build", "found", "main", "table", "unpacked"]

SOURCES = ROOT / "tests" / "independent" / "c"
PAGE = ROOT / "docs" / "conformance.md"
BEGIN, END = "<!-- written by conformance.defects -->\n", "<!-- end -->"
ENGINE, READER, POINTS, FORM, MADE = "engine.c", "reader.c", "points.c", "form.c", "generated.c"
#: Name -> file, a part of it that is there once, and what is put in its place.
DEFECTS: dict[str, tuple[str, str, str]] = {
    "a spike above the threshold alone": (ENGINE, "mine[0] >= n->threshold", "mine[0] > n->threshold"),
    "an event at the limit of the drive": (ENGINE, "uniform > (uint64_t)get(limits, e)", "uniform >= (uint64_t)get(limits, e)"),
    "halves are rounded down": (ENGINE, "(whole)1 << (k - 1) : u", "((whole)1 << (k - 1)) - 1 : u"),
    "random bits from bit 31 on, version 1": (ENGINE, "state[i] >> 32 & mask(n->leak_fraction)", "state[i] >> 31 & mask(n->leak_fraction)"),
    "random bits from bit 31 on, version 2": (ENGINE, "before >> 32 & mask(p->leak_fraction)", "before >> 31 & mask(p->leak_fraction)"),
    "wrapping and saturation exchanged": (ENGINE, "mode == SATURATE", "mode == WRAP"),
    "an overflow flag that is not sticky": (ENGINE, "x <= high(f)) return x;", "x <= high(f)) return *overflow = 0, x;"),
    "one refractory step less": (ENGINE, "mine[1] = n->refractory;", "mine[1] = n->refractory - (n->refractory > 0);"),
    "input is kept while a neuron is held": (ENGINE, "over = inputs[i] = 0;", "over = 0; if (!mine[1]) inputs[i] = 0;"),
    "the generator rests while its neuron is held": (ENGINE, "state[i] = leap(state[i], n);", "if (!mine[1]) state[i] = leap(state[i], n);"),
    "the last tap is left out": (ENGINE, "k < n->tap_count; k++", "k < n->tap_count - 1; k++"),
    "recorded events are not used": (ENGINE, "n->has_external ? get", "n->has_external < 0 ? get"),
    "input sums of any size": (ENGINE, "current = fit(current, sums, WRAP, &over);", "(void)sums;"),
    "a bit of a stream at its threshold": (ENGINE, "numbers[t] < (uint64_t)", "numbers[t] <= (uint64_t)"),
    "channels that are not used keep their window": (ENGINE, "next_window(n, c, registers, *window, numbers);",
                                                    "if (c < group) next_window(n, c, registers, *window, numbers);"),
    "counts are scaled without rounding": (ENGINE, "total * n->scale + n->length / 2", "total * n->scale"),
    "Sobol numbers in their plain order": (ENGINE, "(i ^ i >> 1) >> k & 1", "i >> k & 1"),
    "the published order fires above the threshold": (ENGINE, "mine > bound : mine >= bound", "mine > bound : mine > bound"),
    "Brian2's order fires at the threshold": (ENGINE, "mine > bound : mine >= bound", "mine >= bound : mine >= bound"),
    "a current flows before its kick": (ENGINE, "round_product(c * set[7 + 2 * k]", "round_product(currents[k] * set[7 + 2 * k]"),
    "held neurons that go on stand still": (ENGINE, "if (p->held == 1) moves = 1;", ""),
    "currents that are held take kicks": (ENGINE, "p->held == 2 && began_held ? 0 : sums[k]", "sums[k]"),
    "kicks while held, in Brian2's order": (ENGINE, "if (!began_held || p->held == 1) v", "v"),
    "a jump of theta is dropped": (ENGINE, "if (jumps && p->has_theta)", "if (jumps < 0 && p->has_theta)"),
    "w is added": (ENGINE, "A -= round_product", "A += round_product"),
    "theta in the membrane's unit": (ENGINE, "int finer = p->has_theta ? p->theta.fraction - p->v.fraction : 0;", "int finer = 0;"),
    "noise that is not centred": (ENGINE, "p->noise.limits.count / 2", "(p->noise.limits.count + 1) / 2"),
    "noise of the lower bits": (ENGINE, "above(&p->noise.limits, before >> 32)", "above(&p->noise.limits, before & mask(32))"),
    "a spike at the chance": (ENGINE, "(before & mask(32)) < set[0]", "(before & mask(32)) <= set[0]"),
    "a drive without its offset": (ENGINE, "p->drive.offset + above", "above"),
    "an izhikevich fires above its peak, published": (ENGINE, "x > peak : x >= peak", "x > peak : x > peak"),
    "an izhikevich fires at its peak, Brian2's order": (ENGINE, "x > peak : x >= peak", "x >= peak : x >= peak"),
    "u follows the membrane as it becomes": (ENGINE, "round_product(v * b, p->b_shift", "round_product(x * b, p->b_shift"),
    "u is set where it has to grow": (ENGINE, "y = fit(y + d,", "y = fit(d,"),
    "the last of several synapses alone": (ENGINE, "* 3 + s->port] += s->weight", "* 3 + s->port] = s->weight"),
    "a delay of 255 steps is one of 0": (ENGINE, "(t + s->delay) % 256", "(t + s->delay % 255) % 256"),
    "events of an input one step late": (ENGINE, "get(&n->inputs[k].steps, *e) == t", "get(&n->inputs[k].steps, *e) + 1 == t"),
    "halves of the seed exchanged": (MADE, "t % 2 ? seed >> 32 : seed", "t % 2 ? seed : seed >> 32"),
    "four tables of eight": (MADE, "state >> 8 & 7", "state >> 8 & 3"),
    "a neuron that is its own source": (MADE, "int here = own_row >= 0 &&", "int here = own_row < -1 &&"),
    "skews of other bits": (MADE, "(words[1] >> (7 * o + k) % 64", "(words[1] >> (5 * o + k) % 64"),
    "reader: bytes after the last array": (READER, "need(body == body_end,", "need(1,"),
    "reader: a key twice": (FORM, "order(made.keys[made.size - 1], made.keys[made.size]) < 0",
                            "order(made.keys[made.size - 1], made.keys[made.size]) <= 0"),
    "reader: a leap of 31": (READER, 'integer(lfsr, "leap", 32,', 'integer(lfsr, "leap", 31,'),
    "reader: any gain": (READER, 'integer(lif, "gain", (int64_t)1 << n->f.fraction,', 'integer(lif, "gain", 0,'),
    "reader: a reset at the threshold": (READER, "need(n->reset < n->threshold,", "need(n->reset <= n->threshold,"),
    "reader: sums that may leave their bits": (READER, "n->limits.count <= most", "n->limits.count >= 0 * most"),
    "reader: a table that falls": (READER, "need(get(limits, k) >= get(limits, k - 1)", "need(1"),
    "reader: an array of any type": (READER, 'one_of(entry, "dtype", type);', ""),
    "reader: floats in any form": (FORM, "(size_t)(end - start) == strlen(text) && !strncmp(start, text, strlen(text))", "1"),
    "reader: format characters in a title": (FORM, "|| c == 0xad ", ""),
    "reader: a dimension twice": (READER, "need(n->dimensions[c] != n->dimensions[d],", "need(1,"),
    "reader: a seed where none is drawn": (POINTS, "need((seed != 0) == draws,", "need(seed || !draws,"),
    "reader: rows in any order of weights": (POINTS, "b == 0 && c >= 0", "b == 0"),
    "reader: a port's sum of 2^31": (POINTS, "sums[i] < (int64_t)1 << 31", "sums[i] <= (int64_t)1 << 31"),
    "reader: as many sources as the in-degree": (POINTS, "b >= 2 && b <= 64", "b >= 1 && b <= 64"),
    "reader: a product of 62 bits": (POINTS, 'p->square_shift <= 61, "a product', 'p->square_shift <= 62, "a product'),
    "reader: noise of an izhikevich": (POINTS, "p->kind != IZHIKEVICH && ", ""),
}


def build(folder: Path, defect: str = "") -> Path:
    """The engine in C, compiled in a folder; with an entry of `DEFECTS`, or without."""
    shutil.copytree(SOURCES, folder, dirs_exist_ok=True)
    if defect:
        name, this, that = DEFECTS[defect]
        text = (folder / name).read_text()
        if text.count(this) != 1:
            raise LookupError(f"{defect}: {this!r} is {text.count(this)} times in {name}")
        (folder / name).write_text(text.replace(this, that))
    sources = sorted(str(path) for path in folder.glob("*.c"))
    options = ["-O0", "-w"] if defect else ["-O2", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", "-std=c11", *options, "-o", folder / "engine", *sources], check=True)
    return folder / "engine"


def unpacked(files: Mapping[str, bytes], folder: Path) -> Path:
    """The kit's files in a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def found(kit: Path, engine: Sequence[str], among: Sequence[bool] = (False, True)) -> Iterator[str]:
    """Names of the kit's files for which an engine is wrong, in the words of the checker; of networks (False) and files to refuse (True)."""
    for entry in json.loads((kit / "kit.json").read_text())["files"]:
        if ("reason" in entry) not in among:
            continue
        try:
            ran = subprocess.run([*engine, kit / entry["file"]], capture_output=True, text=True, timeout=60)
            said = check.problem(entry, ran.returncode, ran.stdout, kit)
        except subprocess.TimeoutExpired:
            said = "no end"
        if said:
            yield entry["name"]


def table(kit: Path) -> str:
    """A row for each defect: the first file that found it.

    Raises
    ------
    LookupError
        If one is not found, or the sound engine is wrong.
    """
    rows = ["| defect | found by |", "|---|---|"]
    for name in ("", *DEFECTS):
        with tempfile.TemporaryDirectory() as folder:
            among = (name.startswith("reader"),) if name else (False, True)
            wrong = next(found(kit, [str(build(Path(folder), name))], among), "")
        if bool(wrong) != bool(name):
            raise LookupError(f"{name or 'the sound engine'}: {wrong or 'no file'} is wrong")
        if name:
            print(f"{name}: {wrong}", flush=True)
            rows.append(f"| {name} | `{wrong}` |")
    return "\n".join(rows) + "\n"


def main() -> int:
    """Write the table into the page; 1 if a defect is not found."""
    with tempfile.TemporaryDirectory() as folder:
        kit = unpacked(made(), Path(folder))
        try:
            rows = table(kit)
        except LookupError as error:
            print(f"defects: {error.args[0]}", file=sys.stderr)
            return 1
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + rows + END + rest.split(END, 1)[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
