"""The file of a network of point neurons (docs/point_networks.md): all that breaks a limit of the page is refused."""

__all__ = ["PointFile", "check"]

import math
from collections import Counter

LIMITS = {"leak_fraction": (1, 28), "decay_fraction": (1, 28), "coupling_bits": (1, 24), "coupling_shift": (0, 40)}
QUADRATIC = {"slope_fraction": (1, 24), "square_bits": (1, 24), "square_shift": (0, 40), "a_fraction": (1, 28), "b_bits": (2, 24), "b_shift": (0, 40)}


def demand(kept, rule):
    if not kept:
        raise ValueError(rule)


def whole(value, low, high, what):
    demand(type(value) is int and low <= value <= high, f"{what} is an integer in {low}..{high}, not {value!r}")


def one_of(value, options, what):
    demand(type(value) is str and value in options, f"{what} is one of {', '.join(options)}, not {value!r}")


def keys(value, names, what):
    demand(type(value) is dict and set(value) == set(names), f"{what} has the keys {', '.join(names)} and no other")


def each(value, what):
    demand(type(value) is list, f"{what} is a list")
    return value


def printable(value):
    return type(value) is str and value.isprintable()


def proper(name):
    return type(name) is str and name.isascii() and name.isidentifier()


def span(form):
    """Lowest and highest number of a format."""
    return -(1 << form["width"] - 1), (1 << form["width"] - 1) - 1


def check_format(form, what):
    keys(form, ("width", "fraction"), what)
    whole(form["width"], 2, 32, f"width of {what}")
    whole(form["fraction"], 1, min(form["width"] - 1, 54 - form["width"]), f"fraction of {what}")


def check_neuron(neuron):
    """Section 1."""
    kind = neuron.get("kind") if type(neuron) is dict else None
    if kind == "bernoulli":
        return keys(neuron, ["kind"], "a bernoulli neuron")
    quadratic, currents = kind == "izhikevich", []
    more, limits = ("u_format", QUADRATIC) if quadratic else ("current_format", LIMITS)
    keys(neuron, {"kind", "format", more, "rounding", "overflow", "order", *limits} | (set() if quadratic else {"currents", "reset"}), "a neuron")
    if not quadratic:
        one_of(kind, ("lif", "cuba_lif"), "kind")
        currents = each(neuron["currents"], "currents")
        demand((1 <= len(currents) <= 2) if kind == "cuba_lif" else not currents, "a cuba_lif has one or two currents, a lif none")
        demand(all(map(proper, currents)) and len({*currents, "v", "hold", "overflow", "fired"}) == len(currents) + 4, "names of currents differ")
        one_of(neuron["reset"], ("value", "subtract"), "reset")
    check_format(neuron["format"], "format")
    check_format(neuron[more], more)
    one_of(neuron["rounding"], ("floor", "nearest") if currents or quadratic else ("floor", "nearest", "stochastic"), "rounding")
    one_of(neuron["overflow"], ("saturate", "wrap"), "overflow")
    one_of(neuron["order"], ("published", "brian2"), "order")
    for name, ends in limits.items():
        whole(neuron[name], *ends, name)
    if quadratic:
        demand(neuron["u_format"]["fraction"] >= neuron["format"]["fraction"], "u has at least the fraction bits of the membrane")
        bits = neuron["format"]["width"] + neuron["square_bits"] - neuron["square_shift"], neuron["b_bits"] + neuron["a_fraction"] - neuron["b_shift"]
        demand(neuron["format"]["width"] + max(bits) <= 61, "a product with square or b has at most 61 bits")


def ports(neuron):
    """The format of each port."""
    named = {name: neuron["current_format"] for name in neuron.get("currents", ())}
    return {} if neuron["kind"] == "bernoulli" else named or {"v": neuron["format"]}


