// Bench of a core for cocotb: the clock is made here, and a recorder writes sweep words to a file, so that
// Python wakes for the load stream and for the end of a run, not at every edge. Widths come as defines.
`timescale 1ns / 1ns
module core_bench;
    reg clk /*verilator public_flat_rw*/ = 0;
    reg i_valid /*verilator public_flat_rw*/ = 0;
    wire i_ready /*verilator public_flat_rd*/;
    reg [`LOAD_BITS-1:0] i_payload /*verilator public_flat_rw*/ = 0;
    reg o_ready /*verilator public_flat_rw*/ = 1;
    wire o_valid /*verilator public_flat_rd*/;
    wire [`SWEEP_BITS-1:0] o_payload;
    wire busy /*verilator public_flat_rd*/;
    wire [47:0] cycles /*verilator public_flat_rd*/;

    always #1 clk = ~clk;

    // What passes at an edge is what is valid and ready before it: looked at in the middle of the cycle, and there for Python after the edge.
`ifdef EVENTS
    reg events_valid /*verilator public_flat_rw*/ = 0;
    reg [63:0] events_payload /*verilator public_flat_rw*/ = 0;
    wire events_ready;
    reg event_taken /*verilator public_flat_rd*/ = 0;
    always @(negedge clk) event_taken <= events_valid & events_ready;
`endif
`ifdef ROW_BITS
    reg request_ready /*verilator public_flat_rw*/ = 0;
    wire request_valid;
    wire [`ADDRESS_BITS-1:0] request_payload;
    reg response_valid /*verilator public_flat_rw*/ = 0;
    reg [`ROW_BITS-1:0] response_payload /*verilator public_flat_rw*/ = 0;
    wire response_ready;
    reg request_taken /*verilator public_flat_rd*/ = 0;
    reg [`ADDRESS_BITS-1:0] request_address /*verilator public_flat_rd*/ = 0;
    reg response_taken /*verilator public_flat_rd*/ = 0;
    always @(negedge clk) begin
        request_taken <= request_valid & request_ready;
        request_address <= request_payload;
        response_taken <= response_valid & response_ready;
    end
`endif

`ifdef CLOCK_GATE
    wire draw_enable, update_enable;
    reg draw_gate = 0, update_gate = 0;
    always @(negedge clk) {draw_gate, update_gate} <= {draw_enable, update_enable};
`ifdef STREAMS
    wire stream_enable;
    reg stream_gate = 0;
    always @(negedge clk) stream_gate <= stream_enable;
`endif
`endif
    core core (
`ifdef CLOCK_GATE
               .draw_clk(clk & draw_gate), .draw_enable(draw_enable), .update_clk(clk & update_gate), .update_enable(update_enable),
`ifdef STREAMS
               .stream_clk(clk & stream_gate), .stream_enable(stream_enable),
`endif
`endif
`ifdef EVENTS
               .events__valid(events_valid), .events__ready(events_ready), .events__payload(events_payload),
`endif
`ifdef ROW_BITS
               .request__valid(request_valid), .request__ready(request_ready), .request__payload(request_payload),
               .response__valid(response_valid), .response__ready(response_ready), .response__payload(response_payload),
`endif
               .clk(clk), .i__valid(i_valid), .i__ready(i_ready), .i__payload(i_payload), .o__valid(o_valid), .o__ready(o_ready),
               .o__payload(o_payload), .busy(busy), .cycles(cycles));

    // A record is the step, then the sweep word: every word if asked for, else those with a spike and those of the last step.
    integer record, steps;
    integer step = 0, word = 0;
    reg [1023:0] path;
    wire every = $test$plusargs("every") != 0;
    initial begin
        if (!$value$plusargs("record=%s", path) || !$value$plusargs("steps=%d", steps)) $fatal;
        record = $fopen(path, "wb");
    end
    always @(posedge clk)
        if (o_valid && o_ready) begin
            if (every || o_payload[`MASK_AT +: `LANES] != 0 || step + 1 == steps) $fwrite(record, "%u%u%u", step, word, o_payload);
            word <= word + 1 == `WORDS ? 0 : word + 1;
            if (word + 1 == `WORDS) step <= step + 1;
        end
    final $fclose(record);
endmodule
