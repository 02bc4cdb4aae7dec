"""A file of a network of point neurons that can be changed, its hash computed anew."""

import hashlib
import json

import numpy as np
from independent import netfile, pointfile

from spikegate.models.network import container, point_file
from spikegate.models.network.generated import Generated
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.point_population import PointPopulation, PortDrive
from spikegate.models.network.projection import Projection, SpikeInput
from spikegate.models.neuron.adaptive_linear import AdaptiveLinearNeuron
from spikegate.models.neuron.bernoulli import BernoulliNeuron
from spikegate.models.neuron.izhikevich import IzhikevichNeuron
from spikegate.models.neuron.linear import LinearNeuron, Order, Reset
from spikegate.models.numeric.drive import DriveParams
from spikegate.models.numeric.fixed import Q8_8, Q16_12, QFormat, Rounding
from spikegate.models.numeric.lfsr import LfsrParams


def good():
    """One population of each kind that has rules of its own, an input, and rows of three synapses."""
    adaptive = AdaptiveLinearNeuron(Q8_8, currents=("syn",), kicks=True, theta_format=QFormat(16, 10), w_format=Q8_8, slope=True)
    cuba = LinearNeuron(Q16_12, 16, Rounding.FLOOR, order=Order.BRIAN2, reset=Reset.SUBTRACT, currents=("exc", "inh"), current_format=QFormat(14, 6))
    populations = [
        PointPopulation("a", 2, LinearNeuron(Q8_8, 10, Rounding.STOCHASTIC), [[9, 0, 5120, 2560, 2, 5]], None,
                        PortDrive(DriveParams([1, 2, 3], 100), "v", 1)),
        PointPopulation("b", 2, cuba, [[9, 0, 5120, 4000, 2, 5, 100, 200, 300, 400]] * 2, [0, 1]),
        PointPopulation("noise", 1, BernoulliNeuron(), [[1 << 30]]),
        PointPopulation("still", 1, LinearNeuron(Q16_12), [[1, 0, 9, 0, 0, 0]]),
        PointPopulation("kicked", 1, LinearNeuron(Q8_8, currents=("syn",), kicks=True), [[1, 0, 9, 0, 0, 0, 1, 1]]),
        PointPopulation("adaptive", 2, adaptive, [[1, 0, 9, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, -7]], noise=DriveParams([1, 2, 3], -9)),
        PointPopulation("quadratic", 1, IzhikevichNeuron(Q8_8, QFormat(20, 12)), [[5, 6, 7, 8, 9, -10, 11, 12]])]
    projections = [Projection.of("a", "a", "v", 2, ([0, 0, 0, 1], [0, 1, 1, 0]), [5, 5, 6, 7], [1, 2, 2, 1]),
                   Projection.of("in", "b", "inh", 2, ([0], [1]), 9, 3), Projection.of("a", "still", "v", 2, ([0, 1], [0, 0]), [1 << 30, 1], 1),
                   Projection.of("a", "kicked", "v", 2, ([0], [0]), 7, 1), Projection.of("a", "kicked", "syn", 2, ([0], [0]), 7, 1)]
    projections.append(Generated("a", "a", "v", 1, 7, 2, 5, 2))
    inputs, seeds = [SpikeInput("in", 2, [1, 4, 4], [1, 0, 1])], [5, 6, 0, 0, 7, 0, 0, 8, 9, 0]
    return PointNetwork("good", populations, projections, inputs, LfsrParams(), seeds, 9, 10, {"rate": 0.5})


def independent_read(path):
    """The file as the independent reader has it; ValueError if it refuses it."""
    return pointfile.PointFile(*netfile.contents(path, 2, pointfile.check))


class File:
    """A file that can be changed: its header, its arrays, and a last change of its header's text or of its bytes."""

    def __init__(self):
        header, arrays = container.unpack(point_file.content(good()), point_file.array_type)
        self.header, self.arrays = json.loads(json.dumps(header)), {name: array.copy() for name, array in arrays.items()}
        self.text = self.body = self.whole = lambda data: data

    def data(self):
        line, body = container.pack(self.header, self.arrays).split(b"\n", 1)
        content = self.text(line) + b"\n" + self.body(body)
        return self.whole(b"spikegate network 2\n" + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)


