"""From Amaranth to Verilog, to compiled simulators, netlists and bitstreams."""
