"""The documentation site: it has every page, and is built without a warning."""

import ast
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
import screenshots
from PIL import Image

ROOT = Path(__file__).parents[1]


def test_every_page_is_on_the_site():
    listed = re.findall(r"^(?:[A-Z][\w ]+ <)?/(?:docs/)?([\w/]+)>?$", (ROOT / "docs/site/index.md").read_text(), re.MULTILINE)
    assert set(listed) == {page.stem for page in (ROOT / "docs").glob("*.md")} | {"README", "CONTRIBUTING", "CHANGELOG", "gallery/index"}


@pytest.mark.parametrize("text, found", [
    ("A sum.\n\n    a = b\n    c = d\n\nMore.", "A sum.\n\n::\n\n    a = b\n    c = d\n\nMore."), ("Run::\n\n    make", "Run::\n\n    make"),
    ("- one\n\n    two", "- one\n\n    two"), ("x : int\n    Of it.\n\n    More.", "x : int\n    Of it.\n\n    More."), ("", "")])
def test_equations_of_docstrings_keep_their_lines(text, found):
    tree = ast.parse((ROOT / "docs/site/conf.py").read_text())
    made = {}
    exec(compile(ast.Module([part for part in tree.body if getattr(part, "name", "") == "as_they_are"], []), "conf.py", "exec"), made)
    lines = text.split("\n")
    made["as_they_are"](lines)
    assert "\n".join(lines) == found


class Links(HTMLParser):
    """What a page refers to within the site, and what it loads from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.loaded = set(), set()

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src") and value:
                if value.startswith(("http:", "https:", "//")):
                    self.loaded |= {value} if tag in ("script", "img", "link") and dict(attrs).get("rel") != "canonical" else set()
                elif not value.startswith(("#", "mailto:", "data:")):
                    self.inside.add(re.split("[?#]", value)[0])


@pytest.mark.long
def test_the_site_is_built_without_a_warning_and_needs_no_network():
    done = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "WARNING" not in done.stdout + done.stderr, (done.stdout + done.stderr)[-2000:]
    pages = sorted((ROOT / "build/docs").rglob("*.html"))
    broken, loaded = [], set()
    for page in pages:
        links = Links()
        links.feed(page.read_text())
        broken += [(page.name, link) for link in links.inside if not (page.parent / link).resolve().exists()]
        loaded |= links.loaded
    assert broken == [] and loaded == set() and len(pages) > 50
    drawn = (ROOT / "build/docs/docs/architecture.html").read_text()
    assert len(re.findall(r'<img [^>]*src="../_images/\w+\.svg"', drawn)) == 6 and "flowchart" not in drawn
    scripts = sorted((ROOT / "docs/examples").glob("plot_*.py"))
    assert all((ROOT / f"build/docs/gallery/{script.stem}.html").is_file() for script in scripts) and len(scripts) >= 10
    assert len(list((ROOT / "build/docs/_images").glob("sphx_glr_*.png"))) >= len(scripts)


def flawed(folder):
    """Pictures that are missing, heavy, of another size, or show next to nothing."""
    names = [*screenshots.PAGES, "report_page"]
    images = {path.stem: Image.open(path) for path in folder.glob("*.png") if path.stat().st_size < 150_000}
    shown = {name for name, image in images.items() if image.size == (screenshots.WIDTH, screenshots.HEIGHT)
             and max(count for count, _ in image.convert("RGB").getcolors()) < 0.95 * image.width * image.height}
    return [name for name in names if name not in shown]


def test_pictures_of_the_site_are_small_and_show_something(tmp_path):
    assert flawed(ROOT / "docs") == []
    Image.new("P", (screenshots.WIDTH, screenshots.HEIGHT)).save(tmp_path / "site_start.png")
    Image.effect_noise((screenshots.WIDTH, screenshots.HEIGHT), 90).save(tmp_path / "site_api.png")
    assert flawed(tmp_path) == ["site_start", "site_gallery", "site_api", "report_page"]


def test_without_a_site_there_are_no_pictures_of_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(screenshots, "SITE", tmp_path)
    assert screenshots.main(["--out", str(tmp_path)]) == 1 and "index.html" in (said := capsys.readouterr().err) and "make docs" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_pictures_are_taken_of_the_site_as_it_is_built(tmp_path):
    assert (ROOT / "build/docs/index.html").is_file() or subprocess.run(["make", "docs"], cwd=ROOT).returncode == 0
    assert screenshots.main(["--out", str(tmp_path)]) == 0 and flawed(tmp_path) == []
