"""The components that verification takes one at a time, each at the parameters at which it is proved, mutated and covered."""

from collections.abc import Callable
from dataclasses import replace

from amaranth.lib.wiring import Component

from spikegate.cosim.toolchain.verilog import to_verilog
from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.gateware.core.inputs_ring import RingInputs
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.gateware.core.row_cipher import RowCipher
from spikegate.gateware.core.row_lane import RowLane
from spikegate.gateware.core.rows_bitmap import Rows
from spikegate.gateware.core.rows_csr import CsrRows
from spikegate.gateware.core.rows_external import ExternalRows
from spikegate.gateware.core.rows_generated import GeneratedRows
from spikegate.gateware.core.sources import Sources
from spikegate.gateware.core.spike_list import Spikes
from spikegate.gateware.link.receiver import FrameReceiver
from spikegate.gateware.link.uart import UartReceiver, UartTransmitter
from spikegate.gateware.neuron.adaptive_lif import AdaptiveLif
from spikegate.gateware.neuron.adaptive_linear import AdaptiveLinear
from spikegate.gateware.neuron.bernoulli import Bernoulli
from spikegate.gateware.neuron.izhikevich import Izhikevich
from spikegate.gateware.neuron.lif import Lif
from spikegate.gateware.neuron.linear import Linear
from spikegate.gateware.numeric.drive_search import Drive
from spikegate.gateware.numeric.drive_tables import DriveTables
from spikegate.gateware.numeric.fixed import Requantise
from spikegate.gateware.numeric.lfsr import Lfsr
from spikegate.gateware.numeric.sobol import Sobol
from spikegate.gateware.streams.correlation import Correlation
from spikegate.gateware.streams.dot_product import DotProduct
from spikegate.gateware.streams.encoder import Encoder, WindowEncoder
from spikegate.gateware.streams.synapse import Synapse
from spikegate.models.core.rows_external import External
from spikegate.models.core.rows_generated import Generator
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.fixed import Q8_8, Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams
from spikegate.models.numeric.sobol import SobolParams
from spikegate.models.streams.correlation import CorrelationParams
from spikegate.models.streams.dot_product import DotProductParams
from spikegate.models.streams.encoder import EncoderParams, WindowParams
from spikegate.models.streams.synapse import SynapseParams

__all__ = ["GEOMETRY", "DECAY", "LINEAR", "LINEAR_BRIAN2", "ADAPTIVE", "IZHIKEVICH", "POINTS", "GENERATED", "LANE", "OUTSIDE", "LEAVES", "WHOLE",
           "leaf_verilog"]

#: Of the leaves that are parts of a core: neurons no multiple of the lanes, a list of spikes that wraps.
GEOMETRY = CoreGeometry(10, 4, Q8_8, max_delay=3)
#: Of the adaptive threshold.
DECAY = 4
#: Linear neurons in small formats, and bits of their inputs: the published order with a reset to a value, and Brian2's with two currents, which are
#: narrower than the membrane, and a reset by subtraction. All round to the nearest and saturate.
LINEAR = LinearNeuron(QFormat(8, 4)), 10
LINEAR_BRIAN2 = LinearNeuron(QFormat(7, 3), 4, order=Order.BRIAN2, reset=Reset.SUBTRACT, currents=("exc", "inh"), current_format=QFormat(6, 3),
                             decay_fraction=4, coupling_bits=4, coupling_shift=3), 8
#: Izhikevich neurons in small formats and the published order, u with two bits more than the membrane.
IZHIKEVICH = IzhikevichNeuron(QFormat(7, 2), QFormat(8, 4), slope_fraction=3, square_bits=4, square_shift=3, a_fraction=3, b_bits=4, b_shift=2), 8
#: One that adapts, with theta finer than the membrane, and bits of its inputs and of noise.
ADAPTIVE = AdaptiveLinearNeuron(QFormat(7, 3), 4, theta_format=QFormat(8, 4), theta_fraction=4), 8, 5
#: Of the leaves that are parts of a core of point neurons: 13 neurons, three channels, and rows that all pointers and addresses stay inside.
POINTS = PointGeometry(13, 4, (LINEAR_BRIAN2[0],), LfsrParams(), sources=16, row_words=16, row_longest=7, slots=4, ports=2, width=12, weight_bits=6,
                       drive_bits=6, drives=2, depth=3, offset_bits=2, sets=2)
#: Of rows from a seed: two projections, groups of two or three sources, and two blocks of a lane; the lane that is looked at alone; and rows outside.
GENERATED, LANE = replace(POINTS, rows=Generator(), row_words=2, row_longest=40, rules=2, block=3, blocks=2), 2
OUTSIDE = replace(POINTS, rows=External())

LEAVES: dict[str, Callable[[], Component]] = {
    "requantise": lambda: Requantise(Q8_8, Rounding.NEAREST, Overflow.SATURATE),
    "lif": lambda: Lif(Q8_8, Rounding.NEAREST, Overflow.SATURATE, gain=False, noise=False),
    "adaptive_lif": lambda: AdaptiveLif(Q8_8, Rounding.NEAREST, Overflow.SATURATE, DECAY, gain=False, noise=False),
    "linear": lambda: Linear(*LINEAR),
    "linear_brian2": lambda: Linear(*LINEAR_BRIAN2),
    "izhikevich": lambda: Izhikevich(*IZHIKEVICH),
    "adaptive_linear": lambda: AdaptiveLinear(*ADAPTIVE),
    "bernoulli": lambda: Bernoulli(BernoulliNeuron()),
    "lfsr": lambda: Lfsr(LfsrParams()),
    "sobol": lambda: Sobol(SobolParams(1, 8)),
    "encoder": lambda: Encoder(EncoderParams(LfsrParams(), 16)),
    "window_encoder": lambda: WindowEncoder(WindowParams(SobolParams(1, 7, 64), 7)),
    "synapse": lambda: Synapse(SynapseParams(16), stuck=True, flips=True),
    "dot_product": lambda: DotProduct(DotProductParams(4, 16, 64)),
    "correlation": lambda: Correlation(CorrelationParams(16, 64)),
    "drive": lambda: Drive(3, lanes=2),
    "drive_tables": lambda: DriveTables(POINTS.depth, POINTS.drives, POINTS.drive_layout(), lanes=2),
    "spikes": lambda: Spikes(GEOMETRY),
    "sources": lambda: Sources(POINTS),
    "rows": lambda: Rows(GEOMETRY),
    "rows_csr": lambda: CsrRows(POINTS),
    "row_cipher": RowCipher,
    "row_lane": lambda: RowLane(GENERATED, LANE),
    "rows_generated": lambda: GeneratedRows(GENERATED),
    "rows_external": lambda: ExternalRows(OUTSIDE),
    "inputs_ring": lambda: RingInputs(POINTS),
    "uart_receiver": lambda: UartReceiver(4),
    "uart_transmitter": lambda: UartTransmitter(4),
    "frame_receiver": lambda: FrameReceiver(3),
}


#: What the leaves are parts of, its clock ungated.
WHOLE: dict[str, Callable[[], Component]] = {"core": lambda: Core(GEOMETRY)}


def leaf_verilog(name: str) -> str:
    """Verilog of a leaf or of the whole, a module of that name, without a reset: registers start at their initial values."""
    return to_verilog((LEAVES | WHOLE)[name](), name, reset=False)
