"""An engine for networks of point neurons, written from the prose of docs/point_networks.md and docs/arithmetic.md alone.

Unlike the engine of the page, a port keeps the sums of all coming steps itself, a synapse knows the port where it ends, and each
kind and order of neuron is a class.
"""

from fractions import Fraction

__all__ = ["cells", "run"]

MOST_DELAY = 255


class Register:
    """A generator, which gives its state and then leaps, one position after the other (arithmetic.md, section 6)."""

    def __init__(self, state, width, taps, leap):
        self.state, self.width, self.taps, self.leap = state, width, taps, leap

    def draw(self):
        before = self.state
        for _ in range(self.leap):
            new = 0
            for tap in self.taps:
                new ^= self.state >> tap - 1
            self.state = (self.state << 1 | new & 1) % (1 << self.width)
        return before


class Port:
    """Where weights add up, step by step."""

    def __init__(self):
        self.sums = [0] * (MOST_DELAY + 1)

    def add(self, step, weight):
        self.sums[step % len(self.sums)] += weight

    def take(self, step):
        place = step % len(self.sums)
        total, self.sums[place] = self.sums[place], 0
        return total


class Drive:
    """Events of a table at one port (section 3)."""

    def __init__(self, drive, limits):
        self.port, self.weight, self.offset, self.limits = drive["port"], drive["weight"], drive["offset"], limits

    def events(self, uniform):
        return self.offset + len([limit for limit in self.limits if limit < uniform])


