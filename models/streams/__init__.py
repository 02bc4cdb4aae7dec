"""Stochastic bitstreams: encoders, AND-gate synapses, dot products, faults, correlation."""
