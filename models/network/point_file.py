"""The file of a frozen network of point neurons, version 2: header and arrays as in version 1, see docs/arithmetic.md."""

import dataclasses
import hashlib
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spikegate.models.network import container
from spikegate.models.network.generated import Generated
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.network.stored import Stored
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import Held, LinearNeuron, Order, Reset
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Overflow, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams

__all__ = ["VERSION", "array_type", "content", "digest", "parse", "read", "write"]

VERSION = 2
#: Types of arrays by the last part of their names; states are ``<i4``.
ARRAYS = {"sets": "<i8", "index": "<u2", "limits": "<u4", "noise": "<u4", "steps": "<u4", "channels": "<u4", "indptr": "<u4", "indices": "<u4",
          "weights": "<i4", "delays": "|u1", "seeds": "<u8"}
MEMBERS: dict[str, Any] = {"rounding": Rounding, "overflow": Overflow, "order": Order, "reset": Reset, "held": Held}
STATE = "<i4"
#: Of a projection: arrays of a list, or keys in the header.
LISTED = ("indptr", "indices", "weights", "delays")
GENERATED = ("in_degree", "weight", "delay", "seed", "lanes")
#: What a file's kind makes; of all others their currents say the kind.
KINDS: dict[str, Any] = {each.kind: each for each in (BernoulliNeuron, IzhikevichNeuron)} | {"adaptive_lif": AdaptiveLinearNeuron}


def array_type(name: str) -> str:
    """Type of an array by its name; LookupError if there is no such one."""
    last = name.rpartition(".")[2]
    return STATE if re.fullmatch(r"population\d+\.state\.\w+", name) else ARRAYS[last]


