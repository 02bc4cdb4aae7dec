"""The documentation site: it has every page, and is built without a warning."""

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_page_is_on_the_site():
    listed = re.findall(r"^(?:[A-Z][\w ]+ <)?/(?:docs/)?([\w/]+)>?$", (ROOT / "docs/site/index.md").read_text(), re.MULTILINE)
    assert set(listed) == {page.stem for page in (ROOT / "docs").glob("*.md")} | {"README", "CONTRIBUTING", "CHANGELOG", "gallery/index"}


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
