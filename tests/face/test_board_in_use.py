"""A board in use: it is programmed by its loader, and sim runs through the host link and on a port."""

import json
import os
import termios
from pathlib import Path

import pytest

from spikegate import host
from spikegate.cli import main
from spikegate.cosim.engines.virtual_board import virtual_board
from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.link.board import platform
from spikegate.models.link.board import BOARDS, board
from spikegate.translator.brunel import preset, translate

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "bring_up.md").read_text()


@pytest.fixture
def loader(tmp_path, monkeypatch):
    """A stand-in for openFPGALoader that writes down what it is called with."""
    tool = tmp_path / "bin" / "openFPGALoader"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\ntest ! -e {tmp_path}/fail || {{ echo no device >&2; exit 1; }}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    return tmp_path


#: `openFPGALoader --list-boards` has these for boards that Amaranth's own descriptions program with iceprog or openFPGALoader.
LOADERS = {"icebreaker": ("ice40_generic", "top.bin"), "hx8k_evn": ("ice40_generic", "top.bin"), "ulx3s_85f": ("ulx3s", "top.bit"),
           "ecpix5_85f": ("ecpix5", "top.bit")}


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_programmed_by_the_name_that_the_loader_knows(name, loader, capsys):
    known, bits = LOADERS[name]
    (loader / name).mkdir()
    (loader / name / bits).write_bytes(b"bits")
    assert main(["program", "--board", name, "--out", str(loader)]) == 0
    assert (loader / "called").read_text().split() == ["--board", known, str(loader / name / bits)]
    (loader / "fail").touch()
    assert main(["program", "--board", name, "--out", str(loader)]) == 1
    assert f"{board(name).title} did not take the bitstream (no device)" in capsys.readouterr().err


def test_without_the_loader_the_hint_says_how_to_install_it(tmp_path, monkeypatch, capsys):
    (tmp_path / "icebreaker").mkdir()
    (tmp_path / "icebreaker" / "top.bin").write_bytes(b"bits")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["program", "--out", str(tmp_path)]) == 3
    assert "openfpgaloader" in capsys.readouterr().err


def test_the_bring_up_page_has_every_boards_rate_lights_and_loader():
    rows = {cells[1]: cells for line in PAGE.splitlines() if len(cells := [cell.strip(" `") for cell in line.strip("|").split("|")]) == 8}
    assert BOARDS and set(BOARDS) <= set(rows)
    for name, spec in BOARDS.items():
        title, _, _, baud, *lights, loader_name = rows[name]
        known = platform(spec).resources
        assert title == spec.title and int(baud.replace(",", "")) == spec.baud and loader_name == spec.loader == LOADERS[name][0]
        count = 3 if ("rgb_led", 0) in known else sum(("led", k) in known for k in range(3))
        assert [light != "none" for light in lights] == [k < count for k in range(3)]


SELF_TEST = ["sim", "--set", "n_exc=32", "--set", "n_inh=8", "--set", "weight_exc=2", "--set", "delay=0.5", "--ms", "60", "--json"]


def spikes_are_equal(report):
    """The check of RTL against golden model, which has compared spikes."""
    check = next(check for check in report["checks"] if check["name"] == "RTL = golden")
    return check["ok"] and check["compared"] > 100


def test_sim_on_a_port_runs_to_its_end_at_the_rate_that_is_given_on_a_larger_board(tmp_path, capsys):
    geometry = CoreGeometry.of(translate(preset("ai", n_exc=32, n_inh=8), ms=1.0), 4, n=48)
    with virtual_board(geometry) as port:
        assert main([*SELF_TEST, "--port", port, "--baud", "1000000", "--out", str(tmp_path)]) == 0
        line = os.open(port, os.O_RDWR | os.O_NOCTTY)
        speed = termios.tcgetattr(line)[4]
        os.close(line)
    report = json.loads(capsys.readouterr().out)
    assert spikes_are_equal(report) and report["network"]["lanes"] == 4
    assert report["provenance"]["link"] == {"port": port, "baud": 1_000_000} and speed == termios.B1000000


@pytest.mark.parametrize("options, baud", [(["--board", "hx8k_evn"], 3_000_000), (["--board", "ulx3s_85f"], 2_000_000), ([], None),
                                           (["--board", "hx8k_evn", "--baud", "115200"], 115_200)])
def test_the_rate_of_a_port_is_that_of_the_named_board(monkeypatch, capsys, options, baud):
    asked = []

    def opened(port, baud=None, **_):
        asked.append((port, baud))
        raise host.LinkError("no board")

    monkeypatch.setattr(host, "Board", opened)
    assert main([*SELF_TEST, "--port", "/dev/ttyUSB1", *options]) == 1
    assert asked == [("/dev/ttyUSB1", baud)]


@pytest.mark.parametrize("options, words", [
    (["--board", "icebreaker"], ["--board icebreaker", "--port"]),
    (["--port", "/dev/ttyNONE9", "--board", "icebraker"], ["icebraker", "did you mean icebreaker"])])
def test_a_board_without_a_port_and_an_unknown_one_are_refused(capsys, options, words):
    assert main(["sim", *options]) == 2
    said = capsys.readouterr().err
    assert all(word in said for word in words), said
