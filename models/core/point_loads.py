"""Everything that makes a core of point neurons ready to run a network, as load words."""

import numpy as np

from spikegate.models.core.address_map import Load, PointOp
from spikegate.models.core.drives import Search
from spikegate.models.core.point_image import PointImage, set_fields, state_fields
from spikegate.models.core.point_size import PointSize
from spikegate.models.core.words import pack
from spikegate.models.network.point import PointNetwork
from spikegate.models.numeric.drive import UNIFORM_BITS, DriveParams
from spikegate.models.numeric.normal import middle

__all__ = ["point_loads"]


def _drives(image: PointImage, size: PointSize) -> list[Load]:
    """Tables, filled up with limits that no number exceeds, and what is kept beside each."""
    found = []
    tables = [(number, None if drive is None else drive.table) for number, drive in enumerate(image.drives)]
    if size.noise_bits:
        tables += [(size.noise_first + number, noise) for number, noise in enumerate(image.noises)]
    for number, table in tables:
        limits = np.full((1 << size.depth) - 1, (1 << UNIFORM_BITS) - 1, np.uint32)
        if table is not None:
            limits[:len(table.limits)] = table.limits
        index, limit = zip(*Search().words(DriveParams(limits, 0)))
        found.append(Load(PointOp.TABLE, np.array(limit, np.uint64), np.array(index) + (number << size.depth)))
    weights, offsets = zip(*((0, 0) if drive is None else (drive.table.weight, drive.offset) for drive in image.drives))
    worth = pack(size.drive_fields, {"weight": np.array(weights), "offset": np.array(offsets), "port": np.array(image.ports)}, len(image.drives))
    found.append(Load(PointOp.DRIVE, worth, np.arange(len(worth))))
    if size.noise_bits:
        weights, middles = zip(*((0, 0) if noise is None else (noise.weight, middle(noise.depth)) for noise in image.noises))
        worth = pack(size.noise_fields, {"weight": np.array(weights), "middle": np.array(middles)}, len(image.noises))
        found.append(Load(PointOp.DRIVE, worth, size.noise_first + np.arange(len(worth))))
    return found


def _sets(image: PointImage) -> list[Load]:
    """Each lane's parameter sets."""
    found = []
    for lane, sets in enumerate(image.lane_sets):
        for number, (unit, values) in enumerate(sets):
            fields = set_fields(image.structures[unit])
            found.append(Load(PointOp.SET, pack(fields, {name: np.array([x]) for name, x in zip(fields, values)}, 1), number, lane))
    return found


def _neurons(image: PointImage, size: PointSize) -> list[Load]:
    """What neurons are, their streams and states; places without one rest without a stream."""
    network, n = image.network, image.network.n
    count = size.words * size.lanes
    word, lane = np.divmod(np.arange(count), size.lanes)
    units = np.array([size.structures.index(each) + 1 for each in image.structures])
    full = {name: np.zeros(count, np.int64) for name in size.place_fields}
    for name, values in (("unit", units[image.unit]), ("set", image.set), ("drive", image.drive)):
        full[name][:n] = values
    seeds = np.zeros(count, np.uint64)
    seeds[:n] = network.seeds
    states = np.zeros((count, -(-size.state_bits // 64)), np.uint64)
    for each, first in zip(network.populations, network.firsts):
        packed = pack(state_fields(each.neuron), each.initial, each.size)
        states[first:first + each.size, :packed.shape[1]] = packed
    return [Load(PointOp.PLACE, pack(size.place_fields, full, count), word, lane), Load(PointOp.SEED, seeds, word, lane),
            Load(PointOp.STATE, states, word, lane)]


def point_loads(network: PointNetwork, size: PointSize) -> list[Load]:
    """The load words; whatever the core did before, it then runs the network from its first step."""
    image = PointImage(network, size.lanes)
    return [Load(PointOp.CLEAR, np.zeros(1, np.uint64)), Load(PointOp.EMPTY, np.zeros(size.words * size.slots, np.uint64), np.arange(
        size.words * size.slots)), *_drives(image, size), *_sets(image), *_neurons(image, size), *size.rows.loads(image, size)]
