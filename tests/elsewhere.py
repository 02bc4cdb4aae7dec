"""Another machine, as far as a process can tell: folders of links in place of PATH and of site-packages, without what is to be absent."""

import os
import sysconfig
import tomllib
from pathlib import Path

__all__ = ["SITE", "installed", "programs", "without"]

ROOT = Path(__file__).parents[1]
SITE = Path(sysconfig.get_path("purelib"))


def programs(folder: Path, *hidden: str) -> str:
    """A PATH of everything on this one but what is hidden."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in os.scandir(place) if os.path.isdir(place) else ():
            if program.name not in hidden and not (folder / program.name).exists() and program.is_file():
                (folder / program.name).symlink_to(program.path)
    return str(folder)


def without(folder: Path, *hidden: str) -> Path:
    """site-packages but for what is hidden: names in it, in lower case."""
    folder.mkdir()
    for entry in SITE.iterdir():
        if entry.name.lower() not in hidden:
            (folder / entry.name).symlink_to(entry)
    return folder


def installed(folder: Path) -> Path:
    """A folder with spikegate as pip lays it there from a wheel, where nothing can be kept beside the sources, not even by root."""
    for package, source in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"].items():
        place = folder.joinpath(*package.split("."))
        place.mkdir(parents=True)
        (place / "__pycache__").write_text("a file, so that no folder of this name can be made")
        for file in (ROOT / source).iterdir():
            if file.is_file():
                (place / file.name).write_bytes(file.read_bytes())
    return folder
