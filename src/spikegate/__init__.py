"""spikegate: spiking neural networks in digital hardware, proved spike for spike against Brian2."""

from spikegate.models.synapse import BitstreamSynapse, bitstream
from spikegate.models.dot_product import BitstreamDotProduct
from spikegate.models.lfsr import LfsrParams
from spikegate.models.fixed import Overflow
from spikegate.models.lif import FixedPointLIFNeuron
from spikegate.translator.voltage import StochasticLIFNeuron
from spikegate.translator.sc_layer import VectorizedSCLayer
__version__ = "0.1.0"
