"""Writes docs/architecture.md from the source: which folder imports which, and what each file is. `--check` fails if the page is stale."""

import argparse
import ast
import functools
import sys
from collections import defaultdict
from pathlib import Path

__all__ = ["imports", "written", "main"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
#: Folder -> the name under which it is imported.
PACKAGES = {"models": "spikegate.models", "gateware": "spikegate.gateware", "translator": "spikegate.translator", "cosim": "spikegate.cosim",
            "src/spikegate": "spikegate", "verification": "verification"}
HEAD = """# Architecture

Written by `python docs/architecture.py` from the source; a test holds it current. An arrow leads from a folder to one that it imports;
where a chain of arrows leads there already, a direct one is left out. Folders that import each other have an arrow with two tips.
Own words, such as golden model, lane and sweep, are in the [glossary](index.md#words).

"""


def sources(folder: str) -> list[Path]:
    """Python files of a folder."""
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def owner(module: str) -> str | None:
    """The folder in which an imported module of ours lies, with its inner folder: ``models/neuron``."""
    for folder, package in sorted(PACKAGES.items(), key=lambda item: -len(item[1])):
        if module == package or module.startswith(package + "."):
            inner = module.removeprefix(package).split(".")[1:2]
            return f"{folder}/{inner[0]}" if inner and (ROOT / folder / inner[0]).is_dir() else folder
    return None


@functools.cache
def parsed(path: Path) -> ast.Module:
    """A source file."""
    return ast.parse(path.read_text())


@functools.cache
def imports() -> dict[str, set[str]]:
    """Folder -> folders that its files import, itself left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in PACKAGES:
        for path in sources(folder):
            here = path.parent.relative_to(ROOT).as_posix()
            for node in ast.walk(parsed(path)):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
                found[here] |= {there for name in names if (there := owner(name))} - {here}
    return {here: {there for there in places if not any(other.startswith(there + "/") for other in places)} for here, places in found.items()}


def _layers(arrows: set[tuple[str, str]]) -> tuple[set[tuple[str, str]], list[list[tuple[str, ...]]]]:
    """The arrows that no chain of others stands for, and the rows of the drawing, from what imports to what is imported.

    A name is a box, ``(name,)``; where an arrow crosses a row, that row has a gap for it, ``(from, to)``.
    """
    below = {name: {b for a, b in arrows if a == name} for name in {name for arrow in arrows for name in arrow}}
    reached = functools.cache(lambda name: below[name].union(*(reached(one) for one in below[name])))
    height = functools.cache(lambda name: 1 + max((height(one) for one in below[name]), default=-1))
    kept = {(a, b) for a, b in arrows if not any(b in reached(one) for one in below[a])}
    rows: list[list[tuple[str, ...]]] = [[] for _ in range(1 + max(map(height, below)))]
    for name in sorted(below):
        rows[height(name)].append((name,))
    for a, b in sorted(kept):
        for level in range(height(b) + 1, height(a)):
            rows[level].append((a, b))
    return kept, rows[::-1]


def _places(kept: set[tuple[str, str]], rows: list[list[tuple[str, ...]]]) -> dict[tuple[int, tuple[str, ...]], float]:
    """The middle of each box and gap; each row is sorted by where its neighbours in the last one are."""
    width = max(sum(map(_width, row)) for row in rows)
    places = {}

    def place(level: int) -> None:
        x = (width - sum(map(_width, rows[level]))) / 2
        for item in rows[level]:
            places[level, item] = x + _width(item) / 2
            x += _width(item)

    def joined(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
        return one == other or any(one in ((a,), (a, b)) and other in ((b,), (a, b)) for a, b in kept)

    for level in range(len(rows)):
        place(level)
    for turn in range(8):
        step = 1 if turn % 2 == 0 else -1
        for level in (range(1, len(rows)) if step == 1 else range(len(rows) - 2, -1, -1)):
            def middle(item: tuple[str, ...], level: int = level, step: int = step) -> float:
                near = [places[level - step, other] for other in rows[level - step] if joined(item, other) or joined(other, item)]
                return sum(near) / len(near) if near else places[level, item]
            rows[level].sort(key=middle)
            place(level)
    return places


def _width(item: tuple[str, ...]) -> float:
    return 7.5 * len(item[0]) + 44 if len(item) == 1 else 36


def _drawing(arrows: set[tuple[str, str]]) -> str:
    """An SVG of folders in rows, with an arrow from each to those that it imports, further down."""
    each_other = {(a, b) for a, b in arrows if (b, a) in arrows and a < b}
    kept, rows = _layers(arrows - {(b, a) for a, b in each_other})
    places = _places(kept, rows)
    wide, high = max(sum(map(_width, row)) for row in rows), 80 * len(rows) - 30
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {high}" width="{wide:g}" height="{high}" '
             'font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">',
             '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">'
             '<path d="M0,0 L8,4 L0,8 z" fill="#7d8a97"/></marker></defs>']
    for a, b in sorted(kept):
        way = [(places[level, item], 80 * level) for level, row in enumerate(rows) for item in row if item in ((a,), (a, b), (b,))]
        (x, y), path = way[0], f"M{way[0][0]:g},{way[0][1] + 40}"
        for number, (to, down) in enumerate(way[1:], 2):
            end = down + (8 if number == len(way) else 40)
            path += f" C{x:g},{y + 65} {to:g},{down - 15} {to:g},{down + 8}" + f" V{end}" * (number < len(way))
            x, y = to, down
        lines.append(f'<path d="{path}" fill="none" stroke="#7d8a97" stroke-width="1.2" marker-end="url(#tip)"'
                     + ' marker-start="url(#tip)"' * ((a, b) in each_other) + "/>")
    for (level, item), x in sorted(places.items()):
        if len(item) == 1:
            lines += [f'<rect x="{x - _width(item) / 2 + 10:g}" y="{80 * level + 10}" width="{_width(item) - 20:g}" height="30" rx="5" '
                      'fill="#e8f0f7" stroke="#20639b"/>',
                      f'<text x="{x:g}" y="{80 * level + 29}" text-anchor="middle" fill="#222222">{item[0]}</text>']
    return "\n".join([*lines, "</svg>", ""])


def _first_line(path: Path) -> str:
    return (ast.get_docstring(parsed(path)) or "").split("\n\n")[0].replace("\n", " ")


def written() -> dict[Path, str]:
    """The page and its drawings: file -> text."""
    found = imports()
    drawings: dict[Path, str] = {}

    def drawn(name: str, what: str, arrows: set[tuple[str, str]]) -> list[str]:
        drawings[PAGE.parent / "architecture" / f"{name}.svg"] = _drawing(arrows)
        return [f"![{what}](architecture/{name}.svg)", ""]

    def top(name: str) -> str:
        return next(folder for folder in PACKAGES if name == folder or name.startswith(folder + "/"))

    whole = {(top(here), top(there)) for here, places in found.items() for there in places if top(here) != top(there)}
    lines = ["## The folders", "", *drawn("folders", "Which folder imports which", whole)]
    for folder in PACKAGES:
        inner = {(here, there) for here, places in found.items() for there in places if top(here) == top(there) == folder}
        lines += [f"## {folder}", "", _first_line(ROOT / folder / "__init__.py"), "",
                  *(drawn(folder.rpartition("/")[2], f"Which folder of {folder} imports which", inner) if inner else [])]
        files = [path for path in sources(folder) if path.name != "__init__.py"]
        lines += ["| file | what |", "|---|---|", *(f"| `{path.relative_to(ROOT / folder)}` | {_first_line(path)} |" for path in files), ""]
    return {PAGE: HEAD + "\n".join(lines), **drawings}


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with ``--check`` say whether it is current: 0 or 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is stale")
    if parser.parse_args(arguments).check:
        there = {path for path in (PAGE, *(PAGE.parent / "architecture").glob("*")) if path.exists()}
        current = {path: path.read_text() for path in there} == written()
        print("docs/architecture.md is " + ("current" if current else "stale; run: python docs/architecture.py"), file=sys.stderr)
        return int(not current)
    (PAGE.parent / "architecture").mkdir(exist_ok=True)
    for path, text in written().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
