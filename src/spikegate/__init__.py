"""spikegate: spiking neural networks in digital hardware, proved spike for spike against Brian2."""

__version__ = "0.1.0"
