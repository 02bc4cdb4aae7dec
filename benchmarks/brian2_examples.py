"""Which scripts run on the device ``spikegate``: a table of a folder of Brian2 scripts, such as the examples of Brian2's own repository.

    python benchmarks/brian2_examples.py ../brian2/examples --beside --json docs/brian2_examples.json --page docs/brian2.md

Each script runs in a process of its own, as it is but for two lines before it. It *runs* if its networks ran, is *refused* if the device named
what is in the way of any of them, *fails* if anything of ours went wrong, and is *none* if no network is run in it. ``--beside`` runs those that
run three times more, by Brian2's floats as asked for and as the integers realise them, and on the hardware itself: RTL held against the golden
model, and a verdict on each monitor. A script that the file of ``--json`` has is not run again, unless ``--again``; so a table that was not
finished goes on.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from spikegate.beside import Beside, beside, verdict
from spikegate.cosim.results.compare import Check
from spikegate.models.errors import InputError

#: Around the table in a page.
MARKS = "<!-- table of benchmarks/brian2_examples.py -->", "<!-- end of the table -->"
Row = dict[str, Any]

BEFORE = """
import importlib.util, json, os, runpy, sys
import matplotlib
matplotlib.use("Agg")
import brian2
import spikegate.brian2
from spikegate.models.errors import InputError
script, answer, engine, most = sys.argv[1:5]
sys.argv = [script]
sys.path.insert(0, script.rpartition("/")[0])  # as Python does for a script
brian2.prefs.codegen.target = "numpy"
brian2.set_device("spikegate", engine=engine)
device, chosen = brian2.get_device(), brian2.set_device
def replaced(*args, build_on_run=True, **kwargs):  # a script's own choice of a device
    chosen("spikegate", engine=engine, build_on_run=build_on_run)
brian2.set_device = brian2.devices.device.set_device = replaced
if importlib.util.find_spec("joblib"):  # whose processes would begin without this device
    importlib.import_module("joblib").parallel_config("sequential")
def say(**found):
    with open(answer, "a") as file:  # a script may have processes of its own
        file.write(json.dumps(found) + chr(10))
steps, before = device._steps, []
def once(*args):
    steps(*args)
    if not before:
        before.append(1)
        done = spikegate.brian2.result()
        say(status="runs", neurons=done.network.n, steps=done.network.steps, spikes=len(done.recording.spikes), agreement=done.agreement,
            warnings=done.warnings)
device._steps = once
run = device.network_run
def shortened(net, duration, *args, level=0, **kwargs):
    return run(net, min(duration, float(most) * brian2.ms), *args, level=level + 1, **kwargs)
if most:
    device.network_run = shortened
try:
    runpy.run_path(script, run_name="__main__")
    say(status="ends")
except InputError as error:
    say(status="refused", why=str(error).splitlines())
except BaseException as error:
    import traceback
    text = f"{type(error).__name__}: {error}"
    cause = error.__cause__
    while cause is not None and not isinstance(cause, InputError):
        cause = cause.__cause__
    if cause is not None:
        say(status="refused", why=str(cause).splitlines())
    else:
        ours = any("/importer/" in frame.filename or "/models/" in frame.filename for frame in traceback.extract_tb(error.__traceback__))
        say(status="fails" if ours else "none", why=[text])
"""


def outcome(lines: list[Row]) -> Row:
    """What the lines of all processes of a script come to: a refusal, or else the first run of a network, and what ended the script after it."""
    if refused := [each for each in lines if each["status"] == "refused"]:
        return refused[0]
    runs = [each for each in lines if each["status"] == "runs"]
    ends = [each for each in lines if each["status"] not in ("runs", "ends")]
    if not runs:
        none: Row = {"status": "none", "why": ["runs no network"]} if lines else {"status": "fails", "why": ["ended without an answer"]}
        return ends[0] if ends else none
    return {**runs[0], **({"later": ends[0]["why"]} if ends else {})}


def one(script: Path, engine: str, limit: float, most: str = "") -> Row:
    """What became of a script."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        began = time.perf_counter()
        try:
            subprocess.run([sys.executable, "-P", "-c", BEFORE, str(script.resolve()), str(answer), engine, most], cwd=folder, capture_output=True,
                           timeout=limit, env={**os.environ, "MPLBACKEND": "Agg"}, check=False)
            found = outcome([json.loads(line) for line in answer.read_text().splitlines()] if answer.exists() else [])
        except subprocess.TimeoutExpired:
            found = outcome([json.loads(line) for line in answer.read_text().splitlines()] if answer.exists() else [])
            late = f"not done after {limit:.0f} s"
            found = {**found, "later": [late]} if found["status"] == "runs" else {"status": "too long", "why": [late]}
    return {"script": script.name, **found, "seconds": round(time.perf_counter() - began, 1)}


def reason(line: str) -> str:
    """What stands in the way in a line of a refusal, without the object and the script's own words."""
    text = re.sub(r"^\w+( '[^']*')?: (?:'.*' |\".*\" )?", "", line.replace("\\'", "’"))
    text = text.rpartition("; ")[0].split("; ")[0] or text
    if text == "is nothing that hardware has":
        return f"{line.partition(' ')[0]} {text}"
    text = re.sub(r"^depends on \w+, which changes$", "depends on a variable that changes", text)
    text = re.sub(r"^changes \w+, which", "changes a variable that", text)
    text = re.sub(r"\b(linear in|fed by(?! the time| a constant)|beside|one for) [\w, ]+$", r"\1 a variable", text)
    text = re.sub(r"^compares .*", "compares what is no membrane", text)
    return re.sub(r"[\d.]+ ms \([^)]*\)(, )?", "", text).strip(" :")


