"""A step of each kind of neuron in each order (docs/point_networks.md, section 2)."""

from fractions import Fraction

__all__ = ["LINEAR", "STEPPERS"]


class Bernoulli:
    """A neuron without ports that spikes by chance."""

    def __init__(self, neuron, values, state):
        self.state, self.chance = state, values["chance"]

    def step(self, sums, register, noise):
        return register % 2**32 < self.chance


class Published:
    """A membrane with or without currents, in the published order (section 2)."""

    last_held = 0

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

    def goes_on(self):
        """Whether a held neuron is one that does not spike, and nothing else."""
        return self.neuron.get("held") == "spikes"

    def flow(self, sums):
        """What all currents do to the membrane, after which they decay."""
        total, stops = 0, self.neuron.get("held") == "all"
        for name in self.neuron["currents"]:
            current = self.fit(self.state[name] + (0 if stops and self.state["hold"] > 0 else sums[name]), "current_format")
            total += self.round(current * self.values["coupling of " + name], self.neuron["coupling_shift"])
            if stops and self.state["hold"] > self.last_held:
                continue
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
            if self.goes_on():
                self.move(sums.get("v", 0) + flow, register)
            return False
        if self.move(sums.get("v", 0) + flow, register) < self.threshold():
            return False
        self.reset()
        self.jump()
        self.state["hold"] = self.values["refractory"]
        return True


class Brian2(Published):
    """The same in Brian2's order: first the rest of the step before, synapses and reset, then the membrane and the threshold."""

    last_held = 1

    def step(self, sums, register, noise):
        flow = self.flow(sums) + noise
        if self.state["hold"] == 0 or self.goes_on():
            self.state["v"] = self.fit(self.state["v"] + sums.get("v", 0))
        if self.state["fired"]:
            self.reset()
            self.jump()
        self.state["fired"] = 0
        flow -= self.adapt()
        if self.state["hold"] > 0:
            self.state["hold"] -= 1
        if self.state["hold"] > 0:
            if self.goes_on():
                self.move(flow, register)
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
