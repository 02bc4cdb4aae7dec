"""Structures of neurons (docs/point_networks.md, section 1): what is refused, and the names and ranges of ports, parameters and states."""

__all__ = ["demand", "whole", "one_of", "keys", "each", "printable", "proper", "span", "check_neuron", "ports", "columns", "states", "random_bits"]

ADAPTIVE = {"kicks", "theta_format", "w_format", "theta_fraction", "w_fraction", "slope"}
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
    adaptive = type(neuron) is dict and neuron.get("kind") == "adaptive_lif"
    said = {"held"} & set(neuron) if type(neuron) is dict else set()
    keys(neuron, (STRUCTURE | ADAPTIVE if adaptive else STRUCTURE) | said, "a neuron")
    one_of(neuron["kind"], ("lif", "cuba_lif", "kicked_cuba_lif", "adaptive_lif"), "kind")
    currents = each(neuron["currents"], "currents")
    least, most = {"lif": (0, 0), "adaptive_lif": (0, 2)}.get(neuron["kind"], (1, 2))
    demand(least <= len(currents) <= most, "a cuba_lif has one or two currents, a lif none")
    demand(all(map(proper, currents)) and len(set(currents)) == len(currents), "names of currents are different identifiers")
    demand(not {"v", "hold", "overflow", "fired"} & set(currents), "a current has the name of no other state")
    check_format(neuron["format"], "format")
    check_format(neuron["current_format"], "current_format")
    if adaptive:
        check_adaptation(neuron)
    one_of(neuron["rounding"], ("floor", "nearest") if currents or adaptive else ("floor", "nearest", "stochastic"), "rounding")
    for name, options in (("overflow", ("saturate", "wrap")), ("order", ("published", "brian2")), ("reset", ("value", "subtract"))):
        one_of(neuron[name], options, name)
    if said:
        one_of(neuron["held"], ("spikes", "all") if currents else ("spikes",), "held")
    for name, limits in LIMITS.items():
        whole(neuron[name], *limits, name)


def check_adaptation(neuron):
    """What an adaptive_lif has besides."""
    for name in ("kicks", "slope"):
        demand(type(neuron[name]) is bool, f"{name} is true or false")
    for name in ("theta", "w"):
        whole(neuron[name + "_fraction"], 1, 28, name + "_fraction")
        if neuron[name + "_format"] is not None:
            check_format(neuron[name + "_format"], name + "_format")
    demand(adapted(neuron), "an adaptive_lif has theta or w")
    demand(not {"theta", "w"} & set(neuron["currents"]), "a current has the name of no other state")
    if "theta" in adapted(neuron):
        demand(neuron["theta_format"]["fraction"] >= neuron["format"]["fraction"], "theta has the membrane's fraction")
    demand(not neuron["slope"] or "w" in adapted(neuron), "a slope has a w")
    demand(not neuron["kicks"] or neuron["currents"], "kicks stand beside currents")


def adapted(neuron):
    """Those of theta and w that a neuron has."""
    return [name for name in ("theta", "w") if neuron.get(name + "_format") is not None]


def ports(neuron):
    """The format of each port."""
    current_ports = {name: neuron["current_format"] for name in neuron.get("currents", ())}
    return current_ports | ({"v": neuron["format"]} if neuron["kind"] in ("lif", "kicked_cuba_lif", "izhikevich") or neuron.get("kicks") or
                            neuron["kind"] == "adaptive_lif" and not current_ports else {})


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
    top = (1 << neuron["coupling_bits"]) - 1
    for name in adapted(neuron):
        found += [("jump of " + name, *span(neuron[name + "_format"])), ("decay of " + name, 0, 1 << neuron[name + "_fraction"])]
    if "w" in adapted(neuron):
        found += [("coupling of w", 0, top)] + [("slope of w", -top, top)] * neuron["slope"]
    return found


def states(neuron):
    """Name, lowest and highest value of each state."""
    if neuron["kind"] == "bernoulli":
        return []
    second = ("u", *span(neuron["u_format"])) if neuron["kind"] == "izhikevich" else ("hold", 0, 255)
    found = [("v", *span(neuron["format"])), second, ("overflow", 0, 1)]
    found += [("fired", 0, 1)] if neuron["order"] == "brian2" else []
    found += [(name, *span(neuron["current_format"])) for name in neuron.get("currents", ())]
    return found + [(name, *span(neuron[name + "_format"])) for name in adapted(neuron)]


def random_bits(neuron):
    return neuron["leak_fraction"] if neuron.get("rounding") == "stochastic" else 0
