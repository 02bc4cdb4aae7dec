"""Plain Verilog around a core: an example top that loads a network from a memory at power-up and runs it, and the bench that checks every sweep."""

from spikegate.cosim.ip.cores import Booted
from spikegate.cosim.ip.ports import range_of

__all__ = ["bench", "example"]


def _recorded(core: Booted) -> tuple[str, str]:
    """Of a core that takes recorded events: a memory of them, and the pins."""
    if core.name == "core":
        return "", ""
    return f"""
  // Recorded events, ascending by step; the last is of a step that never comes, and stays.
  localparam EVENTS = {len(core.events)};
  reg [63:0] event_memory [0:EVENTS-1];
  reg [31:0] event_at = 32'd0;
  wire events_ready;
  initial $readmemh("events.hex", event_memory);
  always @(posedge clk)
    if (rst) event_at <= 32'd0;
    else if (events_ready && event_at != EVENTS - 1) event_at <= event_at + 32'd1;
""", """
    .events__valid(1'b1),
    .events__ready(events_ready),
    .events__payload(event_memory[event_at]),"""


def example(core: Booted) -> str:
    """The core with a memory of load words, of which the last starts a run."""
    g, name = core.geometry, core.name
    sweep = g.sweep_layout()
    memory, pins = _recorded(core)
    return f"""// {core.title} that loads network {core.network.name!r} from load.hex at power-up, and runs it for {core.network.steps} steps.
// Neuron w * {g.lanes} + l is lane l of word w of a sweep.
module {name}_example(
  input clk,
  input rst,
  output loaded,                  // all load words were taken
  output o_valid,                 // a word of a sweep is there
  input o_ready,
  output [31:0] o_word,           // its number
  output {range_of(g.lanes)}o_spikes,       // which of its neurons spike in this step
  output [{g.lanes * core.lane_bits - 1}:0] o_lanes,        // their states after it, {core.lane_bits} bits each
  output busy,
  output [47:0] cycles
);
  localparam LOADS = {len(core.words)};
  reg [{core.load_bits - 1}:0] load_memory [0:LOADS-1];
  reg [31:0] load_at = 32'd0;
  wire load_ready;
  wire [{sweep.size - 1}:0] sweep;
  initial $readmemh("load.hex", load_memory);
  assign loaded = load_at == LOADS;
  always @(posedge clk)
    if (rst) load_at <= 32'd0;
    else if (load_ready && !loaded) load_at <= load_at + 32'd1;
{memory}
  {name} {name}_1 (
    .clk(clk),
    .rst(rst),
    .i__valid(!loaded),
    .i__ready(load_ready),
    .i__payload(load_memory[loaded ? LOADS - 1 : load_at]),{pins}
    .o__valid(o_valid),
    .o__ready(o_ready),
    .o__payload(sweep),
    .busy(busy),
    .cycles(cycles)
  );
  assign o_lanes = sweep[{g.lanes * core.lane_bits - 1}:0];
  assign o_spikes = sweep[{sweep["spikes"].offset} +: {g.lanes}];
  assign o_word = sweep[{sweep["word"].offset} +: 32];
endmodule
"""


def bench(core: Booted) -> str:
    """A bench that compares every word of every sweep, where its mask is 1, and the cycles of the run."""
    g, steps = core.geometry, core.network.steps
    bits = g.lanes * core.lane_bits + g.lanes
    limit = len(core.words) + g.most_cycles(steps) + 1000
    return f"""// Lets the example load its network and run it, and compares every word of {steps} sweeps with expected.hex, made by the golden model,
// where mask.hex has a 1, and the cycles of the run with those that the model predicts. Ends with PASS or FAIL.
module {core.name}_tb;
  localparam WORDS = {g.words};
  localparam SWEEPS = {steps * g.words};
  localparam CYCLES = {core.cycles};
  localparam LIMIT = {limit};
  reg clk = 1'b0;
  reg rst = 1'b0;
  reg [{bits - 1}:0] expected [0:SWEEPS-1];
  reg [{bits - 1}:0] mask [0:WORDS-1];
  reg [{bits - 1}:0] known;
  integer taken = 0;
  integer compared = 0;
  integer differ = 0;
  integer passed = 0;
  wire loaded;
  wire o_valid;
  wire busy;
  wire [31:0] o_word;
  wire {range_of(g.lanes)}o_spikes;
  wire [{g.lanes * core.lane_bits - 1}:0] o_lanes;
  wire [47:0] cycles;
  {core.name}_example dut (.clk(clk), .rst(rst), .loaded(loaded), .o_valid(o_valid), .o_ready(1'b1), .o_word(o_word), .o_spikes(o_spikes),
    .o_lanes(o_lanes), .busy(busy), .cycles(cycles));

  always #5 clk = ~clk;

  task look;
    begin
      if (o_valid && taken < SWEEPS) begin
        known = mask[taken % WORDS];
        if (^known === 1'bx || o_word !== taken % WORDS || (({{o_spikes, o_lanes}} ^ expected[taken]) & known) !== {bits}'d0) begin
          differ = differ + 1;
          if (differ <= 5) begin
            $display("step %0d, word %0d: word %0d, spikes and lanes %h", taken / WORDS, taken % WORDS, o_word, {{o_spikes, o_lanes}} & known);
            $display("  and the golden model has %h", expected[taken] & known);
          end
        end
        compared = compared + 1;
      end
      if (o_valid) taken = taken + 1;
    end
  endtask

  initial begin
    $readmemh("expected.hex", expected);
    $readmemh("mask.hex", mask);
    #1 rst = 1'b1;
    repeat (2) @(negedge clk);
    rst = 1'b0;
    while ((!loaded || taken < SWEEPS) && passed < LIMIT) begin
      #4;
      look;
      passed = passed + 1;
      @(negedge clk);
    end
    while (busy && passed < LIMIT) begin
      #4;
      look;
      passed = passed + 1;
      @(negedge clk);
    end
    if (differ != 0 || compared != SWEEPS || taken != SWEEPS || cycles != CYCLES) begin
      $display("FAIL: %0d of %0d words differ, %0d came, and the run took %0d cycles, not %0d", differ, compared, taken, cycles, CYCLES);
      $fatal(1);
    end
    $display("PASS: %0d words of sweeps compared, none differs; %0d cycles, as predicted", compared, cycles);
    $finish;
  end
endmodule
"""
