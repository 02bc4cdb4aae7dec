"""Whether the memories of a core of point neurons have room in a board's block RAM, said before anything is built."""

from spikegate.models.core.point_size import PointSize
from spikegate.models.core.rows_csr import Csr
from spikegate.models.core.words import record_bits
from spikegate.models.errors import InputError
from spikegate.models.link.board import BOARDS, Board

__all__ = ["BEST", "SMALL", "block_rams", "blocks", "check_memory"]

#: Words and bits of a block RAM, by family, and how wide it is at its best where that pays for splitting a record.
SHAPES = {"ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
          "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))}
BEST = {"ice40": 0, "ecp5": 18}
#: Bits of a memory that an ECP5 rather has in its logic cells.
SMALL = {"ice40": 0, "ecp5": 4096}
#: Of the host link: frames, what is sent, events.
LINK = {"ice40": 5, "ecp5": 4}


def blocks(family: str, depth: int, bits: int) -> int:
    """Block RAMs of a memory, in the shape that takes fewest."""
    return min(-(-depth // words) * -(-bits // width) for words, width in SHAPES[family]) if depth * bits > SMALL[family] else 0


def block_rams(family: str, size: PointSize) -> dict[str, int]:
    """Of each kind of memory of a core, in all lanes."""
    total = record_bits(size.synapse_fields)
    part = size.rows.part or total if isinstance(size.rows, Csr) else total
    rows = [min(part, total - first) for first in range(0, total, part)] if isinstance(size.rows, Csr) else []
    each = {"rows": sum(blocks(family, size.row_words, bits) for bits in rows),
            "inputs": size.ports * blocks(family, size.words * size.slots, size.width),
            "states": blocks(family, size.words, size.state_bits), "generators": blocks(family, size.words, size.lfsr.width),
            "parameter sets": blocks(family, size.sets, size.set_bits)}
    return {**{name: size.lanes * count for name, count in each.items()},
            "pointers": blocks(family, size.sources, record_bits(size.pointer_fields)) if rows else 0, "host link": LINK[family]}


def check_memory(board: Board, size: PointSize) -> None:
    """Refuse a core whose memories take more block RAMs than the board's part has.

    Raises
    ------
    InputError
        With what takes them.
    """
    need, limit = block_rams(board.family, size), board.capacity["bram"]
    if (count := sum(need.values())) > limit:
        most = ", ".join(f"{name} {value:,}" for name, value in sorted(need.items(), key=lambda item: -item[1]) if value)
        others = ", ".join(name for name, each in BOARDS.items() if each.capacity["bram"] > limit)
        fix = "use fewer synapses or neurons, other --lanes" + (f", or another board: {others}" if others else "")
        raise InputError(f"Core of N={size.n:,} in {size.lanes} lanes takes {count:,} block RAMs ({most}), above the {limit:,} of the {board.title}; "
                         f"{fix}")
