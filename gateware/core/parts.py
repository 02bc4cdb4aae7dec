"""What makes the parts of a core: for each kind of row source, drive and neurons, as models/core describes them, its components."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from amaranth.hdl import Const, DomainRenamer, Module, Shape, Value, signed
from amaranth.lib import data, wiring

from spikegate.gateware.core.delivery import ListedDelivery, SweptDelivery
from spikegate.gateware.core.geometry import CoreGeometry
from spikegate.gateware.core.inputs import input_signature
from spikegate.gateware.core.inputs_banked import BankedAddress, BankedMemory
from spikegate.gateware.core.inputs_halves import HalvesAddress, HalvesMemory, halves_signature
from spikegate.gateware.core.inputs_shared import SharedAddress, SharedMemory
from spikegate.gateware.core.inputs_twice import TwiceAddress, TwiceMemory, twice_signature
from spikegate.gateware.core.rows_bitmap import Rows
from spikegate.gateware.core.rows_store import StoreDelivery
from spikegate.gateware.core.rows_store_halves import HalvesDelivery
from spikegate.gateware.core.rows_streams import StreamDelivery
from spikegate.gateware.core.sequencer import Sequencer
from spikegate.gateware.core.sequencer_overlap import OverlapSequencer
from spikegate.gateware.neuron.lif import Lif, params_shapes, state_layout
from spikegate.gateware.numeric.drive_search import Drive
from spikegate.gateware.numeric.drive_walk import WalkDrive
from spikegate.models.core.address_map import Param
from spikegate.models.core.drives import Search, Walk
from spikegate.models.core.neurons import LifNeurons
from spikegate.models.core.rows_bitmap import Bitmap
from spikegate.models.core.rows_store import Store
from spikegate.models.core.rows_streams import StreamGeometry
from spikegate.models.core.schedules import Apart, Overlap

__all__ = ["RowParts", "DriveParts", "ScheduleParts", "NeuronParts", "ROWS", "SCHEDULES", "DRIVES", "NEURONS", "row_parts"]


class RowParts(NamedTuple):
    """Of a row source.

    Parameters
    ----------
    delivery : callable
        With the ports of `spikegate.gateware.core.delivery.delivery_members`.
    address, memory : callable
        Of the inputs that it adds to, with those of `spikegate.gateware.core.inputs`.
    access : callable
        What goes from one to the other.
    """

    delivery: Callable[[CoreGeometry], wiring.Component]
    address: Callable[[CoreGeometry], wiring.Component]
    memory: Callable[[CoreGeometry, data.StructLayout], wiring.Component]
    access: Callable[[CoreGeometry], wiring.Signature] = input_signature


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


class ScheduleParts(NamedTuple):
    """Of a schedule.

    Parameters
    ----------
    sequencer : callable
        With the parameters and ports of `Sequencer`, one that can go on ``ahead`` with those of `OverlapSequencer`.
    join : callable
        Connects what sequencer, loader, delivery and inputs have to say to each other under this schedule; returns whether inputs are consumed.
    """

    sequencer: Callable[..., wiring.Component]
    join: Callable[[Module, wiring.Component, wiring.Component, wiring.Component, wiring.Component], Value]


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


def _after(m: Module, sequencer: wiring.Component, loader: wiring.Component, delivery: wiring.Component, inputs: wiring.Component) -> Value:
    consumed: Value = (sequencer.consumed.en & sequencer.advance) | loader.emptied
    return consumed


def _during(m: Module, sequencer: wiring.Component, loader: wiring.Component, delivery: wiring.Component, inputs: wiring.Component) -> Value:
    m.d.comb += [sequencer.early.eq(loader.delay != Overlap.LEAST_DELAY), delivery.begin.eq(sequencer.begin),
                 delivery.upper.eq(sequencer.upper), delivery.late.eq(sequencer.late), delivery.move.eq(sequencer.advance),
                 *(getattr(inputs, name).eq(getattr(sequencer, name)) for name in ("upper", "copy", "burst") if hasattr(inputs, name))]
    emptied: Value = loader.emptied
    return emptied


#: By kind of row source and of schedule.
ROWS: dict[tuple[type, type], RowParts] = {
    (Bitmap, Apart): RowParts(partial(ListedDelivery, rows=Rows), BankedAddress, BankedMemory),
    (Store, Apart): RowParts(StoreDelivery, SharedAddress, SharedMemory),
    (StreamGeometry, Apart): RowParts(StreamDelivery, BankedAddress, BankedMemory),
    (Bitmap, Overlap): RowParts(partial(SweptDelivery, rows=Rows), TwiceAddress, TwiceMemory, twice_signature),
    (Store, Overlap): RowParts(HalvesDelivery, HalvesAddress, HalvesMemory, halves_signature),
}
SCHEDULES: dict[type, ScheduleParts] = {Apart: ScheduleParts(Sequencer, _after), Overlap: ScheduleParts(OverlapSequencer, _during)}
DRIVES: dict[type, DriveParts] = {
    Search: DriveParts(lambda g: DomainRenamer("draw")(Drive(g.depth, g.lanes)), lambda m, drive, at_hand, move: Const(1)),
    Walk: DriveParts(lambda g: WalkDrive(g.depth, g.lanes), _walk_on),
}
NEURONS: dict[type, NeuronParts] = {LifNeurons: NeuronParts(_lif, _lif_params, lambda g: state_layout(g.format))}


def row_parts(g: CoreGeometry) -> RowParts:
    """What makes the delivery and the inputs of a geometry."""
    return ROWS[type(g.rows), type(g.schedule)]
