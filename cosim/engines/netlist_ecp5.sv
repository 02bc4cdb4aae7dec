// Simulation models of the ECP5 cells that Yosys knows by their ports alone, as its own library files describe what it maps to them
// (lattice/brams_16kd.txt, lattice/dsp_map_18x18.v). Memories start with unknown contents. A mode without a model names a module that does not exist.

module DP16KD(
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "ENABLED";

  // The memory in units of the narrower port, or of a byte of 9 bits. As 36 bits wide, A writes with both halves of data, B reads with both.
  localparam NARROW = DATA_WIDTH_A < DATA_WIDTH_B ? DATA_WIDTH_A : DATA_WIDTH_B;
  localparam UNIT = NARROW < 9 ? NARROW : 9, SHIFT = UNIT == 1 ? 0 : UNIT == 2 ? 1 : UNIT == 4 ? 2 : 3;
  localparam PSEUDO = DATA_WIDTH_A == 36;
  if ((DATA_WIDTH_A < 9) != (DATA_WIDTH_B < 9) || (DATA_WIDTH_B == 36 && !PSEUDO) || REGMODE_A != "NOREG" || REGMODE_B != "NOREG"
      || CSDECODE_A != "0b000" || CSDECODE_B != "0b000" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB")
    DP16KD_in_a_mode_that_has_no_model refused();

  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire ena = CEA & ~(CSA2 | CSA1 | CSA0), enb = CEB & ~(CSB2 | CSB1 | CSB0);
  wire [35:0] qa, qb, da = PSEUDO ? {dib, dia} : {18'bx, dia};
  wire [3:0] bea = DATA_WIDTH_A < 18 ? 4'b1111 : ada[3:0], beb = DATA_WIDTH_B < 18 ? 4'b1111 : adb[3:0];
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = PSEUDO ? qb[17:0] : qa[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} =
    DATA_WIDTH_B == 36 ? qb[35:18] : qb[17:0];

  reg [UNIT-1:0] mem [0:(16384 >> SHIFT)-1];
  genvar k;
  for (k = 0; k < DATA_WIDTH_A / UNIT; k = k + 1) begin : a
    wire [13-SHIFT:0] at = (ada >> SHIFT & ~(DATA_WIDTH_A / UNIT - 1)) | k;
    always @(posedge CLKA) if (ena & WEA & ~RSTA & bea[k]) mem[at] <= da[k*UNIT +: UNIT];
    if (!PSEUDO) DP16KD_read #(UNIT, WRITEMODE_A, RESETMODE) read(CLKA, ena, RSTA, WEA, bea[k], mem[at], da[k*UNIT +: UNIT], qa[k*UNIT +: UNIT]);
  end
  for (k = 0; k < DATA_WIDTH_B / UNIT; k = k + 1) begin : b
    wire [13-SHIFT:0] at = (adb >> SHIFT & ~(DATA_WIDTH_B / UNIT - 1)) | k;
    if (!PSEUDO) begin : write
      always @(posedge CLKB) if (enb & WEB & ~RSTB & beb[k]) mem[at] <= dib[k*UNIT +: UNIT];
    end
    DP16KD_read #(UNIT, WRITEMODE_B, RESETMODE) read(CLKB, enb, RSTB, WEB & ~PSEUDO, beb[k], mem[at], dib[k*UNIT%18 +: UNIT], qb[k*UNIT +: UNIT]);
  end
endmodule

// The output latch of a unit: what a write of the same port does to it, and its reset.
module DP16KD_read #(parameter UNIT = 9, MODE = "NORMAL", RESETMODE = "SYNC")
    (input clk, en, rst, write, byte_en, input [UNIT-1:0] before, written, output reg [UNIT-1:0] q);
  wire [UNIT-1:0] next = MODE == "WRITETHROUGH" && write && byte_en ? written : before;
  wire load = en & ~(MODE == "NORMAL" && write);
  initial q = 0;
  if (RESETMODE == "ASYNC") begin : asynchronous
    always @(posedge clk, posedge rst) if (rst) q <= 0; else if (load) q <= next;
  end else begin : synchronous
    always @(posedge clk) if (rst) q <= 0; else if (load) q <= next;
  end
endmodule

// Ports of registers and cascades are absent: a netlist that connects them is refused.
module MULT18X18D(
  input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
  output P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0);
  wire signed [18:0] a = {SIGNEDA & A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire signed [18:0] b = {SIGNEDB & B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire signed [37:0] p = a * b;
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18} = p[35:18];
  assign {P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = p[17:0];
endmodule
