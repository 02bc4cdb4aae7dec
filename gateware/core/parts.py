"""What makes the parts of a core: for each kind of row source, drive and neurons, as models/core describes them, its components."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from amaranth.hdl import Const, DomainRenamer, Module, Shape, Value, signed
from amaranth.lib import data, wiring

from spikegate.gateware.core.delivery import ListedDelivery
from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.inputs_banked import BankedAddress, BankedMemory
from spikegate.gateware.core.inputs_shared import SharedAddress, SharedMemory
from spikegate.gateware.core.rows_bitmap import Rows
from spikegate.gateware.core.rows_store import StoreDelivery
from spikegate.gateware.core.rows_streams import StreamDelivery
from spikegate.gateware.neuron.lif import Lif, params_shapes, state_layout
from spikegate.gateware.numeric.drive_search import Drive
from spikegate.gateware.numeric.drive_walk import WalkDrive
from spikegate.models.core.address_map import Param
from spikegate.models.core.drives import Search, Walk
from spikegate.models.core.neurons import LifNeurons
from spikegate.models.core.rows_bitmap import Bitmap
from spikegate.models.core.rows_store import Store
from spikegate.models.core.rows_streams import StreamGeometry

__all__ = ["RowParts", "DriveParts", "NeuronParts", "ROWS", "DRIVES", "NEURONS"]


class RowParts(NamedTuple):
    """Of a row source.

    Parameters
    ----------
    delivery : callable
        With the ports of `spikegate.gateware.core.delivery.delivery_members`.
    address, memory : callable
        Of the inputs that it adds to, with those of `spikegate.gateware.core.inputs`.
    """

    delivery: Callable[[CoreGeometry], wiring.Component]
    address: Callable[[CoreGeometry], wiring.Component]
    memory: Callable[[CoreGeometry, data.StructLayout], wiring.Component]


class DriveParts(NamedTuple):
    """Of a drive.

    Parameters
    ----------
    make : callable
        With ``uniform``, ``events`` and ``load``, as `Drive`.
    join : callable
        Tells it that a word is at hand, and that the pipeline before it moves; returns whether it has done with that word.
    """

    make: Callable[[CoreGeometry], wiring.Component]
    join: Callable[[Module, wiring.Component, Value, Value], Value]


class NeuronParts(NamedTuple):
    """Of a kind of neurons: its unit, with ports as `Lif`, shapes of the parameters that are its ports, and its state, with ``overflow`` last."""

    unit: Callable[[CoreGeometry], wiring.Component]
    params: Callable[[CoreGeometry], dict[Param, Shape]]
    state: Callable[[CoreGeometry], data.StructLayout]


def _walk_on(m: Module, drive: wiring.Component, at_hand: Value, move: Value) -> Value:
    m.d.comb += [drive.en.eq(at_hand), drive.move.eq(move)]
    return drive.done | ~drive.en


def _lif(g: CoreGeometry) -> wiring.Component:
    return Lif(g.format, g.rounding, g.overflow, gain=False, noise=False, leak_fraction=g.leak_fraction)


def _lif_params(g: CoreGeometry) -> dict[Param, Shape]:
    shapes = params_shapes(g.format, g.leak_fraction)
    return {param: shapes[param.name.lower()] for param in Param if param.name.lower() in shapes} | {Param.DRIVE_WEIGHT: signed(g.format.width)}


ROWS: dict[type, RowParts] = {
    Bitmap: RowParts(partial(ListedDelivery, rows=Rows), BankedAddress, BankedMemory),
    Store: RowParts(StoreDelivery, SharedAddress, SharedMemory),
    StreamGeometry: RowParts(StreamDelivery, BankedAddress, BankedMemory),
}
DRIVES: dict[type, DriveParts] = {
    Search: DriveParts(lambda g: DomainRenamer("draw")(Drive(g.depth, g.lanes)), lambda m, drive, at_hand, move: Const(1)),
    Walk: DriveParts(lambda g: WalkDrive(g.depth, g.lanes), _walk_on),
}
NEURONS: dict[type, NeuronParts] = {LifNeurons: NeuronParts(_lif, _lif_params, lambda g: state_layout(g.format))}
