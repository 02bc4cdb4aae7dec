"""A core behind AXI to give away: an example top, and a bench that plays bus master and stream sink."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from spikegate.cosim.ip import core_map, datasheet, timing
from spikegate.cosim.ip.bench import hexadecimal
from spikegate.cosim.ip.cores import CORE, Booted
from spikegate.cosim.ip.package import description, fitted, headed, lint_file
from spikegate.cosim.ip.ports import Port, ports, range_of, summary
from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.link.axi_core import AxiCore
from spikegate.models.errors import InputError
from spikegate.models.link.axi import DATA, Register, packets

__all__ = ["axi_files"]

NAME, TITLE, SHOWN = "axi_core", "Core with AXI-Lite registers and its spikes as an AXI stream", 14


def writes(core: Booted) -> list[tuple[int, int]]:
    """Addresses and data of the writes that load the network and run it."""
    found, size, last = [], core.words["data"].shape[1] * 2, {Register.LANE: 0, Register.ADDRESS: 0}
    for word in core.words:
        for register, value in ((Register.LANE, int(word["lane"])), (Register.ADDRESS, int(word["address"]))):
            if last[register] != value:
                found.append((int(register), value))
                last[register] = value
        data = int.from_bytes(word["data"].tobytes(), "little")
        found += [(DATA + 4 * k, data >> 32 * k & 0xFFFFFFFF) for k in range(size)]
        found.append((int(Register.OP), int(word["op"])))
    return found


def stream(core: Booted) -> list[int]:
    """Words of the stream, with ``tlast`` above."""
    found = packets(core.recording.spikes, core.recording.steps)
    return [word | (at == len(packet) - 1) << 32 for packet in found for at, word in enumerate(packet)]


def example(places: list[Port]) -> str:
    """One instance, its ports passed on."""
    declared = ",\n".join(f"  {'input' if port.input else 'output'} {range_of(port.width)}{port.name}" for port in places)
    pins = ",\n".join(f"    .{name}({name})" for name in ("clk", "rst", *(port.name for port in places)))
    head = f"// {TITLE}: one instance.\nmodule {NAME}_example(\n  input clk,\n  input rst,\n{declared}\n);\n"
    return f"{head}  {NAME} {NAME}_1 (\n{pins}\n  );\nendmodule\n"


def bench(core: Booted, places: list[Port]) -> str:
    """A bench that makes all writes, each with its answer, and compares the stream."""
    driven = "".join(f"  {'reg' if port.input else 'wire'} {range_of(port.width)}{port.name}{' = 0' * port.input};\n" for port in places)
    pins = ", ".join(f".{name}({name})" for name in ("clk", "rst", *(port.name for port in places)))
    limit = core.geometry.most_cycles(core.network.steps) * 2 + 1000
    return f"""// Loads a network by writes.hex over AXI-Lite, runs it, and compares the AXI stream with expected.hex, made by the golden model. It is