def has(*path, to):
    """A header with another value at a path."""
    def change(file):
        inner = file.header
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to
    return change


def lacks(*path):
    def change(file):
        inner = file.header
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]
    return change


def holds(name, place, value):
    """An array with another entry."""
    return lambda file: file.arrays[name].__setitem__(place, value)


def becomes(name, make):
    return lambda file: file.arrays.update({name: make(file.arrays[name])})


def written(**changes):
    """Another ``text`` of the header, another ``body`` or another ``whole``."""
    return lambda file: file.__dict__.update(changes)


def all_of(*changes):
    return lambda file: [change(file) for change in changes]


def neuron(population=0, **changes):
    return all_of(*(has("populations", population, "neuron", key, to=value) for key, value in changes.items()))


def swapped(*pairs):
    """Arrays with two entries that have changed places."""
    def change(file):
        for name, a, b in pairs:
            file.arrays[name][[a, b]] = file.arrays[name][[b, a]]
    return change


def moved(file):
    file.arrays = dict(reversed(file.arrays.items()))


def shaped(line):
    return line.replace(b'"name":"seeds","shape":[10]', b'"name":"seeds","shape":[10,1]')


def sets(population, column, *values):
    return [holds(f"population{population}.sets", (0, column), value) for value in values]


def renamed(name, population=0):
    """A population of that name, in its projections too."""
    def change(file):
        old, file.header["populations"][population]["name"] = file.header["populations"][population]["name"], name
        for each in file.header["projections"]:
            each.update({key: name for key in ("source", "target") if each[key] == old})
    return change


def current(name):
    """The second current of that name."""
    def change(file):
        file.header["populations"][1]["neuron"]["currents"][1] = name
        file.header["projections"][1]["port"] = name
        file.arrays = {key.replace("state.inh", f"state.{name}"): array for key, array in file.arrays.items()}
    return change


def emptied(file):
    """A projection without synapses."""
    for name in ("indices", "weights", "delays"):
        file.arrays[f"projection0.{name}"] = file.arrays[f"projection0.{name}"][:0]
    file.arrays["projection0.indptr"][:] = 0


def register(width, taps, leap=32):
    return has("lfsr", to={"width": width, "taps": taps, "leap": leap})


def places(kind, key=None):
    """Paths of all values of the good header that are of a kind, with the values; or of an entry of each, with another key."""
    found, left = [], [((), File().header)]
    while left:
        path, value = left.pop()
        if type(value) is kind:
            found.append((path, value))
        if isinstance(value, (dict, list)):
            left += [((*path, inner), each) for inner, each in (value.items() if isinstance(value, dict) else enumerate(value))]
    # What was asked for may be any number under any name.
    found = [(path, value) for path, value in found if path[:1] != ("source",)]
    return [(*path, key) for path, _ in found] if key else found


def silent(file):
    """No noise."""
    del file.header["populations"][5]["noise"], file.arrays["population5.noise"]
    file.arrays["seeds"][-2:] = 0


def noisy(k):
    """Noise of a population that draws already, or of the last, which draws then."""
    def change(file):
        file.header["populations"][k]["noise"] = {"weight": 1}
        entries, at = [*file.arrays.items()], [*file.arrays].index(f"population{k + 1}.sets" if k < 6 else "input0.steps")
        file.arrays["seeds"][-1] = k // 6
        file.arrays = dict([*entries[:at], (f"population{k}.noise", np.arange(3, dtype="<u4")), *entries[at:]])
    return change


def made(**changes):
    """Another projection from a seed."""
    return lambda file: file.header["projections"][5]["generated"].update(changes)


def with_a_list(file):
    """A projection from a seed with a list beside it."""
    seeds = file.arrays.pop("seeds")
    file.arrays |= {f"projection5.{name}": file.arrays[f"projection4.{name}"] for name in ("indptr", "indices", "weights", "delays")}
    file.arrays["seeds"] = seeds
