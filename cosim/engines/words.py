"""Words that go into a core and come out of it, as bytes: those of loads, sweeps, recorded events, and rows outside; for both cores."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np

from spikegate.gateware.core.core import CoreGeometry
from spikegate.gateware.core.point_geometry import PointGeometry
from spikegate.models.core.address_map import Load, Op
from spikegate.models.core.point_image import PointImage, state_fields
from spikegate.models.core.rows_csr import row_words
from spikegate.models.core.rows_external import External
from spikegate.models.core.words import Field
from spikegate.models.core.words import unpack as unpacked
from spikegate.models.network.base import FrozenNetwork
from spikegate.models.network.point import PointNetwork

__all__ = ["Geometry", "Outside", "load_dtype", "load_array", "run_word", "unpack", "states", "named_states", "swept", "memory_words", "outside"]

#: Of either core.
Geometry = CoreGeometry | PointGeometry


def load_dtype(geometry: Geometry) -> np.dtype:
    """A word of the load stream as numpy lays it out; the same bytes as the geometry's ``load_layout``."""
    fields = {"data": ("<u8", (geometry.load_layout()["data"].width // 64,)), "address": "<u4", "lane": "<u2", "op": "u1", "pad": "u1"}
    return np.dtype(list((name, *kind) if isinstance(kind, tuple) else (name, kind) for name, kind in fields.items()))


def load_array(geometry: Geometry, load: Load) -> np.ndarray:
    """Load words of one op."""
    values = np.asarray(load.data)
    wide = values if values.ndim == 2 else values.reshape(-1, 1)
    words = np.zeros(len(wide), load_dtype(geometry))
    words["data"][:, :wide.shape[1]] = wide.astype(np.int64).view(np.uint64) if wide.dtype.kind == "i" else wide
    words["address"], words["lane"], words["op"] = load.address, load.lane, load.op
    return words


def run_word(geometry: Geometry, steps: int) -> np.ndarray:
    """The word that runs ``steps`` steps."""
    return load_array(geometry, Load(Op.RUN, np.array([steps], np.uint64)))


def unpack(sweeps: np.ndarray, geometry: CoreGeometry) -> dict[str, np.ndarray]:
    """Sweep words as bytes (count, size) to arrays (count / W, n): ``v``, ``hold``, ``overflow``, ``events``."""
    g, layout = geometry, geometry.lane_layout()
    record = np.dtype(f"<u{layout.size // 8}")
    raw = np.ascontiguousarray(sweeps[:, :g.lanes * record.itemsize]).view(record).reshape(-1, g.words * g.lanes)[:, :g.n]
    take: Callable[[str, Any], np.ndarray] = lambda name, kind: ((raw >> layout[name].offset) & ((1 << layout[name].width) - 1)).astype(kind)  # noqa: E731
    narrow = np.dtype("<i2" if g.format.width <= 16 else "<i4")
    spare = 8 * narrow.itemsize - g.format.width
    return {"v": take("v", narrow.str.replace("i", "u")).view(narrow) << spare >> spare, "hold": take("hold", np.uint8),
            "overflow": take("overflow", np.uint8), "events": take("events", np.uint8)}


def states(network: PointNetwork, sweeps: np.ndarray, geometry: PointGeometry) -> dict[str, np.ndarray]:
    """Sweep words as bytes (count, size) to int32 arrays (count / W, n): every state, 0 where a neuron has none of it, and ``events``."""
    g, layout = geometry, geometry.lane_layout()
    size = layout.size // 8
    words = np.ascontiguousarray(sweeps[:, :g.lanes * size]).view("<u8").reshape(-1, g.words * g.lanes, size // 8)[:, :network.n]
    return {**named_states(network, words), "events": unpacked(words, layout["events"].offset, Field(g.events_bits)).astype(np.int32)}


def named_states(network: PointNetwork, words: np.ndarray) -> dict[str, np.ndarray]:
    """States as uint64 (steps, n, any) to int32 arrays (steps, n), 0 where a neuron has none of it."""
    found: dict[str, np.ndarray] = {}
    for each, first in zip(network.populations, network.firsts):
        at, here = 0, slice(first, first + each.size)
        for name, field in state_fields(each.neuron).items():
            found.setdefault(name, np.zeros(words.shape[:2], np.int32))[:, here] = unpacked(words[:, here], at, field)
            at += field.width
    return found


def swept(network: FrozenNetwork, sweeps: np.ndarray, geometry: Geometry) -> dict[str, np.ndarray]:
    """What sweep words say, of whichever core: `unpack` or `states`."""
    return states(cast(PointNetwork, network), sweeps, geometry) if isinstance(geometry, PointGeometry) else unpack(sweeps, geometry)


def memory_words(network: PointNetwork, geometry: PointGeometry) -> np.ndarray:
    """Rows as a memory outside has them: bytes (words, any), synapse by synapse from the lowest bit on."""
    packing, bits = PointImage(network, geometry.lanes).packing, geometry.synapse_layout().size
    records = row_words(packing, geometry).view(np.uint8)
    each = np.unpackbits(records, axis=1, bitorder="little")[:, :bits].reshape(packing.words, -1)
    return np.packbits(each, axis=1, bitorder="little")


class Outside(NamedTuple):
    """What a core of point neurons is given while it runs.

    Parameters
    ----------
    events : numpy.ndarray
        Recorded ones, int64 (events, 2): step and source, ascending.
    rows : numpy.ndarray, optional
        As `memory_words`, if it has them outside.
    latency, seed : int
        By how many cycles that memory is late at most, and what decides by how many, not 0.
    """

    events: np.ndarray
    rows: np.ndarray | None = None
    latency: int = 0
    seed: int = 1


def outside(network: PointNetwork, geometry: PointGeometry, latency: int = 0, seed: int = 1) -> Outside:
    """Of a network on a geometry."""
    rows = memory_words(network, geometry) if isinstance(geometry.rows, External) else None
    return Outside(network.input_events, rows, latency, seed)