def columns(neuron):
    """Name, lowest and highest value of each column of a parameter set."""
    if neuron["kind"] == "bernoulli":
        return [("chance", 0, 1 << 32)]
    low, high = span(neuron["format"])
    if neuron["kind"] == "izhikevich":
        steep, b = 1 << neuron["slope_fraction"] + 3, 1 << neuron["b_bits"] - 1
        return [("square", 0, (1 << neuron["square_bits"]) - 1), ("slope", -steep, steep - 1), ("bias", low, high),
                ("a", 0, 1 << neuron["a_fraction"]), ("b", -b, b - 1), ("c", low, high), ("d", *span(neuron["u_format"])), ("peak", low, high)]
    most = {"decay of ": 1 << neuron["decay_fraction"], "coupling of ": (1 << neuron["coupling_bits"]) - 1}
    return [("leak", 0, 1 << neuron["leak_fraction"]), ("rest", low, high), ("threshold", low, high),
            ("reset", 1 if neuron["reset"] == "subtract" else low, high), ("refractory", 0, 255), ("bias", low, high),
            *((what + name, 0, most[what]) for name in neuron["currents"] for what in most)]


def states(neuron):
    """Name, lowest and highest value of each state."""
    if neuron["kind"] == "bernoulli":
        return []
    second = ("u", *span(neuron["u_format"])) if neuron["kind"] == "izhikevich" else ("hold", 0, 255)
    fired = [("fired", 0, 1)] if neuron["order"] == "brian2" else []
    currents = [(name, *span(neuron["current_format"])) for name in neuron.get("currents", ())]
    return [("v", *span(neuron["format"])), second, ("overflow", 0, 1), *fired, *currents]


def random_bits(neuron):
    return neuron["leak_fraction"] if neuron.get("rounding") == "stochastic" else 0


def check(header):
    """Section 4, all but what is in the arrays."""
    keys(header, "arrays dt_ns inputs lfsr name populations projections source steps".split(), "the header")
    whole(header["steps"], 1, 2**31 - 1, "steps")
    whole(header["dt_ns"], 1, 10**9, "dt_ns")
    demand(printable(header["name"]), "the name is printable")
    for name, value in header["source"].items() if type(header["source"]) is dict else demand(False, "source is an object"):
        demand(printable(name) and (printable(value) or type(value) in (bool, int, float) and math.isfinite(value)), "source is plain")
    demand(each(header["populations"], "populations"), "there is a population")
    for population in header["populations"]:
        keys(population, ("name", "size", "neuron", "drive"), "a population")
        check_neuron(population["neuron"])
        drive, there = population["drive"], ports(population["neuron"])
        if drive is not None:
            keys(drive, ("weight", "port", "offset"), "a drive")
            one_of(drive["port"], there, "port of a drive")
            whole(drive["weight"], *span(there[drive["port"]]), "weight of a drive")
            whole(drive["offset"], 0, 65535, "offset")
    both = header["populations"] + [source for source in each(header["inputs"], "inputs") if not keys(source, ("name", "size"), "an input")]
    for source in both:
        demand(proper(source["name"]), "a name is of letters, digits and _")
        whole(source["size"], 1, math.inf, "size")
    demand(len({source["name"] for source in both}) == len(both), "all names differ")
    kinds = {population["name"]: population["neuron"] for population in header["populations"]}
    for projection in each(header["projections"], "projections"):
        keys(projection, ("source", "target", "port"), "a projection")
        one_of(projection["source"], {source["name"] for source in both}, "source")
        one_of(projection["target"], kinds, "target")
        one_of(projection["port"], ports(kinds[projection["target"]]), "port of a projection")
    lfsr = header["lfsr"]
    keys(lfsr, ("width", "taps", "leap"), "lfsr")
    whole(lfsr["width"], 32 + max(map(random_bits, kinds.values())), 64, "width of lfsr")
    for above, tap in zip([lfsr["width"] + 1, *each(lfsr["taps"], "taps")], lfsr["taps"]):
        whole(tap, 1, above - 1, "a tap")
    demand(lfsr["taps"] and lfsr["taps"][0] == lfsr["width"], "the first tap is the width")
    whole(lfsr["leap"], 32, lfsr["taps"][-1], "leap")
    wanted, found = list(layout(header)), each(header["arrays"], "arrays")
    demand(len(wanted) == len(found), "there are as many arrays as the header asks for")
    for (name, kind, shape), entry in zip(wanted, found):
        keys(entry, ("name", "dtype", "shape"), "an array")
        demand(entry["name"] == name and entry["dtype"] == kind, f"here stands {name}, of type {kind}")
        demand(len(each(entry["shape"], "shape")) == len(shape), f"{name} has {len(shape)} dimensions")
        for extent, given in zip(shape, entry["shape"]):
            whole(given, extent or 0, math.inf if extent is None else extent, f"an extent of {name}")


