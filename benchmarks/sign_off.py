"""Figures that the project keeps, added to docs/history.json as those of a release, and docs/sign_off.md from there."""

import argparse
import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from spikegate.models.errors import InputError
from spikegate.models.files import write_whole

__all__ = ["ITEMS", "Item", "collected", "main", "page"]

ROOT = Path(__file__).parents[1]
Figures = dict[str, float]
HEAD = """# Sign-off

Written by `make sign-off` from `docs/history.json`; a test holds it current. Own words, such as leaf, claim and mutant, are in the
[glossary](index.md#words).

The first table is the sheet of the last release: each item, its figures, the command that measures it anew, and the day on which what was
measured was last written down. What has no figure here has not been measured.
The second has the same figures release by release.

"""


class Item(NamedTuple):
    """A line of the sheet: where its figures come from, below the root, what reads them, and the command that measures them."""

    source: str
    read: Callable[[Path], Figures]
    command: str


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _tests(folder: Path) -> Figures:
    trees = [ast.parse(path.read_text()) for path in sorted(folder.rglob("test_*.py"))]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {"files": len(trees), "test functions": len(functions)}


def _mutants(path: Path) -> Figures:
    modules = _json(path).values()
    found: Figures = {"modules": len(modules)}
    found |= {name: sum(each[name] for each in modules) for name in ("enumerated", "killed", "equivalent")}
    return found | {"survivors": sum(len(each["survivors"]) for each in modules)}


def _said(pattern: str, *names: str) -> Callable[[Path], Figures]:
    """Figures that a page says in one sentence."""
    def read(path: Path) -> Figures:
        found = re.search(pattern, path.read_text(), re.DOTALL)
        return {name: int(text.replace(",", "")) for name, text in zip(names, found.groups())} if found else {}
    return read


def _boards(path: Path) -> Figures:
    found: Figures = {}
    for fit in _json(path):
        name = f"{fit['board']}, {fit['n']:,} neurons, {fit['lanes']} lanes, {fit['format']}"
        found |= {f"{name}: cells": fit["utilisation"][next(iter(fit["utilisation"]))]["used"], f"{name}: MHz": round(fit["fmax_hz"] / 1e6, 1),
                  f"{name}: times real time": round(fit["real_time_factor"], 2)}
    return found


def _leaves(path: Path) -> Figures:
    found: Figures = {}
    for name, families in _json(path)["leaves"].items():
        found |= {f"{name}, {family}: {what}": value for family, fit in families.items()
                  for what, value in (("LUTs", fit["luts"]), ("MHz", min(fit["fmax_mhz"])))}
    return found


def _cycles(path: Path) -> Figures:
    return {name.removeprefix("cycles: "): entry["predicted"] for name, entry in _json(path).items() if name.startswith("cycles: ")}


def _corpus(path: Path) -> Figures:
    return {"recordings": sum("digest" in entry for entry in _json(path).values())}


def _kit(path: Path) -> Figures:
    files = _json(path)["files"]
    bad = sum("reason" in entry for entry in files)
    return {"networks": len(files) - bad, "files to refuse": bad}


def _verify(path: Path) -> Figures:
    rows = _json(path)
    proofs = [proof for row in rows for proof in row["parts"].get("proofs", [])]
    return {"modules": len(rows), "open": sum(bool(row["problems"]) for row in rows), "claims proved": len(proofs),
            "values compared": sum(row["compared"] for row in rows)}


def _soak(path: Path) -> Figures:
    record = _json(path)
    return {name: record[name] for name in ("networks", "cycles", "values")} | {"differences": len(record["differences"])}


def _speed(path: Path) -> Figures:
    return {f"{engine}, {'processor' if row['cpu_s'] else 'wall'} s": round(row["cpu_s"] or row["run_s"], 4)
            for engine, row in _json(path)["engines"].items()}


PAGE = "docs/verification.md"
#: Item -> where its figures are kept; what is below ``build`` is there only if its command has been run.
ITEMS: dict[str, Item] = {
    "tests": Item("tests", _tests, "make test-long"),
    "recordings that may not change": Item("tests/corpus/recordings.json", _corpus, "python tests/corpus/recordings.py"),
    "mutants of the gateware": Item("docs/mutants.json", _mutants, "make mutation"),
    "mutants of the golden models": Item(PAGE, _said(r"\n\| model \| enumerated .*?\n\| all \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|",
                                                     "enumerated", "killed", "equivalent", "unresolved"), "make mutation-models"),
    "claims": Item(PAGE, _said(r"Claims: ([\d,]+) about the (\d+) leaves", "claims", "leaves"), "make verify"),
    "traffic": Item(PAGE, _said(r"Traffic: ([\d,]+) cycles, ([\d,]+) networks, ([\d,]+) values, (\d+) differ", "cycles", "networks", "values",
                                "differences"), 'make verify ARGS="traffic"'),
    "the verification table": Item("build/verify.json", _verify, "make verify"),
    "conformance kit": Item("tests/conformance/kit.json", _kit, "make kit"),
    "soak": Item("build/soak.json", _soak, "make soak"),
    "boards": Item("docs/board_fits.json", _boards, "make bitstream"),
    "leaves on an FPGA": Item("docs/leaf_sizes.json", _leaves, "python benchmarks/leaf_sizes.py"),
    "cycles of a run": Item("tests/corpus/recordings.json", _cycles, "python tests/corpus/recordings.py"),
    "speed": Item("build/bench/core_speed.json", _speed, "make bench"),
}