// taken in three of four cycles. Ends with PASS or FAIL.
module {NAME}_tb;
  localparam WRITES = {len(writes(core))};
  localparam WORDS = {len(stream(core))};
  localparam LIMIT = {limit};
  reg clk = 1'b0;
  reg rst = 1'b0;
  reg [43:0] master [0:WRITES-1];
  reg [32:0] expected [0:WORDS-1];
  integer at;
  integer waited = 0;
  integer refused = 0;
  integer taken = 0;
  integer compared = 0;
  integer differ = 0;
  integer cycle = 0;
{driven}  {NAME}_example dut ({pins});

  always #5 clk = ~clk;

  always @(negedge clk) begin
    cycle = cycle + 1;
    m_axis_tready = cycle % 4 != 0;
  end

  always @(posedge clk)
    if (m_axis_tvalid && m_axis_tready) begin
      if (taken < WORDS) begin
        compared = compared + 1;
        if ({{m_axis_tlast, m_axis_tdata}} !== expected[taken]) begin
          differ = differ + 1;
          if (differ <= 10)
            $display("word %0d of the stream is %h, and the golden model has %h", taken, {{m_axis_tlast, m_axis_tdata}}, expected[taken]);
        end
      end
      taken = taken + 1;
    end

  initial begin
    $readmemh("writes.hex", master);
    $readmemh("expected.hex", expected);
    #1 rst = 1'b1;
    repeat (2) @(negedge clk);
    rst = 1'b0;
    s_axil_wstrb = 4'hf;
    s_axil_bready = 1'b1;
    for (at = 0; at < WRITES; at = at + 1) begin
      s_axil_awaddr = master[at][43:32];
      s_axil_wdata = master[at][31:0];
      s_axil_awvalid = 1'b1;
      s_axil_wvalid = 1'b1;
      @(negedge clk);
      s_axil_awvalid = 1'b0;
      s_axil_wvalid = 1'b0;
      while (s_axil_bvalid !== 1'b1) @(negedge clk);
      if (s_axil_bresp !== 2'd0) refused = refused + 1;
      @(negedge clk);
    end
    while ((busy || taken < WORDS) && waited < LIMIT) begin
      waited = waited + 1;
      @(negedge clk);
    end
    if (differ != 0 || compared != WORDS || taken != WORDS || refused != 0) begin
      $display("FAIL: %0d of %0d words of the stream differ, %0d came, %0d writes were refused", differ, compared, taken, refused);
      $fatal(1);
    end
    $display("PASS: %0d words of the stream compared, none differs", compared);
    $finish;
  end
endmodule
"""


def _registers() -> str:
    said = core_map.meanings(Register)
    rows = [(f"`0x{register:03x}`", register.name, said[register.name]) for register in Register]
    return "## Registers\n\nOf 32 bits, on AXI-Lite.\n\n" + datasheet.columns(("address", "register", "meaning"), [
        *rows, (f"`0x{DATA:03x}` and on", "DATA", "of the next load word, 32 bits each, the lowest first")])


def axi_files(core: Booted, values: Mapping[str, Any], *, fit: bool = False) -> dict[str, str]:
    """Everything of a core behind AXI."""
    if not isinstance(core.geometry, CoreGeometry):
        raise InputError(f"Network {core.network.name!r} must be one of a weight a source for {NAME}, and is one of point neurons; "
                         "take the core alone")
    make = partial(AxiCore, core.geometry)
    made = make()
    made._MustUse__used = True
    places, idle = ports(made), {port.name: 0 for port in ports(made) if port.input}
    sent = {"s_axil_awvalid": 1, "s_axil_wvalid": 1, "s_axil_wstrb": 15}
    accesses = [sent | {"s_axil_awaddr": at, "s_axil_wdata": data} for at, data in writes(core)[:4]]
    inputs = [idle | {"s_axil_bready": 1, "m_axis_tready": 1} | each for access in accesses for each in (access, {}, {})]
    wave = timing.simulated(make(), places, [*inputs, idle, idle])
    words = ("From a simulation of this component: its first writes. A column is what stands on the ports before a rising edge; `.` is a value that "
             "stays.")
    tables = {"writes.hex": hexadecimal([at << 32 | data for at, data in writes(core)], 44),
              "expected.hex": hexadecimal(stream(core), 33)}
    sheet = [f"# {NAME}: {TITLE}", summary(type(made)), datasheet.parameter_section(CORE, values), datasheet.port_section(places), _registers(),
             *core_map.sections(core), datasheet.timing_section(timing.letters(wave.cut(0, SHOWN)), words),
             datasheet.fits(fitted(make) if fit else {}), datasheet.running(NAME, [f"{NAME}.v"]),
             "## Files of the bench\n\n`writes.hex`: a write a line, the data below its address. `expected.hex`: words of the stream, `tlast` above "
             "`tdata`."]
    return {f"{NAME}.v": headed(NAME, TITLE, values, to_verilog(make(), NAME)), f"{NAME}.vlt": lint_file(),
            f"{NAME}.core": description(NAME, TITLE, [f"{NAME}.v"], list(tables)), "datasheet.md": "\n\n".join(filter(None, sheet)) + "\n",
            "timing.svg": timing.svg(wave.cut(0, SHOWN), f"{NAME}, simulated"), f"{NAME}_example.v": example(places),
            f"{NAME}_tb.v": bench(core, places), **tables}
