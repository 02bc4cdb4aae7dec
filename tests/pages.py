"""The pages of documentation, their code blocks, and the vectors of docs/arithmetic.md."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
ARITHMETIC = ROOT / "docs" / "arithmetic.md"


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def vectors(kind):
    found = [v for v in map(json.loads, blocks(ARITHMETIC, "json")) if v["vector"] == kind]
    assert found, f"arithmetic.md has no vector {kind}"
    return found


def execute(path):
    space = {"__name__": path.stem}
    for number, text in enumerate(blocks(path, "python"), 1):
        exec(compile(text, f"{path.name}, example {number}", "exec"), space)
    return space