def kept(row: Row) -> Row:
    """A row as the data has it: reasons without words of the script."""
    shown = {key: value for key, value in row.items() if key in ("script", "status", "neurons", "steps", "spikes", "agreement", "seconds")}
    if row["status"] in ("refused", "none", "fails", "too long"):
        shown["why"] = list(dict.fromkeys(map(reason, row["why"])))
    if "later" in row:
        shown["later"] = list(dict.fromkeys(map(reason, row["later"])))
    return shown


def judged(script: Path, limit: float, engine: str) -> Row:
    """The hardware held against the golden model, and the verdict on each monitor."""
    try:
        found: Beside = beside(script, limit, engine=engine)
    except InputError as error:
        last = str(error).splitlines()[-1]
        return {"verdict": "not judged: " + re.sub(r"Script \S+ ", "it ", last)}
    return {"verdict": verdict(found.checks), "held": found.held, "warnings": len(found.warnings), "checks": [shown(each) for each in found.checks]}


def shown(check: Check) -> Row:
    """A check as the data has it."""
    found = check.as_dict()
    return {key: found[key] for key in ("name", "compared", "verdict", "value", "reference", "margin", "detail")}


def _line(row: Row) -> str:
    """A row of the table."""
    if row["status"] != "runs":
        what = {"none": "–"}.get(row["status"], row["status"])
        return f"| `{row['script'].removesuffix('.py')}` | {what}: {'; '.join(row['why'][:2])} | | |"
    ends = f"; then {row['later'][0]}" if "later" in row else ""
    held, verdict = row.get("held"), row.get("verdict", "not yet run again")
    equal = f"{held['spikes']:,} spikes, {held['values']:,} values" if held else "–"
    what = f"**runs**: {row['neurons']:,} neurons, {row['steps']:,} steps, {row['agreement']}{ends}"
    return f"| `{row['script'].removesuffix('.py')}` | {what} | {equal} | {verdict} |"


def markdown(rows: list[Row]) -> str:
    """The table of all scripts, and how often each thing is the first in the way."""
    count = Counter(row["status"] for row in rows)
    equal = [row["held"] for row in rows if row.get("held")]
    rest = len(rows) - count["runs"] - count["refused"]
    lines = [f"{len(rows)} scripts: {count['runs']} run, {count['refused']} are refused, {rest} run no network "
             f"or need what is not there. Of those that run, {len(equal)} ran on the RTL, equal to the golden model in all "
             f"{sum(each['spikes'] for each in equal):,} spikes and {sum(each['values'] for each in equal):,} values.", "",
             "| script | what becomes of it | RTL = golden | verdict, Brian2's floats |", "|---|---|---|---|", *map(_line, rows)]
    firsts = Counter(row["why"][0] for row in rows if row["status"] == "refused")
    return "\n".join([*lines, "", "| first thing in the way | scripts |", "|---|---|",
                      *(f"| {why} | {times} |" for why, times in sorted(firsts.items(), key=lambda item: (-item[1], item[0])))]) + "\n"


def into(page: str, rows: list[Row]) -> str:
    """A page with the table between its marks."""
    first, last = (page.index(mark) for mark in MARKS)
    return f"{page[:first]}{MARKS[0]}\n\n{markdown(rows)}\n{page[last:]}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", choices=("golden", "rtl"), default="rtl", help="of the run that is judged with --beside")
    parser.add_argument("--only", nargs="*", default=[], help="names of scripts, or parts of them")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a run")
    parser.add_argument("--most", default="", help="milliseconds of each run, of longer ones")
    parser.add_argument("--beside", action="store_true", help="judge the monitors of those that run against Brian2's own")
    parser.add_argument("--again", action="store_true", help="run what the data has already, too")
    parser.add_argument("--json", type=Path, help="the data")
    parser.add_argument("--page", type=Path, help="a page of Markdown with the marks of the table")
    args = parser.parse_args()
    scripts = [each for each in sorted(args.folder.rglob("*.py")) if not args.only or any(part in str(each) for part in args.only)]
    rows = {row["script"]: row for row in (json.loads(args.json.read_text()) if args.json and args.json.exists() else [])}
    for script in scripts:
        name = str(script.relative_to(args.folder))
        if args.again or name not in rows:
            rows[name] = kept({**one(script, "golden", args.limit, args.most), "script": name})
        row = rows[name]
        if args.beside and row["status"] == "runs" and (args.again or "verdict" not in row):
            row |= judged(script, args.limit, args.engine)
        said = row.get("why") or [f"{row['neurons']} neurons, {row['steps']} steps, {row.get('spikes', '?')} spikes, {row['agreement']}"]
        print(f"{name:52} {row['status']:8} {said[0][:100]}  {row.get('verdict', '')}", flush=True)
        if args.json:
            args.json.parent.mkdir(parents=True, exist_ok=True)
            args.json.write_text(json.dumps([rows[each] for each in sorted(rows)], indent=1) + "\n")
        if args.page:
            args.page.write_text(into(args.page.read_text(), [rows[each] for each in sorted(rows)]))
    print(", ".join(f"{count} {status}" for status, count in Counter(row["status"] for row in rows.values()).most_common()))


if __name__ == "__main__":
    main()
