"""The list of mutants that are neither killed nor proved to do the same, by name: a list that grows is a finding."""

import json
from pathlib import Path

from verification.contracts.catalogue import LEAVES, WHOLE

__all__ = ["LIST", "PAGE", "SHARE", "listed", "share", "section", "write"]

DOCS = Path(__file__).parents[2] / "docs"
#: Module -> figures and names of survivors; and the page that shows it, between two marks.
LIST, PAGE = DOCS / "mutants.json", DOCS / "verification.md"
BEGIN, END = "<!-- written by make mutation ARGS=--update -->\n", "<!-- end -->\n"
#: Of all mutants, so many may be in the list.
SHARE = 0.003
FIGURES = ("enumerated", "killed", "equivalent")


def _kept() -> dict:
    return json.loads(LIST.read_text()) if LIST.exists() else {}


def listed() -> dict[str, set[str]]:
    """Module -> names of survivors that are known."""
    return {module: set(one["survivors"]) for module, one in _kept().items()}


def share() -> float:
    """Of all mutants of the modules in the list, those that survive."""
    kept = _kept().values()
    return sum(len(one["survivors"]) for one in kept) / sum(one["enumerated"] for one in kept)


def section() -> str:
    """Both tables of the page."""
    rows = [[module, *(one[name] for name in FIGURES), len(one["survivors"])] for module, one in _kept().items()]
    rows.append(["all", *(sum(row[k] for row in rows) for k in range(1, len(FIGURES) + 2))])
    lines = ["| module | enumerated | killed | proved equivalent | survivors |", "|---|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(f'{value:,}' for value in values)} |" for name, *values in rows]
    names = [f"| {module} | `{name}` |" for module, one in _kept().items() for name in one["survivors"]]
    missing = [name for name in (*LEAVES, *WHOLE) if name not in _kept()]
    lines += ["", *([f"Not run since the last change of the method: {', '.join(missing)}.", ""] if missing else [])]
    return "\n".join([*lines, *(["| module | survivor |", "|---|---|", *names] if names else ["There are no survivors."]), ""])


def write(found: dict[str, dict]) -> None:
    """Put what was found for modules in the list and on its page."""
    kept = _kept() | found
    LIST.write_text(json.dumps({name: kept[name] for name in (*LEAVES, *WHOLE) if name in kept}, indent=1) + "\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + section() + END + rest.partition(END)[2])
