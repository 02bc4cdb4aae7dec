"""spikegate: spiking neural networks in digital hardware, proved spike for spike against Brian2.

What a user imports is here, made when it is first asked for: ``from spikegate import StochasticLIFNeuron``. The golden model is ``golden.run``,
and that of the networks that `Builder` makes is ``point_golden.run``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spikegate.cosim.results.compare import Check as Check
    from spikegate.cosim.results.compare import compare as compare
    from spikegate.cosim.results.notebook import Report as Report
    from spikegate.cosim.results.statistics import cv_isi as cv_isi
    from spikegate.cosim.results.statistics import rate_hz as rate_hz
    from spikegate.models.core import engine as golden
    from spikegate.models.core import point_engine as point_golden
    from spikegate.models.errors import InputError as InputError
    from spikegate.models.errors import Mismatch as Mismatch
    from spikegate.models.errors import SpikegateError as SpikegateError
    from spikegate.models.errors import ToolMissing as ToolMissing
    from spikegate.models.network.builder import Builder as Builder
    from spikegate.models.network.network import Network as Network
    from spikegate.models.network.point import PointNetwork as PointNetwork
    from spikegate.models.network.recording import Recording as Recording
    from spikegate.models.neuron.bernoulli import BernoulliNeuron as BernoulliNeuron
    from spikegate.models.neuron.izhikevich import IzhikevichNeuron as IzhikevichNeuron
    from spikegate.models.neuron.lif import LifParams as LifParams
    from spikegate.models.neuron.linear import Held as Held
    from spikegate.models.neuron.linear import LinearNeuron as LinearNeuron
    from spikegate.models.neuron.linear import Order as Order
    from spikegate.models.neuron.linear import Reset as Reset
    from spikegate.models.neuron.single import FixedPointLIFNeuron as FixedPointLIFNeuron
    from spikegate.models.numeric.drive import DriveParams as DriveParams
    from spikegate.models.numeric.fixed import Q8_8 as Q8_8
    from spikegate.models.numeric.fixed import Q16_12 as Q16_12
    from spikegate.models.numeric.fixed import Overflow as Overflow
    from spikegate.models.numeric.fixed import QFormat as QFormat
    from spikegate.models.numeric.fixed import Rounding as Rounding
    from spikegate.models.numeric.lfsr import LfsrParams as LfsrParams
    from spikegate.models.numeric.sobol import SobolParams as SobolParams
    from spikegate.models.streams.dot_product import BitstreamDotProduct as BitstreamDotProduct
    from spikegate.models.streams.faults import FaultParams as FaultParams
    from spikegate.models.streams.params import StreamFaults as StreamFaults
    from spikegate.models.streams.params import StreamParams as StreamParams
    from spikegate.models.streams.planes import pack as pack
    from spikegate.models.streams.planes import unpack as unpack
    from spikegate.models.streams.scc import scc as scc
    from spikegate.models.streams.synapse import BitstreamSynapse as BitstreamSynapse
    from spikegate.models.streams.synapse import bitstream as bitstream
    from spikegate.translator.brunel import PRESETS as PRESETS
    from spikegate.translator.brunel import BrunelParams as BrunelParams
    from spikegate.translator.brunel import preset as preset
    from spikegate.translator.brunel import quantisation as quantisation
    from spikegate.translator.brunel import translate as translate
    from spikegate.translator.brunel import translate_v1_stochastic_lif as translate_v1_stochastic_lif
    from spikegate.translator.brunel import translate_v2_rate_matched as translate_v2_rate_matched
    from spikegate.translator.brunel import translate_v3_fixed_point as translate_v3_fixed_point
    from spikegate.translator.brunel import translate_v4_hybrid as translate_v4_hybrid
    from spikegate.translator.brunel import translate_v5_izhikevich as translate_v5_izhikevich
    from spikegate.translator.brunel import translate_v6_homeostatic as translate_v6_homeostatic
    from spikegate.translator.brunel import translate_v7_noisy as translate_v7_noisy
    from spikegate.translator.brunel import translate_v8_refractory as translate_v8_refractory
    from spikegate.translator.brunel import translate_v9_post_kick as translate_v9_post_kick
    from spikegate.translator.brunel import translate_v10_exact_leak as translate_v10_exact_leak
    from spikegate.translator.brunel import translate_v11_q16 as translate_v11_q16
    from spikegate.translator.brunel import translate_v12_stdp as translate_v12_stdp
    from spikegate.translator.brunel import translate_v13_dot_product as translate_v13_dot_product
    from spikegate.translator.brunel import translate_v14_sobol as translate_v14_sobol
    from spikegate.translator.brunel import translate_v15_jax as translate_v15_jax
    from spikegate.translator.brunel import translate_v16_recurrent as translate_v16_recurrent
    from spikegate.translator.brunel import translate_v17_memristive as translate_v17_memristive
    from spikegate.translator.brunel import translate_v18_numba as translate_v18_numba
    from spikegate.translator.brunel import translate_v19_pytorch_cuda as translate_v19_pytorch_cuda
    from spikegate.translator.brunel import translate_v20_vectorized_numpy as translate_v20_vectorized_numpy
    from spikegate.translator.custom import translate_v21_custom as translate_v21_custom
    from spikegate.translator.homeostatic import HomeostaticLIFNeuron as HomeostaticLIFNeuron
    from spikegate.translator.hybrid import hybrid as hybrid
    from spikegate.translator.izhikevich import SCIzhikevichNeuron as SCIzhikevichNeuron
    from spikegate.translator.memristive import MemristiveDenseLayer as MemristiveDenseLayer
    from spikegate.translator.nir.export import to_nir as to_nir
    from spikegate.translator.nir.formats import Formats as Formats
    from spikegate.translator.nir.freeze import from_nir as from_nir
    from spikegate.translator.probability_jax import JaxSCDenseLayer as JaxSCDenseLayer
    from spikegate.translator.reservoir import SCRecurrentLayer as SCRecurrentLayer
    from spikegate.translator.sc_layer import VectorizedSCLayer as VectorizedSCLayer
    from spikegate.translator.stdp import Plasticity as Plasticity
    from spikegate.translator.stdp import StochasticSTDPSynapse as StochasticSTDPSynapse
    from spikegate.translator.variants import VARIANTS as VARIANTS
    from spikegate.translator.variants import find as find
    from spikegate.translator.voltage_neuron import StochasticLIFNeuron as StochasticLIFNeuron

__version__ = "0.1.0"

#: The same, by module.
_MODULES = {
    "spikegate.cosim.results.compare": "Check compare",
    "spikegate.cosim.results.notebook": "Report",
    "spikegate.cosim.results.statistics": "cv_isi rate_hz",
    "spikegate.models.streams.dot_product": "BitstreamDotProduct",
    "spikegate.models.numeric.drive": "DriveParams",
    "spikegate.models.streams.planes": "pack unpack",
    "spikegate.models.errors": "InputError Mismatch SpikegateError ToolMissing",
    "spikegate.models.streams.faults": "FaultParams",
    "spikegate.models.numeric.fixed": "Q8_8 Q16_12 Overflow QFormat Rounding",
    "spikegate.models.numeric.lfsr": "LfsrParams",
    "spikegate.models.neuron.bernoulli": "BernoulliNeuron",
    "spikegate.models.neuron.lif": "LifParams",
    "spikegate.models.neuron.izhikevich": "IzhikevichNeuron",
    "spikegate.models.neuron.linear": "Held LinearNeuron Order Reset",
    "spikegate.models.neuron.single": "FixedPointLIFNeuron",
    "spikegate.models.network.builder": "Builder",
    "spikegate.models.network.network": "Network",
    "spikegate.models.network.point": "PointNetwork",
    "spikegate.models.network.recording": "Recording",
    "spikegate.models.streams.scc": "scc",
    "spikegate.models.numeric.sobol": "SobolParams",
    "spikegate.models.streams.params": "StreamFaults StreamParams",
    "spikegate.models.streams.synapse": "BitstreamSynapse bitstream",
    "spikegate.translator.brunel":
        "PRESETS BrunelParams preset quantisation translate translate_v1_stochastic_lif translate_v2_rate_matched "
        "translate_v3_fixed_point translate_v4_hybrid translate_v5_izhikevich translate_v6_homeostatic translate_v7_noisy "
        "translate_v8_refractory translate_v9_post_kick translate_v10_exact_leak translate_v11_q16 translate_v12_stdp "
        "translate_v13_dot_product translate_v14_sobol translate_v15_jax translate_v16_recurrent translate_v17_memristive "
        "translate_v18_numba translate_v19_pytorch_cuda translate_v20_vectorized_numpy",
    "spikegate.translator.custom": "translate_v21_custom",
    "spikegate.translator.homeostatic": "HomeostaticLIFNeuron",
    "spikegate.translator.hybrid": "hybrid",
    "spikegate.translator.izhikevich": "SCIzhikevichNeuron",
    "spikegate.translator.memristive": "MemristiveDenseLayer",
    "spikegate.translator.nir.export": "to_nir",
    "spikegate.translator.nir.formats": "Formats",
    "spikegate.translator.nir.freeze": "from_nir",
    "spikegate.translator.probability_jax": "JaxSCDenseLayer",
    "spikegate.translator.reservoir": "SCRecurrentLayer",
    "spikegate.translator.sc_layer": "VectorizedSCLayer",
    "spikegate.translator.stdp": "Plasticity StochasticSTDPSynapse",
    "spikegate.translator.variants": "VARIANTS find",
    "spikegate.translator.voltage_neuron": "StochasticLIFNeuron",
}
_FACE = {name: module for module, names in _MODULES.items() for name in names.split()}

#: Golden models, which are modules.
_GOLDEN = {"golden": "spikegate.models.core.engine", "point_golden": "spikegate.models.core.point_engine"}

__all__ = ["__version__", "golden", "point_golden", *_FACE]


if not TYPE_CHECKING:  # which would take any name for one that is there
    def __getattr__(name):
        if name in _GOLDEN:
            found = import_module(_GOLDEN[name])
        elif name in _FACE:
            found = getattr(import_module(_FACE[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