def layout(header):
    """Name, type and shape of each array; None where the file is free."""
    sizes = {source["name"]: source["size"] for source in header["populations"] + header["inputs"]}
    for k, population in enumerate(header["populations"]):
        yield f"population{k}.sets", "<i8", [None, len(columns(population["neuron"]))]
        yield f"population{k}.index", "<u2", [population["size"]]
        yield from ((f"population{k}.state.{name}", "<i4", [population["size"]]) for name, _, _ in states(population["neuron"]))
        if population["drive"]:
            yield f"population{k}.limits", "<u4", [None]
    for k in range(len(header["inputs"])):
        yield from ((f"input{k}.{name}", "<u4", [None]) for name in ("steps", "channels"))
    for k, projection in enumerate(header["projections"]):
        yield f"projection{k}.indptr", "<u4", [sizes[projection["source"]] + 1]
        yield from ((f"projection{k}.{name}", kind, [None]) for name, kind in (("indices", "<u4"), ("weights", "<i4"), ("delays", "|u1")))
    yield "seeds", "<u8", [sum(population["size"] for population in header["populations"])]


def within(values, low, high, what):
    demand(all(low <= value <= high for value in values), f"{what} lies in {low}..{high}")


def rises(values, strictly=False):
    return all(a < b or not strictly and a == b for a, b in zip(values, values[1:]))


class PointFile:
    """``header``, a dict, and every array as a list of integers, row by row, under its name. Limits of the arrays are those of section 4."""

    def __init__(self, header, arrays):
        self.header, self.arrays = header, arrays
        self.first, self.sources, self.most = {}, 0, Counter()
        for source in header["populations"] + header["inputs"]:
            self.first[source["name"]] = self.sources
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
        drawing = [each["neuron"]["kind"] == "bernoulli" or each["drive"] is not None or random_bits(each["neuron"]) > 0
                   for each in header["populations"] for _ in range(each["size"])]
        demand(all(0 < seed < 2 ** header["lfsr"]["width"] if draw else seed == 0 for seed, draw in zip(arrays["seeds"], drawing)), "seeds")

    def neurons(self):
        """Of each neuron, in the order of the file: structure, ports, parameters and states by name, drive, its table, and seed."""
        seeds = iter(self.arrays["seeds"])
        for k, population in enumerate(self.header["populations"]):
            neuron, flat, names = population["neuron"], self.arrays[f"population{k}.sets"], [name for name, _, _ in columns(population["neuron"])]
            for i, at in enumerate(self.arrays[f"population{k}.index"]):
                values = dict(zip(names, flat[len(names) * at:len(names) * (at + 1)]))
                state = {name: self.arrays[f"population{k}.state.{name}"][i] for name, _, _ in states(neuron)}
                yield neuron, [*ports(neuron)], values, state, population["drive"], self.arrays.get(f"population{k}.limits"), next(seeds)

    def check_population(self, here, population):
        arrays, neuron, drive = self.arrays, population["neuron"], population["drive"]
        ranges = columns(neuron)
        flat, many = arrays[here + "sets"], len(ranges)
        within([len(flat) // many], 1, 65536, "the number of sets")
        for place, (name, low, high) in enumerate(ranges):
            within(flat[place::many], low, high, name)
        above, below = {"value": (2, 3)}.get(neuron.get("reset")) or {"izhikevich": (7, 5)}.get(neuron["kind"]) or (None, None)
        if above:
            demand(all(a > b for a, b in zip(flat[above::many], flat[below::many])), f"{ranges[below][0]} is below {ranges[above][0]}")
        within(arrays[here + "index"], 0, len(flat) // many - 1, "index")
        for name, low, high in states(neuron):
            within(arrays[f"{here}state.{name}"], low, high, name)
        if drive:
            limits = arrays[here + "limits"]
            demand(len(limits) in [2**depth - 1 for depth in range(1, 9)] and rises(limits), "a table has 2^depth - 1 entries that ascend")
            for i in range(population["size"]):
                self.most[population["name"], i, drive["port"]] += abs(drive["weight"]) * (drive["offset"] + len(limits))

    def check_projection(self, here, projection):
        target, = (population for population in self.header["populations"] if population["name"] == projection["target"])
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

