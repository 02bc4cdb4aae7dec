"""Which scripts run on the device ``spikegate``: a table of a folder of Brian2 scripts, such as the examples of Brian2's own repository.

    python benchmarks/brian2_examples.py ../brian2/examples --json build/examples.json

Each script runs in a process of its own, as it is but for two lines before it. It *runs* if its first network ran, is *refused* if the device named
what is in the way, *fails* if anything of ours went wrong, and is *none* if no network is run in it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

BEFORE = """
import json, os, runpy, sys
import matplotlib
matplotlib.use("Agg")
import brian2
import spikegate.brian2
from spikegate.models.errors import InputError
script, answer, engine = sys.argv[1:4]
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
        return ends[0] if ends else {"status": "none", "why": ["runs no network"]} if lines else {"status": "fails", "why": ["ended without an answer"]}
    return {**runs[0], **({"later": ends[0]["why"]} if ends else {})}


def one(script: Path, engine: str, limit: float) -> dict[str, object]:
    """What became of a script."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        began = time.perf_counter()
        try:
            subprocess.run([sys.executable, "-P", "-c", BEFORE, str(script.resolve()), str(answer), engine], cwd=folder, capture_output=True,
                           timeout=limit, env={**os.environ, "MPLBACKEND": "Agg"}, check=False)
            found = outcome([json.loads(line) for line in answer.read_text().splitlines()] if answer.exists() else [])
        except subprocess.TimeoutExpired:
            found = {"status": "too long", "why": [f"not done after {limit:.0f} s"]}
    return {"script": script.name, **found, "seconds": round(time.perf_counter() - began, 1)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", choices=("golden", "rtl"), default="golden")
    parser.add_argument("--only", nargs="*", default=[], help="names of scripts, or parts of them")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds a script")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    scripts = [each for each in sorted(args.folder.rglob("*.py")) if not args.only or any(part in str(each) for part in args.only)]
    rows = []
    for script in scripts:
        row = {**one(script, args.engine, args.limit), "script": str(script.relative_to(args.folder))}
        rows.append(row)
        said = row.get("why") or [f"{row.get('neurons')} neurons, {row.get('steps')} steps, {row.get('spikes')} spikes, {row.get('agreement')}"]
        said = [f"{said[0]}; later: {row['later'][0]}"] if "later" in row else said  # type: ignore[index]
        print(f"{row['script']:52} {row['status']:8} {row['seconds']:6} s  {said[0][:160]}", flush=True)  # type: ignore[index]
        if args.json:
            args.json.parent.mkdir(parents=True, exist_ok=True)
            args.json.write_text(json.dumps(rows, indent=1))
    print(", ".join(f"{count} {status}" for status, count in Counter(str(row["status"]) for row in rows).most_common()))


if __name__ == "__main__":
    main()
