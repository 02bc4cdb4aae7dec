"""Benches of the modules under cocotb."""
