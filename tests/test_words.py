"""Pages and docstrings are in words that a newcomer knows: own terms lead to one glossary, and phrases that outsiders did not grasp are gone."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs" / "index.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = ("models", "gateware", "cosim", "translator", "src", "benchmarks")
#: Terms with a sense of their own here; each has a row of the glossary.
OWN = ("golden model", "frozen", "trio", "lane", "sweep", "row source", "store", "bank", "walk", "kick", "drive", "stream", "window", "plane", "`ai`",
       "V4", "bit-true", "spike-exact", "guard", "leaf", "mutant", "survivor", "host link", "realised", "core")
#: What readers from outside asked the meaning of.
RIDDLES = (r"drives? walks", r"walking drive", r"made of bits", r"outliv", r"what .{0,30}does not settle", r"leaves judge",
           r"\bBehind (?:the|a|those)\b", r"what verifies the verification", r"asks? no leave", r"nothing is promised", r"of one's own",
           r"(?:lane|address|port)s? that there is not")


def glossary():
    """The first column of the table of words."""
    section = GLOSSARY.read_text().partition("\n## Words\n")[2]
    return [line.split(" | ")[0].strip("| ") for line in section.splitlines() if line.startswith("| ")][1:]


def unexplained(text):
    """Own terms in a page that does not lead to the glossary."""
    return [] if re.search(r"\]\((?:docs/)?index\.md#words\)|^## Words$", text, re.MULTILINE) else [term for term in OWN if term in text]


def riddles(text):
    return [found[0] for phrase in RIDDLES for found in [re.search(phrase, re.sub(r"\s+", " ", text))] if found]


def docstrings(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and (text := ast.get_docstring(node)):
            yield f"{path.relative_to(ROOT)}: {getattr(node, 'name', 'module')}", text


def test_every_own_term_has_one_row_of_the_glossary():
    words = glossary()
    assert len(words) == len(set(words)) > 25
    known = {part.removesuffix("s") for row in words for part in re.split(r", | to ", row)} | {f"V{number}" for number in range(1, 22)}
    assert [term for term in OWN if term not in known and term not in ("row source", "V4")] == []
    assert "row source" in GLOSSARY.read_text() and any(row.startswith("V1 to V21") for row in words)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_explains_its_terms_and_has_no_riddle(path):
    assert unexplained(path.read_text()) == [] == riddles(path.read_text())


def test_no_docstring_has_a_riddle():
    texts = dict(found for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts
                 for found in docstrings(path))
    assert len(texts) > 800
    assert {name: found for name, text in texts.items() if (found := riddles(text))} == {}


@pytest.mark.parametrize(("text", "what"), [
    ("**On a part, the drive walks.**", "drive walks"), ("Synapses can be\nmade of bits", "made of bits"), ("What outlives the table", "outliv"),
    ("Behind the last byte of a frame nothing is promised", "Behind the"), ("Leaves judge", None), ("The drive is searched serially.", None)])
def test_a_riddle_is_seen(text, what):
    assert what in (riddles(text) or [None])


def test_a_page_without_the_way_to_the_glossary_is_seen():
    page = "# Page\n\nThe golden model has no lane.\n"
    assert unexplained(page) == ["golden model", "lane"] and unexplained(page + "[Words](index.md#words)") == []
