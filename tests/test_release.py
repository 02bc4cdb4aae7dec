"""What is released: the archives hold what users need and nothing else, and the wheel runs where there is no clone."""

import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def sources() -> set[str]:
    """What the installed packages consist of, by name in the wheel: all Python files, and what they read."""
    found = set()
    for package, folder in PROJECT["tool"]["setuptools"]["package-dir"].items():
        kinds = ["*.py", *PROJECT["tool"]["setuptools"]["package-data"].get(package, [])]
        found |= {f"{package.replace('.', '/')}/{file.name}" for kind in kinds for file in (ROOT / folder).glob(kind)}
    return found


def test_the_citation_and_the_workflows_say_what_the_project_says():
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {PROJECT['project']['version']}\n" in citation and f"license: {PROJECT['project']['license']}\n" in citation
    assert f"## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text()
    workflow = (ROOT / ".github/workflows/tests.yml").read_text()
    low, high = re.findall(r"3\.(\d+)", PROJECT["project"]["requires-python"])
    assert re.search(r"python: \[(.*)\]", workflow)[1] == ", ".join(f'"3.{minor}"' for minor in range(int(low), int(high)))
    runs = re.findall(r"- run: (.+)", workflow)
    made = (ROOT / "Makefile").read_text()
    assert runs == [".ci/run", "make test-wide", "make wheel"] and (ROOT / runs[0]).is_file() and "\nwheel: " in made and "\ntest-wide: " in made


def test_every_folder_of_the_product_is_a_package_that_is_installed():
    installed = set(PROJECT["tool"]["setuptools"]["package-dir"].values())
    tops = ("src", "models", "gateware", "cosim", "translator")
    folders = {str(path.parent.relative_to(ROOT)) for top in tops for path in (ROOT / top).rglob("__init__.py")}
    assert folders == installed and set(PROJECT["tool"]["setuptools"]["packages"]) == set(PROJECT["tool"]["setuptools"]["package-dir"])
    kinds = {path.suffix for folder in installed for path in (ROOT / folder).iterdir() if path.is_file()}
    assert {f"*{kind}" for kind in kinds - {".py", ".typed"}} == {kind for kinds in PROJECT["tool"]["setuptools"]["package-data"].values()
                                                                 for kind in kinds if "*" in kind}


@pytest.mark.long
def test_the_wheel_of_the_source_archive_runs_in_a_venv_of_its_own(tmp_path):
    subprocess.run([sys.executable, "-P", "-m", "build", "--outdir", tmp_path / "dist", ROOT], check=True, capture_output=True)
    wheel, archive = next((tmp_path / "dist").glob("*.whl")), next((tmp_path / "dist").glob("*.tar.gz"))
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == sources() and wheel.stat().st_size < 1_000_000
    with tarfile.open(archive) as held:
        tops = {name.split("/")[1] for name in held.getnames() if "/" in name}
    assert tops == {"src", "models", "gateware", "cosim", "translator", "spikegate.egg-info", "pyproject.toml", "setup.cfg", "MANIFEST.in",
                    "PKG-INFO", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"}
    venv.create(tmp_path / "venv", with_pip=True)
    subprocess.run([tmp_path / "venv/bin/python", "-P", "-m", "pip", "install", "--quiet", f"{wheel}[sim,brian]"], check=True)
    small = ["--ms", "20", "--set", "n_exc=80", "--set", "n_inh=20", "--lanes", "10"]
    ran = subprocess.run([tmp_path / "venv/bin/spikegate", "sim", *small, "--out", "out"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0 and "judged: RTL = golden" in ran.stderr and (tmp_path / "out" / "report.json").stat().st_size > 1000
