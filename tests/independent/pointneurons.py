"""Kinds of neurons in the file of a network of point neurons (docs/point_networks.md, section 1), and what any part of a header is checked by."""

__all__ = ["check_neuron", "columns", "demand", "each", "keys", "one_of", "ports", "printable", "proper", "span", "states", "whole"]

LIMITS = {"leak_fraction": (1, 28), "decay_fraction": (1, 28), "coupling_bits": (1, 24), "coupling_shift": (0, 40)}
IZHIKEVICH = {"slope_fraction": (1, 24), "square_bits": (1, 24), "square_shift": (0, 40), "a_fraction": (1, 28), "b_bits": (2, 24),
              "b_shift": (0, 40)}
STRUCTURE = {"kind", "format", "current_format", "currents", "rounding", "overflow", "order", "reset", *LIMITS}


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


def check_izhikevich(neuron):
    """Section 1, of an izhikevich."""
    keys(neuron, {"kind", "format", "u_format", "rounding", "overflow", "order", *IZHIKEVICH}, "an izhikevich")
    check_format(neuron["format"], "format")
    check_format(neuron["u_format"], "u_format")
    demand(neuron["u_format"]["fraction"] >= neuron["format"]["fraction"], "u has at least the fraction bits of the membrane")
    for name, options in (("rounding", ("floor", "nearest")), ("overflow", ("saturate", "wrap")), ("order", ("published", "brian2"))):
        one_of(neuron[name], options, name)
    for name, limits in IZHIKEVICH.items():
        whole(neuron[name], *limits, name)
    width = neuron["format"]["width"]
    demand(2 * width + neuron["square_bits"] - neuron["square_shift"] <= 61, "a product with square has at most 61 bits")
    demand(width + neuron["b_bits"] + neuron["a_fraction"] - neuron["b_shift"] <= 61, "a product with b has at most 61 bits")


def check_neuron(neuron):
    """Section 1."""
    if type(neuron) is dict and neuron.get("kind") == "bernoulli":
        return keys(neuron, ["kind"], "a bernoulli neuron")
    if type(neuron) is dict and neuron.get("kind") == "izhikevich":
        return check_izhikevich(neuron)
    keys(neuron, STRUCTURE, "a neuron")
    one_of(neuron["kind"], ("lif", "cuba_lif"), "kind")
    currents = each(neuron["currents"], "currents")
    demand((1 <= len(currents) <= 2) if neuron["kind"] == "cuba_lif" else not currents, "a cuba_lif has one or two currents, a lif none")
    demand(all(map(proper, currents)) and len(set(currents)) == len(currents), "names of currents are different identifiers")
    demand(not {"v", "hold", "overflow", "fired"} & set(currents), "a current has the name of no other state")
    check_format(neuron["format"], "format")
    check_format(neuron["current_format"], "current_format")
    one_of(neuron["rounding"], ("floor", "nearest") if currents else ("floor", "nearest", "stochastic"), "rounding")
    for name, options in (("overflow", ("saturate", "wrap")), ("order", ("published", "brian2")), ("reset", ("value", "subtract"))):
        one_of(neuron[name], options, name)
    for name, limits in LIMITS.items():
        whole(neuron[name], *limits, name)


def ports(neuron):
    """The format of each port."""
    current_ports = {name: neuron["current_format"] for name in neuron.get("currents", ())}
    return {} if neuron["kind"] == "bernoulli" else current_ports or {"v": neuron["format"]}


def columns(neuron):
    """Name, lowest and highest value of each column of a parameter set."""
    if neuron["kind"] == "bernoulli":
        return [("chance", 0, 1 << 32)]
    low, high = span(neuron["format"])
    if neuron["kind"] == "izhikevich":
        steep, b = 1 << neuron["slope_fraction"] + 3, 1 << neuron["b_bits"] - 1
        return [("square", 0, (1 << neuron["square_bits"]) - 1), ("slope", -steep, steep - 1), ("bias", low, high),
                ("a", 0, 1 << neuron["a_fraction"]), ("b", -b, b - 1), ("c", low, high), ("d", *span(neuron["u_format"])), ("peak", low, high)]
    found = [("leak", 0, 1 << neuron["leak_fraction"]), ("rest", low, high), ("threshold", low, high),
             ("reset", 1 if neuron["reset"] == "subtract" else low, high), ("refractory", 0, 255), ("bias", low, high)]
    for name in neuron["currents"]:
        found += [("decay of " + name, 0, 1 << neuron["decay_fraction"]), ("coupling of " + name, 0, (1 << neuron["coupling_bits"]) - 1)]
    return found


def states(neuron):
    """Name, lowest and highest value of each state."""
    if neuron["kind"] == "bernoulli":
        return []
    second = ("u", *span(neuron["u_format"])) if neuron["kind"] == "izhikevich" else ("hold", 0, 255)
    found = [("v", *span(neuron["format"])), second, ("overflow", 0, 1)]
    found += [("fired", 0, 1)] if neuron["order"] == "brian2" else []
    return found + [(name, *span(neuron["current_format"])) for name in neuron.get("currents", ())]
