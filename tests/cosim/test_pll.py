"""Clocks of boards: PLLs at the limits of the data sheets, and Project Trellis's own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from spikegate import boards as face
from spikegate.cosim.toolchain import board as flow
from spikegate.gateware.link.board import Top, platform
from spikegate.models.errors import InputError
from spikegate.models.link.board import BOARDS, Pll, board
from spikegate.models.numeric.fixed import QFormat


@pytest.mark.parametrize("width", [16, 28])
@pytest.mark.parametrize("name", BOARDS)
def test_every_pll_makes_the_clock_that_is_stated(name, width):
    spec = board(name).of(QFormat(width, 8))
    pll = spec.pll
    assert spec.oscillator_hz * pll.feedback == spec.clock_hz * pll.reference * pll.output
    inside = spec.oscillator_hz * pll.feedback / pll.reference
    assert (533e6 if spec.family == "ice40" else 400e6) <= inside <= (1066e6 if spec.family == "ice40" else 800e6)


@pytest.mark.parametrize("name", BOARDS)
def test_every_bit_rate_is_one_of_the_usb_converters(name):
    """FTDI's divide 12 MHz by a whole number."""
    assert 12e6 % board(name).baud == 0


#: Input and output in MHz, and reference, feedback and output; None if the part cannot make it. iCE40: comparator 10 to 133 MHz, oscillator 533 to
#: 1066, dividers 16, 64 and 2 to 64. ECP5: 3.125 to 400 and 400 to 800 MHz, 128, 80 and 128.
PLLS = {
    "ice40": [
        (10, 320, (1, 64, 2)), (10, 325, None), (9, 288, None), (133, 332.5, (1, 5, 2)), (134, 335, (2, 10, 2)), (13, 266.5, (1, 41, 2)),
        (14, 266, None), (82, 533, (1, 13, 2)), (97, 533.5, None), (160, 275, (16, 55, 2)),
        (170, 275, None), (12, 9, (1, 48, 64)), (12, 4.5, None), (12, 144, (1, 48, 4)), (12, 72, (1, 48, 8)), (12, 576, None), (20, 45, (1, 36, 16))],
    "ecp5": [
        (3.125, 3.125, (1, 128, 128)), (3, 150, None), (4, 320, (1, 160, 2)), (4, 324, None), (400, 400, (1, 1, 1)), (401, 401, (2, 2, 1)),
        (100, 100, (1, 6, 6)), (133, 133, (1, 5, 5)), (100, 400, (1, 4, 1)), (100, 800, (1, 8, 1)), (89, 801, None),
        (400, 240.625, (128, 154, 2)), (516, 308, None), (25, 37.5, (2, 48, 16)), (100, 37.5, (8, 48, 16))],
}


@pytest.mark.parametrize("family, line", [(family, line) for family, lines in PLLS.items() for line in lines])
def test_plls_at_the_limits_of_the_data_sheets(family, line):
    *clocks, expected = line
    clocks = [round(clock * 1e6) for clock in clocks]
    if expected:
        assert Pll.of(family, *clocks) == Pll(*expected)
    else:
        with pytest.raises(InputError, match="cannot be made"):
            Pll.of(family, *clocks)


def test_an_hx8k_at_36_mhz_by_hand():
    assert Pll.of("ice40", 12_000_000, 36_000_000) == Pll(reference=1, feedback=48, output=16)  # 576 MHz inside


@pytest.mark.parametrize("family, output", [("ice40", 16_100_000), ("ecp5", 51_234_567)])
def test_a_clock_that_no_pll_makes_is_refused(family, output):
    with pytest.raises(InputError, match=f"Clock of {output / 1e6:g} MHz cannot be made from 12 MHz by the PLL of an {family}"):
        Pll.of(family, 12_000_000, output)


def instance(name: str, width: int) -> tuple[dict, dict, dict]:
    """Attributes, parameters and tied inputs of the PLL in a board's design."""
    spec = board(name).of(QFormat(width, 8), 10, 1)
    text = platform(spec).prepare(Top(spec, flow.geometry(spec, face.network_for(spec, f"q{width - 8}.8")))).files["top.il"]
    cell = re.search(r"((?:  attribute .*\n)+)  cell \\EHXPLLL .*\n((?:    .*\n)+)", text)
    given = lambda kind, part: {key: value.strip('"') for key, value in re.findall(rf"{kind} \\(\w+) (\S+)", part)}  # noqa: E731
    return given("attribute", cell[1]), given("parameter", cell[2]), {k: v[-1] for k, v in given("connect", cell[2]).items() if v.startswith("1'")}


@pytest.mark.parametrize("name, width", [("ulx3s_85f", 16), ("ulx3s_85f", 28), ("ecpix5_85f", 16), ("ecpix5_85f", 28)])
def test_an_ecp5s_pll_is_the_one_that_ecppll_makes(name, width, tmp_path):
    """Dividers, phase and analog settings of Project Trellis's own program, and every input that it ties."""
    spec = board(name).of(QFormat(width, 8))
    program = Path(sys.executable).with_name("yowasp-ecppll")
    subprocess.run([program, "-i", f"{spec.oscillator_hz / 1e6:g}", "-o", f"{spec.clock_hz / 1e6:g}", "-f", "pll.v"], cwd=tmp_path, check=True,
                   capture_output=True)
    text = (tmp_path / "pll.v").read_text()
    asked = dict(re.findall(r'\(\* (\w+)="([^"]+)" \*\)', text))
    settings = {key: value.strip('"') for key, value in re.findall(r"\.(\w+)\((\"\w+\"|\d+)\)[,\n]", text)}
    tied = {key: value for key, value in re.findall(r"\.(\w+)\(1'b([01])\)", text)}
    assert (asked["ICP_CURRENT"], asked["LPF_RESISTOR"], asked["MFG_GMCREF_SEL"], asked["MFG_ENABLE_FILTEROPAMP"]) == ("12", "8", "2", "1")
    attributes, parameters, inputs = instance(name, width)
    assert {key: attributes[key] for key in asked} == asked and len(settings) > 12 and len(tied) > 8
    phases = [int(found.pop("CLKOP_CPHASE")) for found in (parameters, settings)]
    assert phases[0] == spec.pll.output // 2 and 0 <= phases[0] - phases[1] <= 1  # ecppll cuts a float
    assert parameters == settings and inputs == tied
    assert 550e6 <= spec.oscillator_hz * spec.pll.feedback / spec.pll.reference <= 650e6
