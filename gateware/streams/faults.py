"""Faults on the wires of the stream path: stuck at 0, stuck at 1, and flips; a point without faults costs no gate."""

from amaranth.hdl import Const, Module, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.models.errors import InputError

__all__ = ["faulty", "fault_layout", "inject", "Fault"]


def faulty(value: Value, stuck0: Value | int | None = None, stuck1: Value | int | None = None, flips: Value | int | None = None) -> Value:
    """``((value & ~stuck0) | stuck1) ^ flips``, as `spikegate.models.streams.faults.apply`; a mask that is None or 0 is no gate.

    Raises
    ------
    InputError
        If a mask is not as wide as the value, or an integer mask needs more bits.
    """
    def mask(name: str, given: Value | int | None) -> Value | None:
        if given is None or isinstance(given, int) and given == 0:
            return None
        if isinstance(given, int):
            needed, fits = given.bit_length() + (given < 0), 0 < given < 1 << len(value)
        else:
            needed, fits = len(Value.cast(given)), len(Value.cast(given)) == len(value)
        if not fits:
            raise InputError(f"Fault mask {name} must be {len(value)} lines wide as its point, not {needed} ({given!r})")
        return Const(given, len(value)) if isinstance(given, int) else Value.cast(given)

    zeros, ones, flipped = mask("stuck0", stuck0), mask("stuck1", stuck1), mask("flips", flips)
    if zeros is not None:
        value = value & ~zeros
    if ones is not None:
        value = value | ones
    return value if flipped is None else value ^ flipped


def fault_layout(width: int, stuck: bool, flips: bool) -> data.StructLayout:
    """Masks of one point: ``stuck0`` and ``stuck1`` if ``stuck``, ``flips`` if ``flips``."""
    return data.StructLayout({name: width for name, there in (("stuck0", stuck), ("stuck1", stuck), ("flips", flips)) if there})


def inject(value: Value, masks: data.View | None) -> Value:
    """`faulty` with the masks of a `fault_layout`; None is no fault."""
    return value if masks is None else faulty(value, **{name: masks[name] for name, _ in masks.shape()})


class Fault(wiring.Component):
    """One point of the stream path, combinational; the masks may change in every cycle.

    Parameters
    ----------
    width : int
        Lines.
    stuck, flips : bool
        Which kinds of fault exist.

    Members
    -------
    i : In(width)
    o : Out(width)
    masks : In(fault_layout(width, stuck, flips))
        Absent without faults. ``flips`` is a window of an encoder, one bit a line.
    """

    def __init__(self, width: int, stuck: bool, flips: bool) -> None:
        masks = {"masks": In(fault_layout(width, stuck, flips))} if stuck or flips else {}
        super().__init__({"i": In(width), "o": Out(width), **masks})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.o.eq(inject(self.i, getattr(self, "masks", None)))
        return m