def _structure(neuron: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": neuron.kind}
    for field in dataclasses.fields(neuron):
        value = getattr(neuron, field.name)
        if field.name == "kicks" and not isinstance(neuron, AdaptiveLinearNeuron):  # the kind says it
            continue
        if value is Held.MEMBRANE:  # what a file that says nothing of it means
            continue
        if field.name in MEMBERS:
            value = value.name.lower()
        elif isinstance(value, QFormat):
            value = {"width": value.width, "fraction": value.fraction}
        found[field.name] = list(value) if isinstance(value, tuple) else value
    return found


def _neuron(structure: dict[str, Any]) -> Any:
    given = dict(structure)
    kind = given.pop("kind")
    for name in MEMBERS.keys() & given:
        given[name] = MEMBERS[name][given[name].upper()]
    for name in ("format", "current_format", "u_format", "theta_format", "w_format"):
        if given.get(name) is not None:
            given[name] = QFormat(**given[name])
    if "currents" in given:
        given["currents"] = tuple(given["currents"])
    if kind in KINDS:
        return KINDS[kind](**given)
    neuron = LinearNeuron(**given, kicks=kind.startswith("kicked_"))
    if neuron.kind != kind:
        raise ValueError(f"kind {kind!r} is not what its currents say, {neuron.kind!r}")
    return neuron


def _ends(each: Projection | Generated | Stored) -> dict[str, Any]:
    ends: dict[str, Any] = {"source": each.source, "target": each.target, "port": each.port}
    return ends | {"generated": {name: getattr(each, name) for name in GENERATED}} if isinstance(each, Generated) else ends


def content(network: Any) -> bytes:
    """What the hash is of: header and arrays."""
    return b"".join(pieces(network))


def digest(network: Any) -> str:
    """SHA-256 of the content, which is not held as a whole."""
    found = hashlib.sha256()
    for piece in pieces(network):
        found.update(piece)
    return found.hexdigest()


def _listed(network: Any, each: Any) -> dict[str, np.ndarray | container.Later]:
    """The arrays of a list; those of a store are made when their turn comes, all four at once."""
    if not isinstance(each, Stored):
        return {name: getattr(each, name) for name in LISTED}
    made: list[Any] = []

    def make(name: str) -> np.ndarray:
        if not made:
            made.append(each.expand(network.place(each)))
        array: np.ndarray = getattr(made[0], name)
        if name == LISTED[-1]:
            made.clear()
        return array

    size, count = each.extent.sources[1] + 1, each.extent.count
    return {name: container.Later(np.dtype(ARRAYS[name]), (size if name == "indptr" else count,), partial(make, name)) for name in LISTED}


def pieces(network: Any) -> Iterator[bytes]:
    """The content, piece by piece."""
    arrays: dict[str, np.ndarray | container.Later] = {}
    populations = []
    for k, each in enumerate(network.populations):
        here = f"population{k}"
        arrays |= {f"{here}.sets": each.sets, f"{here}.index": each.index}
        arrays |= {f"{here}.state.{name}": values for name, values in each.initial.items()}
        drive = None
        if each.drive is not None:
            arrays[f"{here}.limits"] = each.drive.table.limits
            drive = {"weight": each.drive.table.weight, "port": each.drive.port, "offset": each.drive.offset}
        populations.append({"name": each.name, "size": each.size, "neuron": _structure(each.neuron), "drive": drive})
        if each.noise is not None:
            arrays[f"{here}.noise"] = each.noise.limits
            populations[-1]["noise"] = {"weight": each.noise.weight}
    for k, each in enumerate(network.inputs):
        arrays |= {f"input{k}.steps": each.steps, f"input{k}.channels": each.channels}
    for k, each in enumerate(network.projections):
        if not isinstance(each, Generated):
            arrays |= {f"projection{k}.{name}": array for name, array in _listed(network, each).items()}
    arrays["seeds"] = network.seeds
    header = {"name": network.name, "steps": network.steps, "dt_ns": network.dt_ns, "source": dict(network.source), "populations": populations,
              "inputs": [{"name": each.name, "size": each.size} for each in network.inputs],
              "projections": [_ends(each) for each in network.projections],
              "lfsr": {"width": network.lfsr.width, "taps": list(network.lfsr.taps), "leap": network.lfsr.leap}}
    return container.pieces(header, {name: array if isinstance(array, container.Later) else array.astype(array_type(name))
                                     for name, array in arrays.items()})


def write(path: str | Path, network: Any) -> str:
    """Write the file and return the hash; see `PointNetwork.save`."""
    return container.write(path, VERSION, content(network))


def read(path: str | Path) -> Any:
    """The network of a file; see `PointNetwork.load`."""
    return container.read(path, {VERSION: parse})


def parse(data: bytes) -> Any:
    """The network of a content."""
    from spikegate.models.network.point import PointNetwork

    header, arrays = container.unpack(data, array_type)
    populations, inputs = [], []
    projections: list[Projection | Generated] = []
    for k, each in enumerate(header["populations"]):
        here, neuron, drive = f"population{k}", _neuron(each["neuron"]), None
        if each["drive"] is not None:
            table = DriveParams(arrays.pop(f"{here}.limits"), each["drive"]["weight"])
            drive = PortDrive(table, each["drive"]["port"], each["drive"]["offset"])
        noise = None if "noise" not in each else DriveParams(arrays.pop(f"{here}.noise"), each["noise"]["weight"])
        initial = {name: arrays.pop(f"{here}.state.{name}") for name in neuron.state}
        sets, index = arrays.pop(f"{here}.sets"), arrays.pop(f"{here}.index")
        populations.append(PointPopulation(each["name"], each["size"], neuron, sets, index, drive, initial, noise))
    for k, each in enumerate(header["inputs"]):
        steps, channels = arrays.pop(f"input{k}.steps"), arrays.pop(f"input{k}.channels")
        inputs.append(SpikeInput(each["name"], each["size"], steps, channels))
    for k, each in enumerate(header["projections"]):
        ends = each["source"], each["target"], each["port"]
        if "generated" in each:
            projections.append(Generated(*ends, **each["generated"]))
        else:
            projections.append(Projection(*ends, *(arrays.pop(f"projection{k}.{name}") for name in LISTED)))
    lfsr = LfsrParams(header["lfsr"]["width"], tuple(header["lfsr"]["taps"]), header["lfsr"]["leap"])
    network = PointNetwork(header["name"], populations, projections, inputs, lfsr, arrays.pop("seeds"), header["steps"], header["dt_ns"],
                           header["source"])
    if content(network) != data:
        raise ValueError("it says the same in another form")
    return network
