"""Code coverage of the gateware."""
