"""Load words as the host link takes them: payloads of its LOADs."""

from collections.abc import Iterator

import numpy as np

from spikegate.models.core.address_map import BY_NEURON, Op, Param
from spikegate.models.errors import InputError
from spikegate.models.link.frames import MAX_PAYLOAD
from spikegate.models.link.payloads import HEADER, Identity, item_bytes

__all__ = ["load_frames"]


def load_frames(words: np.ndarray, identity: Identity) -> Iterator[bytes]:
    """Payloads of LOAD for the words of `spikegate.cosim.engines.rtl.load_words`: runs of one op in consecutive places, as long as fit.

    Raises
    ------
    InputError
        If the board has no such lane or address, or does not hold spikes for as long as the delay.
    """
    op, address, lane = (words[name].astype(np.int64) for name in ("op", "address", "lane"))
    delay, limits = words["data"][:, 0].astype(np.int64), np.array([identity.addresses(each.value) for each in Op])[op]
    too_long = (op == Op.PARAM.value) & (address == Param.DELAY.value) & ((delay < 1) | (delay > identity.max_delay))
    for at in np.flatnonzero((address >= limits) | (lane >= identity.lanes) | too_long)[:1]:
        raise InputError(f"Load word {Op(int(op[at])).name} of lane {lane[at]}, address {address[at]}, data {words['data'][at, 0]} is outside the "
                         f"board: {identity.lanes} lanes, {limits[at]:,} addresses, a delay in 1..{identity.max_delay}; load what was made for it")
    place = np.where(np.isin(op, BY_NEURON), address * identity.lanes + lane, address)
    breaks = np.flatnonzero((np.diff(op) != 0) | (np.diff(place) != 1)) + 1
    for first, last in zip([0, *breaks.tolist()], [*breaks.tolist(), len(words)]):
        size = item_bytes(int(op[first]), identity.row_bits)
        items = np.ascontiguousarray(words["data"][first:last]).view(np.uint8)[:, :size][:, ::-1]
        count = (MAX_PAYLOAD - HEADER) // size
        for start in range(first, last, count):
            header = bytes([op[start], *int(lane[start]).to_bytes(2, "big"), *int(address[start]).to_bytes(3, "big")])
            yield header + items[start - first:start - first + count].tobytes()
