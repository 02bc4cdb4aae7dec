"""Load words as the host link takes them: payloads of its LOADs."""

from collections.abc import Iterator

import numpy as np

from spikegate.models.core.address_map import Op, Param
from spikegate.models.errors import InputError
from spikegate.models.link.frames import MAX_PAYLOAD
from spikegate.models.link.payloads import CHOOSE, HEADER, Identity
from spikegate.models.link.point import PointTerms

__all__ = ["choice_frames", "load_frames"]


def load_frames(words: np.ndarray, identity: Identity | PointTerms) -> Iterator[bytes]:
    """Payloads of LOAD for the words of `spikegate.cosim.engines.rtl.load_words`: runs of one op in consecutive places, as long as fit.

    Raises
    ------
    InputError
        If the board has no such lane or address, or does not hold spikes for as long as the delay.
    """
    op, address, lane = (words[name].astype(np.int64) for name in ("op", "address", "lane"))
    limits = np.zeros(max(identity.op) + 1, np.int64)
    limits[[each.value for each in identity.op]] = [identity.addresses(each.value) for each in identity.op]
    limits, wrong, longest = limits[op], np.zeros(len(op), bool), ""
    if isinstance(identity, Identity):
        delay, longest = words["data"][:, 0].astype(np.int64), f", a delay in 1..{identity.max_delay}"
        wrong = (op == Op.PARAM.value) & (address == Param.DELAY.value) & ((delay < 1) | (delay > identity.max_delay))
    for at in np.flatnonzero((address >= limits) | (lane >= identity.lanes) | wrong)[:1]:
        name = identity.op(int(op[at])).name
        raise InputError(f"Load word {name} of lane {lane[at]}, address {address[at]}, data {words['data'][at, 0]} is outside the board: "
                         f"{identity.lanes} lanes, {limits[at]:,} addresses{longest}; load what was made for it")
    place = np.where(np.isin(op, identity.by_neuron), address * identity.lanes + lane, address)
    if isinstance(identity, PointTerms):  # within an op they may come in any order
        order = np.lexsort((place, np.cumsum(np.diff(op, prepend=op[:1]) != 0)))
        words, op, address, lane, place = words[order], op[order], address[order], lane[order], place[order]
    breaks = np.flatnonzero((np.diff(op) != 0) | (np.diff(place) != 1)) + 1
    for first, last in zip([0, *breaks.tolist()], [*breaks.tolist(), len(words)]):
        size = identity.item(int(op[first]))
        data = np.ascontiguousarray(words["data"][first:last]).view(np.uint8)
        items = np.pad(data, ((0, 0), (0, max(0, size - data.shape[1]))))[:, :size][:, ::-1]
        count = (MAX_PAYLOAD - HEADER) // size
        for start in range(first, last, count):
            header = bytes([op[start], *int(lane[start]).to_bytes(2, "big"), *int(address[start]).to_bytes(3, "big")])
            yield header + items[start - first:start - first + count].tobytes()


def choice_frames(neurons: np.ndarray, identity: Identity) -> Iterator[bytes]:
    """Payloads of LOAD that choose these neurons, and no others."""
    chosen, size = np.zeros(identity.words * identity.lanes, np.uint8), identity.item(CHOOSE)
    chosen[neurons] = 1
    count = (MAX_PAYLOAD - HEADER) // size
    for first in range(0, len(chosen), count):
        address, lane = divmod(first, identity.lanes)
        items = np.zeros((len(part := chosen[first:first + count]), size), np.uint8)
        items[:, -1] = part
        yield bytes([CHOOSE, *lane.to_bytes(2, "big"), *address.to_bytes(3, "big")]) + items.tobytes()
