"""Verilator and cocotb: what runs the gateware, and what compares it."""
