"""An engine written from the prose of docs/arithmetic.md alone (sections 1 to 8): the second witness of the arithmetic.

Nothing here comes from the package, and nothing but the standard library is used. Unlike the engine of section 9, a neuron
is an object, and a spike is added to the inbox of the step in which it acts as soon as it is fired.
"""

__all__ = ["Neuron", "Register", "Weights", "fires", "given", "rounding", "simulate", "wrapped"]

from bisect import bisect_left


class Register:
    """A shift register that gives its state and then leaps (section 6)."""

    def __init__(self, state, width, taps, leap):
        self.state, self.leap = state, leap
        self.shifts = [tap - leap for tap in taps]
        self.fresh, self.all = (1 << leap) - 1, (1 << width) - 1

    def draw(self):
        state = self.state
        feedback = 0
        for shift in self.shifts:
            feedback ^= state >> shift
        self.state = (state << self.leap | feedback & self.fresh) & self.all
        return state


def rounding(mode, lost):
    """What is added to a product before its ``lost`` low bits go, given the random bits (section 2)."""
    if mode == "floor":
        return lambda random: 0
    if mode == "nearest":
        return lambda random: 1 << lost - 1
    if mode == "stochastic":
        return lambda random: random
    raise ValueError(f"no such rounding: {mode}")


def fires(v, threshold):
    return v >= threshold


def given(recorded, place, drawn):
    """The events of a neuron and step: those of the file, if it has them (section 8)."""
    return drawn if recorded is None else recorded[place]


def wrapped(value, width):
    """The signed integer of ``width`` bits that equals ``value`` modulo 2^width."""
    return (value + (1 << width - 1)) % (1 << width) - (1 << width - 1)


class Neuron:
    """State of one neuron and its step (sections 3 and 4)."""

    def __init__(self, v, header):
        lif, number = header["lif"], header["format"]
        self.v, self.hold, self.overflow = v, 0, 0
        self.rest, self.leak, self.reset = lif["rest"], lif["leak"], lif["reset"]
        self.threshold, self.refractory = lif["threshold"], lif["refractory"]
        self.lost = lif.get("leak_fraction", number["fraction"])
        self.offset = rounding(lif["rounding"], self.lost)
        self.width = number["width"]
        self.low, self.high = -(1 << self.width - 1), (1 << self.width - 1) - 1
        self.wraps = {"wrap": True, "saturate": False}[lif["overflow"]]

    def step(self, current, random):
        """True if the neuron spikes."""
        if self.hold > 0:
            self.hold -= 1
            return False
        v = self.v
        v += ((self.rest - v) * self.leak + self.offset(random) >> self.lost) + current
        if not self.low <= v <= self.high:
            self.overflow = 1
            if self.wraps:
                v = wrapped(v, self.width)
            else:
                v = self.high if v > self.high else self.low
        if not fires(v, self.threshold):
            self.v = v
            return False
        self.v, self.hold = self.reset, self.refractory
        return True


class Weights:
    """Synapses that add the weight of their source (section 5)."""

    def __init__(self, network):
        self.weights = network.arrays["weights"]
        self.targets = [network.targets(source) for source in range(network.count)]

    def deliver(self, sources, inbox):
        for source in sources:
            weight = self.weights[source]
            for target in self.targets[source]:
                inbox[target] += weight


def simulate(network, synapses):
    """After each step: the neurons that fired, ascending, and the values of all neurons by name."""
    header, arrays, count = network.header, network.arrays, network.count
    lfsr, delay, event, steps = header["lfsr"], header["delay"], header["drive"]["weight"], header["steps"]
    registers = [Register(seed, lfsr["width"], lfsr["taps"], lfsr["leap"]) for seed in arrays["seeds"]]
    neurons = [Neuron(v, header) for v in arrays["v0"]]
    random_mask = (1 << neurons[0].lost) - 1
    input_width = header["format"]["width"] + 4
    recorded = arrays.get("external")
    inboxes = [[0] * count for _ in range(delay)]
    for step in range(steps):
        inbox, fired, events = inboxes.pop(0), [], []
        inboxes.append([0] * count)
        for k in range(count):
            state = registers[k].draw()
            events.append(given(recorded, step * count + k, bisect_left(arrays["limits"], state & 0xFFFFFFFF)))
            current = wrapped(inbox[k] + events[k] * event, input_width)
            if neurons[k].step(current, state >> 32 & random_mask):
                fired.append(k)
        if step + delay <= steps:
            synapses.deliver(fired, inboxes[-1])
        yield fired, {"events": events, **{name: [getattr(neuron, name) for neuron in neurons] for name in ("v", "hold", "overflow")}}
