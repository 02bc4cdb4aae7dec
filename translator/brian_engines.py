"""Brian2 as engines: on the network's integers, on its float original as asked for or as realised, and in floats in the core's order."""

from dataclasses import dataclass

from spikegate.models.errors import InputError
from spikegate.models.network.engine import Agreement, Engine, Progress
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.recording import Recording
from spikegate.translator.brian import integer_problems, run_integer, run_ordered
from spikegate.translator.brian_float import run_float
from spikegate.translator.params import asked_for

__all__ = ["Brian2Integer", "Brian2Float", "Brian2Realised", "Brian2Ordered"]


#: Runs of fewer steps and of fewer steps times neurons are over before their code would be compiled.
SHORT_STEPS, SHORT_VALUES = 3000, 3_000_000


def codegen_for(network: Network | PointNetwork) -> str:
    """How Brian2 makes its code for a run: compiled, unless that takes longer than the run."""
    return "numpy" if network.steps <= SHORT_STEPS and network.steps * network.n <= SHORT_VALUES else "cython"


@dataclass(frozen=True)
class Brian2Integer(Engine[Network]):
    """The same integers and the same external events as the golden model: the witness that this project did not write.

    Parameters
    ----------
    codegen : str, optional
        ``cython``, which compiles for half a minute the first time, or ``numpy``; by default that for short runs. So for the other engines.
    """

    codegen: str | None = None

    name, title, agreement = "brian2_integer", "Brian2 integer", Agreement.SPIKE_EXACT
    imports = ("brian2",)

    def unsupported(self, network: Network) -> list[str]:
        streams = ["there are no bitstream synapses in Brian2"] if network.streams else []
        return streams + integer_problems(network)

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        return run_integer(network, trace=trace, progress=progress, codegen=self.codegen or codegen_for(network))


@dataclass(frozen=True)
class Brian2Float(Engine[Network]):
    """The float original with the parameters that were asked for, in Brian2's own order of operations."""

    codegen: str | None = None

    name, title, agreement = "brian2_float", "Brian2 float", Agreement.STATISTICAL
    imports = ("brian2",)
    realised = False

    def unsupported(self, network: Network) -> list[str]:
        if not network.source:
            return ["the network has no float original"]
        try:
            asked_for(network)
        except InputError as error:
            return [f"the network has no float original: {error}".replace("\n", "; ")]
        return []

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        return run_float(network, self.realised, trace=trace, progress=progress, codegen=self.codegen or codegen_for(network))


@dataclass(frozen=True)
class Brian2Realised(Brian2Float):
    """The float original with the parameters that the integers realise, in Brian2's own order of operations, with the same random numbers."""

    name, title = "brian2_realised", "Brian2 realised"
    realised = True


@dataclass(frozen=True)
class Brian2Ordered(Engine[Network]):
    """Floats with the parameters that the integers realise, in the core's order of operations; any network has them."""

    codegen: str | None = None

    name, title, agreement = "brian2_ordered", "Brian2 core's order", Agreement.STATISTICAL
    imports = ("brian2",)

    def run(self, network: Network, *, trace: bool = False, progress: Progress | None = None) -> Recording:
        return run_ordered(network, trace=trace, progress=progress, codegen=self.codegen or codegen_for(network))
