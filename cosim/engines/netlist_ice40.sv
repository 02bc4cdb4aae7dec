// Simulation model of the iCE40's large memory. That of Yosys clears its contents in a loop over all words, of which a simulator makes 16384 ports.

module SB_SPRAM256KA(
  input [13:0] ADDRESS, input [15:0] DATAIN, input [3:0] MASKWREN, input WREN, CHIPSELECT, CLOCK, STANDBY, SLEEP, POWEROFF,
  output reg [15:0] DATAOUT);
  reg [15:0] mem [0:16383];
  genvar k;
  for (k = 0; k < 4; k = k + 1) begin : nibble
    always @(posedge CLOCK) if (CHIPSELECT & WREN & MASKWREN[k]) mem[ADDRESS][4*k +: 4] <= DATAIN[4*k +: 4];
  end
  // What a write leaves at the output is unknown, as in the model of Yosys.
  always @(posedge CLOCK) if (CHIPSELECT) DATAOUT <= WREN ? 16'bx : mem[ADDRESS];
endmodule