class Noise:
    """A number of a table that is centred, as many limits on either side but one (section 3)."""

    def __init__(self, weight, limits):
        self.weight, self.limits = weight, limits

    def worth(self, uniform):
        return (len([each for each in self.limits if uniform > each]) - len(self.limits) // 2) * self.weight


class Bernoulli:
    """A neuron without ports that spikes by chance."""

    def __init__(self, neuron, values, state):
        self.state, self.chance = state, values["chance"]

    def step(self, sums, register, noise):
        return register % 2**32 < self.chance


class Published:
    """A membrane with or without currents, in the published order (section 2)."""

    def __init__(self, neuron, values, state):
        self.neuron, self.values, self.state = neuron, values, state

    def round(self, product, bits, random=None):
        """Arithmetic.md, section 2; a product that loses no bits stays."""
        if bits == 0:
            return product
        more = {"floor": 0, "nearest": 1 << bits - 1, "stochastic": random}[self.neuron["rounding"]]
        return product + more >> bits

    def fit(self, x, form="format"):
        half = 1 << self.neuron[form]["width"] - 1
        if -half <= x < half:
            return x
        self.state["overflow"] = 1
        if self.neuron["overflow"] == "wrap":
            return (x + half) % (2 * half) - half
        return -half if x < 0 else half - 1

    def flow(self, sums):
        """What all currents do to the membrane, after which they decay."""
        total = 0
        for name in self.neuron["currents"]:
            current = self.fit(self.state[name] + sums[name], "current_format")
            total += self.round(current * self.values["coupling of " + name], self.neuron["coupling_shift"])
            self.state[name] = current - self.round(current * self.values["decay of " + name], self.neuron["decay_fraction"])
        return total

    def move(self, more, register):
        """The membrane after its leak, its bias and ``more``."""
        v, lost = self.state["v"], self.neuron["leak_fraction"]
        leak = self.round((self.values["rest"] - v) * self.values["leak"], lost, (register >> 32) % 2**lost)
        self.state["v"] = self.fit(v + leak + more + self.values["bias"])
        return self.state["v"]

    def reset(self):
        if self.neuron["reset"] == "value":
            self.state["v"] = self.values["reset"]
        else:
            self.state["v"] = self.fit(self.state["v"] - self.values["reset"])

    def adapt(self):
        """What w takes from the membrane; w and theta decay."""
        taken, w = 0, self.state.get("w")
        if w is not None:
            shift = self.neuron["coupling_shift"]
            taken = self.round(w * self.values["coupling of w"], shift)
            risen = self.round((self.state["v"] - self.values["rest"]) * self.values["slope of w"], shift) if self.neuron["slope"] else 0
            self.state["w"] = self.fit(w - self.round(w * self.values["decay of w"], self.neuron["w_fraction"]) + risen, "w_format")
        if "theta" in self.state:
            self.state["theta"] -= self.round(self.state["theta"] * self.values["decay of theta"], self.neuron["theta_fraction"])
        return taken

    def threshold(self):
        """With theta on top, in a finer unit than the membrane's if theta has one."""
        if "theta" not in self.state:
            return self.values["threshold"]
        finer = self.neuron["theta_format"]["fraction"] - self.neuron["format"]["fraction"]
        return self.values["threshold"] + Fraction(self.state["theta"], 2**finer)

    def jump(self):
        for name in {"theta", "w"} & self.state.keys():
            self.state[name] = self.fit(self.state[name] + self.values["jump of " + name], name + "_format")

    def step(self, sums, register, noise):
        flow = self.flow(sums) - self.adapt() + noise
        if self.state["hold"]:
            self.state["hold"] -= 1
            return False
        if self.move(sums.get("v", 0) + flow, register) < self.threshold():
            return False
        self.reset()
        self.jump()
        self.state["hold"] = self.values["refractory"]
        return True


class Brian2(Published):
    """The same in Brian2's order: first the rest of the step before, synapses and reset, then the membrane and the threshold."""

    def step(self, sums, register, noise):
        flow = self.flow(sums) + noise
        if self.state["hold"] == 0:
            self.state["v"] = self.fit(self.state["v"] + sums.get("v", 0))
        if self.state["fired"]:
            self.reset()
            self.jump()
        self.state["fired"] = 0
        flow -= self.adapt()
        if self.state["hold"] > 0:
            self.state["hold"] -= 1
        if self.state["hold"] > 0:
            return False
        if self.move(flow, register) > self.threshold():
            self.state["fired"] = 1
            self.state["hold"] = self.values["refractory"]
            return True
        return False


class Quadratic:
    """An izhikevich in the published order: how v and u move, and what a spike does to them."""

    def __init__(self, neuron, values, state):
        self.neuron, self.values, self.state = neuron, values, state
        self.half = 0 if neuron["rounding"] == "floor" else 1

    def down(self, number, bits):
        """Arithmetic.md, section 2, without chance."""
        return number + self.half * (1 << bits - 1) >> bits if bits else number

    def keep(self, name, x):
        """The state becomes x, as far as its format holds that."""
        bits = self.neuron["format" if name == "v" else "u_format"]["width"]
        if not -2 ** (bits - 1) <= x < 2 ** (bits - 1):
            self.state["overflow"] = 1
            wraps, ends = self.neuron["overflow"] == "wrap", (-2 ** (bits - 1), 2 ** (bits - 1) - 1)
            x = (x + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1) if wraps else ends[x > 0]
        self.state[name] = x

    def move(self, more):
        v, u, form, values = self.state["v"], self.state["u"], self.neuron, self.values
        slope = self.down(v * values["square"], form["square_shift"]) + values["slope"]
        loss = self.down(u, form["u_format"]["fraction"] - form["format"]["fraction"])
        towards = self.down(v * values["b"], form["b_shift"])
        self.keep("v", v + self.down(v * slope, form["slope_fraction"]) - loss + more + values["bias"])
        self.keep("u", u + self.down((towards - u) * values["a"], form["a_fraction"]))

    def reset(self):
        self.state["v"] = self.values["c"]
        self.keep("u", self.state["u"] + self.values["d"])

    def step(self, sums, register, noise):
        self.move(sums["v"])
        spike = self.state["v"] >= self.values["peak"]
        if spike:
            self.reset()
        return spike


class QuadraticBrian2(Quadratic):
    """The same in Brian2's order."""

    def step(self, sums, register, noise):
        self.keep("v", self.state["v"] + sums["v"])
        if self.state["fired"]:
            self.reset()
        self.move(0)
        self.state["fired"] = int(self.state["v"] > self.values["peak"])
        return self.state["fired"] == 1


#: What steps a neuron, by kind, or else by order.
STEPPERS = {"bernoulli": {None: Bernoulli}, "izhikevich": {"published": Quadratic, "brian2": QuadraticBrian2}}
LINEAR = {"published": Published, "brian2": Brian2}


class Cell:
    """A neuron with its ports, its register if it draws, and its drive if it has one."""

    def __init__(self, lfsr, neuron, ports, values, state, drive, limits, seed, noise):
        kind = STEPPERS.get(neuron["kind"], LINEAR)[neuron.get("order")]
        self.neuron, self.ports = kind(neuron, values, state), {name: Port() for name in ports}
        self.register = Register(seed, lfsr["width"], lfsr["taps"], lfsr["leap"]) if seed else None
        self.drive = Drive(drive, limits) if drive else None
        self.noise = Noise(*noise) if noise else None

    def step(self, now):
        """Whether it spikes, and its events."""
        sums = {name: port.take(now) for name, port in self.ports.items()}
        number = self.register.draw() if self.register else 0
        events = 0
        if self.drive:
            events = self.drive.events(number % 2**32)
            sums[self.drive.port] += events * self.drive.weight
        return self.neuron.step(sums, number, self.noise.worth(number >> 32) if self.noise else 0), events


def cells(file):
    """All neurons, in the order of the file."""
    return [Cell(file.header["lfsr"], *one) for one in file.neurons()]


def synapses(file, found):
    """Of each source, neurons first and then channels: ports, weights and delays."""
    rows = [[] for _ in range(file.sources)]
    for k, projection in enumerate(file.header["projections"]):
        indptr, indices, weights, delays = (file.arrays[f"projection{k}.{name}"] for name in ("indptr", "indices", "weights", "delays"))
        first, target = file.first[projection["source"]], file.first[projection["target"]]
        for row in range(len(indptr) - 1):
            for place in range(indptr[row], indptr[row + 1]):
                port = found[target + indices[place]].ports[projection["port"]]
                rows[first + row].append((port, weights[place], delays[place]))
    return rows


def run(file, found):
    """Advances the cells; after each step, the neurons that fired, ascending, the events of each neuron, and the states of each by name."""
    rows = synapses(file, found)
    outside = {}
    for k, source in enumerate(file.header["inputs"]):
        for step, channel in zip(file.arrays[f"input{k}.steps"], file.arrays[f"input{k}.channels"]):
            outside.setdefault(step, []).append(file.first[source["name"]] + channel)
    for now in range(file.header["steps"]):
        results = [cell.step(now) for cell in found]
        fired = [i for i, (spike, _) in enumerate(results) if spike]
        for source in fired + outside.get(now, []):
            for port, weight, delay in rows[source]:
                port.add(now + delay, weight)
        yield fired, [events for _, events in results], [dict(cell.neuron.state) for cell in found]
