"""Golden models: integers only, bit-true to the gateware of the same name; they know no hardware tools."""
