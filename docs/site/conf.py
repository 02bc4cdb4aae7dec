"""Settings of Sphinx for the documentation site, `make docs`.

Sphinx reads build/site, in which the Makefile lays the pages and links to the packages, so that what is generated stays out of the tree.
"""

import importlib
import tomllib
from pathlib import Path

from numpydoc.docscrape import NumpyDocString
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

project, author = "spikegate", "the spikegate authors"
copyright = "2026, the spikegate authors"
version = release = PROJECT["project"]["version"]
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinx_design", "sphinx_gallery.gen_gallery"]
exclude_patterns = ["docs/examples", "docs/site", "gallery/README.txt", "**/*.py"]
default_role = "py:obj"

html_theme, html_title, html_static_path = "furo", f"spikegate {version}", [str(ROOT / "docs/site/static")]
html_css_files = ["site.css"]
html_show_sourcelink = False
myst_enable_extensions, myst_heading_anchors = ["colon_fence", "dollarmath"], 4

numpydoc_show_class_members = False
NumpyDocString.sections["Members"] = []  # ports of a component; see prepare
autodoc_member_order, autodoc_typehints, add_module_names = "bysource", "none", False
#: What a page of the reference says of a package is the first line of its docstring.
PACKAGES = PROJECT["tool"]["setuptools"]["package-dir"]

sphinx_gallery_conf = {
    "examples_dirs": [str(ROOT / "docs/examples")], "gallery_dirs": ["gallery"], "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True, "remove_config_comments": True, "show_memory": False, "write_computation_times": False,
    "download_all_examples": False, "image_scrapers": ("matplotlib",),
}


def write_reference(app: Sphinx) -> None:
    """A page for each package with its modules, and of each the public names that are its own."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    for package, place in PACKAGES.items():
        text = f"{package}\n{'=' * len(package)}\n\n.. automodule:: {package}\n   :no-members:\n\n"
        for file in sorted((ROOT / place).glob("[a-z]*.py")):
            name = f"{package}.{file.stem}"
            module = importlib.import_module(name)
            own = [each for each in getattr(module, "__all__", ()) if getattr(getattr(module, each), "__module__", name) == name]
            members = f"   :members: {', '.join(own)}\n" if own else "   :no-members:\n"
            text += f"``{name}``\n{'-' * (len(name) + 4)}\n\n.. automodule:: {name}\n{members}   :show-inheritance:\n\n"
        (folder / f"{package}.rst").write_text(text)


def as_they_are(lines: list[str]) -> None:
    """Put a mark before each indented block that follows a paragraph of the first column, so that its lines are not joined."""
    for number in range(len(lines) - 1, 1, -1):
        before = lines[number - 2]
        if lines[number].startswith("    ") and not lines[number - 1].strip() and before.strip() and not before.startswith((" ", "..", "-", "*")) \
                and not before.endswith("::"):
            lines[number - 1:number] = ["", "::", ""]


def prepare(app: Sphinx, what: str, name: str, item: object, options: object, lines: list[str]) -> None:
    """Make of a docstring what numpydoc and reStructuredText read.

    Ports under "Members" are attributes, |x| is no substitution, indented lines after an empty one stay lines, as equations and commands, and a
    field of a tuple is no more than its name.
    """
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()
    as_they_are(lines)
    for number, line in enumerate(lines):
        if line.strip() == "Members" and lines[number + 1:number + 2] and set(lines[number + 1].strip()) == {"-"}:
            lines[number:number + 2] = ["Attributes", "----------"]
        else:
            lines[number] = line.replace("|", r"\|")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("builder-inited", write_reference, priority=100)
    app.connect("autodoc-process-docstring", prepare, priority=100)
    app.add_lexer("conversation", TextLexer)  # shown as it is written
