"""The file of a network of point neurons (docs/point_networks.md): all that breaks a limit of the page is refused."""

__all__ = ["PointFile", "check"]

import math
from collections import Counter

from independent.pointneuron import check_neuron, columns, demand, each, keys, one_of, ports, printable, proper, random_bits, span, states, whole


def draws(population):
    return population["neuron"]["kind"] == "bernoulli" or population["drive"] is not None or random_bits(population["neuron"]) > 0 or \
        "noise" in population


def check_header(header):
    """Section 4, all but the arrays."""
    keys(header, "arrays dt_ns inputs lfsr name populations projections source steps".split(), "the header")
    whole(header["steps"], 1, 2**31 - 1, "steps")
    whole(header["dt_ns"], 1, 10**9, "dt_ns")
    demand(printable(header["name"]), "the name is printable")
    demand(type(header["source"]) is dict, "source is an object")
    for name, value in header["source"].items():
        demand(printable(name) and (printable(value) or type(value) in (bool, int, float) and math.isfinite(value)), "source is plain")
    demand(each(header["populations"], "populations"), "there is a population")
    for population in header["populations"]:
        noisy = type(population) is dict and "noise" in population
        keys(population, ("name", "size", "neuron", "drive", *["noise"] * noisy), "a population")
        check_neuron(population["neuron"])
        if noisy:
            keys(population["noise"], ("weight",), "noise")
            linear = population["neuron"]["kind"] not in ("bernoulli", "izhikevich")
            demand(linear and not random_bits(population["neuron"]), "noise is of a membrane that draws nothing")
            whole(population["noise"]["weight"], *span(population["neuron"]["format"]), "weight of noise")
        drive, there = population["drive"], ports(population["neuron"])
        if drive is not None:
            keys(drive, ("weight", "port", "offset"), "a drive")
            one_of(drive["port"], there, "port of a drive")
            whole(drive["weight"], *span(there[drive["port"]]), "weight of a drive")
            whole(drive["offset"], 0, 65535, "offset")
    for source in each(header["inputs"], "inputs"):
        keys(source, ("name", "size"), "an input")
    both = header["populations"] + header["inputs"]
    for source in both:
        demand(proper(source["name"]), "a name is of letters, digits and _")
        whole(source["size"], 1, math.inf, "size")
    demand(len({source["name"] for source in both}) == len(both), "all names differ")
    kinds = {population["name"]: population["neuron"] for population in header["populations"]}
    for projection in each(header["projections"], "projections"):
        keys(projection, ("source", "target", "port", *["generated"] * ("generated" in projection)), "a projection")
        one_of(projection["source"], {source["name"] for source in both}, "source")
        one_of(projection["target"], kinds, "target")
        one_of(projection["port"], there := ports(kinds[projection["target"]]), "port of a projection")
        if "generated" in projection:
            size, = (source["size"] for source in both if source["name"] == projection["source"])
            check_generated(projection["generated"], size, there[projection["port"]], projection["source"] == projection["target"])
    lfsr = header["lfsr"]
    keys(lfsr, ("width", "taps", "leap"), "lfsr")
    noisy = any("noise" in population for population in header["populations"])
    whole(lfsr["width"], 64 if noisy else 32 + max(map(random_bits, kinds.values())), 64, "width of lfsr")
    above = lfsr["width"] + 1
    for tap in each(lfsr["taps"], "taps"):
        whole(tap, 1, above - 1, "a tap")
        above = tap
    demand(lfsr["taps"] and lfsr["taps"][0] == lfsr["width"], "the first tap is the width")
    whole(lfsr["leap"], 32, above, "leap")


def check_generated(made, sources, form, recurrent):
    """Section 6."""
    keys(made, ("in_degree", "weight", "delay", "seed", "lanes"), "generated")
    whole(made["in_degree"], 1, sources, "in_degree")
    whole(made["weight"], *span(form), "generated weight")
    whole(made["delay"], 1, 255, "generated delay")
    whole(made["seed"], 0, 2**64 - 1, "generated seed")
    b, rest = divmod(sources, made["in_degree"])
    demand(not rest and 2 <= b <= 64, "in_degree makes groups of 2 to 64")
    whole(made["lanes"], b if recurrent else 1, 64, "lanes")


def layout(header):
    """Name, type and shape of each array; None where the file is free."""
    sizes = {source["name"]: source["size"] for source in header["populations"] + header["inputs"]}
    for k, population in enumerate(header["populations"]):
        yield f"population{k}.sets", "<i8", [None, len(columns(population["neuron"]))]
        yield f"population{k}.index", "<u2", [population["size"]]
        yield from ((f"population{k}.state.{name}", "<i4", [population["size"]]) for name, _, _ in states(population["neuron"]))
        if population["drive"]:
            yield f"population{k}.limits", "<u4", [None]
        if "noise" in population:
            yield f"population{k}.noise", "<u4", [None]
    for k in range(len(header["inputs"])):
        yield from ((f"input{k}.{name}", "<u4", [None]) for name in ("steps", "channels"))
    for k, projection in enumerate(header["projections"]):
        if "generated" in projection:
            continue
        yield f"projection{k}.indptr", "<u4", [sizes[projection["source"]] + 1]
        yield from ((f"projection{k}.{name}", kind, [None]) for name, kind in (("indices", "<u4"), ("weights", "<i4"), ("delays", "|u1")))
    yield "seeds", "<u8", [sum(population["size"] for population in header["populations"])]


