"""What reaches the populations of a network of point neurons: recorded spikes from outside, and synapses with a weight and a delay each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spikegate.models.checks import exact_array, identifier, require_type, require_whole
from spikegate.models.errors import InputError, Problems

__all__ = ["MAX_DELAY", "Place", "SpikeInput", "Projection"]

#: Longest delay in steps.
MAX_DELAY = 255


@dataclass(frozen=True)
class Place:
    """Where the ends of a projection are in its network.

    Parameters
    ----------
    sources, targets : int
        Sizes of the source and of the target.
    first : int
        Number of the target's first neuron.
    recurrent : bool
        Whether both are the same population.
    """

    sources: int
    targets: int
    first: int
    recurrent: bool


@dataclass(frozen=True, eq=False)
class SpikeInput:
    """Spikes from outside.

    Parameters
    ----------
    name : str
    size : int
        Channels, 1 or more.
    steps, channels : numpy.ndarray
        uint32 (events,), ascending by step, then by channel, none twice. A spike of step t arrives as one of a neuron does, at t + delay.
    """

    name: str
    size: int
    steps: np.ndarray
    channels: np.ndarray

    def __post_init__(self) -> None:
        require_type(self, "name", str)
        require_whole(self, "size")
        for name in ("steps", "channels"):
            object.__setattr__(self, name, exact_array(name, getattr(self, name), np.uint32))
        problems = Problems()
        problems.require(identifier(self.name), f"Input must have a name of ASCII letters, digits and _, not {self.name!r}")
        problems.require(self.size >= 1, f"Input {self.name!r} must have at least 1 channel, not {self.size}")
        problems.require(self.steps.shape == self.channels.shape, f"Steps and channels of input {self.name!r} must be as many, not "
                         f"{len(self.steps)} and {len(self.channels)}")
        problems.raise_any()
        if len(self.channels):
            top = int(self.channels.max())
            problems.require(top < self.size, f"Channel {top} of input {self.name!r} must be below its size {self.size}")
        step, channel = np.diff(self.steps.astype(np.int64)), np.diff(self.channels.astype(np.int64))
        problems.require(bool(np.all((step > 0) | ((step == 0) & (channel > 0)))), f"Events of input {self.name!r} must "
                         "ascend by step and channel, none twice")
        problems.raise_any()


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from a population or an input to one port of a population; several between the same two neurons, and on a neuron itself, may be.

    Parameters
    ----------
    source, target, port : str
    indptr : numpy.ndarray
        uint32 (sources + 1,): row s is ``indices[indptr[s]:indptr[s + 1]]``.
    indices : numpy.ndarray
        uint32 (synapses,): neuron of the target population. A row ascends by delay, then by target, then by weight.
    weights : numpy.ndarray
        int32 (synapses,), raw in the format of the port.
    delays : numpy.ndarray
        uint8 (synapses,), steps, 1..255.
    """

    source: str
    target: str
    port: str
    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    delays: np.ndarray

    def __post_init__(self) -> None:
        for name in ("source", "target", "port"):
            require_type(self, name, str)
        for name, kind in (("indptr", np.uint32), ("indices", np.uint32), ("weights", np.int32), ("delays", np.uint8)):
            object.__setattr__(self, name, exact_array(name, getattr(self, name), kind))
        problems, here = Problems(), f"of projection {self.title}"
        sizes = {len(self.indices), len(self.weights), len(self.delays)}
        problems.require(len(sizes) == 1, f"Indices, weights and delays {here} must be as many, not {len(self.indices)}, {len(self.weights)} and "
                         f"{len(self.delays)}")
        indptr = self.indptr.astype(np.int64)
        problems.require(len(indptr) >= 2 and indptr[0] == 0 and indptr[-1] == len(self.indices) and bool(np.all(np.diff(indptr) >= 0)),
                         f"Array indptr {here} must ascend from 0 to {len(self.indices)}")
        problems.raise_any()
        problems.require(len(self.delays) == 0 or int(self.delays.min()) >= 1, f"Delays {here} must be in 1..{MAX_DELAY} steps, not 0")
        row = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        ordered = self.weights[1:] >= self.weights[:-1]
        for key in (self.indices, self.delays, row):
            ordered = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & ordered)
        problems.require(bool(np.all(ordered)), f"Synapses {here} must ascend in each row by delay, then target, then weight")
        problems.raise_any()

    @property
    def title(self) -> str:
        """Source, target and port."""
        return f"{self.source} → {self.target}.{self.port}"

    @property
    def extremes(self) -> tuple[int, int]:
        """Its smallest and largest weight, 0 without synapses."""
        return (int(self.weights.min()), int(self.weights.max())) if len(self.weights) else (0, 0)

    @property
    def longest(self) -> int:
        """Its longest delay, 0 without synapses."""
        return int(self.delays.max(initial=0))

    def problems(self, place: Place) -> Iterator[str]:
        """What does not fit the sizes of source and target."""
        if len(self.indptr) != place.sources + 1:
            yield f"Array indptr of projection {self.title} must have {place.sources + 1} entries, not {len(self.indptr)}"
        if (top := int(self.indices.max(initial=0))) >= place.targets:
            yield f"Targets of projection {self.title} must be below {place.targets}, not {top}"

    def count(self, targets: int) -> int:
        """Synapses."""
        return len(self.indices)

    def reach(self, targets: int) -> np.ndarray:
        """Most that it adds to each target in a step, without the sign, int64 (targets,)."""
        return np.bincount(self.indices, np.abs(self.weights.astype(np.int64)), targets).astype(np.int64)

    def expand(self, place: Place) -> "Projection":
        """Itself: what every kind of projection becomes."""
        return self

    @classmethod
    def of(cls, source: str, target: str, port: str, sources: int, pairs: Sequence[np.ndarray], weights: object, delays: object) -> "Projection":
        """Of pairs (source neuron, target neuron) in any order; a weight and a delay each, or one for all."""
        pre, post = (np.asarray(each, np.int64).ravel() for each in pairs)
        weight, delay = (np.broadcast_to(np.asarray(each), pre.shape) for each in (weights, delays))
        if len(pre) and not (0 <= pre.min() and pre.max() < sources):
            raise InputError(f"Source neurons of projection {source} → {target}.{port} must be in 0..{sources - 1}, not {pre.min()}..{pre.max()}")
        order = _order(pre, post, np.asarray(delay, np.int64), weight)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(pre, minlength=sources))])
        return cls(source, target, port, indptr, post[order], weight[order], delay[order])


def _order(pre: np.ndarray, post: np.ndarray, delay: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The order of synapses by source, delay, target and weight; what is to be refused later in any order."""
    if len(pre) == 0 or post.min() < 0 or max(pre.max(), post.max()) >= 1 << 24 or delay.min() < 0 or delay.max() > MAX_DELAY:
        slow: np.ndarray = np.lexsort((weight, post, delay, pre))
        return slow
    place = (pre << 32) | (delay << 24) | post
    order: np.ndarray = np.argsort(place)
    place = place[order]
    same = place[1:] == place[:-1]
    # Weights matter among synapses of one delay between the same two neurons, and those are few.
    several = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
    theirs = order[several]
    order[several] = theirs[np.lexsort((weight[theirs], place[several]))]
    return order