def _written(root: Path, path: Path) -> str:
    """The day on which a file or a folder was last written down, or that of the file itself where it is not kept."""
    done = subprocess.run(["git", "log", "-1", "--format=%cs", "--", path.relative_to(root)], cwd=root, capture_output=True, text=True)
    return done.stdout.strip() or date.fromtimestamp(path.stat().st_mtime).isoformat()


def collected(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Item -> its figures, its command and its day; an item without any is left out."""
    found = {}
    for name, item in ITEMS.items():
        path = root / item.source
        if path.exists() and (figures := item.read(path)):
            found[name] = {"figures": figures, "command": item.command, "date": _written(root, path)}
    return found


def _number(value: float) -> str:
    return f"{value:,}"


def page(history: list[dict[str, Any]]) -> str:
    """The sheet of the last release, and the history of all."""
    last = history[-1]
    lines = [HEAD + f"## Release {last['release']}", "", f"Signed off on {last['date']}.", "",
             "| item | figures | command | of |", "|---|---|---|---|"]
    for name, item in ITEMS.items():
        if each := last["items"].get(name):
            many = len(each["figures"]) > 6
            said = "below" if many else "; ".join(f"{_number(value)} {what}" for what, value in each["figures"].items())
            lines.append(f"| {name} | {said} | `{each['command']}` | {each['date']} |")
        else:
            lines.append(f"| {name} | not measured for this release | `{item.command}` | – |")
    lines += ["", "## History", "", "| item | figure | " + " | ".join(entry["release"] for entry in history) + " |",
              "|---|---|" + "---|" * len(history)]
    for name in ITEMS:
        whats = dict.fromkeys(what for entry in history for what in entry["items"].get(name, {}).get("figures", {}))
        for what in whats:
            values = [entry["items"].get(name, {}).get("figures", {}).get(what) for entry in history]
            lines.append(f"| {name} | {what} | " + " | ".join("–" if value is None else _number(value) for value in values) + " |")
    return "\n".join(lines) + "\n"


def _read(file: Path) -> list[dict[str, Any]]:
    try:
        history = _json(file) if file.exists() else []
        page([*history, {"release": "", "date": "", "items": {}}])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"--out {file.parent} has a history.json that is none ({error}); take that of the repository") from None
    found: list[dict[str, Any]] = history
    return found


def main(arguments: list[str] | None = None) -> int:
    """Add today's figures and write the page; 2 for bad input."""
    parser = argparse.ArgumentParser(prog="sign-off", description=__doc__)
    parser.add_argument("--release", help="its name; that of pyproject.toml by default. Figures of the same name are replaced")
    parser.add_argument("--date", default=date.today().isoformat(), help="the day of the sheet (default today)")
    parser.add_argument("--root", type=Path, default=ROOT, metavar="DIR", help="a checkout whose figures are taken (default this one)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", metavar="DIR", help="folder of history.json and sign_off.md (default docs)")
    parser.add_argument("--page", action="store_true", help="write the page alone")
    options = parser.parse_args(arguments)
    file = options.out / "history.json"
    try:
        history = _read(file)
        if not options.page:
            if not (options.root / "pyproject.toml").is_file():
                raise InputError(f"--root {options.root} is no checkout of this project; give a folder with pyproject.toml")
            release = options.release or tomllib.loads((options.root / "pyproject.toml").read_text())["project"]["version"]
            entry = {"release": release, "date": options.date, "items": collected(options.root)}
            history = sorted([*(each for each in history if each["release"] != release), entry], key=lambda each: (each["date"], each["release"]))
        if not history:
            raise InputError(f"--page needs figures, and {file} has none; leave it out")
        write_whole(file, json.dumps(history, indent=1) + "\n")
        write_whole(options.out / "sign_off.md", page(history))
    except (InputError, OSError) as error:
        print(f"sign-off: {error}", file=sys.stderr)
        return 2
    print(f"{len(history)} releases in {file}, the last one {history[-1]['release']} with {len(history[-1]['items'])} of {len(ITEMS)} items")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
