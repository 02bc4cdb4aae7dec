"""Inputs: which word of its input memory a lane reads and writes, for deliveries and for the sweep."""

from typing import Any

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikegate.gateware.core.geometry import CoreGeometry

__all__ = ["input_signature", "address_members", "memory_members"]


def input_signature(g: CoreGeometry) -> wiring.Signature:
    """What happens to a lane's inputs.

    Members
    -------
    word : Out
        Of all banks; what is read of it is there in the next cycle in which ``move`` was high.
    move : Out(1)
        The word may change at the end of this cycle.
    add : Out(1)
        Those of the lane's row bits that are set add the row's weight to the word that was read.
    empty : Out(banks)
        The word becomes 0.
    bank : Out
        The one that is consumed.
    """
    return wiring.Signature({"word": Out(range(max(2, g.bursts))), "move": Out(1), "add": Out(1), "empty": Out(g.banks),
                             "bank": Out(range(max(2, g.banks)))})


def address_members(g: CoreGeometry, access: wiring.Signature | None = None) -> dict[str, Any]:
    """Ports of what addresses the inputs of all lanes.

    Members
    -------
    add, target : In
        Of the delivery: the words to which it adds.
    load, taken : In
        A load word is at work, and which.
    advance, fetch : In
        The sweep moves on, and the word that it wants next.
    consume : In(1)
        The word that was read is consumed.
    """
    word = range(max(2, g.words))
    return {"add": In(1), "target": In(range(max(2, g.bursts))).array(g.lanes), "load": In(g.write_layout()), "taken": In(1), "advance": In(1),
            "fetch": In(word), "consume": In(1), "o": Out(access or input_signature(g)).array(g.lanes)}


def memory_members(g: CoreGeometry, state: data.StructLayout, access: wiring.Signature | None = None) -> dict[str, Any]:
    """Ports of the memories of a lane: ``state`` and ``inputs`` of a neuron; a ``new_state`` is written where ``state_en``."""
    word = range(max(2, g.words))
    return {"fetch_word": In(word), "state_en": In(1), "state_word": In(word), "new_state": In(state.size),
            "access": In(access or input_signature(g)), "row_bit": In(g.banks),
            "row_weight": In(g.total_shape().width), "state": Out(state), "inputs": Out(g.total_shape().width)}
