"""Holds an engine against the networks of this kit: python3 check.py [--only PATTERN] ENGINE [ARGUMENT...]

The engine is started once for each file, with the file as its last argument. What it has to print, and when it has to refuse, is in conformance.md.
"""

import fnmatch
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def problem(entry, code, text, kit=HERE):
    """What is wrong with an engine's exit code and output for an entry of kit.json, or ""; judged by the kinds of lines that it prints."""
    if "reason" in entry:
        return "" if code == 2 and not text else f"has to be refused with code 2 and no output: {entry['reason']}"
    kinds = {line.split(" ")[0] for line in text.splitlines()} & {"states", "generators"} | {"spikes"}
    wanted = [line for line in (kit / entry["answer"]).read_text().splitlines() if line.split(" ")[0] in kinds]
    for number, (found, want) in enumerate(zip(text.splitlines() + [""] * len(wanted), wanted), 1):
        if found != want:
            return f"code {code}, line {number} is {found[:60]!r}, not {want[:60]!r}"
    return "" if code == 0 and len(text.splitlines()) == len(wanted) else f"code {code}, {len(text.splitlines())} lines, not {len(wanted)}"


def main(words):
    pattern, engine = (words[1], words[2:]) if words[:1] == ["--only"] else ("*", words)
    if not engine:
        sys.exit(__doc__)
    entries = [entry for entry in json.loads((HERE / "kit.json").read_text())["files"] if fnmatch.fnmatch(entry["name"], pattern)]
    wrong = 0
    for entry in entries:
        ran = subprocess.run([*engine, str(HERE / entry["file"])], capture_output=True, text=True)
        if said := problem(entry, ran.returncode, ran.stdout):
            wrong += 1
            print(f"{entry['name']}: {said}")
    print(f"{len(entries)} files, {wrong} wrong")
    return int(wrong > 0 or not entries)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
