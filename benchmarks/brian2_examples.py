"""Which scripts run on the device ``spikegate``: a table of a folder of Brian2 scripts, such as the examples of Brian2's own repository.

    python benchmarks/brian2_examples.py ../brian2/examples --json build/examples.json --markdown build/examples.md

Each script runs in a process of its own, as it is but for two lines before it. It *runs* if its first network ran, is *refused* if the device named
what is in the way, *fails* if anything of ours went wrong, and is *none* if no network is run in it. ``--beside`` runs those that run twice more,
by Brian2's floats and on the device, and compares their monitors; ``--engine rtl`` holds the hardware against the golden model, and ``--most`` cuts
runs.
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

from spikegate.beside import beside, said
from spikegate.models.errors import InputError

BEFORE = """
import json, os, runpy, sys
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


def outcome(lines: list[dict[str, object]]) -> dict[str, object]:
    """What the lines of all processes of a script come to: the first run of a network, and what ended the script after it."""
    runs = [each for each in lines if each["status"] == "runs"]
    ends = [each for each in lines if each["status"] not in ("runs", "ends")]
    if not runs:
        none: dict[str, object] = {"status": "none", "why": ["runs no network"]} if lines else {"status": "fails", "why": ["ended without an answer"]}
        return ends[0] if ends else none
    return {**runs[0], **({"later": ends[0]["why"]} if ends else {})}


def one(script: Path, engine: str, limit: float, most: str = "") -> dict[str, object]:
    """What became of a script."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        began = time.perf_counter()
        try:
            subprocess.run([sys.executable, "-P", "-c", BEFORE, str(script.resolve()), str(answer), engine, most], cwd=folder, capture_output=True,
                           timeout=limit, env={**os.environ, "MPLBACKEND": "Agg"}, check=False)
            found = outcome([json.loads(line) for line in answer.read_text().splitlines()] if answer.exists() else [])
        except subprocess.TimeoutExpired:
            found = {"status": "too long", "why": [f"not done after {limit:.0f} s"]}
    return {"script": script.name, **found, "seconds": round(time.perf_counter() - began, 1)}


def reason(line: str) -> str:
    """What stands in the way in a line of a refusal, without the object and the script's own line."""
    text = re.sub(r"^\w+ '[^']*': (?:'.*' |\".*\" )?", "", line)
    return re.sub(r"\b(in|by|beside|one for) \w+$", r"\1 a variable", text.rpartition("; ")[0].split("; ")[0] or text)


def markdown(rows: list[dict[str, object]]) -> str:
    """Tables of the scripts that run, and of what is in the way of the others."""
    lines = ["| script | neurons | steps | agreement | spikes, first run | Brian2's floats and the hardware |", "|---|---|---|---|---|---|"]
    for row in rows:
        if row["status"] == "runs":
            beside = "; ".join(row.get("beside") or []) or "–"  # type: ignore[call-overload]
            ends = "" if "later" not in row else f", then: {reason(row['later'][0])}"  # type: ignore[index]
            lines.append(f"| `{row['script']}`{ends} | {row['neurons']:,} | {row['steps']:,} | {row['agreement']} | {row['spikes']:,} | {beside} |")
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if row["status"] != "runs":
            by_reason.setdefault(f"{row['status']}: {reason(row['why'][0])}", []).append(str(row["script"]))  # type: ignore[index]
    lines += ["", "| first thing in the way | scripts |", "|---|---|"]
    for why, scripts in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        lines.append(f"| {why} | {len(scripts)}: {', '.join(f'`{Path(each).stem}`' for each in scripts)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", choices=("golden", "rtl"), default="golden")
    parser.add_argument("--only", nargs="*", default=[], help="names of scripts, or parts of them")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a script")
    parser.add_argument("--most", default="", help="milliseconds of each run, of longer ones")
    parser.add_argument("--beside", action="store_true", help="compare the monitors of those that run with Brian2's own")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    scripts = [each for each in sorted(args.folder.rglob("*.py")) if not args.only or any(part in str(each) for part in args.only)]
    rows = []
    for script in scripts:
        row = {**one(script, args.engine, args.limit, args.most), "script": str(script.relative_to(args.folder))}
        rows.append(row)
        words = row.get("why") or [f"{row.get('neurons')} neurons, {row.get('steps')} steps, {row.get('spikes')} spikes, {row.get('agreement')}"]
        words = [f"{words[0]}; later: {row['later'][0]}"] if "later" in row else words  # type: ignore[index]
        print(f"{row['script']:52} {row['status']:8} {row['seconds']:6} s  {words[0][:160]}", flush=True)  # type: ignore[index]
        if args.beside and row["status"] == "runs":
            try:
                row["beside"] = [said(each) for each in beside(script, args.limit)] or ["no monitor"]
            except InputError as error:
                row["beside"] = [str(error)]
            print("".join(f"    {line}\n" for line in row["beside"]), end="", flush=True)  # type: ignore[attr-defined]
        if args.json:
            args.json.parent.mkdir(parents=True, exist_ok=True)
            args.json.write_text(json.dumps(rows, indent=1))
        if args.markdown:
            args.markdown.write_text(markdown(rows))
    print(", ".join(f"{count} {status}" for status, count in Counter(str(row["status"]) for row in rows).most_common()))


if __name__ == "__main__":
    main()
