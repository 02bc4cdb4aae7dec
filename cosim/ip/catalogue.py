"""All components that are given away, by the name of their module."""

from collections.abc import Sequence

from spikegate.cosim.ip.axi import axi_files
from spikegate.cosim.ip.core_package import core_files
from spikegate.cosim.ip.cores import CORE, POINT_CORE, booted
from spikegate.cosim.ip.link import HOST_LINK, Linked
from spikegate.cosim.ip.link_package import link_files
from spikegate.cosim.ip.neurons import NEURONS
from spikegate.cosim.ip.package import leaf_files
from spikegate.cosim.ip.parameters import read
from spikegate.cosim.ip.streams import STREAMS
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork

__all__ = ["LEAVES", "WITH_NETWORK", "leaf", "with_network"]

LEAVES = {**NEURONS, **STREAMS}
#: What is made for a network.
WITH_NETWORK = ("core", "host_link", "axi_core")


def leaf(name: str, given: Sequence[str], *, fit: bool = False) -> dict[str, str]:
    """Name -> text of each file of a component with parameters as NAME=VALUE.

    Raises
    ------
    InputError
        For a parameter that it does not have, or that it refuses.
    """
    parameters, words, make = LEAVES[name]
    return leaf_files(make(read(name, parameters, given)), parameters, words, fit=fit)


def with_network(name: str, network: Network | PointNetwork, given: Sequence[str], *, fit: bool = False) -> dict[str, str]:
    """The same of one of `WITH_NETWORK`, which runs a network."""
    parameters = HOST_LINK if name == "host_link" else CORE if isinstance(network, Network) else POINT_CORE
    values = read(name, parameters, given)
    if not any(text.startswith("lanes=") for text in given):
        values["lanes"] = min(values["lanes"], network.n)
    made = booted(network, {key: value for key, value in values.items() if key != "divisor"})
    if name == "host_link":
        return link_files(Linked(made, values["divisor"]), values, fit=fit)
    return (axi_files if name == "axi_core" else core_files)(made, values, fit=fit)
