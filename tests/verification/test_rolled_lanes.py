"""Proof that a core whose lanes are loops and the Verilog in which each stands on its own do the same for ever, at a small geometry; minutes."""

import re

import pytest

from spikegate.cosim.engines import rtl
from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.gateware.core.core import CoreGeometry
from spikegate.models.numeric.fixed import QFormat
from tests.rolled_module import as_vectors
from verification.equivalence.equivalence import decide

GEOMETRY = CoreGeometry(4, 2, QFormat(8, 4), max_delay=1)


def readable(text):
    """The rolled module as Yosys reads it."""
    return as_vectors(re.sub(r"int unsigned (\w)", r"reg [31:0] \1", text.replace("automatic ", "")))


def registers(text, folder):
    """The same module with a register for each word of a memory; what has no initial value begins with 0, as it is simulated."""
    folder.mkdir()
    (folder / "in.sv").write_text(text)
    yosys("read_verilog -sv in.sv\nhierarchy -top core\nproc\nflatten\nopt_clean\nmemory_map\nopt -full\nopt_clean\nsetundef -zero -init\n"
          "write_verilog out.v\n", folder)
    return (folder / "out.v").read_text()


@pytest.mark.long
@pytest.mark.parametrize(("changed", "verdict"), [(None, "equal"), (("m1[", "m0["), "different")])
def test_loops_are_equal_to_the_lanes_in_every_reachable_state(tmp_path, changed, verdict):
    text = rtl.rolled_verilog(GEOMETRY)
    if changed:
        line = next(line for line in text.splitlines() if re.match(r"a\d+\[k\] = m1\[", line))
        text = text.replace(line, line.replace(*changed))
    gold, gate = registers(rtl.core_verilog(GEOMETRY, False), tmp_path / "gold"), registers(readable(text), tmp_path / "gate")
    found, example = decide(gold, gate, "core", seconds=300, conflicts=1_000_000)
    assert found == verdict and bool(example) == (verdict == "different")
