"""An engine for networks of point neurons, written from the prose of docs/point_networks.md and docs/arithmetic.md alone.

Unlike the engine of the page, a port keeps the sums of all coming steps itself, a synapse knows the port where it ends, and each
kind and order of neuron is a class, in pointsteps.py.
"""

from independent.generated import pairs
from independent.pointsteps import LINEAR, STEPPERS

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
        if "generated" in projection:
            made, names = projection["generated"], (projection["source"], projection["target"])
            for source, target in pairs(made, [file.sizes[name] for name in names], file.first[names[1]], names[0] == names[1]):
                port = found[file.first[names[1]] + target].ports[projection["port"]]
                rows[file.first[names[0]] + source].append((port, made["weight"], made["delay"]))
            continue
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
