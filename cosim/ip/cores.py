"""Cores to give away: the geometry that a network needs, the words that load it, and what the golden model has it give in its first steps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from amaranth.lib.wiring import Component

from spikegate.cosim.engines import point_rtl, rtl
from spikegate.cosim.ip.parameters import Parameter
from spikegate.gateware.core.core import Core, CoreGeometry
from spikegate.gateware.core.point_core import PointCore
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.golden import Golden, predicted_phases
from spikegate.models.core.point_golden import PointGolden
from spikegate.models.core.point_image import state_fields
from spikegate.models.errors import InputError
from spikegate.models.network.network import Network
from spikegate.models.network.point import PointNetwork
from spikegate.models.network.projection import SpikeInput
from spikegate.models.network.recording import Recording

__all__ = ["CORE", "POINT_CORE", "STEPS", "Booted", "booted"]

#: Steps that a bench runs at most.
STEPS = 40
#: Step of the event that ends a list of recorded ones: it never comes.
NEVER = (1 << 32) - 1
LANES = Parameter(int, 8, "Neurons that are updated side by side, 1..N.")
CORE = {"lanes": LANES, "store": Parameter(int | None, None, "Bits of a word of a store; none for rows as bitmaps."),
        "walk": Parameter(bool, False, "A serial search of the drive table, smaller and slower."),
        "banks": Parameter(int, 1, "Words of a row that are delivered in one cycle; not with a store.")}
POINT_CORE = {"lanes": LANES}
#: A neuron's fields in a lane of a word of the sweep stream: name in the trace, offset, width.
Places = list[tuple[str, int, int]]


@dataclass(frozen=True)
class Booted:
    """A core with a network that its example loads, and what the bench expects of it.

    Parameters
    ----------
    name, title : str
    make : callable
        Makes the component.
    geometry : CoreGeometry or PointGeometry
    network : Network or PointNetwork
        Cut to the steps of the bench.
    recording : Recording
        Of the golden model, with its trace.
    words : numpy.ndarray
        Load words, as the geometry's ``load_layout``, the one that starts the run last.
    places : list
        For each neuron, its fields in its lane.
    cycles_of : callable
        Clock cycles of a run with such a recording, as predicted.
    """

    name: str
    title: str
    make: Callable[[], Component]
    geometry: CoreGeometry | PointGeometry
    network: Network | PointNetwork
    recording: Recording
    words: np.ndarray
    places: list[Places]
    cycles_of: Callable[[Recording], int]

    @property
    def cycles(self) -> int:
        """Clock cycles of the bench's run."""
        return self.cycles_of(self.recording)

    @property
    def load_bits(self) -> int:
        """Of a load word."""
        return int(self.geometry.load_layout().size)

    @property
    def lane_bits(self) -> int:
        """Of a neuron in a word of the sweep stream."""
        return int(self.geometry.lane_layout().size)

    @property
    def loads(self) -> list[int]:
        """Load words as numbers."""
        size = self.load_bits // 8
        return [int.from_bytes(word.tobytes()[:size], "little") for word in self.words]

    @property
    def events(self) -> list[int]:
        """Recorded events as the ``events`` stream takes them, the last one never."""
        found = self.network.input_events.tolist() if isinstance(self.network, PointNetwork) else []
        return [step | source << 32 for step, source in [*found, (NEVER, 0)]]

    def _word(self, lanes: list[int], spikes: int) -> int:
        packed = sum(value << self.lane_bits * lane for lane, value in enumerate(lanes))
        return packed | spikes << self.lane_bits * self.geometry.lanes

    @cached_property
    def masks(self) -> list[int]:
        """Bits of each word of a sweep that the golden model knows: a spike for each lane, above the lanes."""
        g, layout, found = self.geometry, self.geometry.lane_layout(), []
        for first in range(0, g.words * g.lanes, g.lanes):
            lanes = [sum((1 << width) - 1 << offset for _, offset, width in self.places[neuron]) | 1 << layout["spike"].offset
                     if neuron < self.network.n else 0 for neuron in range(first, first + g.lanes)]
            found.append(self._word(lanes, sum(1 << k for k in range(g.lanes) if first + k < self.network.n)))
        return found

    @cached_property
    def sweeps(self) -> list[int]:
        """What each word of each sweep must be, where its mask is 1."""
        g, n, spike = self.geometry, self.network.n, self.geometry.lane_layout()["spike"].offset
        fired = np.zeros((self.recording.steps, n), bool)
        fired[tuple(self.recording.spikes.T)] = True
        trace = {name: values.astype(np.int64).tolist() for name, values in self.recording.trace.items()}
        found = []
        for step, spikes in enumerate(fired.tolist()):
            rows = {name: values[step] for name, values in trace.items()}
            neurons = [sum((rows[name][i] & (1 << width) - 1) << offset for name, offset, width in self.places[i]) | spikes[i] << spike
                       for i in range(n)]
            neurons += [0] * (g.words * g.lanes - n)
            spikes += [False] * (g.words * g.lanes - n)
            for first in range(0, len(neurons), g.lanes):
                mask = sum(1 << k for k in range(g.lanes) if spikes[first + k])
                found.append(self._word(neurons[first:first + g.lanes], mask))
        return found


def booted(network: Network | PointNetwork, values: Mapping[str, Any]) -> Booted:
    """The core that runs a network, with parameters of `CORE` or `POINT_CORE`.

    Raises
    ------
    InputError
        If there is no such core, or the network has streams.
    """
    return _point(network, values) if isinstance(network, PointNetwork) else _brunel(network, values)


def _brunel(network: Network, values: Mapping[str, Any]) -> Booted:
    if network.streams is not None:
        raise InputError(f"Network {network.name!r} must have fixed-point synapses, not streams of bits ({network.variant}); leave out --variant")
    g, short = CoreGeometry.of(network, **values), network.replace(steps=min(STEPS, network.steps))
    recording = Golden().run(short, trace=True)
    layout = g.lane_layout()
    places = [(name, layout[name].offset, layout[name].width) for name in ("v", "hold", "overflow", "events")]
    words = np.concatenate([rtl.load_words(network, g), rtl.run_word(g, short.steps)])
    options = {name: value for name, value in values.items() if name != "lanes"}
    return Booted("core", "Core of Brunel's network", lambda: Core(g), g, short, recording, words, [places] * network.n,
                  lambda ran: sum(predicted_phases(short, ran, g.lanes, **options).values()))


def _point(network: PointNetwork, values: Mapping[str, Any]) -> Booted:
    steps = min(STEPS, network.steps)
    inputs = []
    for source in network.inputs:
        early = source.steps < steps
        inputs.append(SpikeInput(source.name, source.size, source.steps[early], source.channels[early]))
    g, short = PointGeometry.of(network, values["lanes"]), network.replace(steps=steps, inputs=tuple(inputs))
    recording, events, places = PointGolden().run(short, trace=True), g.lane_layout()["events"], []
    for each in network.populations:
        at, mine = 0, []
        for name, field in state_fields(each.neuron).items():
            mine.append((name, at, field.width))
            at += field.width
        places += [[*mine, ("events", events.offset, events.width)]] * each.size
    words = np.concatenate([point_rtl.load_words(network, g), rtl.run_word(g, steps)])
    return Booted("point_core", "Core of a network of point neurons", lambda: PointCore(g), g, short, recording, words, places,
                  lambda ran: cast(int, g.cycles(short, ran)))
