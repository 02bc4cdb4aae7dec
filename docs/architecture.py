"""Writes docs/architecture.md from the source: which folder imports which, and what each file is. `--check` fails if the page is stale."""

import argparse
import ast
import sys
from collections import defaultdict
from pathlib import Path

__all__ = ["imports", "page", "main"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
#: Folder -> the name under which it is imported.
PACKAGES = {"models": "spikegate.models", "gateware": "spikegate.gateware", "translator": "spikegate.translator", "cosim": "spikegate.cosim",
            "src/spikegate": "spikegate", "verification": "verification"}
HEAD = """# Architecture

Written by `python docs/architecture.py` from the source; a test holds it current. An arrow leads from a folder to one that it imports.
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


def imports() -> dict[str, set[str]]:
    """Folder -> folders that its files import, itself left out."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in PACKAGES:
        for path in sources(folder):
            here = path.parent.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text())):
                names: list[str] = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)]
                found[here] |= {there for name in names if (there := owner(name))} - {here}
    return {here: {there for there in places if not any(other.startswith(there + "/") for other in places)} for here, places in found.items()}


def _drawing(arrows: set[tuple[str, str]]) -> list[str]:
    names = sorted({name for arrow in arrows for name in arrow})
    label = {name: f"n{number}" for number, name in enumerate(names)}
    return ["```mermaid", "flowchart BT", *(f'    {label[name]}["{name}"]' for name in names),
            *(f"    {label[a]} --> {label[b]}" for a, b in sorted(arrows)), "```", ""]


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0].replace("\n", " ")


def page() -> str:
    """The whole page."""
    found = imports()

    def top(name: str) -> str:
        return next(folder for folder in PACKAGES if name == folder or name.startswith(folder + "/"))

    whole = {(top(here), top(there)) for here, places in found.items() for there in places if top(here) != top(there)}
    lines = ["## The folders", "", *_drawing(whole)]
    for folder in PACKAGES:
        inner = {(here, there) for here, places in found.items() for there in places if top(here) == top(there) == folder}
        lines += [f"## {folder}", "", _first_line(ROOT / folder / "__init__.py"), "", *(_drawing(inner) if inner else [])]
        files = [path for path in sources(folder) if path.name != "__init__.py"]
        lines += ["| file | what |", "|---|---|", *(f"| `{path.relative_to(ROOT / folder)}` | {_first_line(path)} |" for path in files), ""]
    return HEAD + "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with ``--check`` say whether it is current: 0 or 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is stale")
    if parser.parse_args(arguments).check:
        current = PAGE.exists() and PAGE.read_text() == page()
        print("docs/architecture.md is " + ("current" if current else "stale; run: python docs/architecture.py"), file=sys.stderr)
        return int(not current)
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
