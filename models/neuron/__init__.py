"""Neurons: one step of one neuron, and of many."""
