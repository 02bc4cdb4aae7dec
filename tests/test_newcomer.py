"""The walk of the README on a bare machine: what it takes from the README, and what it says where it cannot make a machine."""

import re
from pathlib import Path

import newcomer
import pytest
from elsewhere import programs

ROOT = Path(__file__).parents[1]


def test_the_commands_are_those_of_the_readme():
    readme = (ROOT / "README.md").read_text()
    packages, commands = newcomer.walk(readme)
    assert packages.startswith("apt install python3 ") and f"\n    {packages}\n" in readme and commands == ["make sim", "make test"]
    assert newcomer.walk(readme.replace("make test ", "make bench")) == (packages, ["make sim", "make bench"])
    with pytest.raises(newcomer.Refused, match="has no indented `apt install` line"):
        newcomer.walk(readme.replace("    apt install", "    apt-get install"))


@pytest.mark.parametrize("what, code, words", [
    ("user", 3, "needs root"), ("debootstrap", 3, "debootstrap needed; install with: apt install debootstrap"),
    ("make bench", 2, "the README does not show make bench; it shows make sim, make test")])
def test_where_it_cannot_walk_it_says_why_in_one_line(what, code, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("os.geteuid", lambda: int(what == "user"))
    monkeypatch.setenv("PATH", programs(tmp_path / "bin", "debootstrap"))
    monkeypatch.setattr("sys.argv", ["newcomer", "--dir", str(tmp_path / "machine"), *([what] if what.startswith("make") else [])])
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(newcomer.main())
    assert ended.value.code == code and words in capsys.readouterr().err.splitlines()[-1] and not (tmp_path / "machine").exists()


def test_registries_are_those_of_the_machine():
    text = (ROOT / "tests/newcomer.py").read_text() + (ROOT / "Makefile").read_text()
    assert re.findall(r"https?:|\b\w+\.(?:org|com|net)\b", text) == []