def check(header):
    check_header(header)
    wanted, found = list(layout(header)), each(header["arrays"], "arrays")
    demand(len(wanted) == len(found), "there are as many arrays as the header asks for")
    for (name, kind, shape), entry in zip(wanted, found):
        keys(entry, ("name", "dtype", "shape"), "an array")
        demand(entry["name"] == name and entry["dtype"] == kind, f"here stands {name}, of type {kind}")
        demand(len(each(entry["shape"], "shape")) == len(shape), f"{name} has {len(shape)} dimensions")
        for extent, given in zip(shape, entry["shape"]):
            whole(given, extent or 0, math.inf if extent is None else extent, f"an extent of {name}")


def within(values, low, high, what):
    demand(all(low <= value <= high for value in values), f"{what} lies in {low}..{high}")


def rises(values, strictly=False):
    return all(a < b or not strictly and a == b for a, b in zip(values, values[1:]))


class PointFile:
    """``header``, a dict, and every array as a list of integers, row by row, under its name. Limits of the arrays are those of section 4."""

    def __init__(self, header, arrays):
        self.header, self.arrays = header, arrays
        self.first, self.sources, self.most, self.sizes = {}, 0, Counter(), {}
        for source in header["populations"] + header["inputs"]:
            self.first[source["name"]], self.sizes[source["name"]] = self.sources, source["size"]
            self.sources += source["size"]
        for k, population in enumerate(header["populations"]):
            self.check_population(f"population{k}.", population)
        for k, source in enumerate(header["inputs"]):
            steps, channels = arrays[f"input{k}.steps"], arrays[f"input{k}.channels"]
            demand(len(steps) == len(channels) and rises(list(zip(steps, channels)), strictly=True), "events of an input ascend")
            within(steps, 0, header["steps"] - 1, "steps of an input")
            within(channels, 0, source["size"] - 1, "channels of an input")
        for k, projection in enumerate(header["projections"]):
            self.check_projection(f"projection{k}.", projection)
        demand(max(self.most.values(), default=0) <= 2**31 - 1, "no sum of a port leaves 32 bits")
        drawing = [draws(population) for population in header["populations"] for _ in range(population["size"])]
        demand(all(0 < seed < 2 ** header["lfsr"]["width"] if draw else seed == 0 for seed, draw in zip(arrays["seeds"], drawing)), "seeds")

    def neurons(self):
        """Of each neuron, in the order of the file: structure, ports, parameters and states by name, drive, its table, seed, and noise."""
        seeds = iter(self.arrays["seeds"])
        for k, population in enumerate(self.header["populations"]):
            neuron, flat, names = population["neuron"], self.arrays[f"population{k}.sets"], [name for name, _, _ in columns(population["neuron"])]
            for i, at in enumerate(self.arrays[f"population{k}.index"]):
                values = dict(zip(names, flat[len(names) * at:len(names) * (at + 1)]))
                state = {name: self.arrays[f"population{k}.state.{name}"][i] for name, _, _ in states(neuron)}
                noise = (population["noise"]["weight"], self.arrays[f"population{k}.noise"]) if "noise" in population else None
                yield neuron, [*ports(neuron)], values, state, population["drive"], self.arrays.get(f"population{k}.limits"), next(seeds), noise

    def check_population(self, here, population):
        arrays, neuron, drive = self.arrays, population["neuron"], population["drive"]
        ranges = columns(neuron)
        flat, many = arrays[here + "sets"], len(ranges)
        within([len(flat) // many], 1, 65536, "the number of sets")
        for place, (name, low, high) in enumerate(ranges):
            within(flat[place::many], low, high, name)
        if neuron.get("reset") == "value":
            demand(all(reset < threshold for threshold, reset in zip(flat[2::many], flat[3::many])), "reset is below threshold")
        if neuron["kind"] == "izhikevich":
            demand(all(c < peak for c, peak in zip(flat[5::many], flat[7::many])), "c is below peak")
        within(arrays[here + "index"], 0, len(flat) // many - 1, "index")
        for name, low, high in states(neuron):
            within(arrays[f"{here}state.{name}"], low, high, name)
        for name in [*["limits"] * bool(drive), *["noise"] * ("noise" in population)]:
            table = arrays[here + name]
            demand(len(table) in [2**depth - 1 for depth in range(1, 9)] and rises(table), "a table has 2^depth - 1 entries that ascend")
        if drive:
            limits = arrays[here + "limits"]
            for i in range(population["size"]):
                self.most[population["name"], i, drive["port"]] += abs(drive["weight"]) * (drive["offset"] + len(limits))

    def check_projection(self, here, projection):
        target, = (population for population in self.header["populations"] if population["name"] == projection["target"])
        if "generated" in projection:
            made = projection["generated"]
            for i in range(target["size"]):
                self.most[projection["target"], i, projection["port"]] += made["in_degree"] * abs(made["weight"])
            return
        indptr, indices, weights, delays = (self.arrays[here + name] for name in ("indptr", "indices", "weights", "delays"))
        demand(len(indices) == len(weights) == len(delays), "a synapse has a target, a weight and a delay")
        demand(indptr[0] == 0 and indptr[-1] == len(indices) and rises(indptr), "indptr ascends from 0 to the number of synapses")
        within(indices, 0, target["size"] - 1, "a target")
        within(weights, *span(ports(target["neuron"])[projection["port"]]), "a weight")
        within(delays, 1, 255, "a delay")
        for first, end in zip(indptr, indptr[1:]):
            demand(rises(list(zip(delays[first:end], indices[first:end], weights[first:end]))), "a row ascends")
        for i, weight in zip(indices, weights):
            self.most[projection["target"], i, projection["port"]] += abs(weight)

