"""What runs a frozen network: RTL, netlist, bitstream, the board's link."""
