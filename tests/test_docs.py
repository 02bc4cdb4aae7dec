"""What the documents show is what the code does: examples run, links lead somewhere, the drawing is current, verdicts are those of the code."""

import importlib.util
import itertools
import re
from xml.etree import ElementTree

import pytest
from pages import PAGES, ROOT, blocks, execute

from spikegate.cosim.results import effects, scatter
from spikegate.translator import registry, variants


@pytest.mark.parametrize("path", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name)
def test_every_example_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "VARIANTS", dict(variants.VARIANTS))  # an example registers one
    execute(path)


@pytest.mark.parametrize("path", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(path):
    missing = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text())
               if not link.startswith("http") and not (path.parent / link).exists()]
    assert missing == []


@pytest.fixture(scope="module")
def drawing():
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_drawing_of_the_architecture_is_current_and_a_stale_one_is_seen(drawing, monkeypatch, tmp_path):
    assert drawing.main(["--check"]) == 0, "docs/architecture.md is stale; run: python docs/architecture.py"
    assert "models/numeric" in drawing.imports()["gateware/neuron"]
    monkeypatch.setattr(drawing, "PAGE", tmp_path / "architecture.md")
    assert drawing.main([]) == 0 and drawing.main(["--check"]) == 0
    for path in (drawing.PAGE, tmp_path / "architecture" / "models.svg"):
        good = path.read_text()
        path.write_text(good.replace("models/core", "models/other", 1))
        assert drawing.main(["--check"]) == 1
        path.write_text(good)
    (tmp_path / "architecture" / "left.svg").write_text("")
    assert drawing.main(["--check"]) == 1


def test_an_arrow_that_follows_from_others_is_left_out_and_boxes_lie_beside_each_other(drawing):
    arrows = {("a", "b"), ("b", "c"), ("a", "c"), ("d", "c"), ("a", "e")}
    kept, rows = drawing._layers(arrows)
    assert kept == arrows - {("a", "c")} and [set(row) for row in rows] == [{("a",)}, {("b",), ("d",), ("a", "e")}, {("c",), ("e",)}]
    places = drawing._places(kept, rows)
    for level, row in enumerate(rows):
        for one, other in itertools.pairwise(row):
            assert places[level, other] - places[level, one] == (drawing._width(one) + drawing._width(other)) / 2
    name = "{http://www.w3.org/2000/svg}"
    svg = ElementTree.fromstring(drawing._drawing({("a", "b"), ("b", "a"), ("b", "c")}))
    assert sorted(text.text for text in svg.iter(f"{name}text")) == ["a", "b", "c"]
    assert [path.get("marker-start") for path in svg.iter(f"{name}path") if path.get("marker-end")] == ["url(#tip)", None]


def test_the_verdicts_in_the_document_are_those_of_the_code():
    page = (ROOT / "docs" / "validation.md").read_text()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    named = {"brian2_float": "Brian2, asked", "brian2_realised": "Brian2, realised", "brian2_ordered": "Brian2, core's order", "rtl": "RTL"}
    for effect in effects.EFFECTS:
        assert [effect.name, named[effect.of], named[effect.against], "warning" if effect.warns else "failure"] in rows
    tolerance = effects.TOLERANCE
    assert ["tolerance", f"{100 * tolerance['rate_hz']:g} %", f"{100 * tolerance['cv_isi']:g} %", f"{tolerance['correlation']:g}"] in rows
    assert f"|t| exceeds {scatter.student(effects.CHANCE, scatter.MOST_BLOCKS - 1):.1f} with probability {effects.CHANCE:g}" in page
