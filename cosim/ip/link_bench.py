"""Plain Verilog around the host link: an example top with the core behind it, and a bench that plays the host on the serial line."""

from spikegate.cosim.ip.link import Linked

__all__ = ["bench", "example"]


def example(link: Linked) -> str:
    """Link and core at one clock, as on a board."""
    g = link.core.geometry
    load, sweep = g.load_layout().size, g.sweep_layout().size
    return f"""// A host link and the core behind it, at one clock: all that a board needs besides its clock and reset.
module host_link_example(
  input clk,
  input rst,
  input rx,
  output tx,
  output active,                  // changes with every good frame from the host
  output error,                   // the last frame was dropped
  output running                  // a run is under way
);
  wire load_valid;
  wire load_ready;
  wire [{load - 1}:0] load_payload;
  wire sweep_valid;
  wire sweep_ready;
  wire [{sweep - 1}:0] sweep_payload;
  wire busy;
  wire [47:0] cycles;
  host_link host_link_1 (
    .clk(clk),
    .rst(rst),
    .rx(rx),
    .tx(tx),
    .o__valid(load_valid),
    .o__ready(load_ready),
    .o__payload(load_payload),
    .i__valid(sweep_valid),
    .i__ready(sweep_ready),
    .i__payload(sweep_payload),
    .busy(busy),
    .active(active),
    .error(error),
    .running(running)
  );
  core core_1 (
    .clk(clk),
    .rst(rst),
    .i__valid(load_valid),
    .i__ready(load_ready),
    .i__payload(load_payload),
    .o__valid(sweep_valid),
    .o__ready(sweep_ready),
    .o__payload(sweep_payload),
    .busy(busy),
    .cycles(cycles)
  );
endmodule
"""


def bench(link: Linked) -> str:
    """A bench that sends the host's bytes and compares each byte of the board."""
    line, d = link.line, link.divisor
    board = sum(entry >> 8 for entry in line)
    patience = link.core.geometry.most_cycles(link.core.network.steps) + 4000 * d
    return f"""// Plays line.hex on the serial line: bytes of the host are sent, each byte of the board, marked by bit 8, is compared with what came.
// The golden model of the board made them. Ends with PASS or FAIL.
module host_link_tb;
  localparam BYTES = {len(line)};
  localparam OF_BOARD = {board};
  localparam DIVISOR = {d};
  localparam PATIENCE = {patience};
  reg clk = 1'b0;
  reg rst = 1'b0;
  reg rx = 1'b1;
  wire tx;
  wire active;
  wire error;
  wire running;
  reg [8:0] line [0:BYTES-1];
  reg [7:0] came [0:OF_BOARD+15];
  reg [7:0] shifted;
  integer count = 0;
  integer compared = 0;
  integer differ = 0;
  integer at;
  integer k;
  integer bit_of;
  integer waited = 0;
  host_link_example dut (.clk(clk), .rst(rst), .rx(rx), .tx(tx), .active(active), .error(error), .running(running));

  always #5 clk = ~clk;

  // What comes from the board, sampled in the middle of each bit.
  initial begin
    @(posedge rst);
    @(negedge rst);
    forever begin
      @(negedge clk);
      if (tx === 1'b0) begin
        repeat (DIVISOR / 2) @(negedge clk);
        for (bit_of = 0; bit_of < 8; bit_of = bit_of + 1) begin
          repeat (DIVISOR) @(negedge clk);
          shifted[bit_of] = tx;
        end
        repeat (DIVISOR) @(negedge clk);
        if (tx !== 1'b1) $display("byte %0d of the board has no stop bit", count);
        if (count < OF_BOARD + 16) came[count] = shifted;
        count = count + 1;
      end
    end
  end

  initial begin
    $readmemh("line.hex", line);
    #1 rst = 1'b1;
    repeat (2) @(negedge clk);
    rst = 1'b0;
    repeat (DIVISOR) @(negedge clk);
    for (at = 0; at < BYTES && waited < PATIENCE; at = at + 1) begin
      if (line[at][8] === 1'b0) begin
        rx = 1'b0;
        repeat (DIVISOR) @(negedge clk);
        for (k = 0; k < 8; k = k + 1) begin
          rx = line[at][k];
          repeat (DIVISOR) @(negedge clk);
        end
        rx = 1'b1;
        repeat (DIVISOR) @(negedge clk);
      end else begin
        waited = 0;
        while (count <= compared && waited < PATIENCE) begin
          @(negedge clk);
          waited = waited + 1;
        end
        if (count <= compared || came[compared] !== line[at][7:0]) begin
          differ = differ + 1;
          if (differ <= 10) $display("byte %0d on the line is %h, and the golden model has %h", at, came[compared], line[at][7:0]);
        end
        compared = compared + 1;
      end
    end
    if (differ != 0 || compared != OF_BOARD || count != OF_BOARD) begin
      $display("FAIL: %0d bytes of the board differ, %0d of %0d compared, %0d came", differ, compared, OF_BOARD, count);
      $fatal(1);
    end
    $display("PASS: %0d bytes of the board compared, none differs", compared);
    $finish;
  end
endmodule
"""
