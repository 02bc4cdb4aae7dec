"""Networks that users bring, read into floats (`float_network`) and from there into integers (`quantise`); Brian2's objects by `brian`, `groups` and `connections`."""
