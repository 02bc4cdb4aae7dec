"""What an engine returns: spikes in canonical order, final state, and, if asked, every value at every step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikegate.models.checks import exact_array, require_whole
from spikegate.models.errors import InputError

__all__ = ["Recording"]


@dataclass(frozen=True, eq=False)
class Recording:
    """The result of one run of one engine.

    Parameters
    ----------
    engine : str
        Name of the engine.
    n, steps : int
        Size of the run.
    spikes : numpy.ndarray
        int32 (count, 2): step and neuron, ascending by step, then by neuron.
    final : Mapping of str to numpy.ndarray
        State after the last step, (n,): ``v`` raw membrane, ``hold`` refractory steps left, ``overflow`` sticky flags.
        A float engine gives ``v`` in mV alone.
    trace : Mapping of str to numpy.ndarray
        (steps, n) arrays after each step, empty unless asked for: ``v``, ``hold``, ``overflow``, and ``events`` (external).
    cycles : int, optional
        Clock cycles of the run, for hardware engines.
    provenance : Mapping
        What produced it.
    """

    engine: str
    n: int
    steps: int
    spikes: np.ndarray
    final: Mapping[str, np.ndarray] = field(default_factory=dict)
    trace: Mapping[str, np.ndarray] = field(default_factory=dict)
    cycles: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_whole(self, "n", "steps")
        spikes = np.asarray(self.spikes)
        if spikes.size and spikes.dtype.kind not in "iu":
            spikes = exact_array("spikes", spikes, np.int32, spikes.ndim)
        if spikes.size % 2:
            raise InputError(f"Spikes must be pairs of step and neuron, not {spikes.size} numbers")
        spikes = spikes.astype(np.int32, copy=False).reshape(-1, 2)
        place = spikes[:, 0].astype(np.int64) * self.n + spikes[:, 1]
        ordered = bool(np.all(place[1:] >= place[:-1]))  # as most engines give them, and sorting takes longer than simulating
        object.__setattr__(self, "spikes", spikes if ordered else spikes[np.argsort(place, kind="stable")])
