"""Networks that users bring: Brian2's objects (`brian`) are read into floats (`float_network`), and these are frozen as integers (`quantise`)."""
