"""Components as Verilog for other people's designs: the file, its datasheet, an example with a bench, and a FuseSoC description."""
