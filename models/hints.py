"""The commands that install what is missing, as they work where the user is: there is no package spikegate in any index."""

import re
import shlex
import shutil
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from spikegate.models.errors import ToolMissing

__all__ = ["Requirement", "apt", "extra", "lacking", "pip", "requirements"]

CHECKOUT = Path(__file__).resolve().parents[1]


class Requirement(NamedTuple):
    """A line of pyproject.toml's dependencies: the package, its own extras in brackets, its bounds, and the extra of ours that it belongs to."""

    name: str
    brackets: str
    bounds: str
    extra: str

    def __str__(self) -> str:
        return f"{self.name}{self.brackets}{self.bounds}"


def requirements() -> list[Requirement]:
    """All of them, those of no extra (the core) under the extra ``""``."""
    found = []
    for line in metadata.requires("spikegate") or []:
        requirement, _, marker = line.partition(";")
        name, brackets, bounds = re.findall(r"^([\w.-]+)(\[[^]]*\])?(.*)", requirement)[0]
        extra = "".join(re.findall(r"extra == [\"'](\w+)", marker))
        found.append(Requirement(name.lower(), brackets, ",".join(sorted(bounds.strip(" ()").split(","), reverse=True)), extra))
    return found


def pip(*what: str) -> str:
    """The pip of this Python."""
    python, here = Path(sys.executable), Path.cwd()
    return shlex.join([str(python.relative_to(here) if python.is_relative_to(here) else python), "-m", "pip", "install", *what])


def extra(name: str) -> str:
    """pip for an extra of pyproject.toml: of the checkout, or its packages one by one."""
    if not (CHECKOUT / "pyproject.toml").exists():
        return pip(*(str(each) for each in requirements() if each.extra == name))
    return pip("-e", f"{'.' if Path.cwd() == CHECKOUT else CHECKOUT}[{name}]")


def apt(package: str) -> str:
    """Debian's package manager, or what to look for in another."""
    return f"apt install {package}" if shutil.which("apt") else f"install your system's equivalent of Debian's {package}"


def lacking(what: str | None, name: str) -> ToolMissing:
    """The error for something that an extra brings."""
    return ToolMissing(f"{what} is not installed; install it with: {extra(name)}")
