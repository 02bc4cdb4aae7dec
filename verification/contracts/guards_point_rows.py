"""Guards of the row sources of a core of point neurons that keep no list on the chip: generated rows with their parts, and rows outside."""

import random

from spikegate.gateware.core.row_lane import block_layout
from spikegate.models.core.rows_generated import CIPHER_CYCLES
from spikegate.models.errors import SpikegateError
from spikegate.models.network.generated import ROUNDS, mix
from verification.contracts.catalogue import GENERATED, LANE, OUTSIDE
from verification.contracts.guards_generated import begun, leap, numbers, rows_generated_rows, stripe_of
from verification.contracts.guards_streams import Source, component
from verification.contracts.table import Guard

__all__ = ["GUARDS"]

G, X = GENERATED, OUTSIDE
MASK = (1 << 32) - 1


def rounds(state: int, seed: int, first: int) -> int:
    """The cipher's two halves eight rounds later; the first of them is number ``first``."""
    x, y = state >> 32, state & MASK
    turned = lambda value, k: (value << k | value >> 32 - k) & MASK  # noqa: E731
    for t in range(first, first + ROUNDS[1] // CIPHER_CYCLES):
        x, y = y ^ turned(x, 1) & turned(x, 8) ^ turned(x, 2) ^ seed >> 32 * (t & 1) & MASK ^ t, x
    return x << 32 | y


def row_cipher_rows(rng: random.Random):
    """Numbers and seeds one after another, at once, late, and while one is at work; a seed that is held gives the words of the golden model."""
    first, second, count, seed, value = 0, 0, CIPHER_CYCLES, 0, 0
    held: tuple[int, int] | None = None
    while True:
        start = count == CIPHER_CYCLES and rng.random() < 0.6 or rng.random() < 0.02
        if start or rng.random() < 0.01:
            seed, changed = numbers(rng, 64), True
        else:
            changed = False
        value = numbers(rng, 32) if start else rng.getrandbits(32)
        busy = count < CIPHER_CYCLES
        yield {"start": start, "seed": seed, "value": value}, {"busy": busy, "first": first, "second": second}
        if start:
            # The seed counts from the next cycle on; it changes now and then, and then nothing is known but round by round.
            second, count, held = value << 32, 0, (seed, value)
        elif busy:
            second, count = rounds(second, seed, 8 * count), count + 1
            held = held if held and not changed else None
            if 8 * count == ROUNDS[0]:
                first = second
            if count == CIPHER_CYCLES and held and (first, second) != mix(*held):
                raise SpikegateError("Rounds are not those of the golden model")


def row_lane_rows(rng: random.Random):
    """Blocks of any shape, and the same block for some cycles; rows begin at any time."""
    layout, state, at = block_layout(G), 0, None
    field = layout["stripes"].shape.elem_shape
    while True:
        if at is None or rng.random() < 0.7:
            block = rng.randint(2, G.block)
            own = [{"valid": rng.random() < 0.8, "stripe": rng.randrange(block)} for _ in range(2)]
            stripes = [{"word": rng.randrange(1 << field["word"].width), "first": rng.random() < 0.3, "last": rng.random() < 0.3,
                        "beyond": rng.random() < 0.2} for _ in range(G.block)]
            at = {"block": block, "place": rng.randrange(block), "tables": [rng.randrange(block) for _ in range(8)], "own": own,
                  "nearest": rng.randrange(G.lanes), "recurrent": rng.random() < 0.7, "stripes": stripes,
                  "first_lane": rng.randrange(G.lanes), "last_lane": rng.randrange(G.lanes)}
        start, move, seed = rng.random() < 0.1, rng.random() < 0.7, numbers(rng, 64)
        later, new = leap(state)
        member = (LANE - at["nearest"]) % G.lanes
        own = at["own"][at["nearest"] > LANE]
        diagonal = at["recurrent"] and own["valid"] and member < at["block"]
        target = at["stripes"][stripe_of(new, at["block"], at["tables"], at["place"], (own["stripe"], member) if diagonal else None)]
        valid = not (target["beyond"] or target["first"] and at["first_lane"] > LANE or target["last"] and at["last_lane"] < LANE)
        yield {"seed": seed, "start": start, "move": move, "at": layout.const(at).as_bits()}, {"valid": valid, "word": target["word"]}
        state = begun(seed, LANE) if start else later if move else state


def rows_external_rows(rng: random.Random):
    """Rows of none to seven words, a memory that answers at once, late or for long not at all, and answers that nobody waits for."""
    dut = component("rows_external")
    shape, pointer, width = dut.signature.members["load"].shape, X.pointer_layout(), dut.response.payload.shape().size
    pointers, found, left, at, away = [(0, 0)] * X.sources, None, 0, 0, 0
    source, memory = Source(iter(lambda: rng.randrange(X.sources), None), rng), Source(iter(lambda: rng.getrandbits(width), None), rng)
    stall, pauses, loading, late, refuses, unasked = 0.0, 0.0, 0.8, 0.0, 0.0, 0.0
    while True:
        if rng.random() < 0.02:
            stall, pauses, loading = rng.choice((0.0, 0.5, 0.9)), rng.choice((0.0, 0.0, 0.7)), rng.choice((0.0, 0.1, 0.8))
            refuses, unasked = rng.choice((0.0, 0.5)), rng.choice((0.0, 0.0, 0.3))
        if rng.random() < 0.003:
            late = rng.choice((0.0, 0.5, 1.0))
        offered, ready, asks, clear = source.offer(pauses), rng.random() >= stall, rng.random() >= refuses, rng.random() < 0.002
        shown = memory.offer(late if away else 1 - unasked)
        take, wants = found is None and offered is not None, left != 0 and away != 255
        asked, taken = wants and asks, ready and away != 0
        room = left == 0 or left == 1 and asked
        words = {"pointer": rng.random() < loading and not take, "clear": clear}
        load = {"en": {op: rng.getrandbits(1) for op in shape["en"].shape.members} | words, "address": rng.getrandbits(32),
                "lane": rng.getrandbits(16), "data": rng.getrandbits(64), "op": rng.getrandbits(8)}
        yield ({**source.port(4, offered), "o__ready": ready, "request__ready": asks, "response__valid": shown is not None,
                "response__payload": rng.getrandbits(width) if shown is None else shown, "load": shape.const(load).as_bits()},
               {"i__ready": found is None, "busy": found is not None or left != 0 or away != 0, "request__valid": wants, "request__payload": at,
                "response__ready": taken, "o__valid": shown is not None and away != 0, "o__payload": shown})
        if room:
            if found is not None:
                at, left = found
            else:
                left = 0
            found = None
        elif asked:
            at, left = (at + 1) % X.row_words, left - 1
        if take:
            found = pointers[offered]
        away += asked - (taken and shown is not None)
        if words["pointer"]:
            to = pointer.from_bits(load["data"] & (1 << pointer.size) - 1)
            pointers[load["address"] % X.sources] = to.first, to.number
        source.end(take)
        memory.end(taken)
        if clear:
            found, left, away = None, 0, 0


def sound_block() -> str:
    """Verilog: a block that there can be, of two sources or more, and what is below their number."""
    layout = block_layout(G)

    def at(field, offset: int = 0) -> str:
        return f"at[{offset + field.offset + field.width - 1}:{offset + field.offset}]"
    block, places = at(layout["block"]), layout["tables"].shape
    below = [at(layout["place"]), *(at(places[k], layout["tables"].offset) for k in range(8)),
             *(at(layout["own"].shape.elem_shape["stripe"], layout["own"].offset + layout["own"].shape[k].offset) for k in range(2))]
    return " & ".join([f"({block} >= 2)", f"({block} <= {G.block})", *(f"({one} < {block})" for one in below)])


GUARDS = {
    "row_cipher": Guard(row_cipher_rows, 1500),
    "row_lane": Guard(row_lane_rows, 1500, assume=sound_block()),
    "rows_generated": Guard(rows_generated_rows, 2500, {"o__payload": ("o__valid",)}, ("i",), proved=False),
    "rows_external": Guard(rows_external_rows, 3000, {"o__payload": ("o__valid",), "request__payload": ("request__valid",)}, ("i", "response")),
}
